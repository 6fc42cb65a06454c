"""Making a release: what changed since the one before is written, the rest carried over where it lies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Integer, bindparam, delete, func, insert, select

from bot.frozen import dataclass
from bot.store import content
from bot.store.content import Key
from bot.store.schema import document_drafts, release_items, releases, revisions

_ITEMS = (release_items.c.kind, release_items.c.name, release_items.c.revision)
_CARRY_OVER = insert(release_items).from_select(
    ["operator_id", "number", "kind", "name", "revision"],
    select(release_items.c.operator_id, bindparam("number", type_=Integer), *_ITEMS).where(
        release_items.c.operator_id == bindparam("of"), release_items.c.number == bindparam("base")
    ),
)
_LEAVE_OUT = delete(release_items).where(
    release_items.c.operator_id == bindparam("of"),
    release_items.c.number == bindparam("at"),
    release_items.c.kind == bindparam("kind_"),
    release_items.c.name == bindparam("name_"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a published revision comes from: a draft's number and author, and who approved it."""

    revision: int
    staff_id: str
    approved_by: str | None = None


def digest(documents: Iterable[tuple[str, str, Any]]) -> bytes:
    """The hash of what a release holds, whatever the order of its documents (SHA-256)."""
    made = hashlib.sha256()
    for kind, name, body in sorted(documents, key=lambda one: one[:2]):
        made.update(msgspec.json.encode([kind, name, body]) + b"\n")
    return made.digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class NextRelease:
    """What release `base` becomes: the words of documents that change, and all of its documents that do not stay.

    Made beside the writer, so that nobody's turn waits while the whole content is gone through.
    """

    base: int
    changed: Mapping[Key, str] = field(repr=False)
    left_out: frozenset[Key]
    digest: bytes


def after(
    base: int,
    known: Iterable[tuple[str, str, Any]],
    wanted: Iterable[tuple[str, str, Any]],
    always: Iterable[Key] = (),
) -> NextRelease:
    """The release of exactly the wanted documents, where `base` has the known ones. `always` count as changed."""
    old, new = ({(kind, name): body for kind, name, body in rows} for rows in (known, wanted))
    same = old.keys() - {*always}
    changed = {}
    for key, body in new.items():
        if key in same and old[key] == body:
            continue
        text = msgspec.json.encode(body)
        if key not in same or text != msgspec.json.encode(old[key]):
            changed[key] = text.decode()
    return NextRelease(
        base=base,
        changed=changed,
        left_out=frozenset(key for key in old if key in changed or key not in new),
        digest=digest((*key, body) for key, body in new.items()),
    )


def publish(
    connection: Connection,
    operator_id: str,
    wanted: Iterable[tuple[str, str, Any]],
    note: str,
    now: datetime,
    *,
    number: int | None = None,
    staff_id: str | None = None,
) -> int:
    """A release of exactly these documents. Returns its number; see `take`."""
    base = (number or content.latest_number(connection, operator_id) + 1) - 1
    made = after(base, content.documents(connection, operator_id, base), wanted)
    return take(connection, operator_id, made, note, now, staff_id=staff_id)


def take(
    connection: Connection,
    operator_id: str,
    made: NextRelease,
    note: str,
    now: datetime,
    *,
    staff_id: str | None = None,
    origins: Mapping[Key, Origin] | None = None,
) -> int:
    """The release after `made.base`: its documents as they were, but for what changed. Returns its number.

    A document with an origin keeps its draft's number; what else changed gets one after all drafts, so that whoever
    writes on top of older words learns of it. Two processes publishing at once collide on the release's key; the
    loser's transaction leaves nothing.
    """
    number, origins = made.base + 1, origins or {}
    connection.execute(
        insert(releases).values(
            operator_id=operator_id,
            number=number,
            note=note,
            published_at=now,
            staff_id=staff_id,
            digest=made.digest,
        )
    )
    newest = _newest(connection, operator_id, made.changed)
    fresh, items = [], []
    for (kind, name), text in made.changed.items():
        origin = origins.get((kind, name))
        revision = origin.revision if origin else newest.get((kind, name), 0) + 1
        key = {"operator_id": operator_id, "kind": kind, "name": name, "revision": revision}
        by = {
            "staff_id": origin.staff_id if origin else staff_id,
            "approved_by": origin.approved_by if origin else None,
        }
        fresh.append({**key, "body": text, "created_at": now, **by})
        items.append({**key, "number": number})
    connection.execute(_CARRY_OVER, {"of": operator_id, "base": made.base, "number": number})
    if made.left_out:
        left_out = [
            {"of": operator_id, "at": number, "kind_": kind, "name_": name} for kind, name in made.left_out
        ]
        connection.execute(_LEAVE_OUT, left_out)
    if fresh:
        connection.execute(insert(revisions), fresh)
        connection.execute(insert(release_items), items)
    return number


def _newest(connection: Connection, operator_id: str, keys: Iterable[Key]) -> dict[Key, int]:
    """The number of the newest state of each document, in drafts or in releases."""
    names, found = sorted({name for _, name in keys}), dict[Key, int]()
    for table in (revisions, document_drafts):
        query = (
            select(table.c.kind, table.c.name, func.max(table.c.revision).label("revision"))
            .where(table.c.operator_id == operator_id, table.c.name.in_(names))
            .group_by(table.c.kind, table.c.name)
        )
        for row in connection.execute(query):
            key = row.kind, row.name
            found[key] = max(found.get(key, 0), row.revision)
    return found

"""Documents, revisions and releases. A release is immutable: it pins one revision of each document."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, func, insert, select

from bot.store.schema import document_drafts, release_items, releases, revisions, staff

Key = tuple[str, str]
"""Kind and name of a document."""
Rows = list[tuple[str, str, dict[str, Any]]]

_LATEST = select(func.max(releases.c.number)).where(releases.c.operator_id == bindparam("operator_id"))
_ITEM = (
    (release_items.c.operator_id == revisions.c.operator_id)
    & (release_items.c.kind == revisions.c.kind)
    & (release_items.c.name == revisions.c.name)
    & (release_items.c.revision == revisions.c.revision)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a published revision comes from: a draft's number and author, and who approved it."""

    revision: int
    staff_id: str
    approved_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRow:
    """One release as a list shows it. `by` is the name of who published it; empty when it was a command."""

    number: int
    note: str
    published_at: datetime
    by: str
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionRow:
    """One revision of a document that was public, with the release it first stood in; without, it was removed."""

    release: int
    published_at: datetime
    revision: int
    by: str
    approved_by: str
    body: dict[str, Any] = field(repr=False)


def latest_number(connection: Connection, operator_id: str) -> int:
    """The number of the latest release; 0 when there is none."""
    return connection.scalar(_LATEST, {"operator_id": operator_id}) or 0


def digest(documents: Iterable[tuple[str, str, Any]]) -> bytes:
    """The hash of what a release holds, whatever the order of its documents (SHA-256)."""
    made = hashlib.sha256()
    for kind, name, content in sorted(documents, key=lambda one: one[:2]):
        made.update(msgspec.json.encode([kind, name, content]) + b"\n")
    return made.digest()


def publish(
    connection: Connection,
    operator_id: str,
    documents: Iterable[tuple[str, str, Any]],
    note: str,
    now: datetime,
    *,
    number: int | None = None,
    staff_id: str | None = None,
    origins: Mapping[Key, Origin] | None = None,
) -> int:
    """Writes the documents as new revisions where they changed, and a release of exactly these. Returns its number.

    A document with an origin keeps its draft's number; what else changed gets one after all drafts, so that whoever
    writes on top of older words learns of it. Two processes publishing at once collide on the release's key; the
    loser's transaction leaves nothing. Who means one certain `number` collides with whoever had it before.
    """
    number = number or latest_number(connection, operator_id) + 1
    known, origins = [*documents], origins or {}
    newest, drafted = _newest(connection, operator_id), _drafted(connection, operator_id)
    fresh, items = [], []
    for kind, name, content in known:
        text, origin = msgspec.json.encode(content).decode(), origins.get((kind, name))
        revision, before = newest.get((kind, name), (0, ""))
        if origin is not None or text != before:
            revision = origin.revision if origin else max(revision, drafted.get((kind, name), 0)) + 1
            written = {"kind": kind, "name": name, "revision": revision, "body": text, "created_at": now}
            by = {
                "staff_id": origin.staff_id if origin else staff_id,
                "approved_by": origin.approved_by if origin else None,
            }
            fresh.append({"operator_id": operator_id, **written, **by})
        items.append(
            {"operator_id": operator_id, "number": number, "kind": kind, "name": name, "revision": revision}
        )
    connection.execute(
        insert(releases).values(
            operator_id=operator_id,
            number=number,
            note=note,
            published_at=now,
            staff_id=staff_id,
            digest=digest(known),
        )
    )
    if fresh:
        connection.execute(insert(revisions), fresh)
    connection.execute(insert(release_items), items)
    return number


def _newest(connection: Connection, operator_id: str) -> dict[Key, tuple[int, str]]:
    """The newest revision of every document there ever was, with its words."""
    last = (
        select(revisions.c.kind, revisions.c.name, func.max(revisions.c.revision).label("revision"))
        .where(revisions.c.operator_id == operator_id)
        .group_by(revisions.c.kind, revisions.c.name)
        .subquery()
    )
    query = select(revisions.c.kind, revisions.c.name, revisions.c.revision, revisions.c.body).join(
        last,
        (revisions.c.kind == last.c.kind)
        & (revisions.c.name == last.c.name)
        & (revisions.c.revision == last.c.revision),
    )
    rows = connection.execute(query.where(revisions.c.operator_id == operator_id))
    return {(row.kind, row.name): (row.revision, row.body) for row in rows}


def _drafted(connection: Connection, operator_id: str) -> dict[Key, int]:
    query = (
        select(
            document_drafts.c.kind,
            document_drafts.c.name,
            func.max(document_drafts.c.revision).label("revision"),
        )
        .where(document_drafts.c.operator_id == operator_id)
        .group_by(document_drafts.c.kind, document_drafts.c.name)
    )
    return {(row.kind, row.name): row.revision for row in connection.execute(query)}


def published_at(connection: Connection, operator_id: str, number: int) -> datetime | None:
    """When a release was published; None when there is none of that number."""
    query = select(releases.c.published_at).where(
        releases.c.operator_id == operator_id, releases.c.number == number
    )
    return connection.scalar(query)


def number_at(connection: Connection, operator_id: str, at: datetime) -> int:
    """The newest release that was published before an instant; 0 when there was none."""
    query = select(func.max(releases.c.number)).where(
        releases.c.operator_id == operator_id, releases.c.published_at < at
    )
    return connection.scalar(query) or 0


def documents(connection: Connection, operator_id: str, number: int) -> Rows:
    """(kind, name, body) of every document of a release, in a fixed order."""
    query = (
        select(revisions.c.kind, revisions.c.name, revisions.c.body)
        .join(release_items, _ITEM)
        .where(release_items.c.operator_id == operator_id, release_items.c.number == number)
        .order_by(revisions.c.kind, revisions.c.name)
    )
    return [(row.kind, row.name, msgspec.json.decode(row.body)) for row in connection.execute(query)]


def document(
    connection: Connection, operator_id: str, number: int, kind: str, name: str
) -> dict[str, Any] | None:
    """One document of a release; None when it has none of that name."""
    query = (
        select(revisions.c.body)
        .join(release_items, _ITEM)
        .where(
            release_items.c.operator_id == operator_id,
            release_items.c.number == number,
            release_items.c.kind == kind,
            release_items.c.name == name,
        )
    )
    body = connection.scalar(query)
    return msgspec.json.decode(body) if body is not None else None


def recent(connection: Connection, operator_id: str, most: int) -> list[ReleaseRow]:
    """The newest releases, the latest first."""
    query = (
        select(releases, staff.c.display_name)
        .outerjoin(staff, staff.c.staff_id == releases.c.staff_id)
        .where(releases.c.operator_id == operator_id)
        .order_by(releases.c.number.desc())
        .limit(most)
    )
    return [
        ReleaseRow(
            number=row.number,
            note=row.note,
            published_at=row.published_at,
            by=row.display_name or "",
            digest=bytes(row.digest),
        )
        for row in connection.execute(query)
    ]


def history(connection: Connection, operator_id: str, kind: str, name: str, most: int) -> list[RevisionRow]:
    """The revisions of a document that were public, the newest first, each with the release it first stood in."""
    approver = staff.alias()
    first = func.min(release_items.c.number).label("release")
    query = (
        select(
            revisions.c.revision,
            revisions.c.body,
            revisions.c.created_at,
            first,
            staff.c.display_name,
            approver.c.display_name.label("approver"),
        )
        .join(release_items, _ITEM)
        .outerjoin(staff, staff.c.staff_id == revisions.c.staff_id)
        .outerjoin(approver, approver.c.staff_id == revisions.c.approved_by)
        .where(revisions.c.operator_id == operator_id, revisions.c.kind == kind, revisions.c.name == name)
        .group_by(
            revisions.c.revision,
            revisions.c.body,
            revisions.c.created_at,
            staff.c.display_name,
            approver.c.display_name,
        )
        .order_by(revisions.c.revision.desc())
        .limit(most)
    )
    return [
        RevisionRow(
            release=row.release,
            published_at=row.created_at,
            revision=row.revision,
            by=row.display_name or "",
            approved_by=row.approver or "",
            body=msgspec.json.decode(row.body),
        )
        for row in connection.execute(query)
    ]

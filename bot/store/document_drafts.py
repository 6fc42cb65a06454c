"""What editors are writing: every saved state of a document since it was public last, and what is planned.

Numbers go on from the published revisions (`store.content`), so one number means one state of a document for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from bot.errors import Conflict
from bot.frozen import dataclass
from bot.store.content import Key
from bot.store.dialect import upsert
from bot.store.schema import document_asides, document_drafts, planned_releases, revisions, staff

MOST_KEPT = 200
"""States of one draft that are kept; a page that is older than all of them is told against the published words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRow:
    """The newest saved state of a document that is not public. `by`, `proposed_by`, … are ids, `name_of` names."""

    kind: str
    name: str
    revision: int
    body: str = field(repr=False)
    removes: bool
    by: str
    at: datetime
    proposed_by: str | None
    approved_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A release that is to be published by the clockwork. `problem` says why it could not be."""

    staff_id: str
    due_at: datetime
    note: str
    items: Mapping[Key, int]
    problem: str


def _of(operator_id: str, kind: str, name: str) -> ColumnElement[bool]:
    table = document_drafts.c
    return and_(table.operator_id == operator_id, table.kind == kind, table.name == name)


def open_drafts(connection: Connection, operator_id: str) -> dict[Key, DraftRow]:
    """The newest state of every document somebody is writing on."""
    query = (
        select(document_drafts)
        .where(document_drafts.c.operator_id == operator_id, document_drafts.c.closed.is_(False))
        .order_by(document_drafts.c.kind, document_drafts.c.name, document_drafts.c.revision)
    )
    return {(row.kind, row.name): _row(row) for row in connection.execute(query)}


def open_draft(connection: Connection, operator_id: str, kind: str, name: str) -> DraftRow | None:
    """The newest state of one document; None when nobody writes on it."""
    query = (
        select(document_drafts)
        .where(_of(operator_id, kind, name), document_drafts.c.closed.is_(False))
        .order_by(document_drafts.c.revision.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return _row(row) if row else None


def states(connection: Connection, operator_id: str, wanted: Mapping[Key, int]) -> dict[Key, DraftRow]:
    """These very states; those that are gone are left out."""
    query = select(document_drafts).where(
        document_drafts.c.operator_id == operator_id, document_drafts.c.closed.is_(False)
    )
    found = (_row(row) for row in connection.execute(query))
    return {(one.kind, one.name): one for one in found if wanted.get((one.kind, one.name)) == one.revision}


def _row(row: Row[Any]) -> DraftRow:
    return DraftRow(
        kind=row.kind,
        name=row.name,
        revision=row.revision,
        body=row.body,
        removes=row.removes,
        by=row.staff_id,
        at=row.saved_at,
        proposed_by=row.proposed_by,
        approved_by=row.approved_by,
    )


def newest(connection: Connection, operator_id: str, kind: str, name: str) -> int:
    """The number of the newest state of a document, public or not; 0 when there never was one."""
    published = select(func.max(revisions.c.revision)).where(
        revisions.c.operator_id == operator_id, revisions.c.kind == kind, revisions.c.name == name
    )
    drafted = select(func.max(document_drafts.c.revision)).where(_of(operator_id, kind, name))
    return max(connection.scalar(published) or 0, connection.scalar(drafted) or 0)


def published(connection: Connection, operator_id: str) -> dict[Key, int]:
    """The newest number of every document that was ever public."""
    query = (
        select(revisions.c.kind, revisions.c.name, func.max(revisions.c.revision).label("revision"))
        .where(revisions.c.operator_id == operator_id)
        .group_by(revisions.c.kind, revisions.c.name)
    )
    return {(row.kind, row.name): row.revision for row in connection.execute(query)}


def all_newest(connection: Connection, operator_id: str) -> dict[Key, int]:
    """The same for every document there ever was."""
    found, table = published(connection, operator_id), document_drafts.c
    for row in connection.execute(
        select(table.kind, table.name, table.revision).where(table.operator_id == operator_id)
    ):
        found[row.kind, row.name] = max(row.revision, found.get((row.kind, row.name), 0))
    return found


def add(connection: Connection, operator_id: str, draft: DraftRow) -> None:
    """Writes a new state. Raises Conflict when somebody wrote this number at the same moment."""
    add_all(connection, operator_id, [draft])
    old = document_drafts.c.revision <= draft.revision - MOST_KEPT
    connection.execute(delete(document_drafts).where(_of(operator_id, draft.kind, draft.name), old))


def add_all(connection: Connection, operator_id: str, drafts: Sequence[DraftRow]) -> None:
    """Writes new states. Raises Conflict when somebody wrote one of these numbers at the same moment."""
    rows = [
        {
            "operator_id": operator_id,
            "kind": draft.kind,
            "name": draft.name,
            "revision": draft.revision,
            "body": draft.body,
            "removes": draft.removes,
            "staff_id": draft.by,
            "saved_at": draft.at,
            "proposed_by": draft.proposed_by,
            "closed": False,
        }
        for draft in drafts
    ]
    try:
        if rows:
            connection.execute(insert(document_drafts), rows)
    except IntegrityError as error:
        raise Conflict("Somebody saved this at the same moment.") from error


def body_at(
    connection: Connection, operator_id: str, kind: str, name: str, revision: int
) -> tuple[str, bool] | None:
    """The words of a state, and whether they are a draft's (YAML) or published (JSON); None when it is gone."""
    query = select(document_drafts.c.body).where(
        _of(operator_id, kind, name),
        document_drafts.c.revision == revision,
    )
    drafted = connection.scalar(query)
    if drafted is not None:
        return drafted, True
    query = select(revisions.c.body).where(
        revisions.c.operator_id == operator_id,
        revisions.c.kind == kind,
        revisions.c.name == name,
        revisions.c.revision == revision,
    )
    public = connection.scalar(query)
    return (public, False) if public is not None else None


def mark(connection: Connection, operator_id: str, draft: DraftRow, **people: str | None) -> bool:
    """Notes who proposed or approved this very state. Whether it is still there, and the newest."""
    if newest(connection, operator_id, draft.kind, draft.name) != draft.revision:
        return False
    done = connection.execute(
        update(document_drafts)
        .where(
            _of(operator_id, draft.kind, draft.name),
            document_drafts.c.revision == draft.revision,
            document_drafts.c.closed.is_(False),
        )
        .values(**people)
    )
    return done.rowcount == 1


def put_away(connection: Connection, operator_id: str, kind: str, name: str) -> None:
    """Nobody writes on it any more; its last state stays, so that its number is never given twice."""
    last = newest(connection, operator_id, kind, name)
    here = _of(operator_id, kind, name)
    connection.execute(delete(document_drafts).where(here, document_drafts.c.revision < last))
    connection.execute(update(document_drafts).where(here).values(closed=True))


def published_up_to(connection: Connection, operator_id: str, items: Mapping[Key, int]) -> None:
    """These states are public now. What was saved after them stays a draft; a removed document leaves its number."""
    for (kind, name), revision in items.items():
        here = _of(operator_id, kind, name)
        connection.execute(delete(document_drafts).where(here, document_drafts.c.revision < revision))
        this = document_drafts.c.revision == revision
        connection.execute(update(document_drafts).where(here, this).values(closed=True))


# --- what could not be saved ------------------------------------------------------------------------------------


def set_aside(
    connection: Connection,
    operator_id: str,
    staff_id: str,
    kind: str,
    name: str,
    revision: int,
    body: str,
    now: datetime,
) -> None:
    """Keeps what a member wrote on top of an older state, one for each member and document."""
    key = {"operator_id": operator_id, "kind": kind, "name": name, "staff_id": staff_id}
    values = {"revision": revision, "body": body, "saved_at": now}
    statement = upsert(connection.dialect, document_asides).values(**key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


def aside(
    connection: Connection, operator_id: str, staff_id: str, kind: str, name: str
) -> tuple[int, str] | None:
    """What a member wrote that could not be saved, with the number it was written on."""
    query = select(document_asides.c.revision, document_asides.c.body).where(
        document_asides.c.operator_id == operator_id,
        document_asides.c.kind == kind,
        document_asides.c.name == name,
        document_asides.c.staff_id == staff_id,
    )
    row = connection.execute(query).first()
    return (row.revision, row.body) if row else None


def forget_aside(connection: Connection, operator_id: str, staff_id: str, kind: str, name: str) -> None:
    connection.execute(
        delete(document_asides).where(
            document_asides.c.operator_id == operator_id,
            document_asides.c.kind == kind,
            document_asides.c.name == name,
            document_asides.c.staff_id == staff_id,
        )
    )


# --- plans ------------------------------------------------------------------------------------------------------


def plan(connection: Connection, operator_id: str, planned: Planned) -> None:
    """The next release, in place of what was planned before."""
    items = [[kind, name, revision] for (kind, name), revision in planned.items.items()]
    values = {
        "staff_id": planned.staff_id,
        "due_at": planned.due_at,
        "note": planned.note,
        "items": msgspec.json.encode(items).decode(),
        "problem": planned.problem,
    }
    statement = upsert(connection.dialect, planned_releases).values(operator_id=operator_id, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["operator_id"], set_=values))


def planned(connection: Connection, operator_id: str) -> Planned | None:
    query = select(planned_releases).where(planned_releases.c.operator_id == operator_id)
    row = connection.execute(query).first()
    if row is None:
        return None
    items = {(kind, name): revision for kind, name, revision in msgspec.json.decode(row.items)}
    return Planned(staff_id=row.staff_id, due_at=row.due_at, note=row.note, items=items, problem=row.problem)


def call_off(connection: Connection, operator_id: str) -> None:
    connection.execute(delete(planned_releases).where(planned_releases.c.operator_id == operator_id))


def names(connection: Connection, operator_id: str, staff_ids: Iterable[str | None]) -> dict[str, str]:
    """Names of members by id, also of those who left."""
    wanted = {one for one in staff_ids if one}
    query = select(staff.c.staff_id, staff.c.display_name).where(
        staff.c.operator_id == operator_id, staff.c.staff_id.in_(wanted)
    )
    return {row.staff_id: row.display_name for row in connection.execute(query)}

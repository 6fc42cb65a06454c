"""Documents, revisions and releases. A release is immutable: it pins one revision of each document."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, func, select

from bot.frozen import dataclass
from bot.store.schema import release_items, releases, revisions, staff

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


def published(connection: Connection, operator_id: str, number: int) -> tuple[datetime, bytes] | None:
    """When a release was published, and its digest; None when there is none of that number."""
    query = select(releases.c.published_at, releases.c.digest).where(
        releases.c.operator_id == operator_id, releases.c.number == number
    )
    row = connection.execute(query).one_or_none()
    return (row.published_at, bytes(row.digest)) if row is not None else None


def number_at(connection: Connection, operator_id: str, at: datetime) -> int:
    """The newest release that was published before an instant; 0 when there was none."""
    query = select(func.max(releases.c.number)).where(
        releases.c.operator_id == operator_id, releases.c.published_at < at
    )
    return connection.scalar(query) or 0


def words(connection: Connection, operator_id: str, number: int) -> list[tuple[str, str, str]]:
    """(kind, name, body as JSON) of every document of a release, in a fixed order."""
    query = (
        select(revisions.c.kind, revisions.c.name, revisions.c.body)
        .join(release_items, _ITEM)
        .where(release_items.c.operator_id == operator_id, release_items.c.number == number)
        .order_by(revisions.c.kind, revisions.c.name)
    )
    return [(row.kind, row.name, row.body) for row in connection.execute(query)]


def documents(connection: Connection, operator_id: str, number: int) -> Rows:
    """The same with the bodies as data."""
    return [
        (kind, name, msgspec.json.decode(body)) for kind, name, body in words(connection, operator_id, number)
    ]


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

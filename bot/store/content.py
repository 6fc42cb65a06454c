"""Documents, revisions and releases. A release is immutable: it pins one revision of each document."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, func, insert, select

from bot.store.schema import release_items, releases, revisions

Rows = list[tuple[str, str, dict[str, Any]]]


_LATEST = select(func.max(releases.c.number)).where(releases.c.operator_id == bindparam("operator_id"))


def latest_number(connection: Connection, operator_id: str) -> int:
    """The number of the latest release; 0 when there is none."""
    return connection.scalar(_LATEST, {"operator_id": operator_id}) or 0


def publish(
    connection: Connection,
    operator_id: str,
    documents: Iterable[tuple[str, str, Any]],
    note: str,
    now: datetime,
    *,
    number: int | None = None,
) -> int:
    """Writes the documents as new revisions where they changed, and a release of exactly these. Returns its number.

    Two processes publishing at once collide on the release's key; the loser's transaction leaves nothing. Who
    means one certain `number` collides with whoever had it before, however long ago.
    """
    number = number or latest_number(connection, operator_id) + 1
    newest: dict[tuple[str, str], tuple[int, str]] = {}
    for row in connection.execute(
        select(revisions).where(revisions.c.operator_id == operator_id).order_by(revisions.c.revision)
    ):
        newest[row.kind, row.name] = (row.revision, row.body)
    fresh, items = [], []
    for kind, name, content in documents:
        text = msgspec.json.encode(content).decode()
        revision, known = newest.get((kind, name), (0, ""))
        if text != known:
            revision += 1
            fresh.append(
                {
                    "operator_id": operator_id,
                    "kind": kind,
                    "name": name,
                    "revision": revision,
                    "body": text,
                    "created_at": now,
                }
            )
        items.append(
            {"operator_id": operator_id, "number": number, "kind": kind, "name": name, "revision": revision}
        )
    connection.execute(
        insert(releases).values(operator_id=operator_id, number=number, note=note, published_at=now)
    )
    if fresh:
        connection.execute(insert(revisions), fresh)
    connection.execute(insert(release_items), items)
    return number


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
        .join(
            release_items,
            (release_items.c.operator_id == revisions.c.operator_id)
            & (release_items.c.kind == revisions.c.kind)
            & (release_items.c.name == revisions.c.name)
            & (release_items.c.revision == revisions.c.revision),
        )
        .where(release_items.c.operator_id == operator_id, release_items.c.number == number)
        .order_by(revisions.c.kind, revisions.c.name)
    )
    return [(row.kind, row.name, msgspec.json.decode(row.body)) for row in connection.execute(query)]

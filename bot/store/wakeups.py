"""Due times: one per contact and reason; a later one replaces it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, tuple_

from bot.store.dialect import upsert
from bot.store.schema import wakeups


def set_all(connection: Connection, due: Mapping[tuple[str, str], datetime]) -> None:
    statement = upsert(connection, wakeups)
    statement = statement.on_conflict_do_update(
        index_elements=["contact_id", "reason"], set_={"due_at": statement.excluded.due_at}
    )
    rows = [
        {"contact_id": contact, "reason": reason, "due_at": at}
        for (contact, reason), at in sorted(due.items())
    ]
    connection.execute(statement, rows)


def cancel(connection: Connection, pairs: Sequence[tuple[str, str]]) -> None:
    connection.execute(delete(wakeups).where(tuple_(wakeups.c.contact_id, wakeups.c.reason).in_(pairs)))


def next_due(connection: Connection) -> datetime | None:
    found: datetime | None = connection.scalar(select(func.min(wakeups.c.due_at)))
    return found

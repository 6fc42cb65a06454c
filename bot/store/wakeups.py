"""Due times: one per contact and reason; a later one replaces it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Dialect, delete, func, select, tuple_
from sqlalchemy.sql.dml import UpdateBase

from bot.store import inbox
from bot.store.batch import Batch
from bot.store.dialect import upsert
from bot.store.schema import talks, wakeups


def _setting(dialect: Dialect) -> UpdateBase:
    statement = upsert(dialect, wakeups)
    return statement.on_conflict_do_update(
        index_elements=["contact_id", "reason"], set_={"due_at": statement.excluded.due_at}
    )


_SET = Batch(_setting)


def set_all(connection: Connection, due: Mapping[tuple[str, str], datetime]) -> None:
    rows = [
        {"contact_id": contact, "reason": reason, "due_at": at}
        for (contact, reason), at in sorted(due.items())
    ]
    _SET.run(connection, rows)


def cancel(connection: Connection, pairs: Sequence[tuple[str, str]]) -> None:
    connection.execute(delete(wakeups).where(tuple_(wakeups.c.contact_id, wakeups.c.reason).in_(pairs)))


def due(connection: Connection, contact_id: str, reason: str) -> datetime | None:
    """When this contact is woken for this reason; None when nothing is planned."""
    here = (wakeups.c.contact_id == contact_id, wakeups.c.reason == reason)
    found: datetime | None = connection.scalar(select(wakeups.c.due_at).where(*here))
    return found


def next_due(connection: Connection) -> datetime | None:
    found: datetime | None = connection.scalar(select(func.min(wakeups.c.due_at)))
    return found


def wake(connection: Connection, now: datetime, limit: int = 500) -> int:
    """Turns due wake-ups into events, in their contacts' order. Returns how many."""
    due = connection.execute(
        select(wakeups.c.contact_id, wakeups.c.reason)
        .where(wakeups.c.due_at <= now)
        .order_by(wakeups.c.due_at)
        .limit(limit)
    ).all()
    if not due:
        return 0
    held = connection.execute(
        select(talks.c.contact_id, talks.c.last_seq)
        .where(talks.c.contact_id.in_(sorted({row.contact_id for row in due})))
        .order_by(talks.c.contact_id)
        .with_for_update()
    ).all()
    last = {row.contact_id: row.last_seq for row in held}
    pairs = [(row.contact_id, row.reason) for row in due]
    gone = connection.execute(
        delete(wakeups)
        .where(tuple_(wakeups.c.contact_id, wakeups.c.reason).in_(pairs), wakeups.c.due_at <= now)
        .returning(wakeups.c.contact_id, wakeups.c.reason)
    ).all()
    rows = []
    for row in gone:
        seq = last[row.contact_id] = last[row.contact_id] + 1
        rows.append(inbox.row(row.contact_id, seq, now, wake_reason=row.reason))
    if rows:
        inbox.move_last_seq(connection, last)
        inbox.add(connection, rows)
    return len(rows)

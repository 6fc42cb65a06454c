"""Our own jobs: when each ran last, and who may run it now."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from bot.store.dialect import alone, upsert
from bot.store.schema import chores


def last_done(connection: Connection, name: str) -> datetime | None:
    """When it was done last, to its end; None if never."""
    found: datetime | None = connection.scalar(select(chores.c.done_at).where(chores.c.name == name))
    return found


def done(connection: Connection, name: str, now: datetime) -> None:
    connection.execute(
        upsert(connection.dialect, chores)
        .values(name=name, done_at=now)
        .on_conflict_do_update(index_elements=["name"], set_={"done_at": now})
    )


def claim(connection: Connection, name: str, now: datetime, every: timedelta, lease: timedelta) -> bool:
    """Whether this process shall do it now: it is due, and nobody began within the lease."""
    if not alone(connection, name):
        return False
    finished, begun = last_done(connection, name), last_done(connection, f"{name} begun")
    if (finished is not None and finished > now - every) or (begun is not None and begun > now - lease):
        return False
    done(connection, f"{name} begun", now)
    return True

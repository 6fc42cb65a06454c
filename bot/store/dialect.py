"""The few places where SQLite and PostgreSQL differ in what we write."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from typing import TypeVar

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite

R = TypeVar("R")
CHANNEL = "engawa"


def upsert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """INSERT … ON CONFLICT in the dialect at hand."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def has_row_locks(connection: Connection) -> bool:
    """Whether others may write beside this transaction. SQLite lets one write at a time."""
    return connection.dialect.name == "postgresql"


def notify(connection: Connection, news: Mapping[str, object]) -> None:
    """Tells other processes what changed, when this transaction commits. Ids only, never text."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(CHANNEL, json.dumps(news, separators=(",", ":")))))


def alone(connection: Connection, task: str) -> bool:
    """Whether no other process does this task in a transaction right now. SQLite has one process only."""
    if connection.dialect.name != "postgresql":
        return True
    key = zlib.crc32(f"engawa/{task}".encode())
    return bool(connection.scalar(select(func.pg_try_advisory_xact_lock(key))))


def attempt(connection: Connection, call: Callable[[Connection], R]) -> tuple[R | None, Exception | None]:
    """What the call returns, or what it raised: then what it wrote is undone, and the transaction goes on.

    Raises what the call raised when the connection is lost.
    """
    connection.exec_driver_sql("SAVEPOINT attempt")
    try:
        result = call(connection)
    except Exception as error:
        if connection.invalidated:
            raise
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT attempt")
        connection.exec_driver_sql("RELEASE SAVEPOINT attempt")
        return None, error
    connection.exec_driver_sql("RELEASE SAVEPOINT attempt")
    return result, None

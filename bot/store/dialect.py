"""The few places where SQLite and PostgreSQL differ in what we write."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite

CHANNEL = "engawa"


def upsert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """INSERT … ON CONFLICT in the dialect at hand."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def notify(connection: Connection, news: Mapping[str, object]) -> None:
    """Tells other processes what changed, when this transaction commits. Ids only, never text."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(CHANNEL, json.dumps(news, separators=(",", ":")))))

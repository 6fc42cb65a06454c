"""The few places where SQLite and PostgreSQL differ in what we write."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from sqlalchemy import Connection, String, Table, Text, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import BindParameter, ColumnElement
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeDecorator, TypeEngine

R = TypeVar("R")
CHANNEL = "engawa"
MAX_TOPICS = 150  # a notice holds 8,000 bytes


class Ids(TypeDecorator[Collection[str]]):
    """Many ids as one parameter: JSON on SQLite, an array on PostgreSQL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else postgresql.ARRAY(String))

    def process_bind_param(self, value: Collection[str] | None, dialect: Dialect) -> Any:
        found = sorted(value or ())
        return json.dumps(found) if dialect.name == "sqlite" else found


class _Each(ColumnElement[str]):
    """The ids of a parameter, as rows."""

    inherit_cache = True
    _traverse_internals = [("ids", InternalTraversal.dp_clauseelement)]  # noqa: RUF012 - read on the class

    def __init__(self, parameter: str) -> None:
        self.ids: BindParameter[Collection[str]] = bindparam(parameter, type_=Ids())


@compiles(_Each, "sqlite")
def _each_of_json(element: _Each, compiler: SQLCompiler, **options: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.ids, **options)}))"  # noqa: S608 - its own text


@compiles(_Each, "postgresql")
def _each_of_array(element: _Each, compiler: SQLCompiler, **options: Any) -> str:
    return f"(SELECT unnest({compiler.process(element.ids, **options)}))"


def among(column: ColumnElement[str], parameter: str) -> ColumnElement[bool]:
    """Whether a column is one of the ids in a parameter.

    The statement's text does not depend on how many there are, as that of `IN (?, ?, …)` does: neither SQLAlchemy
    nor the database has to read it anew.
    """
    return column.bool_op("IN")(_Each(parameter))


def upsert(dialect: Dialect, table: Table) -> postgresql.Insert | sqlite.Insert:
    """INSERT … ON CONFLICT in a dialect."""
    if dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def has_row_locks(connection: Connection) -> bool:
    """Whether others may write beside this transaction. SQLite lets one write at a time."""
    return connection.dialect.name == "postgresql"


def notify(connection: Connection, topics: Collection[str]) -> None:
    """Tells other processes what changed, when this transaction commits. Ids only, never text."""
    if connection.dialect.name != "postgresql":
        return
    ordered = sorted(topics)
    for start in range(0, len(ordered), MAX_TOPICS):
        news = json.dumps({"topics": ordered[start : start + MAX_TOPICS]}, separators=(",", ":"))
        connection.execute(select(func.pg_notify(CHANNEL, news)))


def alone(connection: Connection, task: str) -> bool:
    """Whether no other process does this task in a transaction right now. SQLite has one process only."""
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.scalar(select(func.pg_try_advisory_xact_lock(lock_key(task)))))


def lock_key(task: str) -> int:
    """The number of a task's advisory lock."""
    return zlib.crc32(f"engawa/{task}".encode())


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

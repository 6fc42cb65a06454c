"""Which errors are an outage (tried again, kept meanwhile), which a lost race, and which a fault of ours."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from bot.errors import Conflict, StoreUnavailable
from bot.store.database import Database, make_engine, parse_url, transact


@contextlib.contextmanager
def engine_of(url: str) -> Iterator[object]:
    engine = make_engine(parse_url(url))
    try:
        yield engine
    finally:
        engine.dispose()


def run(url: str, *statements: str) -> None:
    with engine_of(url) as engine:

        def all_of(connection: Connection) -> None:
            for statement in statements:
                connection.execute(text(statement))

        transact(engine, all_of)  # type: ignore[arg-type]


def test_a_read_only_server(postgresql_url: str) -> None:
    """PostgreSQL as it is after a failover, or with a full disk set read-only by its keeper."""
    run(postgresql_url, "CREATE TABLE t (i integer)")
    with pytest.raises(StoreUnavailable):
        run(postgresql_url, "SET TRANSACTION READ ONLY", "INSERT INTO t VALUES (1)")


def test_a_statement_of_ours_that_is_wrong(database_url: str) -> None:
    """A fault of ours is no outage: it must not be tried for ever."""
    if database_url.startswith("postgresql"):
        with pytest.raises(ProgrammingError):
            run(database_url, "SELECT nothing FROM nowhere")


def test_a_deadlock(postgresql_url: str) -> None:
    """One of two that wait for each other is told of a lost race, and goes on with its next try."""
    run(postgresql_url, "CREATE TABLE t (i integer)", "INSERT INTO t VALUES (1), (2)")
    both, ended = threading.Barrier(2), list[str]()

    def cross(first: int, second: int) -> None:
        with engine_of(postgresql_url) as engine:

            def lock(connection: Connection) -> None:
                connection.execute(text("SELECT i FROM t WHERE i = :i FOR UPDATE"), {"i": first})
                both.wait(10)
                connection.execute(text("SELECT i FROM t WHERE i = :i FOR UPDATE"), {"i": second})

            try:
                transact(engine, lock)  # type: ignore[arg-type]
                ended.append("done")
            except Conflict:
                ended.append("conflict")

    threads = [threading.Thread(target=cross, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(ended) == ["conflict", "done"]


@pytest.mark.parametrize("damage", ["read only", "no database"])
async def test_a_sqlite_file_that_cannot_be_written(damage: str, tmp_path: Path) -> None:
    """Read-only or overwritten with something else: an outage, not a crash."""
    path = tmp_path / "engawa.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE t (i integer)")
        made.commit()
    if damage == "no database":
        path.write_bytes(b"no database " * 1000)
    database = Database.open(f"sqlite:///{path}")

    def insert(connection: Connection) -> None:
        if damage == "read only":
            connection.execute(text("PRAGMA query_only=ON"))
        connection.execute(text("INSERT INTO t VALUES (1)"))

    try:
        with pytest.raises(StoreUnavailable):
            await database.write(insert)
    finally:
        await database.close()

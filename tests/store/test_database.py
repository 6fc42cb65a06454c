"""The way into the database: settings on every connection, groups that do not mix, outages told as such."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from bot.errors import ConfigError, StoreUnavailable
from bot.store.database import Database, make_engine, parse_url, transact
from bot.store.schema import operators, revisions
from bot.store.writer import GroupWriter
from tests.provision import postgresql
from tests.store.ready import NOW, Store

EXPECTED = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL
    "foreign_keys": 1,
    "secure_delete": 1,
    "trusted_schema": 0,
    "temp_store": 2,  # memory
    "busy_timeout": 5000,
}


@pytest.fixture
async def database(ready_url: str) -> AsyncIterator[Database]:
    made = Database.open(ready_url)
    yield made
    await made.close()


def add(connection: Connection, name: str) -> str:
    connection.execute(insert(operators).values(operator_id=name))
    return name


NAMES = select(operators.c.operator_id).where(operators.c.operator_id != "default")


async def names(database: Database) -> set[str]:
    return set(await database.read(lambda connection: connection.scalars(NAMES).all()))


class TestUrls:
    @pytest.mark.parametrize(
        ("given", "driver"),
        [
            ("sqlite:///engawa.db", "sqlite+pysqlite"),
            ("sqlite:////var/lib/engawa.db", "sqlite+pysqlite"),
            ("sqlite+aiosqlite:///engawa.db", "sqlite+pysqlite"),
            ("postgresql://u:p@h:5432/engawa", "postgresql+psycopg"),
            ("postgresql+asyncpg://u:p@h/engawa", "postgresql+psycopg"),
            ("postgresql+psycopg2://u:p@h/engawa?sslmode=require", "postgresql+psycopg"),
            ("postgres://u:p@h/engawa", "postgresql+psycopg"),
        ],
    )
    def test_the_driver_is_ours(self, given: str, driver: str) -> None:
        """Whatever driver an operator names, the rest of the address stays as it is."""
        url = parse_url(given)
        assert url.drivername == driver
        rest = url.render_as_string(hide_password=False).partition("://")[2]
        assert rest == given.partition("://")[2]

    @pytest.mark.parametrize(
        "given", ["", "engawa.db", "mysql://u:geheim@h/e", "sqlite://", "sqlite:///:memory:"]
    )
    def test_what_cannot_be_used(self, given: str) -> None:
        """Anything else is told with an example, without a password in it; memory is no place for a cry for help."""
        with pytest.raises(ConfigError) as told:
            parse_url(given)
        [problem] = told.value.problems
        assert "ENGAWA_DATABASE_URL" in problem
        assert "Example: " in problem
        assert "geheim" not in problem


class TestSettings:
    def test_on_every_connection(self, ready_sqlite_url: str) -> None:
        """Writers and readers, the first connection and the next ones: the pragmas are set on each."""
        for writes in (True, False):
            engine = make_engine(parse_url(ready_sqlite_url), writes=writes)
            with engine.connect() as one, engine.connect() as other:
                for connection in (one, other):
                    with connection.begin():
                        pragmas = {
                            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in EXPECTED
                        }
                    assert pragmas == EXPECTED
                    connection.close()
                    break
            engine.dispose()

    def test_errors_show_no_values(self, store: Store) -> None:
        """An error of the database names no value that was written (security.md §4)."""
        values = {
            "operator_id": "default",
            "kind": "flow",
            "name": "F-START",
            "revision": 1,
            "body": "canary-body",
            "created_at": NOW,
        }
        with pytest.raises(IntegrityError) as told:
            store.run(lambda connection: connection.execute(insert(revisions).values(**values)))
        assert "canary" not in f"{told.value} {told.value!r} {told.value.args}"


class TestCalls:
    async def test_all_or_nothing(self, database: Database) -> None:
        """A call that fails leaves nothing; the next one is not touched by it."""

        def half(connection: Connection) -> None:
            add(connection, "half")
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await database.write(half)
        assert await database.write(add, "whole") == "whole"
        assert await names(database) == {"whole"}

    async def test_side_by_side(self, database: Database) -> None:
        """Many at once: each gets its own answer, and a bad one harms no other."""
        calls = [database.write(add, f"n{number % 30}") for number in range(60)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(outcome, IntegrityError) for outcome in outcomes) == 30
        assert await names(database) == {f"n{number}" for number in range(30)}

    async def test_reads_do_not_wait_for_writes(self, database: Database) -> None:
        """While somebody writes, others read what was before; afterwards what is."""
        begun, go_on = Event(), Event()

        def slowly(connection: Connection) -> None:
            add(connection, "slow")
            begun.set()
            assert go_on.wait(10)

        writing = asyncio.ensure_future(database.write(slowly))
        await asyncio.to_thread(begun.wait, 10)
        assert await names(database) == set()
        go_on.set()
        await writing
        assert await names(database) == {"slow"}

    async def test_who_is_cancelled(self, database: Database) -> None:
        """Who stops waiting for its write does not disturb the ones after it."""
        gone = asyncio.ensure_future(database.write(add, "gone"))
        await asyncio.sleep(0)
        gone.cancel()
        assert await database.write(add, "next") == "next"
        assert "next" in await names(database)


class TestOutage:
    async def test_not_there(self) -> None:
        """A server that does not answer is an outage, for reads and writes."""
        database = Database.open(f"postgresql://nobody@127.0.0.1:{postgresql._free_port()}/none")
        for call in (database.write(add, "a"), names(database)):
            with pytest.raises(StoreUnavailable):
                await call
        await database.close()

    async def test_locked_for_too_long(self, ready_sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file that another program keeps locked is an outage; once it is free, all goes on."""
        from bot.store import database as module

        short = [one.replace("=5000", "=20") for one in module.PRAGMAS]
        monkeypatch.setattr(module, "PRAGMAS", short)
        database = Database.open(ready_sqlite_url)
        with closing(sqlite3.connect(str(database.url.database), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable):
                await database.write(add, "a")
            assert await names(database) == set()
        assert await database.write(add, "b") == "b"
        await database.close()

    def test_one_lost_connection_is_mended(self, postgresql_store: Store) -> None:
        """A connection that broke while it lay in the pool costs nobody anything."""
        store = postgresql_store
        assert store.value(text("SELECT 1")) == 1
        with store.another() as other:
            other.value(
                text(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        assert store.value(text("SELECT 1")) == 1


class TestGroups:
    """SQLite's one writer: what waits is committed together, each call in a savepoint of its own."""

    @staticmethod
    def submitted(writer: GroupWriter, *calls: Any) -> list[Future[Any]]:
        """Hands the calls in while the writer is busy, so that they become one group."""
        begun, go_on = Event(), Event()

        def busy(_connection: Connection) -> bool:
            begun.set()
            return go_on.wait(10)

        first = writer.submit(busy)
        assert begun.wait(10)
        futures = [writer.submit(call) for call in calls]
        go_on.set()
        assert first.result(10)
        return futures

    def test_one_commit(self, ready_sqlite_url: str) -> None:
        """Everything that waits is one transaction, and a failing call takes nothing along."""
        engine = make_engine(parse_url(ready_sqlite_url))
        writer = GroupWriter(engine)

        def fails(connection: Connection) -> None:
            add(connection, "bad")
            raise ZeroDivisionError

        numbers = "SELECT count(*) FROM operators"
        one, bad, two, seen = self.submitted(
            writer,
            lambda connection: add(connection, "one"),
            fails,
            lambda connection: add(connection, "two"),
            lambda connection: connection.exec_driver_sql(numbers).scalar(),
        )
        assert (one.result(10), two.result(10), seen.result(10)) == ("one", "two", 3)
        assert isinstance(bad.exception(10), ZeroDivisionError)
        writer.close()
        assert transact(engine, lambda connection: connection.exec_driver_sql(numbers).scalar()) == 3
        engine.dispose()

    def test_a_commit_that_fails(self, ready_sqlite_url: str) -> None:
        """When the commit itself fails nobody is told that anything is durable, and the next group works."""
        engine = make_engine(parse_url(ready_sqlite_url))
        writer = GroupWriter(engine)

        def deferred(connection: Connection) -> str:
            # the check of a foreign key is put off to the commit, which then fails
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            connection.exec_driver_sql("INSERT INTO wakeups VALUES ('nobody', 'x', 0)")
            return "written"

        def rolled_back(connection: Connection) -> None:
            connection.exec_driver_sql("ROLLBACK")  # as SQLite does by itself when the disk is full

        for call, error in ((deferred, IntegrityError), (rolled_back, OperationalError)):
            futures = self.submitted(writer, lambda connection: add(connection, "one"), call)
            assert [type(future.exception(10)) for future in futures] == [error, error]
        assert writer.submit(lambda connection: add(connection, "two")).result(10) == "two"
        writer.close()
        assert transact(engine, lambda connection: connection.scalars(NAMES).all()) == ["two"]
        engine.dispose()

    def test_the_writer_dies_of_nothing(self, ready_sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without memory for a moment, or with a connection that cannot even be closed: who waits is told."""
        engine = make_engine(parse_url(ready_sqlite_url))
        writer = GroupWriter(engine)

        def fails(*_: object) -> None:
            raise MemoryError

        for name in ("_commit", "_connect"):
            with monkeypatch.context() as patch:
                patch.setattr(writer, name, fails)
                found = writer.submit(lambda connection: add(connection, "one"))
                assert isinstance(found.exception(10), MemoryError)
        assert writer.submit(lambda connection: add(connection, "two")).result(10) == "two"
        assert writer._connection is not None
        monkeypatch.setattr(writer._connection, "close", fails)
        broken = writer.submit(lambda connection: connection.exec_driver_sql("ROLLBACK"))
        assert isinstance(broken.exception(10), OperationalError)
        assert writer.submit(lambda connection: add(connection, "three")).result(10) == "three"
        writer.close()
        engine.dispose()

    def test_closing(self, ready_sqlite_url: str) -> None:
        """What was handed in before the end is done; what comes after is refused at once."""
        engine = make_engine(parse_url(ready_sqlite_url))
        writer = GroupWriter(engine)
        futures = self.submitted(
            writer, *[lambda connection, n=n: add(connection, f"n{n}") for n in range(200)]
        )
        writer.close()
        assert [future.result(0) for future in futures] == [f"n{n}" for n in range(200)]
        with pytest.raises(StoreUnavailable):
            writer.submit(lambda connection: add(connection, "late"))
        engine.dispose()


async def test_the_log_is_emptied(ready_sqlite_url: str) -> None:
    """A checkpoint leaves an empty log; with a reader in the past it says that it could not, and harms nobody."""
    database = Database.open(ready_sqlite_url)
    log = Path(f"{database.url.database}-wal")
    with closing(sqlite3.connect(str(database.url.database), isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM operators").fetchone()
        await database.write(add, "a")
        assert not await asyncio.to_thread(database.checkpoint)
        assert await database.write(add, "b") == "b"
    assert await asyncio.to_thread(database.checkpoint)
    assert log.read_bytes() == b""
    await database.close()

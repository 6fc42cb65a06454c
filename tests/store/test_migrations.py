"""Migrations: they end in exactly the schema, from an empty database, however many processes begin at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, func, select, text

from bot.errors import StoreUnavailable
from bot.store import migrate
from bot.store.database import make_engine, parse_url
from bot.store.schema import metadata, operators, releases, revisions
from tests.provision import postgresql
from tests.store.ready import at_once, raised

SQLITE_SHAPE = "SELECT type, name, tbl_name FROM sqlite_master WHERE tbl_name <> 'alembic_version'"
POSTGRESQL_COLUMNS = (
    "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default,"
    " is_identity FROM information_schema.columns WHERE table_schema = 'public'"
)
POSTGRESQL_INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
POSTGRESQL_RULES = (
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace"
)
PROGRAM = """
import asyncio, os
from bot.app import Engawa
from bot.config import load
async def main():
    engawa = Engawa(load(os.environ))
    await engawa.prepare(alone=False)
    released = await engawa.database.read(engawa.library.released)
    await engawa.database.close()
    print(released.number)
asyncio.run(main())
"""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on an empty database."""
    made = make_engine(parse_url(database_url))
    yield made
    made.dispose()


def shape(engine: Engine) -> set[tuple[Any, ...]]:
    """Everything the database knows of its tables: columns, types, nullability, keys, indexes with their conditions."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            return {
                tuple(row)
                for query in (POSTGRESQL_COLUMNS, POSTGRESQL_INDEXES, POSTGRESQL_RULES)
                for row in connection.execute(text(query))
                if "alembic_version" not in row
            }
        found: set[tuple[Any, ...]] = {tuple(row) for row in connection.execute(text(SQLITE_SHAPE))}
        for kind, name, table in list(found):
            if kind == "index":
                sql = text("SELECT sql FROM sqlite_master WHERE name = :name")
                words = (connection.scalar(sql, {"name": name}) or "").replace('"', "").split()
                columns = connection.execute(text(f"PRAGMA index_xinfo('{name}')"))
                found.add((name, " ".join(words), *(tuple(row) for row in columns)))
            if kind == "table":
                # numbers of columns and keys are the order of writing; names and rules are what counts
                for pragma, since in (("table_info", 1), ("foreign_key_list", 2)):
                    rows = connection.execute(text(f"PRAGMA {pragma}('{table}')"))
                    found |= {(table, pragma, *tuple(row)[since:]) for row in rows}
                uniques = connection.execute(text(f"PRAGMA index_list('{table}')"))
                found |= {(table, "index", row.unique, row.origin, row.partial) for row in uniques}
        return found


class TestShape:
    def test_as_the_schema_says(self, database_url: str, engine: Engine) -> None:
        """Alembic finds nothing to add, change or drop."""
        migrate.migrate(parse_url(database_url))
        with engine.begin() as connection:
            options = {"compare_type": True, "compare_server_default": True}
            context = MigrationContext.configure(connection, opts=options)
            assert compare_metadata(context, metadata) == []

    def test_the_same_as_made_at_once(
        self, database_url: str, engine: Engine, tmp_path: Path, request: pytest.FixtureRequest
    ) -> None:
        """The database itself sees no difference either: in no type, default, condition of an index or rule."""
        migrate.migrate(parse_url(database_url))
        if engine.dialect.name == "sqlite":
            other = make_engine(parse_url(f"sqlite:///{tmp_path / 'made.sqlite3'}"))
            assert compared(engine, other)
            return
        databases: postgresql.Databases = request.getfixturevalue("databases")
        with databases.fresh() as url:
            assert compared(engine, make_engine(parse_url(url)))

    def test_the_newest_is_known(self) -> None:
        """The revision the code asks for is the last of the migrations, and there is one line of them."""
        scripts = ScriptDirectory.from_config(migrate._config())
        assert scripts.get_heads() == [migrate.HEAD]


def compared(migrated: Engine, made: Engine) -> bool:
    with made.begin() as connection:
        metadata.create_all(connection)
    try:
        here, there = shape(migrated), shape(made)
    finally:
        made.dispose()
    assert here - there == set()
    assert there - here == set()
    return len(here) > 100


class TestFromEmpty:
    def test_once_and_again(self, database_url: str, engine: Engine) -> None:
        """An empty database is brought to the newest revision with one operator; again does nothing."""
        url = parse_url(database_url)
        with engine.begin() as connection:
            assert migrate.current(connection) is None
        for _ in range(2):
            migrate.migrate(url)
            with engine.begin() as connection:
                assert migrate.current(connection) == migrate.HEAD
                assert connection.scalars(select(operators.c.operator_id)).all() == ["default"]

    def test_an_outage_is_told(self, tmp_path: Path) -> None:
        """A database that cannot be reached is an outage, not a crash."""
        port = postgresql._free_port()
        for url in (f"postgresql://nobody@127.0.0.1:{port}/none", f"sqlite:///{tmp_path}"):
            with pytest.raises(StoreUnavailable):
                migrate.migrate(parse_url(url))


class TestAtOnce:
    def test_threads(self, database_url: str, engine: Engine) -> None:
        """Six that begin in the same instant: one migrates, all go on."""
        url = parse_url(database_url)
        assert raised(at_once(*[lambda: migrate.migrate(url)] * 6)) == []
        with engine.begin() as connection:
            assert migrate.current(connection) == migrate.HEAD
            assert connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1
            assert connection.scalar(select(func.count()).select_from(operators)) == 1

    def test_processes(self, database_url: str, engine: Engine) -> None:
        """Three whole processes: one schema, and the first content published exactly once."""
        environ = {"ENGAWA_DATABASE_URL": database_url, "ENGAWA_KEYS": "k1:" + "A" * 43 + "=", "PATH": ""}
        started = [
            subprocess.Popen(
                [sys.executable, "-W", "error", "-c", PROGRAM],
                env=environ,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(3)
        ]
        outcomes = [(*process.communicate(timeout=60), process.returncode) for process in started]
        assert outcomes == [("1\n", "", 0)] * 3
        with engine.begin() as connection:
            assert connection.scalars(select(releases.c.number)).all() == [1]
            newest = connection.scalar(select(func.max(revisions.c.revision)))
            assert newest == 1

"""Bringing a database to the current schema, safely when several processes start at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, event, insert, inspect, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from bot.errors import EngawaError, StoreUnavailable
from bot.store.database import is_outage, make_engine
from bot.store.schema import operators

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0001"  # what this code needs; a test holds it against the migrations
DEFAULT_OPERATOR = "default"
_LOCK = 0x656E6761  # "enga": one migration at a time


def _config(connection: Connection | None = None) -> Config:
    from alembic.config import Config  # takes a quarter of a second, and most starts need no migration

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def current(connection: Connection) -> str | None:
    """The revision the database is at; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def migrate(url: URL) -> None:
    """Applies what is missing and makes sure that the default operator is there. Raises StoreUnavailable."""
    engine = make_engine(url, pool_size=1)
    try:
        with _alone(engine) as connection:
            if current(connection) != HEAD:
                from alembic import command
                from alembic.util import CommandError

                try:
                    command.upgrade(_config(connection), "head")
                except CommandError as error:
                    raise EngawaError(
                        "The database is of a newer Engawa than this one. Run the newer one, or restore a backup."
                    ) from error
            if connection.scalar(select(operators.c.operator_id)) is None:
                connection.execute(insert(operators).values(operator_id=DEFAULT_OPERATOR))
    except DBAPIError as error:
        if not is_outage(error):
            raise
        raise StoreUnavailable from error
    finally:
        engine.dispose()


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """One transaction that no other starting process can be in: SQLite's write lock, PostgreSQL's advisory lock."""
    if engine.dialect.name == "sqlite":
        # A second process may have to wait for a whole migration, longer than for an ordinary write.
        event.listen(engine, "connect", lambda raw, _record: raw.execute("PRAGMA busy_timeout=60000"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = '60s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        yield connection

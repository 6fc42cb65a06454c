"""`engawa backup`: one consistent view of all tables, sealed to a key that is not here, read back before it counts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import InterfaceError, OperationalError

from bot.errors import BadInput, EngawaError, StoreUnavailable
from bot.store import archive, migrate
from bot.store.database import make_engine
from bot.store.schema import metadata

FETCHED = 500
NOT_TAKEN = frozenset(
    {"staff_sessions", "one_time_logins", "move_links", "reply_hints", "receipts", "break_glass"}
)
"""Tables whose rows must not live again: they let somebody in, or are over within the hour."""
NAME = "backup"
"""Under which the last one that was written, and read back, is noted among our chores."""


def write(url: URL, target: Path, recipient: archive.Recipient, now: datetime) -> archive.Foot:
    """Writes a backup beside the running server, and reads it back from the disk; then it gets its name.

    Raises BadInput when there is a file already, StoreUnavailable, and EngawaError when what lies on the disk is not
    what was read.
    """
    if target.exists():
        raise BadInput(f"{target.name} is there already. Name a new file; a backup is never written over.")
    own = archive.new_identity()  # opens this one file, is nowhere but here, and ends with this call
    part = target.with_name(f"{target.name}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        why = f"{part.name} cannot be made ({type(error).__name__}): look at the folder, and for a backup cut off."
        raise BadInput(why) from error
    try:
        with os.fdopen(handle, "wb") as file:
            with _snapshot(url) as connection:
                head = archive.Head(
                    engawa_backup=archive.FORMAT,
                    schema=_schema(connection),
                    version=version("engawa"),
                    made_at=now,
                )
                archive.write(archive.lines(head, _tables(connection)), file, [recipient, own.to_public()])
            file.flush()
            os.fsync(file.fileno())
        with part.open("rb") as file:
            _, foot = archive.Reader().read(file, own)
        os.link(part, target)  # unlike a rename it never takes the place of a file that came meanwhile
    except FileExistsError as error:
        raise BadInput(f"{target.name} is there already. Name a new file.") from error
    except OSError as error:
        why = f"The backup cannot be written ({type(error).__name__}): look at folder and space."
        raise EngawaError(why) from error
    except (OperationalError, InterfaceError) as error:
        raise StoreUnavailable from error
    finally:
        part.unlink(missing_ok=True)
    _sync_folder(target)
    return foot


@contextmanager
def _snapshot(url: URL) -> Iterator[Connection]:
    """One consistent view, whoever writes meanwhile: SQLite's log, PostgreSQL's REPEATABLE READ."""
    engine = make_engine(url, writes=False, pool_size=1)
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
                connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield connection
    finally:
        engine.dispose()


def _schema(connection: Connection) -> str:
    found = migrate.current(connection)
    if found != migrate.HEAD:
        raise EngawaError("The database is of another Engawa than this one. Make the backup with that one.")
    return found


def _tables(connection: Connection) -> Iterator[tuple[Table, Iterator[dict[str, Any]]]]:
    for table in metadata.sorted_tables:
        if table.name not in NOT_TAKEN:
            yield table, _rows(connection, table)


def _rows(connection: Connection, table: Table) -> Iterator[dict[str, Any]]:
    query = select(table).execution_options(yield_per=FETCHED)
    for row in connection.execute(query).mappings():
        yield dict(row)


def _sync_folder(target: Path) -> None:
    handle = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""The one way to call the store off the event loop: on SQLite one writer thread and readers, on PostgreSQL a pool.

Correctness never rests on these threads; the
database is the referee (unique keys, row locks, revisions).
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    DatabaseError,
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
)

from bot.errors import ConfigError, Conflict, StoreUnavailable
from bot.store import vacuum
from bot.store.writer import GroupWriter

P = ParamSpec("P")
R = TypeVar("R")

POOL_SIZE = 4
BUSY_TIMEOUT_MS = 5_000
CHECKPOINT_WAIT = 0.1  # seconds
CONNECT = {"timeout": 5, "check_same_thread": False, "cached_statements": 1024}
LOG_PAGES = 4_000  # 16 MB before a commit waits until they are in the file (docs/benchmarks.md)
PRAGMAS = (
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA temp_store=MEMORY",
    f"PRAGMA wal_autocheckpoint={LOG_PAGES}",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
)
"""Set on every connection; an acknowledged event survives a power cut, an erased one leaves no bytes (B8)."""


def parse_url(text: str) -> URL:
    """The database address with the driver we use. Raises ConfigError for anything but SQLite and PostgreSQL."""
    try:
        url = make_url(text)
    except Exception as error:
        raise ConfigError(["ENGAWA_DATABASE_URL cannot be read. Example: sqlite:///engawa.db"]) from error
    backend = url.get_backend_name()
    if backend == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ConfigError(["ENGAWA_DATABASE_URL names no file. Example: sqlite:///engawa.db"])
        return url.set(drivername="sqlite+pysqlite")
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    raise ConfigError(
        [
            f"ENGAWA_DATABASE_URL names {backend!r}. Example: sqlite:///engawa.db or postgresql://user@host/engawa"
        ]
    )


def make_engine(url: URL, *, writes: bool = True, pool_size: int = POOL_SIZE) -> Engine:
    """An engine with our settings; statement parameters never appear in errors."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, hide_parameters=True, connect_args=CONNECT)
        begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
        return engine
    options = "-c statement_timeout=30000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000"
    return create_engine(
        url,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=2,
        pool_timeout=5,
        connect_args={"connect_timeout": 5, "options": options, "application_name": "engawa"},
    )


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we begin transactions ourselves
    _keep_a_log(connection)
    for pragma in PRAGMAS:
        connection.execute(pragma)


def _keep_a_log(connection: sqlite3.Connection) -> None:
    """Several that open a new file at once are in each other's way here, and SQLite does not wait by itself."""
    for left in reversed(range(BUSY_TIMEOUT_MS // 10)):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or not left:
                raise
            time.sleep(0.01)


class Database:
    """Runs plain functions over a `Connection` in threads, each call in one transaction."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            path = Path(url.database or "")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)  # SQLite gives its log files the same rights
        self.engine = make_engine(url)
        self._readers = make_engine(url, writes=False) if self.is_sqlite else self.engine
        self._writer = GroupWriter(self.engine) if self.is_sqlite else None
        self._write_threads = ThreadPoolExecutor(POOL_SIZE, thread_name_prefix="store-write")
        self._read_threads = ThreadPoolExecutor(2, thread_name_prefix="store-read")

    @classmethod
    def open(cls, text: str) -> Self:
        return cls(parse_url(text))

    async def write(
        self, function: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """`function(connection, …)` in a transaction that is committed when this returns."""
        try:
            result: R = await asyncio.wrap_future(self.submit(function, *args, **kwargs))
        except DBAPIError as error:
            if (told := as_told(error)) is error:
                raise
            raise told from error
        return result

    def submit(
        self, function: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> Future[R]:
        """The same from any thread. The future may fail with an outage as the database tells of it (`as_told`)."""
        if self._writer is None:
            return self._write_threads.submit(lambda: transact(self.engine, function, *args, **kwargs))
        return self._writer.submit(lambda connection: function(connection, *args, **kwargs))

    async def read(
        self, function: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """`function(connection, …)` over one consistent view; it must not write."""
        result: R = await self._run(self._read_threads, self._readers, function, *args, **kwargs)
        return result

    async def _run(
        self, threads: ThreadPoolExecutor, engine: Engine, function: Any, *args: Any, **kwargs: Any
    ) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(threads, lambda: transact(engine, function, *args, **kwargs))

    def checkpoint(self) -> bool:
        """Has erased bytes leave the files (B8): SQLite's log goes into its file and is emptied; PostgreSQL's keys are
        written anew. Whether that is done: not as long as somebody reads what was before.
        """
        if not self.is_sqlite:
            return vacuum.clear(self.engine)
        # While it waits for readers it keeps writers out, so it gives up soon and is tried again.
        with closing(sqlite3.connect(str(self.url.database), timeout=CHECKPOINT_WAIT)) as connection:
            try:
                busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.OperationalError:
                return False
        return not busy

    async def close(self) -> None:
        loop = asyncio.get_running_loop()
        if self._writer is not None:
            await loop.run_in_executor(None, self._writer.close)
        for threads in (self._write_threads, self._read_threads):
            await loop.run_in_executor(None, threads.shutdown)
        self.engine.dispose()
        self._readers.dispose()


def transact(engine: Engine, function: Any, *args: Any, **kwargs: Any) -> Any:
    """One call in one transaction. A lost connection is tried once more; an outage is `StoreUnavailable`."""
    for attempt in (1, 2):
        try:
            with engine.begin() as connection:
                return function(connection, *args, **kwargs)
        except DBAPIError as error:
            if is_race(error):
                raise Conflict from error
            if not is_outage(error):
                raise
            if attempt == 2 or not error.connection_invalidated:
                raise StoreUnavailable from error
    raise StoreUnavailable


def as_told(error: BaseException) -> Exception:
    """An error as callers know it: `StoreUnavailable` for an outage, `Conflict` for a race, else itself."""
    if isinstance(error, DBAPIError) and is_race(error):
        return Conflict()
    if isinstance(error, DBAPIError) and is_outage(error):
        return StoreUnavailable()
    return error if isinstance(error, Exception) else StoreUnavailable()


def is_outage(error: DBAPIError) -> bool:
    """Whether the database is at fault, not what was asked of it: away, full, read-only, damaged.

    PostgreSQL calls a read-only server an internal error (25006), SQLite a damaged file a plain database error.
    """
    state = getattr(error.orig, "sqlstate", None) or ""
    if isinstance(error, InternalError):
        return state == "25006" or state.startswith("XX")
    return isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError


def is_race(error: DBAPIError) -> bool:
    """Whether another transaction was in the way (PostgreSQL, class 40: deadlock, serialisation)."""
    return (getattr(error.orig, "sqlstate", None) or "").startswith("40")

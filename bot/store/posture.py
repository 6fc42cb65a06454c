"""How the database itself is set, for `engawa doctor --security`: asked of it, not read from our own settings."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text
from sqlalchemy.engine import URL

from bot.store.database import make_engine, transact

Told = tuple[str, bool | None, str]


def look(url: URL) -> list[Told]:
    """What was found, whether it is good, and what to do. Raises StoreUnavailable."""
    engine = make_engine(url, pool_size=1, writes=False)
    try:
        found: list[Told] = transact(engine, lambda connection: list(_asked(connection)))
        return found
    finally:
        engine.dispose()


def _asked(connection: Connection) -> Iterator[Told]:
    if connection.dialect.name == "sqlite":
        yield (
            "SQLite overwrites what is deleted",
            _pragma(connection, "secure_delete") == 1,
            "another SQLite library is in the way",
        )
        yield (
            "SQLite trusts no schema",
            _pragma(connection, "trusted_schema") == 0,
            "another SQLite library is in the way",
        )
        yield (
            "SQLite keeps nothing temporary on disk",
            _pragma(connection, "temp_store") == 2,
            "another SQLite library is in the way",
        )
        yield (
            "SQLite survives a power cut",
            _pragma(connection, "synchronous") == 2,
            "another SQLite library is in the way",
        )
        return
    local = connection.scalar(
        text("SELECT inet_server_addr() IS NULL OR inet_server_addr() <<= '127.0.0.0/8'")
    )
    ssl = connection.scalar(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
    yield (
        "PostgreSQL over TLS or on this machine",
        bool(local or ssl),
        "add ?sslmode=verify-full to the address",
    )
    power = connection.scalar(
        text("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
    )
    yield "PostgreSQL role without power over others", not power, "use a role that owns its database only"
    shown = connection.scalar(text("SELECT current_setting('log_parameter_max_length_on_error')"))
    yield (
        "PostgreSQL logs no values of failed statements",
        shown == "0",
        "log_parameter_max_length_on_error = 0",
    )
    logged = connection.scalar(text("SELECT current_setting('log_statement')"))
    yield "PostgreSQL logs no statements", logged in ("none", "ddl"), "log_statement = none"
    vacuum = connection.scalar(text("SELECT current_setting('autovacuum')"))
    yield "PostgreSQL clears away what is deleted", vacuum == "on", "autovacuum = on"


def _pragma(connection: Connection, name: str) -> object:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

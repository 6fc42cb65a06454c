"""A task that one process does for as long as it likes: a session's advisory lock on PostgreSQL."""

from __future__ import annotations

import psycopg
from sqlalchemy.engine import URL

from bot.errors import StoreUnavailable
from bot.store.dialect import lock_key

CONNECT_TIMEOUT = 5


class Sole:
    """Holds the lock by a connection of its own: whoever dies lets go of it."""

    def __init__(self, url: URL, task: str) -> None:
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._key = lock_key(task)
        self._connection: psycopg.AsyncConnection[tuple[bool]] | None = None
        self._held = False

    async def mine(self) -> bool:
        """Whether the task is this process's; tries to get it. Raises StoreUnavailable."""
        try:
            if self._connection is None:
                self._connection = await psycopg.AsyncConnection.connect(
                    self._dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT
                )
            call = "SELECT true" if self._held else "SELECT pg_try_advisory_lock(%(key)s)"
            found = await (await self._connection.execute(call, {"key": self._key})).fetchone()
        except (psycopg.Error, OSError) as error:
            await self.close()
            raise StoreUnavailable from error
        self._held = bool(found and found[0])
        return self._held

    async def close(self) -> None:
        """Lets go of it."""
        connection, self._connection, self._held = self._connection, None, False
        if connection is not None:
            await connection.close()

"""News from other processes: PostgreSQL's NOTIFY. A lost notice costs a poll, never an event."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import psycopg
from sqlalchemy.engine import URL

from bot.store.dialect import CHANNEL

RECONNECT_WAIT = 2.0


async def listen(url: URL, heard: Callable[[set[str]], None]) -> None:
    """Calls `heard` with topics, for ever; after a lost connection with `*`, since something may have been missed."""
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                dsn, autocommit=True, connect_timeout=5
            ) as connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                heard({"*"})
                async for notice in connection.notifies():
                    heard(set(json.loads(notice.payload)["topics"]))
        except (psycopg.Error, OSError):
            await asyncio.sleep(RECONNECT_WAIT)

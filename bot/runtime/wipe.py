"""After an erase: nothing of it may stay in SQLite's write-ahead log (docs/operating.md)."""

from __future__ import annotations

import asyncio

from bot.runtime.live import ERASED, Hub
from bot.runtime.loop import Worker
from bot.store.database import Database

AGAIN = 0.5  # seconds; somebody was reading, and would have had to wait
SELDOM = 3600.0


class Wipe(Worker):
    """Empties the log whenever something was erased, and at the start: an erase may have been the last thing done."""

    name = "wipe"

    def __init__(self, database: Database, hub: Hub) -> None:
        super().__init__(hub, ERASED, poll=SELDOM)
        self._database = database
        self._clean = False

    async def work(self) -> bool:
        self._clean = await asyncio.to_thread(self._database.checkpoint)
        return False

    async def idle(self) -> float:
        return SELDOM if self._clean else AGAIN

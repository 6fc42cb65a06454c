"""After an erase: it goes into the journal outside, and nothing of it may stay in the files of the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from bot.runtime.live import ERASED, Hub
from bot.runtime.loop import Worker
from bot.store import erasures
from bot.store.database import Database

AGAIN = 0.5  # seconds; somebody was reading, and would have had to wait
APART = 20.0  # seconds between two goes at PostgreSQL's keys: everybody waits while they are written
SELDOM = 3600.0

log = structlog.get_logger("wipe")


class Wipe(Worker):
    """Writes the journal and empties the log whenever something was erased, and at the start: an erase may have
    been the last thing done."""

    name = "wipe"

    def __init__(
        self,
        database: Database,
        hub: Hub,
        journal: Path | None = None,
        spool: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`spool` erases what was set aside there of people who are not known any more."""
        super().__init__(hub, ERASED, poll=SELDOM)
        self._database, self._journal, self._spool = database, journal, spool
        self._clean = self._told = self._journalled = False
        self._not_before = 0.0

    async def work(self) -> bool:
        self._journalled = await self._write_journal()
        if self._spool is not None:
            await self._spool()
        self._clean = await self._clear() and self._journalled
        return False

    async def _clear(self) -> bool:
        if not self._database.is_sqlite:
            now = asyncio.get_running_loop().time()
            if now < self._not_before:
                return False
            self._not_before = now + APART
        return await asyncio.to_thread(self._database.checkpoint)

    async def _write_journal(self) -> bool:
        """Whether all erasures are in the journal outside. A full or missing disk holds up nobody's erase."""
        if self._journal is None:
            return True
        entries = await self._database.read(erasures.unwritten)
        if not entries:
            return True
        try:
            await asyncio.to_thread(erasures.append, self._journal, entries)
        except OSError as error:
            if not self._told:  # once, not twice a second
                log.error("journal_unwritable", reason=type(error).__name__)
            self._told = True
            return False
        self._told = False
        await self._database.write(erasures.written, entries)
        return True

    async def idle(self) -> float:
        if self._clean:
            return SELDOM
        return AGAIN if self._database.is_sqlite or not self._journalled else APART

"""Forgetting by age: by one process at a time, hourly, in small transactions; when it ran last is seen from outside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from bot.clock import Clock
from bot.errors import StoreUnavailable
from bot.runtime.live import ERASED, Hub, News
from bot.runtime.metrics import RETENTION_RAN
from bot.store import chores, retention
from bot.store.database import Database
from bot.store.retention import Keeping
from bot.store.sealed import Sealer

T = TypeVar("T")
NAME = "retention"
LOOK_EVERY = 60  # seconds
EVERY = timedelta(hours=1)
LEASE = timedelta(minutes=15)
LATE = timedelta(hours=24)

log = structlog.get_logger("retention")


class Retention:
    """Deletes what is past its days. Also after a restart, however often: when it ran is a row."""

    def __init__(self, database: Database, hub: Hub, clock: Clock, sealer: Sealer, keeping: Keeping) -> None:
        self._database, self._hub, self._clock = database, hub, clock
        self._sealer, self._keeping = sealer, keeping
        self._begun = clock.now()

    async def last_run(self) -> datetime | None:
        """When it ran to its end; None if never."""
        return await self._database.read(chores.last_done, NAME)

    def is_late(self, last: datetime | None) -> bool:
        """Whether nothing was forgotten for a day."""
        return self._clock.now() - (last or self._begun) > LATE

    async def stands_still(self) -> bool:
        """Whether it is late, now."""
        return self.is_late(await self.last_run())

    async def look(self) -> None:
        """Runs when it is due, and nobody else is at it."""
        try:
            last = await self.last_run()
            if last is not None:
                RETENTION_RAN.set(last.timestamp())
            now = self._clock.now()
            if last is not None and now - last < EVERY:
                return
            if await self._database.write(chores.claim, NAME, now, EVERY, LEASE):
                await self.run()
        except StoreUnavailable:
            log.warning("store_unavailable", worker=NAME)

    async def run(self) -> None:
        """All of it, now. Raises StoreUnavailable; the next run goes on."""
        now, keeping, database = self._clock.now(), self._keeping, self._database
        for ids in _parts(await database.read(retention.rested, now, keeping)):
            await database.write(retention.empty, self._sealer, now, keeping, ids)
        for words in _parts(await database.read(retention.old_words, now, keeping)):
            await database.write(retention.drop_words, words)
        for ids in _parts(await database.read(retention.gone, now, keeping)):
            await database.write(retention.drop_gone, now, keeping, ids)
        await database.write(retention.tidy, now, keeping)
        await database.write(retention.blur, now)
        await database.write(chores.done, NAME, now)
        RETENTION_RAN.set(now.timestamp())
        self._hub.spread(News({ERASED}))  # the bytes go as well


def _parts(found: Sequence[T]) -> list[Sequence[T]]:
    return [found[start : start + retention.MOST] for start in range(0, len(found), retention.MOST)]

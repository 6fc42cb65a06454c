"""Ticks. Due times are rows; APScheduler only looks at them, one process at a time on PostgreSQL.

APScheduler goes by the machine's clock: when that is set back by an hour, it would rest for an hour, and no alarm
would be raised meanwhile. So whenever the clock was set, everything is looked at once more from there on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import Connection

from bot.clock import Clock
from bot.errors import StoreUnavailable
from bot.runtime.live import INBOX, Hub, News
from bot.store import hints, wakeups
from bot.store.database import Database
from bot.store.dialect import alone

WAKE_EVERY = 1  # seconds
FORGET_EVERY = 5  # seconds
COMPARE_EVERY = 2.0  # seconds
SET_BY = 1.0  # seconds by which a clock does not drift within that time

log = structlog.get_logger("clockwork")


class Clockwork:
    """Turns due wake-ups into events, and forgets hints."""

    def __init__(self, database: Database, hub: Hub, clock: Clock) -> None:
        self._database, self._hub, self._clock = database, hub, clock
        self._scheduler = AsyncIOScheduler(
            timezone="UTC",
            # what is late is done all the same: left out, the daily work would wait for another day
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._comparing: asyncio.Task[None] | None = None

    def every(self, seconds: float, job: Callable[[], Awaitable[None]]) -> None:
        """Has a job done again and again, once at a time."""
        self._scheduler.add_job(job, "interval", seconds=seconds)

    def start(self, *, works: bool = True) -> None:
        """`works`: this process does the house's own jobs, too."""
        if works:
            self.every(WAKE_EVERY, self.wake)
            self.every(FORGET_EVERY, self.forget)
        self._scheduler.start()
        self._comparing = asyncio.create_task(self._compare(), name="clock")

    async def _compare(self) -> None:
        before = _ahead()
        while True:
            await asyncio.sleep(COMPARE_EVERY)
            by, before = _ahead() - before, _ahead()
            if abs(by) > SET_BY:
                log.warning("clock_set", seconds=round(by))
                for job in self._scheduler.get_jobs():
                    job.modify(next_run_time=datetime.now(UTC))

    async def stop(self) -> None:
        if self._comparing is not None:
            self._comparing.cancel()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def wake(self) -> None:
        """Due wake-ups become events in their contacts' order."""
        try:
            due = await self._database.read(wakeups.next_due)
            if due is None or due > self._clock.now():
                return
            if await self._database.write(self._wake) > 0:
                self._hub.spread(News({INBOX}))
        except StoreUnavailable:
            log.warning("store_unavailable", worker="clockwork")

    def _wake(self, connection: Connection) -> int:
        return wakeups.wake(connection, self._clock.now()) if alone(connection, "wake") else 0

    async def forget(self) -> None:
        """Reply hints that nobody used are over after less than a minute."""
        try:
            end, now = await self._database.read(hints.next_end), self._clock.now()
            if end is not None and end <= now:
                await self._database.write(hints.drop_old, now)
        except StoreUnavailable:
            log.warning("store_unavailable", worker="clockwork")


def _ahead() -> float:
    """How far the machine's clock is ahead of one that nobody sets, in seconds."""
    return time.time() - time.monotonic()

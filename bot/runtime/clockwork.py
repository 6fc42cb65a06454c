"""Ticks. Due times are rows; APScheduler only looks at them, one process at a time on PostgreSQL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import Connection

from bot.clock import Clock
from bot.errors import StoreUnavailable
from bot.runtime.live import INBOX, Hub, News
from bot.store import alerts, dedupe, hints, moved, moving, staff, wakeups
from bot.store.database import Database
from bot.store.dialect import alone

WAKE_EVERY = 1  # seconds
FORGET_EVERY = 5  # seconds
TIDY_EVERY = 3600  # seconds

log = structlog.get_logger("clockwork")


class Clockwork:
    """Turns due wake-ups into events, and tidies what is past its time."""

    def __init__(self, database: Database, hub: Hub, clock: Clock) -> None:
        self._database, self._hub, self._clock = database, hub, clock
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1}
        )

    def every(self, seconds: float, job: Callable[[], Awaitable[None]]) -> None:
        """Has a job done again and again, once at a time."""
        self._scheduler.add_job(job, "interval", seconds=seconds)

    def start(self, *, works: bool = True) -> None:
        """`works`: this process does the house's own jobs, too."""
        if works:
            self.every(WAKE_EVERY, self.wake)
            self.every(FORGET_EVERY, self.forget)
            self.every(TIDY_EVERY, self.tidy)
        self._scheduler.start()

    async def stop(self) -> None:
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

    async def tidy(self) -> None:
        """Forgets dedupe keys, sessions, links and left addresses whose time is over."""
        try:
            await self._database.write(self._tidy)
        except StoreUnavailable:
            log.warning("store_unavailable", worker="clockwork")

    def _tidy(self, connection: Connection) -> None:
        if alone(connection, "tidy"):
            now = self._clock.now()
            dedupe.forget_old(connection, now)
            moved.forget_old(connection, now)
            moving.drop_old_links(connection, now)
            staff.drop_ended_sessions(connection, now)
            alerts.forget_old(connection, now)

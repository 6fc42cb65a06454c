"""How many pushes are left this month, and who waits when it is few. Replies are free and never wait.

Read from LINE at most every ten minutes, beside the sends and never in their way; in between our own pushes are
counted. LINE counts by calendar months of Japan.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone

from bot.channels.line.api import Api
from bot.errors import SendError
from bot.frozen import dataclass
from bot.messages import HELD_FOR_QUOTA, Hold

JAPAN = timezone(timedelta(hours=9))  # no summer time
RECHECK = timedelta(minutes=10)
RESERVE = 10  # a tenth of the month's pushes is kept for safety cards and people's words
LEAST_RESERVE = 20
SPENT, LOW = HELD_FOR_QUOTA


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What LINE told: `limit` None means that there is none. `month` is the one it is true for."""

    limit: int | None
    used: int
    month: tuple[int, int]

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.used)

    @property
    def is_low(self) -> bool:
        left = self.left
        return (
            self.limit is not None and left is not None and left <= max(self.limit // RESERVE, LEAST_RESERVE)
        )


class Quota:
    """One account's pushes. `hold` may be asked from any thread; the rest belongs to the event loop."""

    def __init__(self, ask: Callable[[], Awaitable[tuple[int | None, int]]]) -> None:
        self._ask = ask
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reading: asyncio.Task[None] | None = None
        self._known: Known | None = None
        self._now: datetime | None = None
        self._asked_at: datetime | None = None
        self._spent_until: datetime | None = None

    def open(self) -> None:
        self._loop = asyncio.get_running_loop()

    async def close(self) -> None:
        self._loop = None
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    # --- asked before a push ---

    def hold(self, now: datetime) -> Hold | None:
        """Until when a push that is not urgent waits, and why; None when it may leave."""
        self.noticed(now)
        known = self._known if self._known is not None and self._known.month == _month(now) else None
        again = min(now + RECHECK, _next_month(now))
        if self._spent_until is not None and now < self._spent_until:
            return Hold(until=again, code=SPENT)
        if known is None or not known.is_low:
            return None
        return Hold(until=again, code=LOW if known.left else SPENT)

    def noticed(self, now: datetime) -> None:
        """A push is about to leave, or waits: what is known should not be older than ten minutes."""
        self._now = now
        loop = self._loop
        if loop is None or (self._asked_at is not None and now - self._asked_at < RECHECK):
            return
        self._asked_at = now
        with contextlib.suppress(RuntimeError):  # the loop closed in between
            loop.call_soon_threadsafe(self._start_reading)

    # --- told after a push ---

    def pushed(self) -> None:
        """A push was accepted."""
        self._spent_until = None
        known = self._known
        if known is not None:
            self._known = Known(limit=known.limit, used=known.used + 1, month=known.month)

    def spent(self) -> None:
        """LINE refused a push: nothing is left. It is tried again now and then, since a plan may be widened."""
        if self._now is not None:
            self._spent_until = min(self._now + RECHECK, _next_month(self._now))

    # --- reading ---

    async def read(self, now: datetime) -> Known:
        """Asks LINE now. Raises a SendError."""
        self._asked_at = now
        limit, used = await self._ask()
        self._known = Known(limit=limit, used=used, month=_month(now))
        return self._known

    def _start_reading(self) -> None:
        if self._loop is not None and self._now is not None:
            self._reading = self._loop.create_task(self._read_quietly(self._now))

    async def _read_quietly(self, now: datetime) -> None:
        with contextlib.suppress(SendError):  # what was known stays; asked again in ten minutes
            await self.read(now)


async def ask_line(api: Api) -> tuple[int | None, int]:
    """This month's limit (None: there is none) and how much of it is used. Raises a SendError."""
    about = await api.get("/v2/bot/message/quota")
    if about.status != 200:
        about.fail()
    told = about.json()
    value = told.get("value")
    if told.get("type") != "limited" or not isinstance(value, int):
        return None, 0
    used = await api.get("/v2/bot/message/quota/consumption")
    if used.status != 200:
        used.fail()
    total = used.json().get("totalUsage")
    return value, total if isinstance(total, int) else 0


def _month(now: datetime) -> tuple[int, int]:
    local = now.astimezone(JAPAN)
    return local.year, local.month


def _next_month(now: datetime) -> datetime:
    year, month = _month(now)
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=JAPAN)

"""What becomes of events while the database is away: kept on this machine's disk, acknowledged, replayed in order.

As long as anything waits there everything that comes in goes there, too: nothing overtakes. An event whose commit was
in doubt is known again by its dedupe key (docs/decisions/018).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from bot.clock import Clock
from bot.errors import StoreUnavailable
from bot.frozen import dataclass
from bot.messages import Inbound
from bot.runtime.live import Hub
from bot.runtime.loop import Worker
from bot.runtime.metrics import SPOOL_BYTES, SPOOLED
from bot.store import conversations
from bot.store.database import Database
from bot.store.sealed import Sealer
from bot.store.spool import START, Place, Record, Spool

LOOK_EVERY = 1.0  # seconds
SEEN_WITHIN = 0.02  # seconds; to look before every event would cost each of them a call to the disk
BATCH = 256
FORGET_EVERY = timedelta(hours=1)
TOPIC = "spool"

Replay = Callable[[Sequence[Inbound]], Awaitable[Collection[int]]]
"""Stores events in their order; which of them cannot be stored at all. Raises StoreUnavailable."""

log = structlog.get_logger("spool")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How the spool is: bytes that wait for the database, and bytes of events that could not be stored."""

    waiting: int = 0
    aside: int = 0

    def in_words(self) -> str:
        """For machines that watch: `empty`, or what is wrong."""
        if self.waiting:
            return "events wait for the database"
        return "events could not be stored; see the log" if self.aside else "empty"


class Spooling(Worker):
    """Takes events when the database cannot, and brings them to it when it can."""

    name = "spool"

    def __init__(
        self,
        spool: Spool,
        replay: Replay,
        database: Database,
        hub: Hub,
        clock: Clock,
        sealer: Sealer,
        operator_id: str,
    ) -> None:
        super().__init__(hub, TOPIC, poll=LOOK_EVERY)
        self._spool, self._replay, self._database, self._clock = spool, replay, database, clock
        self._sealer, self._operator_id = sealer, operator_id
        self._waiting: list[tuple[Sequence[Inbound], asyncio.Future[None]]] = []
        self._runner: asyncio.Task[None] | None = None
        self._at: Place = START
        self._failed: set[Place] = set()
        self._forgotten: datetime | None = None
        self._told = False
        self._empty, self._look_at = True, 0.0

    # --- in ---

    @property
    def is_ahead(self) -> bool:
        """Whether something waits that must come before what comes in now.

        What this process put there it knows; what another did is seen within `SEEN_WITHIN`.
        """
        if self._waiting or self._runner is not None:
            return True
        now = time.monotonic()
        if now >= self._look_at:
            self._empty, self._look_at = self._spool.is_empty(), now + SEEN_WITHIN
        return not self._empty

    async def put(self, events: Sequence[Inbound]) -> None:
        """On disk when this returns, in order with all other calls. Raises StoreUnavailable when that fails, too."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((events, done))
        if self._runner is None:
            self._runner = asyncio.create_task(self._append(), name="spool-append")
        await done

    async def _append(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            error: StoreUnavailable | None = None
            try:
                await asyncio.to_thread(
                    self._spool.append, [event for events, _ in batch for event in events]
                )
            except StoreUnavailable as caught:
                error = caught
            except Exception as caught:  # noqa: BLE001 - told to the platforms as 503; they bring it again
                log.error("spool_failed", error=type(caught).__name__)
                error = StoreUnavailable()
            for events, done in batch:
                if not done.done():
                    done.set_result(None) if error is None else done.set_exception(error)
                if error is None:
                    SPOOLED.inc(len(events))
            if not self._told:
                log.error("events_spooled" if error is None else "spool_unwritable")
                self._told = True
        self._runner, self._look_at = (
            None,
            0.0,
        )  # nothing is awaited since the check, so nothing is left behind

    # --- out ---

    def start(self) -> None:
        with contextlib.suppress(OSError):  # a folder that cannot be written is told when it is needed
            if self._spool.size()[1]:
                self._spool.bring_back()
        super().start()

    async def stop(self) -> None:
        """What waits stays for the next start."""
        await super().stop()
        if self._runner is not None:
            await self._runner
        self._spool.let_go()

    async def work(self) -> bool:
        """Replays one batch; whether there may be more."""
        if self._spool.is_empty():
            self._spool.let_go()
            self._at, self._failed, self._told = START, set(), False
            SPOOL_BYTES.set(0)
            await self._forget()
            return False
        if not self._spool.mine():
            return False
        SPOOL_BYTES.set(sum(self._spool.size()))
        records, upto = await asyncio.to_thread(self._spool.read, self._at, BATCH)
        await self._bring(records)
        self._at = await asyncio.to_thread(self._spool.close_segments, upto, self._failed)
        self._failed = {place for place in self._failed if place.segment == self._at.segment}
        if self._spool.is_empty():
            log.warning("spool_replayed")
        return bool(records)

    async def _bring(self, records: Sequence[Record]) -> None:
        events = [(record.place, record.event) for record in records if record.event is not None]
        failed = {record.place for record in records if record.event is None}
        unstored = await self._replay([event for _, event in events])
        failed |= {events[number][0] for number in unstored}
        if failed:
            log.error("spool_set_aside", events=len(failed))
        self._failed |= failed

    # --- what could not be stored ---

    async def kept(self) -> Kept:
        waiting, aside = await asyncio.to_thread(self._spool.size)
        return Kept(waiting=waiting, aside=aside)

    async def _forget(self) -> None:
        now = self._clock.now()
        if self._forgotten is None or now - self._forgotten > FORGET_EVERY:
            self._forgotten = now
            if count := await asyncio.to_thread(self._spool.forget_old, now):
                log.error("spool_aside_forgotten", segments=count)

    async def erase(self) -> None:
        """After somebody had everything erased: nothing of people who are not known stays among what was set aside.

        What still waits comes before their wish to be erased, and goes with it. Raises StoreUnavailable.
        """
        if not self._spool.size()[1]:
            return
        records = [(one.place, one.event) for one in await asyncio.to_thread(self._spool.aside) if one.event]
        known = await self._database.read(self._known, [event for _, event in records])
        gone = [place for (place, _), is_known in zip(records, known, strict=True) if not is_known]
        await asyncio.to_thread(self._spool.erase_aside, gone)

    def _known(self, connection: Connection, events: Sequence[Inbound]) -> list[bool]:
        return [
            conversations.find(connection, self._sealer, self._operator_id, event.address) is not None
            for event in events
        ]

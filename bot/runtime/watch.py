"""The dead man's switch: a synthetic person asks for help every few minutes, and the machine must answer the alarm.

One round goes the whole way: message, turn, ticket, alert, acknowledgement. Its person belongs to an operator of its
own, so no queue, count or report ever holds it, and is erased at the round's end. A round that fails is an alert; the
outside monitor is told only of rounds that passed, because a dead machine raises no alert (docs/alerts.md).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

import structlog
from sqlalchemy import Connection

from bot.clock import Clock, random_id
from bot.errors import SendError, StoreUnavailable
from bot.handoff.alerts import ALERTS
from bot.handoff.escalation import Kind
from bot.handoff.risk import Level
from bot.messages import Address, Inbound
from bot.messages import Kind as Heard
from bot.runtime.ingress import Ingress
from bot.runtime.live import QUEUE, Hub, News
from bot.runtime.metrics import ROUND_PASSED
from bot.store import alerts, conversations, erase, watch
from bot.store.database import Database
from bot.store.sealed import Sealer

ACCOUNT = "watch"
PERSON = Address(account=ACCOUNT, key="round")
WORDS = "死にたい"
"""What the synthetic person writes: the plainest call there is. Rules that miss it are a failure, too."""
LOOK_EVERY = 20  # seconds
WITHIN = 60.0  # seconds a round may take
LOOK_AGAIN = 0.1  # seconds
SUBJECT = "round"

log = structlog.get_logger("watch")


class Monitor(Protocol):
    """An outside monitor that calls when it hears nothing."""

    async def ping(self) -> None: ...

    async def close(self) -> None: ...


class Watch:
    """Makes rounds, one process at a time."""

    def __init__(
        self,
        database: Database,
        hub: Hub,
        ingress: Ingress,
        clock: Clock,
        sealer: Sealer,
        operator_id: str,
        every: timedelta | None,
        monitor: Callable[[], Monitor] | None,
        *,
        within: float = WITHIN,
    ) -> None:
        """`ingress` takes in for the operator of the watch. `every` None: no rounds are made."""
        self._database, self._hub, self._ingress, self._clock = database, hub, ingress, clock
        self._sealer, self._operator_id, self._every = sealer, operator_id, every
        self._monitor, self._within = monitor, within
        self._stopping = asyncio.Event()

    async def look(self) -> None:
        """Makes a round if one is due and no other process makes it."""
        if self._every is None or self._stopping.is_set():
            return
        try:
            now = self._clock.now()
            if await self._database.write(watch.claim, self._operator_id, now, self._every):
                await self.round()
        except StoreUnavailable:
            log.warning("store_unavailable", worker="watch")

    async def stop(self) -> None:
        """A round under way ends without a verdict."""
        self._stopping.set()

    async def round(self) -> bool:
        """One round, whatever the time; whether it passed. Raises StoreUnavailable: then the monitor hears nothing."""
        await self._database.write(self._clean)
        code = await self._outcome()
        await self._database.write(self._clean)
        if self._stopping.is_set():
            return False
        now = self._clock.now()
        if code:
            log.error("round_failed", code=code)
            await self._database.write(self._failed, code)
            self._hub.spread(News({QUEUE, ALERTS}))
            return False
        if await self._database.write(self._passed):
            self._hub.spread(News({QUEUE}))
        ROUND_PASSED.set(now.timestamp())
        await self._tell_outside()
        return True

    async def _outcome(self) -> str:
        """Our code for where the round ended; empty when it came through."""
        now = self._clock.now()
        event = Inbound(
            address=PERSON, dedupe_key=f"round-{random_id()}", sent_at=now, kind=Heard.TEXT, text=WORDS
        )
        loop = asyncio.get_running_loop()
        end = loop.time() + self._within
        await self._ingress.accept([event])
        self._hub.spread(News({ALERTS}))
        while not await self._database.read(watch.is_acknowledged):
            if self._stopping.is_set() or loop.time() >= end:
                return "not_told" if await self._database.read(watch.has_ticket) else "no_ticket"
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), LOOK_AGAIN)
        return ""

    async def _tell_outside(self) -> None:
        if self._monitor is None:
            return
        monitor, code = self._monitor(), ""
        try:
            await monitor.ping()
        except SendError as error:
            code = error.code
        except TimeoutError:
            code = "unreachable"
        finally:
            await monitor.close()
        if code:
            log.warning("monitor_not_told", code=code)
        await self._database.write(watch.pinged, self._operator_id, self._clock.now(), code)

    # --- in store threads ---

    def _clean(self, connection: Connection) -> None:
        """Nothing of a round stays, nor of one that a dying process left."""
        contact_id = conversations.find(connection, self._sealer, watch.OPERATOR, PERSON)
        if contact_id is not None:
            conversations.load(connection, self._sealer, [contact_id], lock=True)
            erase.delete_contacts(connection, [contact_id])
        watch.sweep_away(connection)
        watch.be_there(connection)

    def _failed(self, connection: Connection, code: str) -> None:
        now = self._clock.now()
        watch.failed(connection, self._operator_id, now, code)
        alerts.raise_one(connection, self._operator_id, Kind.ROUND, Level.EMERGENCY, now, subject=SUBJECT)

    def _passed(self, connection: Connection) -> bool:
        now = self._clock.now()
        watch.passed(connection, self._operator_id, now)
        return alerts.end_kind(connection, self._operator_id, Kind.ROUND, now)

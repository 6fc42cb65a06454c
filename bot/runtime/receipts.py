"""Erase receipts: the last words to somebody who had everything erased, sent once, kept for a minute at most."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import structlog

from bot.channels.base import Channel
from bot.clock import Clock
from bot.errors import SendError
from bot.messages import Outgoing, Purpose
from bot.runtime.live import ERASED, RECEIPTS, Hub, News
from bot.runtime.loop import Worker
from bot.store import erase
from bot.store.body import Receipt
from bot.store.database import Database
from bot.store.sealed import Sealer

SLOW_POLL = 5.0
WAYS = 2  # a spent token falls back to the other way once

log = structlog.get_logger("receipts")


class Receipts(Worker):
    """Sends receipts and leaves nothing of them behind."""

    name = "receipts"

    def __init__(
        self, database: Database, hub: Hub, channels: Mapping[str, Channel], clock: Clock, sealer: Sealer
    ) -> None:
        super().__init__(hub, RECEIPTS, poll=SLOW_POLL)
        self._database, self._hub, self._channels = database, hub, channels
        self._clock, self._sealer = clock, sealer

    async def work(self) -> bool:
        """Takes and sends what is there; a process that dies in between leaves them untried, to expire."""
        if not await self._database.read(erase.has_receipts):
            return False
        taken = await self._database.write(erase.take_receipts, self._sealer, self._clock.now())
        await asyncio.gather(*(self._send_and_drop(*one) for one in taken))
        self._hub.spread(News({ERASED}))
        return False

    async def _send_and_drop(self, receipt_id: str, account: str, receipt: Receipt) -> None:
        try:
            await self._send(receipt_id, account, receipt)
        except Exception as error:  # noqa: BLE001 - whatever happens, nothing of it may stay
            log.error("receipt_raised", error=type(error).__name__)
        await self._database.write(erase.drop_receipts, [receipt_id])

    async def _send(self, receipt_id: str, account: str, receipt: Receipt) -> None:
        channel = self._channels.get(account)
        if channel is None:
            return
        outgoing = Outgoing(
            contact_id=receipt_id,
            seq=0,
            address=receipt.address,
            reply=receipt.reply,
            purpose=Purpose.RECEIPT,
            attempt=1,
            queued_at=self._clock.now(),
            hint=receipt.hint,
        )
        for _ in range(WAYS):
            via = channel.route(outgoing, self._clock.now())
            if not isinstance(via, str):
                return
            try:
                await channel.send(replace(outgoing, via=via))
                return
            except SendError as error:
                outgoing = replace(outgoing, earlier_via=via, earlier_error=error.code)

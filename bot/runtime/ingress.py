"""Events in: named, stored in groups, acknowledged after the commit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from bot.clock import Clock
from bot.content.library import Library
from bot.messages import Inbound, Kind
from bot.runtime.live import INBOX, Hub, News
from bot.runtime.metrics import EVENTS, REPEATED
from bot.store import inbox
from bot.store.database import Database, Lane
from bot.store.dialect import notify
from bot.store.inbox import Accepted
from bot.store.sealed import Sealer


class Ingress:
    """Takes events of all channels through one lane."""

    def __init__(
        self, database: Database, hub: Hub, library: Library, clock: Clock, sealer: Sealer, operator_id: str
    ) -> None:
        self._hub, self._library, self._clock = hub, library, clock
        self._sealer, self._operator_id = sealer, operator_id
        self._lane: Lane[Inbound, Accepted] = Lane(database, self._store)

    async def accept(self, events: Sequence[Inbound]) -> list[Accepted]:
        """Where each event lies, once all are durable. Raises StoreUnavailable: then none may be acknowledged."""
        if len(events) == 1:
            accepted = [await self._lane.put(self._named(events[0]))]
        else:
            accepted = await asyncio.gather(*(self._lane.put(self._named(event)) for event in events))
        for event, one in zip(events, accepted, strict=True):
            if one.fresh:
                EVENTS.labels(channel=event.address.account.partition("/")[0], kind=event.kind).inc()
            else:
                REPEATED.inc()
        self._hub.spread(News({INBOX}))
        return accepted

    async def accept_all(self, events: Sequence[Inbound]) -> None:
        """The same, for who does not need to know where they lie."""
        await self.accept(events)

    def _named(self, event: Inbound) -> Inbound:
        """A tap gets the words on its button, so that the thread can be read."""
        released = self._library.at_hand
        if event.kind is not Kind.CHOICE or event.text or released is None:
            return event
        return replace(event, text=released.label(event.choice_id))

    def _store(self, connection: Connection, events: Sequence[Inbound]) -> list[Accepted]:
        accepted = inbox.accept(connection, self._sealer, self._operator_id, self._clock.now(), events)
        notify(connection, {"topics": [INBOX]})
        return accepted

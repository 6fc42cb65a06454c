"""Events in: named, stored in groups and acknowledged after the commit, as a rule together with their answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy import Connection

from bot.clock import Clock
from bot.content.library import Library
from bot.errors import StoreUnavailable
from bot.frozen import dataclass, replace
from bot.handoff.hours import TOKYO
from bot.messages import Inbound, Kind
from bot.runtime.live import ERASED, INBOX, NEWCOMERS, Hub, News
from bot.runtime.metrics import EVENTS, REPEATED, TURNS
from bot.store import counts, intake
from bot.store.database import Database
from bot.store.dialect import attempt, notify
from bot.store.inbox import Pending
from bot.store.intake import Accepted, Taken
from bot.store.lane import Lane
from bot.store.sealed import Sealer

PATIENCE = (
    8.0  # seconds for a commit; what waits longer goes to the spool, and is known again if it came through
)

log = structlog.get_logger("ingress")


class Answer(Protocol):
    """Answers fresh events in the transaction that stores them; what it returns must be queued."""

    def __call__(
        self, connection: Connection, taken: Taken, now: datetime
    ) -> tuple[Sequence[Pending], News]: ...


@dataclass(frozen=True, slots=True)
class _Stored:
    """An event's place; with the first of a batch, what the batch has to tell."""

    accepted: Accepted
    answered: int = 0
    news: News | None = None


class Spool(Protocol):
    """Where events wait when the database does not take them (`bot.runtime.spooling`)."""

    @property
    def is_ahead(self) -> bool: ...

    async def put(self, events: Sequence[Inbound]) -> None: ...


class Ingress:
    """Takes events of all channels through one lane.

    Where this process works, too, `answer` has the turns answer at once: one commit, one fsync, and no way for a
    crash to come between. Whatever it cannot answer waits in the inbox, as all events do where it is not set.
    """

    def __init__(
        self, database: Database, hub: Hub, library: Library, clock: Clock, sealer: Sealer, operator_id: str
    ) -> None:
        self._hub, self._library, self._clock = hub, library, clock
        self._sealer, self._operator_id = sealer, operator_id
        self._lane: Lane[Inbound, _Stored] = Lane(database, self._store, committed=self._committed)
        self.answer: Answer | None = None
        self.spool: Spool | None = None
        self.received: Callable[[str], None] = lambda _account: None
        self.answered = 0

    async def accept(self, events: Sequence[Inbound]) -> list[Accepted]:
        """Where each event lies, once all are durable. Raises StoreUnavailable: then none may be acknowledged."""
        accepted = await self._accepted(events)
        for event in events:
            self.received(event.address.account)
        return accepted

    async def _accepted(self, events: Sequence[Inbound]) -> list[Accepted]:
        """In the database; in the spool when that is away or takes too long, or something still waits there."""
        spool = self.spool
        if spool is None:
            return await self._stored(events)
        if not spool.is_ahead:
            try:
                async with asyncio.timeout(PATIENCE):
                    return await self._stored(events)
            except (StoreUnavailable, TimeoutError):
                pass
        await spool.put(events)
        return [Accepted(seq=None, fresh=True)] * len(events)

    async def _stored(self, events: Sequence[Inbound]) -> list[Accepted]:
        if len(events) == 1:
            stored = [await self._lane.put(self._named(events[0]))]
        else:
            stored = await asyncio.gather(*(self._lane.put(self._named(event)) for event in events))
        accepted = [one.accepted for one in stored]
        for event, one in zip(events, accepted, strict=True):
            if one.fresh:
                EVENTS.labels(channel=event.address.account.partition("/")[0], kind=event.kind).inc()
            else:
                REPEATED.inc()
        return accepted

    async def replay(self, events: Sequence[Inbound]) -> list[int]:
        """Stores what waited in the spool; returns which of them cannot be stored at all. Raises StoreUnavailable.

        What cannot be stored as it is is taken as something that cannot be read: its person is answered.
        """
        taken = await asyncio.gather(*(self._stored([event]) for event in events), return_exceptions=True)
        for one in taken:
            if isinstance(one, StoreUnavailable):
                raise one
        unstored = []
        for number, one in enumerate(taken):
            if isinstance(one, Exception):
                log.error("replay_failed", error=type(one).__name__)
                try:
                    await self._stored([unreadable(events[number])])
                except StoreUnavailable:
                    raise
                except Exception as error:  # noqa: BLE001 - the others must not wait for it
                    log.error("replay_failed", error=type(error).__name__)
                    unstored.append(number)
        return unstored

    async def accept_all(self, events: Sequence[Inbound]) -> None:
        """The same, for who does not need to know where they lie."""
        await self.accept(events)

    def _named(self, event: Inbound) -> Inbound:
        """A tap gets the words on its button, a sticker the word it says, so that the thread can be read."""
        released = self._library.at_hand
        if released is None:
            return event
        if event.kind is Kind.CHOICE and not event.text:
            return replace(event, text=released.label(event.choice_id))
        word = released.sticker(event.keywords) if event.keywords else ""
        return replace(event, text=word) if word else event

    def _store(self, connection: Connection, events: Sequence[Inbound]) -> list[_Stored]:
        now = self._clock.now()
        taken = intake.take(connection, self._sealer, self._operator_id, now, events)
        self._count_entries(connection, taken, events, now)
        left, news = self._answered(connection, taken, now)
        if taken.took_back:
            news.add(ERASED)
        told = set[str]()
        if taken.newcomers:
            told.add(NEWCOMERS)
        if left:
            intake.queue(connection, taken, left, now)
            told.add(INBOX)
        if told:
            news.add(*told)
            notify(connection, told)
        first, *others = taken.accepted
        return [
            _Stored(first, len(taken.fresh) - len(left), news),
            *(_Stored(accepted) for accepted in others),
        ]

    def _count_entries(
        self, connection: Connection, taken: Taken, events: Sequence[Inbound], now: datetime
    ) -> None:
        """Place codes are counted where they come in, in total only, and kept nowhere else (R-124)."""
        entries = [
            event.entry
            for event, one in zip(events, taken.accepted, strict=True)
            if event.entry and one.fresh
        ]
        if entries:
            known = self._library.released(connection).latest.service.entry_codes
            counted = Counter(f"entry:{entry if entry in known else 'other'}" for entry in entries)
            counts.add(connection, self._operator_id, now.astimezone(TOKYO).date(), counted)

    def _committed(self, stored: Sequence[_Stored]) -> None:
        for one in stored:
            if one.news is not None:
                self.answered += one.answered
                TURNS.inc(one.answered)
                self._hub.spread(one.news)

    def _answered(
        self, connection: Connection, taken: Taken, now: datetime
    ) -> tuple[Sequence[Pending], News]:
        if (answer := self.answer) is None or not taken.fresh:
            return taken.fresh, News()
        result, error = attempt(connection, lambda connection: answer(connection, taken, now))
        if result is None:  # what cannot be answered now is stored all the same
            log.warning("answer_failed", error=type(error).__name__)
            return taken.fresh, News()
        return result


def unreadable(event: Inbound) -> Inbound:
    """The same as an event of which nothing is known but who and when."""
    return Inbound(
        address=event.address, dedupe_key=event.dedupe_key, sent_at=event.sent_at, kind=Kind.UNSUPPORTED
    )

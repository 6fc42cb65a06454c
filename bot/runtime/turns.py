"""Turns: each contact's pending events, in order, through `take_turn` into one commit.

A batch is one transaction: lock the talks, read their events, compute, write. A crash anywhere leaves the events
pending. A batch that fails is replayed contact by contact; three real failures park an event for people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import structlog
from sqlalchemy import Connection

from bot.clock import Clock
from bot.content.library import Library
from bot.content.pack import Released
from bot.conversation import take_turn
from bot.errors import Conflict, StoreUnavailable
from bot.flows.effects import Effect, OpenTicket, Say, SetReachable
from bot.frozen import replace
from bot.handoff import ticket as tickets
from bot.handoff.risk import Level
from bot.messages import Kind, Reply
from bot.runtime import commit
from bot.runtime.commit import Change, Deed, House
from bot.runtime.live import INBOX, Hub, News
from bot.runtime.loop import Worker
from bot.runtime.metrics import TURNS
from bot.store import conversations, inbox
from bot.store.conversations import Loaded
from bot.store.database import Database
from bot.store.inbox import Pending
from bot.store.intake import Taken
from bot.store.sealed import Sealer
from bot.talk import Heard, Mode, Talk, Turn, WokeUp

BATCH = 64
MAX_FAILURES = 3
SLOW_POLL = 5.0  # the truth, should a nudge get lost
HELD_POLL = 0.05

log = structlog.get_logger("turns")


class Turns(Worker):
    """The worker that turns the inbox into answers."""

    name = "turns"

    def __init__(
        self,
        database: Database,
        hub: Hub,
        library: Library,
        clock: Clock,
        sealer: Sealer,
        house: Callable[[Released], House],
    ) -> None:
        super().__init__(hub, INBOX, poll=SLOW_POLL)
        self._database, self._hub, self._library, self._clock = database, hub, library, clock
        self._sealer, self._house = sealer, house
        self.handled = 0
        self._held_elsewhere = False

    async def work(self) -> bool:
        """One batch; whether there may be more. What comes in meanwhile rings the bell."""
        try:
            count, news = await self._database.write(self._batch)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one event must not stop the others
            log.warning("turn_batch_failed", error=type(error).__name__)
            count, news = await self._one_by_one()
        self.handled += count
        TURNS.inc(count)
        self._hub.spread(news)
        return count >= BATCH or INBOX in news.topics

    async def idle(self) -> float:
        """Soon, when a contact was held by somebody else for the moment: nobody rings when it is free."""
        return HELD_POLL if self._held_elsewhere else SLOW_POLL

    def _batch(self, connection: Connection) -> tuple[int, News]:
        return self._handle(connection, inbox.waiting_contacts(connection, BATCH))

    async def _one_by_one(self) -> tuple[int, News]:
        contact_ids = await self._database.read(inbox.waiting_contacts, BATCH)
        total, news = 0, News()
        for contact_id in contact_ids:
            try:
                count, found = await self._database.write(self._handle, [contact_id])
            except StoreUnavailable:
                raise
            except Conflict:  # a lost race is no failure; the next batch sees what won it
                count, found = 0, News({INBOX})
            except Exception as error:  # noqa: BLE001 - one event must not stop the others
                log.error("turn_failed", error=type(error).__name__)
                count, found = await self._one_failed(contact_id)
            total += count
            news.merge(found)
        return total, news

    async def _one_failed(self, contact_id: str) -> tuple[int, News]:
        try:
            return await self._database.write(self._fail_first, contact_id)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - not even this can be written; others must not wait
            log.error("failure_uncounted", error=type(error).__name__)
            return await self._database.write(inbox.fail_unread, contact_id, MAX_FAILURES), News({INBOX})

    def answer(self, connection: Connection, taken: Taken, now: datetime) -> tuple[list[Pending], News]:
        """Answers events in the transaction that takes them in; what it did not is returned, to be queued.

        That is what comes after an event still waiting, and the first whose turn fails with all after it.
        """
        waiting = inbox.with_pending(connection, taken.held)
        events: dict[str, list[Pending]] = {}
        for event in taken.fresh:
            if event.contact_id not in waiting:
                events.setdefault(event.contact_id, []).append(event)
        loaded = {
            contact_id: replace(one, last_seq=taken.held[contact_id].last_seq)
            for contact_id, one in conversations.load(connection, self._sealer, events, lock=False).items()
        }
        released = self._released(connection, loaded)
        changes = [fold(released, loaded[contact_id], events[contact_id], now)[0] for contact_id in loaded]
        answered = {(change.loaded.contact_id, seq) for change in changes for seq in change.done}
        news = commit.apply(
            connection,
            self._house(released),
            [change for change in changes if change.done],
            now,
            queued=False,
        )
        return [event for event in taken.fresh if (event.contact_id, event.seq) not in answered], news

    def _handle(self, connection: Connection, contact_ids: list[str]) -> tuple[int, News]:
        self._held_elsewhere = False
        if not contact_ids:
            return 0, News()
        now = self._clock.now()
        loaded = conversations.load(connection, self._sealer, contact_ids, wait=False)
        self._held_elsewhere = len(loaded) < len(contact_ids)
        pending = inbox.pending(connection, loaded)
        released = self._released(connection, loaded)
        changes, failed = [], []
        for contact_id, events in pending.items():
            change, broken = fold(released, loaded[contact_id], events, now)
            if change.done:
                changes.append(change)
            elif broken is not None:
                failed.append((loaded[contact_id], broken))
        news = commit.apply(connection, self._house(released), changes, now)
        full = any(len(events) == inbox.MAX_PER_CONTACT for events in pending.values())
        if full or any(len(change.done) < len(pending[change.loaded.contact_id]) for change in changes):
            news.add(INBOX)
        for one, event in failed:
            news.merge(self._failed(connection, released, one, event, now))
        return sum(len(change.done) for change in changes) + len(failed), news

    def _released(self, connection: Connection, loaded: Mapping[str, Loaded]) -> Released:
        pinned = {one.talk.session.release for one in loaded.values() if one.talk.session}
        return self._library.released(connection, pinned)

    def _fail_first(self, connection: Connection, contact_id: str) -> tuple[int, News]:
        """The contact's first event could not be committed: count it, and park it in the end."""
        loaded = conversations.load(connection, self._sealer, [contact_id])
        events = inbox.pending(connection, loaded).get(contact_id, [])
        if not events:
            return 0, News()
        released = self._library.released(connection)
        return 1, self._failed(connection, released, loaded[contact_id], events[0], self._clock.now())

    def _failed(
        self, connection: Connection, released: Released, loaded: Loaded, event: Pending, now: datetime
    ) -> News:
        park = event.attempts + 1 >= MAX_FAILURES
        inbox.failed(connection, loaded.contact_id, event.seq, park=park)
        if not park:
            return News({INBOX})
        log.error("event_parked", attempts=event.attempts + 1)
        return commit.apply(connection, self._house(released), [parked(released, loaded, event, now)], now)


def fold(
    released: Released, loaded: Loaded, events: list[Pending], now: datetime
) -> tuple[Change, Pending | None]:
    """All events of a contact as one change; stops before one whose turn fails, which is returned."""
    talk, deeds, done = loaded.talk, list[Deed](), list[int]()
    broken, reachable = None, loaded.reachable
    for event in events:
        try:
            turn = _turn(released, loaded, talk, event, now)
        except Exception as error:  # noqa: BLE001 - one event must not stop the others
            log.error("take_turn_raised", error=type(error).__name__)
            broken = event
            break
        talk = turn.talk
        effects, reachable = _reached(turn.effects, event, reachable=reachable)
        cause = f"wake:{event.wake_reason}" if event.wake_reason else f"event:{event.seq}"
        deeds.append(Deed(effects=effects, cause=cause, hint=event.hint))
        done.append(event.seq)
    talk = conversations.bumped(loaded, talk)
    return Change(loaded=loaded, talk=talk, deeds=deeds, done=done), broken


def _reached(effects: Sequence[Effect], event: Pending, *, reachable: bool) -> tuple[Sequence[Effect], bool]:
    """Who writes to us has not blocked us (any more), even when the platform's word on that comes later."""
    told = [effect.reachable for effect in effects if isinstance(effect, SetReachable)]
    if told:
        return effects, told[-1]
    if reachable or event.heard is None or event.heard.kind == Kind.UNSENT:
        return effects, reachable
    return (SetReachable(reachable=True), *effects), True


def _turn(released: Released, loaded: Loaded, talk: Talk, event: Pending, now: datetime) -> Turn:
    if event.wake_reason is not None:
        return take_turn(released, released.rules, talk, WokeUp(reason=event.wake_reason, seq=event.seq), now)
    inbound = inbox.inbound_of(event, loaded.account_id)
    return take_turn(released, released.rules, talk, Heard(inbound=inbound, seq=event.seq), now)


def parked(released: Released, loaded: Loaded, event: Pending, now: datetime) -> Change:
    """What follows an event nobody could handle: people see it, and the person is told plainly."""
    ticket = tickets.opened(
        loaded.talk.ticket,
        loaded.contact_id,
        loaded.talk.revision,
        tickets.Reason.STRANDED,
        Level.CONCERN,
        event.seq,
        now,
    )
    human = loaded.talk.mode is Mode.HUMAN
    effects: list[Effect] = [OpenTicket()]
    if not human:
        effects.append(Say(reply=Reply(texts=released.text("parked"))))
    talk = replace(loaded.talk, ticket=ticket, mode=Mode.HUMAN if human else Mode.WAITING)
    talk = conversations.bumped(loaded, talk)
    return Change(loaded=loaded, talk=talk, deeds=[Deed(effects=effects, cause=f"event:{event.seq}")])

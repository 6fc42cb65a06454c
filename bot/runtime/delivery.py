"""Delivery: the head of each contact's outbox, through its channel. No contact and no account holds up another."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import structlog
from sqlalchemy import Connection

from bot.channels.base import Channel
from bot.clock import Clock
from bot.conversation import LATE, UNDELIVERED
from bot.errors import ContactGone, HintSpent, SendError, StoreUnavailable, Unreachable
from bot.handoff.hours import TOKYO
from bot.messages import Hold, Outgoing
from bot.runtime import retry
from bot.runtime.budget import Budget
from bot.runtime.health import Vitals
from bot.runtime.live import OUTBOX, QUEUE, Hub, News
from bot.runtime.loop import OUTAGE_WAIT, Worker
from bot.runtime.metrics import DROPPED, SEND_SECONDS, SENDS
from bot.store import alerts, conversations, counts, departures, outbox, wakeups
from bot.store.database import Database
from bot.store.departures import Departures, Dropped
from bot.store.dialect import notify
from bot.store.due import Leased, NextDue, next_due
from bot.store.lane import Lane
from bot.store.leases import Leases
from bot.store.outbox import Outcome
from bot.store.sealed import Sealer

SLOW_POLL = 5.0
LAST_TRIES = 8.0  # seconds in which a process that stops tries to mark what it sent
LOCKED = 1.0  # seconds to wait for who has a row whose lease is over
MARK_LINGER = 0.005  # seconds; the person has the message already, only its mark waits

log = structlog.get_logger("delivery")


class Delivery(Worker):
    """The worker that empties the outbox."""

    name = "delivery"

    def __init__(
        self,
        database: Database,
        hub: Hub,
        channels: Mapping[str, Channel],
        clock: Clock,
        sealer: Sealer,
        vitals: Vitals,
        complete: Callable[[Outgoing], Outgoing] = lambda outgoing: outgoing,
    ) -> None:
        """`complete` adds what is not stored, as a message leaves: the link of an invitation."""
        super().__init__(hub, OUTBOX, poll=SLOW_POLL)
        self._vitals = vitals
        self._database, self._hub, self._channels = database, hub, channels
        self._clock, self.leases, self._sealer = clock, Leases(clock), sealer
        self._finished: Lane[Outcome, bool] = Lane(database, _finish, linger=MARK_LINGER)
        self._sends: set[asyncio.Task[None]] = set()
        self._budget = Budget()
        self._under_way: set[tuple[str, int]] = set()
        self._wait = SLOW_POLL
        self._complete = complete
        hub.send = self.send

    async def work(self) -> bool:
        """Starts what is due; whether there may be more. Sends run on while the next batch is taken."""
        room, own = self._budget.rooms(self._channels), frozenset(self._under_way)
        try:
            found, self._wait = await self._database.write(self._start, self._clock.now(), room, own)
        except StoreUnavailable:
            self.leases.outage()
            raise
        for outgoing in found.leaving:
            self.send(outgoing)
        for one in found.dropped:
            DROPPED.labels(code=one.code).inc()
        if found.dropped:
            self._hub.spread(News({one.contact_id for one in found.dropped}))
        return found.more

    async def idle(self) -> float:
        return self._wait

    async def stop(self) -> None:
        await super().stop()
        await asyncio.gather(*self._sends, return_exceptions=True)

    def send(self, outgoing: Outgoing) -> None:
        """Sends a row whose `sending` was committed with it."""
        self._budget.begin(outgoing.address.account)
        self._under_way.add((outgoing.contact_id, outgoing.seq))
        task = asyncio.create_task(self._send(outgoing))
        self._sends.add(task)
        task.add_done_callback(self._sends.discard)

    def route_now(self, outgoing: Outgoing, now: datetime) -> str | Hold | None:
        """How a new row may leave with its commit; None when there is no room, and it waits its turn."""
        return self._route(outgoing, now) if self._budget.room(outgoing.address.account) > 0 else None

    def _start(
        self, connection: Connection, now: datetime, room: Mapping[str, int], own: frozenset[tuple[str, int]]
    ) -> tuple[Departures, float]:
        self.leases.learn(connection)
        leased = Leased(self.leases.now(), self.leases.over(), own)
        found = departures.start(connection, self._sealer, now, self._route, self._budget.most, room, leased)
        leaving = Counter(outgoing.address.account for outgoing in found.leaving)
        full = [account for account, left in room.items() if left <= leaving[account]]
        wait = _wait(next_due(connection, full), now, leased)
        if found.dropped:
            _note(connection, found.dropped, now)
        return found, wait

    def _route(self, outgoing: Outgoing, now: datetime) -> str | Hold | None:
        channel = self._channels.get(outgoing.address.account)
        return channel.route(outgoing, now) if channel is not None else "none"

    async def _send(self, outgoing: Outgoing) -> None:
        channel = self._channels.get(outgoing.address.account)
        started = time.perf_counter()
        error: SendError | None = None
        try:
            if channel is None:
                raise Unreachable("no such account", may_have_arrived=False)
            await channel.send(self._complete(outgoing))
        except SendError as caught:
            error = caught
        except Exception as caught:  # a fault of ours: what it did is not known  # noqa: BLE001
            log.error("send_raised", error=type(caught).__name__)
            error = Unreachable(type(caught).__name__)
        SEND_SECONDS.observe(time.perf_counter() - started)
        outcome = self._outcome(outgoing, error)
        SENDS.labels(via=outgoing.via, outcome=outcome.error_code or outcome.state).inc()
        account = outgoing.address.account
        if error is None:
            self._vitals.sent(account)
        elif not isinstance(error, HintSpent | ContactGone):  # those tell nothing of the account
            self._vitals.failed(account, error.code)
        try:
            more = await self._marked(outcome)
        finally:
            self._under_way.discard((outgoing.contact_id, outgoing.seq))
            made_room = self._budget.end(account, answered=is_answer(error))
        news = News()
        if more is not None:
            news.add(outgoing.contact_id)
        if more or made_room:
            news.add(OUTBOX)
        if outcome.error_code == ContactGone.code:
            news.add(QUEUE)
        self._hub.spread(news)

    async def _marked(self, outcome: Outcome) -> bool | None:
        """Whether its contact has more to send. A mark that is forgotten would be a second send: it is tried for as
        long as this process lives. None when it stops in an outage: the next try knows that this one may have arrived.
        """
        ends: float | None = None
        while ends is None or time.monotonic() < ends:
            try:
                return await self._finished.put(outcome)
            except StoreUnavailable:
                log.warning("send_unmarked")
                await asyncio.sleep(OUTAGE_WAIT)
            if ends is None and self._stopping.is_set():
                ends = time.monotonic() + LAST_TRIES
        return None

    def _outcome(self, outgoing: Outgoing, error: SendError | None) -> Outcome:
        now = self._clock.now()
        common = {"contact_id": outgoing.contact_id, "seq": outgoing.seq, "attempt": outgoing.attempt}
        if error is None:
            return Outcome(**common, state=outbox.SENT, due_at=now)  # type: ignore[arg-type]
        match retry.decide(error, outgoing, now):
            case retry.RetryAt(at=at, may_have_arrived=maybe):
                return Outcome(
                    **common,  # type: ignore[arg-type]
                    state=outbox.QUEUED,
                    due_at=at,
                    error_code=error.code,
                    may_have_arrived=maybe,
                )
            case retry.GiveUp(uncertain=uncertain):
                state = outbox.UNCERTAIN if uncertain else outbox.FAILED
                log.warning("send_given_up", code=error.code)
                return Outcome(**common, state=state, due_at=now, error_code=error.code)  # type: ignore[arg-type]


def _wait(due: NextDue, now: datetime, leased: Leased) -> float:
    """Seconds until something is due. A lease that is over and was not taken is of a send of our own, or locked."""
    waits = [SLOW_POLL]
    if due.queued is not None:
        waits.append((due.queued - now).total_seconds())
    if due.lease is not None:
        left = (due.lease - leased.over).total_seconds()
        waits.append(left if left > 0 else LOCKED)
    return max(min(waits), 0.02)


def is_answer(error: SendError | None) -> bool:
    """Whether a call that ended so tells of a platform that is well; a message it refuses for good is an answer."""
    return error is None or not error.retryable or isinstance(error, HintSpent)


def _note(connection: Connection, dropped: Sequence[Dropped], now: datetime) -> None:
    """Counts what was dropped, and has whoever may have got no answer told so (docs/decisions/010)."""
    notify(connection, {one.contact_id for one in dropped})
    _tell_of(connection, {(one.contact_id, one.seq) for one in dropped}, (), now)
    late = departures.left_unanswered(connection, dropped)
    if late:
        wakeups.set_all(connection, {(contact_id, LATE): now for contact_id in late})
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for one in dropped:
        if one.code == outbox.STALE:
            counted[one.operator_id]["stale_uncertain" if one.uncertain else "stale"] += 1
    for operator_id, names in sorted(counted.items()):
        counts.add(connection, operator_id, now.astimezone(TOKYO).date(), names)


def _tell_of(connection: Connection, lost: set[tuple[str, int]], gone: Sequence[str], now: datetime) -> None:
    """What a counselor wrote and is lost is told to staff; a thread nobody has is opened again for it."""
    told = alerts.undeliverable(connection, lost, gone, now)
    if told:
        wakeups.set_all(connection, {(contact_id, UNDELIVERED): now for contact_id in told})
        notify(connection, {QUEUE})


def _finish(connection: Connection, outcomes: Sequence[Outcome]) -> list[bool]:
    """Marks what became of tries. Who is gone is left alone from the same commit on."""
    gone = sorted({outcome.contact_id for outcome in outcomes if outcome.error_code == ContactGone.code})
    lost = {(one.contact_id, one.seq) for one in outcomes if one.state in (outbox.FAILED, outbox.UNCERTAIN)}
    if lost:
        _tell_of(connection, lost, gone, max(outcome.due_at for outcome in outcomes))
    if gone:
        conversations.set_reachable(connection, dict.fromkeys(gone, False))
        outbox.cancel_all(connection, gone)
    amiss = {outcome.contact_id for outcome in outcomes if outcome.state != outbox.SENT}
    if amiss:  # what arrives is not worth a notice to other processes; what does not, is
        notify(connection, amiss | ({QUEUE} if gone else set()))
    return outbox.finish(connection, outcomes)

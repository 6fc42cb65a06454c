"""The queue played forward by the rules it is dealt by: when whoever asks now will be taken. Pure.

Ahead of who asks go those who wait, and those who are yet to come with worse: at a busy desk these are what makes a
wait long. How many come is measured (`coming_of`), never assumed to be nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from bot.frozen import dataclass
from bot.handoff.risk import Level
from bot.handoff.routing import KEPT_FOR, LIMITS, NEAR, RED_PAUSE, URGENT, WEIGHTS

MINUTE = timedelta(minutes=1)
LOOK_BACK = timedelta(hours=2)
"""So far back is counted who asked, to know how many are to come."""
COMING_FOR = 240.0
"""For so many minutes others are expected to come as they came; a rush is over some time."""
LONGEST = 8 * 24 * 60.0  # minutes
USUAL = {Level.NONE: 0.85, Level.CONCERN: 0.10, Level.HIGH: 0.04, Level.EMERGENCY: 0.01}
"""Shares of the levels as long as an installation has counted few."""
TRUSTED = 50
"""The usual shares weigh as much as so many conversations that were counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A member on duty from `begins` to `ends`, with `room` in the weights of routing.

    `busy`: until when each conversation they have may go on, and its weight.
    """

    begins: datetime
    ends: datetime
    room: int
    busy: tuple[tuple[datetime, int], ...] = ()
    staff_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """Somebody who waits, as far as their turn depends on it; `known` is who had them before."""

    opened_at: datetime
    level: Level = Level.NONE
    promised_at: datetime | None = None
    known: str = ""
    ticket_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskBoard:
    """One desk now: who is on duty and will be, who waits, and how many come in an hour, by level."""

    servers: tuple[Server, ...] = ()
    queue: tuple[Queued, ...] = ()
    coming: tuple[tuple[Level, float], ...] = ()


def coming_of(asked: int, claimed: Mapping[Level, int]) -> tuple[tuple[Level, float], ...]:
    """How many an hour will go ahead of others: from who asked in `LOOK_BACK`, and what was counted of levels."""
    counted = sum(claimed.values())
    an_hour = asked / (LOOK_BACK / timedelta(hours=1))
    return tuple(
        (level, an_hour * (claimed.get(level, 0) + TRUSTED * USUAL[level]) / (counted + TRUSTED))
        for level in (Level.CONCERN, Level.HIGH, Level.EMERGENCY)
    )


@lru_cache(maxsize=512)
def taken_after(
    board: DeskBoard, servers: tuple[Server, ...], lasts: timedelta, at: datetime, me: Queued
) -> timedelta | None:
    """After how long somebody takes `me`, who waits already or asks at `at`; None when nobody will."""
    queue = [one for one in board.queue if not me.ticket_id or one.ticket_id != me.ticket_id]
    found = _Play(servers, [*queue, me], board.coming, lasts / MINUTE, at).run()
    return found * MINUTE if found is not None else None


class _Hand:
    """A server while the queue is played; times are minutes from now."""

    __slots__ = ("begins", "ends", "load", "room", "staff_id", "talks")

    def __init__(self, server: Server, at: datetime) -> None:
        self.begins, self.ends = (server.begins - at) / MINUTE, (server.ends - at) / MINUTE
        self.room, self.staff_id = server.room, server.staff_id
        self.talks = [((until - at) / MINUTE, weight) for until, weight in server.busy if until > at]
        self.load = sum(weight for _, weight in self.talks)

    def has_room(self, weight: int) -> bool:
        return self.load + weight <= self.room or not self.talks

    def take(self, until: float, weight: int) -> None:
        self.talks.append((until, weight))
        self.load += weight

    def passes(self, now: float) -> list[tuple[float, int]]:
        """Lets what is over go, with the pause after danger; returns what is left when the shift is over."""
        for until, weight in self.talks:
            if until <= now and weight >= WEIGHTS[URGENT]:
                self.begins = max(self.begins, until + RED_PAUSE / MINUTE)
        left = [talk for talk in self.talks if talk[0] > now]
        self.talks = left if now < self.ends else []
        self.load = sum(weight for _, weight in self.talks)
        return left if now >= self.ends else []


class _Place:
    """Somebody in the queue while it is played."""

    __slots__ = ("known", "limit", "mine", "opened", "promised", "urgent", "weight")

    def __init__(self, one: Queued, at: datetime, *, mine: bool = False) -> None:
        self.urgent = int(one.level) if one.level >= URGENT else 0
        self.weight, self.limit = WEIGHTS[one.level], LIMITS[one.level] / MINUTE
        self.opened = (one.opened_at - at) / MINUTE
        self.promised = (one.promised_at - at) / MINUTE if one.promised_at is not None else None
        self.known, self.mine = one.known, mine

    def share(self, now: float) -> float:
        """`routing.share`, in minutes."""
        near = NEAR / MINUTE
        used = max(0.0, now - self.opened) / self.limit
        if self.promised is not None and now >= self.promised - near:
            used = max(used, 1 + (now - self.promised + near) / near)
        return used


class _Play:
    def __init__(
        self,
        servers: Sequence[Server],
        queue: Sequence[Queued],
        coming: Sequence[tuple[Level, float]],
        lasts: float,
        at: datetime,
    ) -> None:
        self.now, self.lasts = 0.0, lasts
        self.hands = [_Hand(server, at) for server in servers]
        self.queue = [_Place(one, at, mine=one is queue[-1]) for one in queue]
        self.later = sorted(_arrivals(coming, at), key=lambda one: -one.opened)  # the next one is the last

    def run(self) -> float | None:
        while self.now < LONGEST:
            while self.later and self.later[-1].opened <= self.now:
                self.queue.append(self.later.pop())
            if self._deal():
                return self.now
            coming = [self.later[-1].opened] if self.later else []
            times = (time for hand in self.hands for time in self._times(hand))
            then = min((time for time in (*coming, *times) if time > self.now), default=None)
            if then is None:
                return None
            self.now = then
            self._pass_on([left for hand in self.hands if hand.talks for left in hand.passes(then)])
        return None

    def _times(self, hand: _Hand) -> list[float]:
        """When something changes for this one."""
        if hand.ends <= self.now:
            return []
        return [hand.begins, hand.ends, *(until for until, _ in hand.talks)]

    def _here(self) -> list[_Hand]:
        return [hand for hand in self.hands if hand.begins <= self.now < hand.ends]

    def _pass_on(self, left: Sequence[tuple[float, int]]) -> None:
        """What is not over at the end of a shift goes to whoever carries least."""
        here = self._here()
        for until, weight in left if here else ():
            min(here, key=lambda hand: hand.load).take(until, weight)

    def _deal(self) -> bool:
        """Gives out whom somebody has room for, as `routing.next_for` does; whether `mine` was among them."""
        here = self._here()
        shares = {place: place.share(self.now) for place in self.queue}
        given = True
        while given and self.queue:
            given = False
            for hand in sorted(here, key=lambda hand: hand.load):
                place = self._next_for(hand, here, shares)
                if place is None:
                    continue
                if place.mine:
                    return True
                hand.take(self.now + self.lasts, place.weight)
                self.queue.remove(place)
                given = True
        return False

    def _next_for(self, hand: _Hand, here: Sequence[_Hand], shares: Mapping[_Place, float]) -> _Place | None:
        def key(place: _Place) -> tuple[float, float, float]:
            known = KEPT_FOR if place.known and place.known == hand.staff_id else 0.0
            return -place.urgent, -(shares[place] + known), place.opened

        if hand.talks and hand.load >= hand.room and not any(place.urgent for place in self.queue):
            return None
        for place in sorted(self.queue, key=key):
            free = [one for one in here if one is not hand and one.has_room(place.weight)]
            if not hand.has_room(place.weight) and (not place.urgent or free):
                continue
            kept = not place.urgent and place.known != hand.staff_id and shares[place] < KEPT_FOR
            if kept and any(place.known == one.staff_id for one in free):
                continue
            return place
        return None


def _arrivals(coming: Sequence[tuple[Level, float]], at: datetime) -> list[_Place]:
    """Those who are yet to come, evenly over the time ahead."""
    found = []
    for level, an_hour in coming:
        number = int(COMING_FOR / 60 * an_hour + 0.5)
        apart = COMING_FOR / number if number else 0.0
        found += [
            _Place(Queued(opened_at=at + (n + 0.5) * apart * MINUTE, level=level), at) for n in range(number)
        ]
    return found

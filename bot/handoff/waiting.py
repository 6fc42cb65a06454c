"""What is told about waiting, from the shift table and the queue as it is now. Pure.

A time is told only when it follows from both; else that it is not known (R-070, R-083, R-108).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.frozen import dataclass
from bot.handoff.hours import TOKYO, Desk, is_known, is_open, next_opening, spans

FIRST_REPLY = timedelta(minutes=4)
"""From taking a conversation to the first words of the counselor: reading, confirming the wishes, writing."""
STALE = timedelta(minutes=2)
"""A board older than this tells nothing."""
LONGEST = timedelta(days=8)
AT_MOST = timedelta(hours=3)
"""Somebody is here, and still it would take longer: that is above capacity, and other ways are offered."""
SOON = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A member on duty from `begins` to `ends`: what they can carry, and when what they have will be over."""

    begins: datetime
    ends: datetime
    room: int
    busy: tuple[tuple[datetime, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskBoard:
    """One desk now: who is on duty and will be, and what waits, as weights in the order they are taken."""

    servers: tuple[Server, ...] = ()
    ahead: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Every desk, as it was at `at`."""

    at: datetime
    desks: Mapping[str, DeskBoard] = field(default_factory=dict)

    def is_fresh(self, now: datetime) -> bool:
        return abs(now - self.at) <= STALE


class Open(StrEnum):
    """How it stands with a desk."""

    READING = "reading"
    FULL = "full"
    CLOSED = "closed"
    NOBODY = "nobody"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What can be said: how it stands, and when an answer is expected, if that is known."""

    state: Open
    expected: datetime | None = None
    opening: datetime | None = None


def outlook(desk: Desk, board: Board | None, now: datetime, weight: int = 1) -> Outlook:
    """How it stands with a desk for somebody who asks now.

    Hours without anybody in the shift table are no hours: nobody is told that people read (R-083).
    """
    if not desk.shifts and not _has_servers(desk, board, now):
        return Outlook(state=Open.UNKNOWN)
    opening = next_opening(desk, now)
    expected = expect(desk, board, now, weight)
    if not _on_duty(desk, board, now):
        if desk.shifts and not is_known(desk, now) and not is_open(desk, now):
            return Outlook(state=Open.UNKNOWN)
        coming = _next_duty(desk, board, now) or (None if desk.shift_table else opening)
        state = Open.NOBODY if is_open(desk, now) else Open.CLOSED
        return Outlook(state=state, expected=expected, opening=coming)
    if expected is None and not _is_counted(desk, board, now):
        return Outlook(state=Open.READING, opening=opening)
    if expected is None or expected - now > AT_MOST:
        return Outlook(state=Open.FULL, expected=expected, opening=opening)
    return Outlook(state=Open.READING, expected=expected, opening=opening)


def expect(desk: Desk, board: Board | None, now: datetime, weight: int = 1) -> datetime | None:
    """When the first words of a person are to be expected by who asks now; None when that cannot be known.

    The queue is played forward: everybody ahead is taken by whoever has room first, each conversation goes on for
    the desk's usual minutes.
    """
    servers = _servers(desk, board, now)
    here = board.desks.get(desk.id, DeskBoard()) if board is not None and board.is_fresh(now) else None
    if here is None or not servers:
        return None
    lasts = timedelta(minutes=desk.minutes_each)
    slots = [_Slots(server, now) for server in servers]
    at: datetime | None = now
    for each in (*here.ahead, weight):
        found = [(free, place) for place, one in enumerate(slots) if (free := one.free_for(each)) is not None]
        if not found:
            return None
        at, place = min(found)
        slots[place].take(each, at, at + lasts)
    return at + FIRST_REPLY if at is not None and at - now < LONGEST else None


def _is_counted(desk: Desk, board: Board | None, now: datetime) -> bool:
    """Whether it is known who serves and who waits; nobody is told that hands are full without that."""
    return board is not None and board.is_fresh(now) and bool(_servers(desk, board, now))


class _Slots:
    """The room of one server while the queue is played forward."""

    def __init__(self, server: Server, now: datetime) -> None:
        self._begins, self._ends, self._room = max(server.begins, now), server.ends, server.room
        self._busy = sorted(server.busy)

    def free_for(self, weight: int) -> datetime | None:
        """When there is room for this weight; None when there is none in this shift. An empty desk takes any."""
        times = [self._begins, *(max(until, self._begins) for until, _ in self._busy)]
        for at in sorted(times):
            carried = sum(each for until, each in self._busy if until > at)
            if (carried + weight <= self._room or not carried) and at < self._ends:
                return at
        return None

    def take(self, weight: int, at: datetime, until: datetime) -> None:
        self._begins = max(self._begins, at)
        self._busy = sorted([*self._busy, (until, weight)])


def _has_servers(desk: Desk, board: Board | None, now: datetime) -> bool:
    return bool(_listed(desk, board, now))


def _listed(desk: Desk, board: Board | None, now: datetime) -> Sequence[Server]:
    """Who stands in the shift table for this desk, now or later."""
    if board is None or not board.is_fresh(now):
        return ()
    return [one for one in board.desks.get(desk.id, DeskBoard()).servers if one.ends > now]


def _servers(desk: Desk, board: Board | None, now: datetime) -> Sequence[Server]:
    """The shift table; where none is kept, after the last shift in it the hours with as many people as usual."""
    listed = list(_listed(desk, board, now))
    if desk.shift_table:
        return listed
    last = max((one.ends for one in listed), default=None)
    usual = [
        Server(begins=begin, ends=end, room=desk.room)
        for begin, end in spans(desk, now)
        if (end > now if last is None else begin >= last)
        for _ in range(desk.people)
    ]
    return [*listed, *usual]


def _on_duty(desk: Desk, board: Board | None, now: datetime) -> bool:
    """Whether somebody is on duty. Where no shift table is kept the hours stand for it."""
    listed = _listed(desk, board, now)
    if listed:
        return any(one.begins <= now < one.ends for one in listed)
    return is_open(desk, now) and not desk.shift_table


def _next_duty(desk: Desk, board: Board | None, now: datetime) -> datetime | None:
    return min((one.begins for one in _listed(desk, board, now) if one.begins > now), default=None)


def rounded(now: datetime, expected: datetime) -> timedelta:
    """A wait as it is told: up to the quarter of an hour under two hours, to the hour above."""
    wait = max(timedelta(), expected - now)
    step = SOON if wait <= timedelta(hours=2) else timedelta(hours=1)
    return -(-wait // step) * step or SOON


def told_at(now: datetime, expected: datetime) -> datetime:
    """The time of day that is told: never sooner than it may be, up to the next half hour in Tokyo."""
    local = max(expected, now + SOON).astimezone(TOKYO)
    over = timedelta(minutes=local.minute % 30, seconds=local.second, microseconds=local.microsecond)
    return local - over + (timedelta(minutes=30) if over else timedelta())

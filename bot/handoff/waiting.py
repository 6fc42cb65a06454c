"""What is told about waiting, from the shift table and the queue as it is now. Pure.

A time is told only when it follows from both; else that it is not known (R-070, R-083, R-108). It is told as what is
known of it: a span, from the earliest to the latest. What was told was true if the first words came within it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.frozen import dataclass, replace
from bot.handoff.forecast import DeskBoard, Queued, Server, taken_after
from bot.handoff.hours import TOKYO, Desk, is_known, is_open, next_opening, spans

FIRST_REPLY = timedelta(minutes=4)
"""From taking a conversation to the first words of the counselor: reading, confirming the wishes, writing."""
STALE = timedelta(minutes=2)
"""A board older than this tells nothing."""
AT_MOST = timedelta(hours=3)
"""Somebody is here, and still it would take longer: that is above capacity, and other ways are offered."""
SPANS = tuple(
    (timedelta(minutes=early), timedelta(minutes=late))
    for early, late in (
        (0, 15), (10, 30), (15, 45), (20, 60), (30, 90), (45, 120),
        (60, 180), (90, 240), (120, 360), (180, 480), (240, 720),
    )
)  # fmt: skip
"""What a wait is told as. But for the shortest each is at most half of its middle to either side."""
AT_OPENING = (timedelta(), timedelta(minutes=30))
"""For who is among the first when people come."""


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
    LATER = "later"  # full until the end of this duty
    CLOSED = "closed"
    NOBODY = "nobody"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A span the first words are told to come in. `wait` is the same counted from now; None when nobody could come
    before the duty that begins at `begin`."""

    earliest: datetime
    latest: datetime
    begin: datetime
    wait: tuple[timedelta, timedelta] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What can be said: how it stands, and when an answer is expected, if that is known: at best knowledge, and as
    it is `told`."""

    state: Open
    expected: datetime | None = None
    opening: datetime | None = None
    told: Told | None = None


def outlook(desk: Desk, board: Board | None, now: datetime, me: Queued | None = None) -> Outlook:
    """How it stands with a desk for somebody who asks now, or for `me` who waits already.

    Hours without anybody in the shift table are no hours: nobody is told that people read (R-083).
    """
    if not desk.shifts and not _has_servers(desk, board, now):
        return Outlook(state=Open.UNKNOWN)
    expected, opening = expect(desk, board, now, me), next_opening(desk, now)
    told = told_for(now, expected, _begin(desk, board, now, expected)) if expected is not None else None
    if not _on_duty(desk, board, now):
        if desk.shifts and not is_known(desk, now) and not is_open(desk, now):
            return Outlook(state=Open.UNKNOWN)
        coming = _next_duty(desk, board, now) or (None if desk.shift_table else opening)
        state = Open.NOBODY if is_open(desk, now) else Open.CLOSED
        return Outlook(state=state, expected=expected, opening=coming, told=told)
    if expected is None or told is None:
        state = Open.FULL if _is_counted(desk, board, now) else Open.READING
        return Outlook(state=state, opening=opening)
    if told.wait is None:
        return Outlook(state=Open.LATER, expected=expected, opening=told.begin, told=told)
    state = Open.FULL if expected - now > AT_MOST else Open.READING
    return Outlook(state=state, expected=expected, opening=opening, told=told)


def expect(desk: Desk, board: Board | None, now: datetime, me: Queued | None = None) -> datetime | None:
    """When the first words of a person are to be expected; None when that cannot be known.

    The queue is played forward as it was at the board's time, each conversation for the desk's usual minutes.
    """
    if board is None or not board.is_fresh(now):
        return None
    servers = tuple(_servers(desk, board, now))
    if not servers:
        return None
    here, lasts = board.desks.get(desk.id, DeskBoard()), timedelta(minutes=desk.minutes_each)
    me = me if me is not None and me.ticket_id else replace(me or Queued(opened_at=now), opened_at=board.at)
    after = taken_after(here, servers, lasts, board.at, me)
    return max(now, board.at + after) + FIRST_REPLY if after is not None else None


def told_for(now: datetime, expected: datetime, begin: datetime) -> Told:
    """What is told of an expected time: the span of `SPANS` whose middle is closest, counted from now, or from the
    duty in which it comes. The times of day are rounded away from each other, to five minutes or to half an hour."""
    later, wait = begin > now, max(timedelta(), expected - begin)
    if wait <= SPANS[0][1]:
        early, late = AT_OPENING if later else SPANS[0]
    else:
        early, late = min(SPANS[1:], key=lambda span: abs(math.log((span[0] + span[1]) / 2 / wait)))
    step = timedelta(minutes=5) if late - early <= timedelta(minutes=30) else timedelta(minutes=30)
    earliest = max(begin, _down(begin + early, step))
    span = None if later else (early, late)
    return Told(earliest=earliest, latest=_up(begin + late, step), begin=begin, wait=span)


def _begin(desk: Desk, board: Board | None, now: datetime, expected: datetime) -> datetime:
    """Now, or when the duty begins in which that time lies: since then somebody has been there all along."""
    begin = reached = now
    for server in sorted(_servers(desk, board, now), key=lambda one: one.begins):
        if server.begins > expected:
            break
        begin = server.begins if server.begins > reached else begin
        reached = max(reached, server.ends)
    return begin


def _is_counted(desk: Desk, board: Board | None, now: datetime) -> bool:
    """Whether it is known who serves and who waits; nobody is told that hands are full without that."""
    return board is not None and board.is_fresh(now) and bool(_servers(desk, board, now))


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


def told_at(now: datetime, at: datetime) -> datetime:
    """A time staff name, as it is told: never sooner than it may be, up to the next half hour in Tokyo."""
    return _up(max(at, now + SPANS[0][1]), timedelta(minutes=30))


def _down(at: datetime, step: timedelta) -> datetime:
    local = at.astimezone(TOKYO)
    return local - (local - local.replace(hour=0, minute=0, second=0, microsecond=0)) % step


def _up(at: datetime, step: timedelta) -> datetime:
    down = _down(at, step)
    return down if down == at else down + step

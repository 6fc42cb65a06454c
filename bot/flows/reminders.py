"""When something that was asked for is sent: notices of a date, letters. Pure; never at night, never twice.

A notice is one message, about a date that is certain (R-101); a date that is not known yet is looked for once a day.
Letters ask nothing and stop with one tap (R-085). Whoever wished to be left alone gets neither (R-088).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from bot.flows.mine import Mine, Notice
from bot.handoff.hours import TOKYO

NOTICE, LETTER, LOOSE = "notice", "letter", "loose"
"""Timers, by their reasons."""

LOOSE_FOR = timedelta(days=7)
"""How long what was written to nobody, and not put away, is kept after the last of it (R-074)."""

NOON, FIRST, LAST = time(12), time(10), time(20)
"""When they are sent, and the hours outside of which they never are (Tokyo)."""
LOOK_AGAIN = timedelta(days=1)
APART = timedelta(hours=1)
"""Between two messages to one person."""
FOR_DATE = timedelta(days=365)
"""How long a date that is not known is looked for."""
LETTERS = {"month": timedelta(days=30), "season": timedelta(days=91)}


def at_noon(day: date) -> datetime:
    return datetime.combine(day, NOON, TOKYO)


def by_day(moment: datetime) -> datetime:
    """The moment, or the next one at which nobody is woken."""
    local = moment.astimezone(TOKYO)
    if local.time() < FIRST:
        return local.replace(hour=FIRST.hour, minute=0, second=0, microsecond=0)
    if local.time() >= LAST:
        return datetime.combine(local.date() + timedelta(days=1), FIRST, TOKYO)
    return local


def planned(entry: str, days: int, day: date | None, now: datetime) -> Notice | None:
    """The notice for a date, `days` before it; None when it is too near to be told of beforehand."""
    if day is None:
        later = at_noon((now + LOOK_AGAIN).astimezone(TOKYO).date())
        return Notice(entry=entry, days=days, since=now, due=later)
    due = by_day(max(at_noon(day - timedelta(days=days)), now + timedelta(hours=1)))
    if due.date() >= day:
        return None
    return Notice(entry=entry, days=days, since=now, day=day, due=due)


def first_due(notices: Iterable[Notice]) -> datetime | None:
    return min((notice.due for notice in notices), default=None)


def again(notice: Notice, day: date | None, now: datetime) -> Notice | None:
    """A notice that is due, planned anew: its date is not known yet, or moved. None when there is no more use."""
    if now - notice.since > FOR_DATE:
        return None
    return planned(notice.entry, notice.days, day, now)


def is_time(notice: Notice, day: date | None, now: datetime) -> bool:
    """Whether the message goes now: its date is certain and still the same, or became certain since."""
    if day is None or by_day(now) != now.astimezone(TOKYO):
        return False
    return notice.day in (None, day) and now.astimezone(TOKYO).date() <= day


def next_letter(mine: Mine, now: datetime) -> datetime | None:
    """When the next letter is due; None without letters."""
    span = LETTERS.get(mine.letters)
    return at_noon((now + span).astimezone(TOKYO).date()) if span else None

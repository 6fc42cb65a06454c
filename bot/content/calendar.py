"""Dates that may be printed. Pure; Asia/Tokyo."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import islice

from dateutil.rrule import rrulestr

from bot.content.model import Schedule
from bot.handoff.hours import TOKYO

HORIZON = timedelta(days=400)


def next_dates(schedule: Schedule, now: datetime, count: int = 3) -> tuple[date, ...]:
    """The next dates that are exact or confirmed; none for anything vaguer (R-098), none in the past (R-100)."""
    today = now.astimezone(TOKYO).date()
    if schedule.kind == "dates":
        return tuple(sorted(day for day in schedule.dates if day >= today)[:count])
    if schedule.kind != "exact":
        return ()
    since = max(schedule.since or today, date(2000, 1, 1))
    rule = rrulestr(schedule.rrule, dtstart=datetime.combine(since, time()))
    begin = datetime.combine(today, time())
    coming = islice(rule.xafter(begin, inc=True), count)
    return tuple(at.date() for at in coming if at - begin <= HORIZON)


def check_rule(rule: str) -> None:
    """Raises ValueError when the text is no RFC 5545 recurrence rule."""
    rrulestr(rule, dtstart=datetime(2000, 1, 1))

"""Dates that may be printed, of a schedule. Pure; Asia/Tokyo."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import islice

from bot.content.holidays import in_year_end, is_holiday
from bot.content.schedule import EARLIEST, Schedule, moment, needs_since, parts, rule_days
from bot.handoff.hours import TOKYO

HORIZON = timedelta(days=400)
STRIDE = timedelta(days=70)
FARTHEST_MOVE = timedelta(days=14)
"""The next open weekday after a holiday is never farther: the longest row of closed days is eleven."""


def next_dates(schedule: Schedule, now: datetime, count: int = 3) -> tuple[date, ...]:
    """The next dates that are exact or confirmed; none for anything vaguer (R-098), none that is over (R-100)."""
    return tuple(islice(days_from(schedule, first_open(schedule, now)), count))


def first_open(schedule: Schedule, now: datetime) -> date:
    """Today, or tomorrow when what was on today is over by now."""
    today = now.astimezone(TOKYO).date()
    over = schedule.ends is not None and now >= moment(today, schedule.ends)
    return today + timedelta(days=int(over))


def days_from(schedule: Schedule, first: date) -> Iterator[date]:
    """Certain days from `first` to the horizon, looked up no farther ahead than they are asked for."""
    horizon = first + HORIZON
    while first <= horizon:
        yield from days(schedule, first, min(first + STRIDE, horizon))
        first += STRIDE + timedelta(days=1)


@lru_cache(maxsize=50_000)
def days(schedule: Schedule, first: date, last: date) -> tuple[date, ...]:
    """Every day between `first` and `last`, both included, that is surely one of the schedule's, in order."""
    if schedule.kind == "dates":
        found = set(schedule.dates)
    elif schedule.kind == "exact":
        found = {day for named in _ruled(schedule, first, last) if (day := _settled(schedule, named))}
        found = (found | set(schedule.rdates)) - set(schedule.exdates)
    else:
        found = set()
    return tuple(sorted(day for day in found if first <= day <= last))


def _ruled(schedule: Schedule, first: date, last: date) -> Iterator[date]:
    """What the rule names, exceptions left out, from early enough on that moved days are among them."""
    if schedule.since is None and needs_since(schedule.rrule):
        return
    first = max(first - FARTHEST_MOVE, EARLIEST)
    begin = max(schedule.since or first, EARLIEST)
    counted = parts(schedule.rrule).keys() & {"INTERVAL", "COUNT"} or needs_since(schedule.rrule)
    if not counted:
        begin = max(begin, first)
    for day in rule_days(schedule.rrule, begin, last):
        if day >= first and day not in schedule.exdates:
            yield day


def _settled(schedule: Schedule, day: date) -> date | None:
    """The day on which it takes place; None when it does not, or when nobody can be sure."""
    if in_year_end(day, schedule.year_end):
        return None
    if not is_holiday(day) or schedule.on_holiday == "held":
        return day
    ahead = [day + timedelta(days=step) for step in range(1, FARTHEST_MOVE.days + 1)]
    match schedule.on_holiday:
        case "next_day":
            ahead = ahead[:1]
        case "next_week":
            ahead = ahead[6:7]
        case "next_weekday":
            ahead = [later for later in ahead if later.weekday() < 5 and not _closed(schedule, later)][:1]
        case _:
            return None
    return next((later for later in ahead if not _closed(schedule, later)), None)


def _closed(schedule: Schedule, day: date) -> bool:
    return is_holiday(day) or in_year_end(day, schedule.year_end)

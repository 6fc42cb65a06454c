"""The next days of a schedule while it is being written: which are told, which are not, and why. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from bot.content.calendar import days_from
from bot.content.holidays import holiday_name, in_year_end
from bot.content.schedule import EARLIEST, Schedule, check_rule, needs_since, rule_days
from bot.frozen import dataclass

AHEAD = timedelta(days=800)

Doubt = Literal["", "left_out", "holiday_unknown", "holiday_closed", "holiday_moved", "year_end"]
Unknown = Literal["times", "holidays", "since", "rule", "dates", "wording"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NextDay:
    """A day of the schedule. Without a doubt it is told to people; `holiday` is its name when it is one."""

    day: date
    doubt: Doubt = ""
    holiday: str = ""
    by_rule: bool = True


def next_days(schedule: Schedule, today: date, count: int = 10) -> list[NextDay]:
    """The next days with those that fall out among them; `count` days that are told. Empty for rough schedules."""
    if schedule.kind not in ("exact", "dates") or {"rule", "since"} & set(cannot_tell(schedule)):
        return []
    told: list[date] = []
    for day in days_from(schedule, today):
        told.append(day)
        if len(told) == count:
            break
    last = told[-1] if len(told) == count else today + AHEAD
    ruled = _ruled(schedule, today, last)
    found = {day: NextDay(day=day, by_rule=day in ruled, holiday=holiday_name(day) or "") for day in told}
    for day in ruled - found.keys():
        found[day] = NextDay(day=day, doubt=_doubt(schedule, day), holiday=holiday_name(day) or "")
    return [found[day] for day in sorted(found)][: 3 * count]


def _ruled(schedule: Schedule, first: date, last: date) -> set[date]:
    if not schedule.rrule:
        return {day for day in schedule.dates if first <= day <= last}
    begin = schedule.since or first
    found = rule_days(schedule.rrule, max(begin, EARLIEST), last)
    return {day for day in found if day >= first}


def _doubt(schedule: Schedule, day: date) -> Doubt:
    if day in schedule.exdates:
        return "left_out"
    if in_year_end(day, schedule.year_end):
        return "year_end"
    if holiday_name(day):
        if schedule.on_holiday is None:
            return "holiday_unknown"
        return "holiday_closed" if schedule.on_holiday == "skipped" else "holiday_moved"
    return "left_out"


def cannot_tell(schedule: Schedule) -> list[Unknown]:
    """What nobody has told yet, so that it is not told to people either."""
    found: list[Unknown] = []
    if schedule.kind == "exact":
        try:
            check_rule(schedule.rrule)
        except ValueError:
            return ["rule"]
        if needs_since(schedule.rrule) and schedule.since is None:
            found.append("since")
        if schedule.on_holiday is None:
            found.append("holidays")
    if schedule.kind == "dates" and not schedule.dates:
        found.append("dates")
    if schedule.kind in ("roughly", "frequency") and not schedule.wording:
        found.append("wording")
    if schedule.kind in ("exact", "dates") and schedule.begins is None:
        found.append("times")
    return found

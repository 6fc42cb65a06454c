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
    if schedule.since is None and needs_since(schedule.rrule):
        return ()
    since = max(schedule.since or today, date(2000, 1, 1))
    begin = datetime.combine(today, time())
    rule = rrulestr(schedule.rrule, dtstart=datetime.combine(since, time()))
    coming = islice(rule.xafter(begin, inc=True), count)
    return tuple(at.date() for at in coming if at - begin <= HORIZON)


def check_rule(rule: str) -> None:
    """Raises ValueError when the text is no RFC 5545 recurrence rule of whole days that ever happens."""
    if _parts(rule).get("FREQ") not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY"):
        raise ValueError("FREQ is DAILY, WEEKLY, MONTHLY or YEARLY")
    found = rrulestr(rule, dtstart=datetime.combine(date(2000, 1, 1), time()))
    if next(iter(found), None) is None:  # a search for it would go on to the year 9999, in every turn
        raise ValueError("it never happens")


def needs_since(rule: str) -> bool:
    """Whether the rule alone leaves open which days it means: every second month, but counted from when?"""
    parts = _parts(rule)
    counted = parts.get("INTERVAL", "1") != "1" or "COUNT" in parts
    named = {"BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYEASTER"} & parts.keys()
    return counted or not (named or parts.get("FREQ") == "DAILY")


def _parts(rule: str) -> dict[str, str]:
    """The parts of the RRULE line: FREQ, INTERVAL, BYDAY …"""
    lines = rule.upper().split()
    found = next((line for line in lines if line.startswith("RRULE:")), lines[0] if lines else "")
    pairs = (part.partition("=") for part in found.removeprefix("RRULE:").split(";"))
    return {name: value for name, _, value in pairs}

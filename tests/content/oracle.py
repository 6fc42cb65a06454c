"""RFC 5545 rules of whole days, read day by day: slow, and written without a look at any library."""

from __future__ import annotations

import random
import re
from calendar import isleap, monthrange
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def expand(rule: str, since: date, last: date) -> list[date]:
    """Every day the rule gives from `since` to `last`."""
    parts = dict(part.split("=") for part in rule.split(";"))
    freq, interval = parts["FREQ"], int(parts.get("INTERVAL", "1"))
    start = DAYS.index(parts.get("WKST", "MO"))
    first = date(since.year, 1, 1) - timedelta(days=7)  # the whole of the first period, for positions in it
    periods: defaultdict[int, list[date]] = defaultdict(list)
    for number in range((last - first).days + 366 + 7):
        day = first + timedelta(days=number)
        step = _period(freq, day, start) - _period(freq, since, start)
        if step >= 0 and step % interval == 0 and _fits(parts, freq, day, since):
            periods[step].append(day)
    found = []
    for step in sorted(periods):
        days = periods[step]
        if "BYSETPOS" in parts:
            places = {int(place) for place in parts["BYSETPOS"].split(",")}
            days = [day for at, day in enumerate(days) if {at + 1, at - len(days)} & places]
        found += [day for day in days if day >= since]
    if "COUNT" in parts:
        found = found[: int(parts["COUNT"])]
    if "UNTIL" in parts:
        found = [day for day in found if day <= date.fromisoformat(parts["UNTIL"])]
    return [day for day in found if day <= last]


def _period(freq: str, day: date, start: int) -> int:
    match freq:
        case "DAILY":
            return day.toordinal()
        case "WEEKLY":
            return (day.toordinal() - 1 - start) // 7  # the first day of year 1 was a Monday
        case "MONTHLY":
            return day.year * 12 + day.month
        case _:
            return day.year


def _fits(parts: dict[str, str], freq: str, day: date, since: date) -> bool:
    months = [int(month) for month in parts.get("BYMONTH", "").split(",") if month]
    if months and day.month not in months:
        return False
    length = monthrange(day.year, day.month)[1]
    if "BYMONTHDAY" in parts and not _numbered(parts["BYMONTHDAY"], day.day, length):
        return False
    year = 366 if isleap(day.year) else 365
    if "BYYEARDAY" in parts and not _numbered(parts["BYYEARDAY"], day.timetuple().tm_yday, year):
        return False
    if "BYDAY" in parts:
        within_month = freq == "MONTHLY" or bool(months)
        place, size = (day.day, length) if within_month else (day.timetuple().tm_yday, year)
        return any(_weekday(named, day, place, size) for named in parts["BYDAY"].split(","))
    if "BYMONTHDAY" in parts or "BYYEARDAY" in parts or freq == "DAILY":
        return True
    if freq == "WEEKLY":
        return day.weekday() == since.weekday()
    return day.day == since.day and (freq == "MONTHLY" or bool(months) or day.month == since.month)


def _numbered(values: str, place: int, size: int) -> bool:
    return bool({place, place - size - 1} & {int(value) for value in values.split(",")})


def _weekday(named: str, day: date, place: int, size: int) -> bool:
    ordinal, name = named[:-2], named[-2:]
    if DAYS[day.weekday()] != name:
        return False
    forward, backward = (place - 1) // 7 + 1, -((size - place) // 7 + 1)
    return not ordinal or int(ordinal) in (forward, backward)


def rules(chance: random.Random, count: int) -> Iterator[tuple[str, date]]:
    """Rules such as groups write them, and stranger ones, each with its first day; those that never happen left out.

    The first day is one of the rule's: what follows from another is not defined (RFC 5545 §3.8.5.3).
    """
    while count:
        rule, since = _rule(chance), date(2023, 1, 1) + timedelta(days=chance.randrange(1200))
        endless = re.sub(r";(COUNT|UNTIL)=\w+", "", rule)
        for ahead in (60, 3_000):
            if days := expand(endless, since, since + timedelta(days=ahead)):
                count -= 1
                yield rule, days[0]
                break


def _rule(chance: random.Random) -> str:
    freq = chance.choice(("DAILY", "WEEKLY", "WEEKLY", "MONTHLY", "MONTHLY", "MONTHLY", "YEARLY"))
    parts = {"FREQ": freq}
    most = {"DAILY": 40, "WEEKLY": 8, "MONTHLY": 6, "YEARLY": 1}[freq]
    if chance.random() < 0.4:
        parts["INTERVAL"] = str(chance.randint(1, most))
    interval = int(parts.get("INTERVAL", "1"))
    if interval == 1 and chance.random() < 0.3:
        parts["BYMONTH"] = _some(chance, range(1, 13), 5)
    if freq == "YEARLY" and chance.random() < 0.15:
        parts["BYYEARDAY"] = _some(chance, [*range(1, 367), *range(-366, 0)], 4)
    elif freq in ("MONTHLY", "YEARLY"):
        if chance.random() < 0.35:
            parts["BYMONTHDAY"] = _some(chance, [*range(1, 32), *range(-31, 0)], 4)
        if chance.random() < 0.7:
            ordinals = ("1", "2", "3", "4", "5", "-1", "-2", "") if "BYMONTHDAY" not in parts else ("",)
            parts["BYDAY"] = _some(chance, [f"{nth}{day}" for nth in ordinals for day in DAYS], 4)
            if chance.random() < 0.2:
                parts["BYSETPOS"] = _some(chance, (1, 2, 3, -1, -2), 2)
    elif interval == 1 or freq == "WEEKLY":
        if chance.random() < 0.7:
            parts["BYDAY"] = _some(chance, DAYS, 4)
        if freq == "DAILY" and chance.random() < 0.2:
            parts["BYMONTHDAY"] = _some(chance, range(1, 32), 6)
    if chance.random() < 0.2:
        parts["COUNT"] = str(chance.randint(1, 60))
    elif chance.random() < 0.2:
        parts["UNTIL"] = (date(2024, 1, 1) + timedelta(days=chance.randrange(1800))).strftime("%Y%m%d")
    if freq == "WEEKLY" and chance.random() < 0.3:
        parts["WKST"] = chance.choice(DAYS)
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _some(chance: random.Random, values: Iterable[object], most: int) -> str:
    known = list(values)
    picked = chance.sample(known, min(len(known), chance.randint(1, most)))
    return ",".join(str(value) for value in picked)

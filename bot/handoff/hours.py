"""Opening hours of a desk. Pure; times are Asia/Tokyo, closing may pass midnight (26:00)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

TOKYO = ZoneInfo("Asia/Tokyo")
DAYS = "月火水木金土日"


class Shift(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`days` is a run of 月火水木金土日; `opens` and `closes` are HH:MM, `closes` up to 30:00."""

    days: str
    opens: str
    closes: str

    def __post_init__(self) -> None:
        if not self.days or any(day not in DAYS for day in self.days):
            raise ValueError(f"days must be of {DAYS}")
        if not 0 <= minutes(self.opens) < minutes(self.closes) <= 30 * 60:
            raise ValueError("opens must be before closes, and closes at most 30:00")


class Desk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A team of counselors. Without `shifts` its hours are not known, and none are told."""

    id: str
    name: str
    shifts: tuple[Shift, ...] = ()


def minutes(clock: str) -> int:
    """Minutes since midnight of an HH:MM. Raises ValueError for anything else."""
    hour, _, minute = clock.partition(":")
    if not (hour.isdigit() and minute.isdigit() and len(minute) == 2 and int(minute) < 60):
        raise ValueError("a time is written HH:MM")
    return int(hour) * 60 + int(minute)


def spans(desk: Desk, now: datetime, days: int = 8) -> list[tuple[datetime, datetime]]:
    """Open spans from yesterday on (a night shift may still run), in order."""
    today = now.astimezone(TOKYO).replace(hour=0, minute=0, second=0, microsecond=0)
    found = []
    for offset in range(-1, days):
        day = today + timedelta(days=offset)
        for shift in desk.shifts:
            if DAYS[day.weekday()] in shift.days:
                opens, closes = minutes(shift.opens), minutes(shift.closes)
                found.append((day + timedelta(minutes=opens), day + timedelta(minutes=closes)))
    return sorted(found)


def is_open(desk: Desk, now: datetime) -> bool:
    return any(begin <= now < end for begin, end in spans(desk, now))


def next_opening(desk: Desk, now: datetime) -> datetime | None:
    """When the desk opens next, in Tokyo time; None when it has no hours."""
    return next((begin for begin, _ in spans(desk, now) if begin > now), None)

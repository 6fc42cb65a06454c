"""Opening hours of desks and places. Pure; times are Asia/Tokyo, closing may pass midnight (26:00)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from bot.content.holidays import check_year_end, in_year_end, is_holiday

TOKYO = ZoneInfo("Asia/Tokyo")
DAYS = "月火水木金土日"
HOLIDAY = "祝"
LONGEST_PAUSE = 35
"""Days to look ahead: once a week, closed for a holiday and the days around New Year, is open again by then."""


class Shift(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`days` is a run of 月火水木金土日祝; `opens` and `closes` are HH:MM, `closes` up to 30:00."""

    days: str
    opens: str
    closes: str

    def __post_init__(self) -> None:
        if not self.days or any(day not in DAYS + HOLIDAY for day in self.days):
            raise ValueError(f"days must be of {DAYS}{HOLIDAY}")
        if not 0 <= minutes(self.opens) < minutes(self.closes) <= 30 * 60:
            raise ValueError("opens must be before closes, and closes at most 30:00")


class OpeningHours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a place is open. On public holidays the shifts of 祝 hold; where there are none, `on_holiday` decides:
    as on other days (held), closed (skipped), or nobody has told us (None). `year_end` is MM-DD/MM-DD, or `none`
    when it is open through New Year; None means as the operator says. `closed` are single days (R-099).
    """

    shifts: tuple[Shift, ...] = ()
    on_holiday: Literal["held", "skipped"] | None = None
    year_end: str | None = None
    closed: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        check_year_end(self.year_end)


class Desk(OpeningHours, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A team of counselors. Without `shifts` its hours are not known, and none are told.

    Unless it says otherwise it is closed on public holidays: nobody is told that people read when they may not.

    `peers`: there are people in it who know such a life from their own, and may be wished for (R-102).
    Whom it is for: `areas` as 「岡山県 総社市」 or 「岡山県」, `ages` in years, `audience` (self, family, supporter,
    community), `languages` (ja, easy, en, zh, ko, pt, vi, es); empty means everybody. `people` usually read at once,
    each carrying `room` in the weights of routing, a conversation going on for `minutes_each`: what the wait is
    reckoned with.
    `shift_table`: staff enter who is on duty, and an empty table means that nobody is.
    """

    id: str
    name: str
    on_holiday: Literal["held", "skipped"] | None = "skipped"
    peers: bool = False
    areas: tuple[str, ...] = ()
    ages: tuple[int, int] | None = None
    audience: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    people: int = 1
    room: int = 12
    minutes_each: int = 40
    shift_table: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.people < 1 or self.room < 1 or self.minutes_each < 1:
            raise ValueError("people, room and minutes_each are at least 1")


def minutes(clock: str) -> int:
    """Minutes since midnight of an HH:MM. Raises ValueError for anything else."""
    hour, _, minute = clock.partition(":")
    if not (hour.isdigit() and minute.isdigit() and len(minute) == 2 and int(minute) < 60):
        raise ValueError("a time is written HH:MM")
    return int(hour) * 60 + int(minute)


def shifts_on(hours: OpeningHours, day: date) -> tuple[Shift, ...] | None:
    """The shifts that begin on a day; None when nobody has told us (a holiday nobody spoke of)."""
    if day in hours.closed or in_year_end(day, hours.year_end):
        return ()
    if is_holiday(day):
        own = tuple(shift for shift in hours.shifts if HOLIDAY in shift.days)
        if own or hours.on_holiday == "skipped":
            return own
        if hours.on_holiday is None:
            return None
    return tuple(shift for shift in hours.shifts if DAYS[day.weekday()] in shift.days)


def spans(hours: OpeningHours, now: datetime, days: int = 8) -> list[tuple[datetime, datetime]]:
    """Spans that are surely open, from yesterday on (a night shift may still run), in order."""
    if not hours.shifts:
        return []
    today = now.astimezone(TOKYO).replace(hour=0, minute=0, second=0, microsecond=0)
    found = []
    for offset in range(-1, days):
        day = today + timedelta(days=offset)
        for shift in shifts_on(hours, day.date()) or ():
            opens, closes = minutes(shift.opens), minutes(shift.closes)
            found.append((day + timedelta(minutes=opens), day + timedelta(minutes=closes)))
    return sorted(found)


def is_open(hours: OpeningHours, now: datetime) -> bool:
    """Whether it is surely open."""
    return any(begin <= now < end for begin, end in spans(hours, now, 1))


def is_known(hours: OpeningHours, now: datetime) -> bool:
    """Whether we know if it is open: hours were told, and today is no holiday that nobody spoke of."""
    return bool(hours.shifts) and shifts_on(hours, now.astimezone(TOKYO).date()) is not None


def next_opening(hours: OpeningHours, now: datetime) -> datetime | None:
    """When it surely opens next, in Tokyo time; None when it has no hours."""
    if not hours.shifts:
        return None
    today = now.astimezone(TOKYO).replace(hour=0, minute=0, second=0, microsecond=0)
    for offset in range(-1, LONGEST_PAUSE):  # day by day: mostly it is today or tomorrow
        found = [
            begin for day in (offset, offset + 1) for begin in _begins(hours, today + timedelta(days=day))
        ]
        coming = [begin for begin in found if begin > now]
        if coming:  # the day after is looked at, too: a shift may begin at 25:00
            return min(coming)
    return None


def _begins(hours: OpeningHours, day: datetime) -> list[datetime]:
    return [day + timedelta(minutes=minutes(shift.opens)) for shift in shifts_on(hours, day.date()) or ()]

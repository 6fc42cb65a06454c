"""What a schedule gives: its next dates with what is doubtful, and what people are told now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from admin.words import Words, marked
from bot.content.event_cards import when
from bot.content.holidays import YEAR_END
from bot.content.next_days import NextDay, cannot_tell, next_days
from bot.content.recurrence_words import words_of
from bot.content.schedule import Schedule
from bot.handoff.hours import DAYS, TOKYO

if TYPE_CHECKING:
    from admin.app import Console

DOUBTS = {
    "left_out": marked("Left out"),
    "holiday_unknown": marked("{holiday}. Whether it takes place is not confirmed, so it is not told"),
    "holiday_closed": marked("{holiday}, so it does not take place"),
    "holiday_moved": marked("{holiday}, so it is on another day"),
    "year_end": marked("It lies in the closing around New Year"),
}
UNKNOWN = {
    "times": marked("at what time"),
    "holidays": marked("whether it takes place on public holidays"),
    "since": marked("from when every second one is counted"),
    "rule": marked("which days these words mean"),
    "dates": marked("the dates"),
    "wording": marked("how often, in words"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One day: `day` exact, how it is said, and why it is not told, if it is not."""

    day: date
    said: str
    why: str
    told: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """`rows` are the days; `unknown` is what nobody can know from this; `read_back` the rule in words.

    `rough` is what people are told of a schedule without dates; `problem` what cannot be read.
    """

    rows: list[Row]
    unknown: list[str]
    read_back: str
    rough: str
    problem: str = ""


def dates_of(t: Words, console: Console, kind: str, body: Mapping[str, Any], now: datetime) -> Dates | None:
    """The days of a document's schedule; None when it has none."""
    given = body.get("schedule")
    if kind not in ("resource", "event_series") or not isinstance(given, Mapping):
        return None
    try:
        schedule = msgspec.convert(given, Schedule, strict=True)
    except msgspec.ValidationError:
        return Dates(
            rows=[], unknown=[], read_back="", rough="", problem=t("A date or a time cannot be read.")
        )
    released = console.content()
    closing = released.latest.service.year_end if released is not None else YEAR_END
    if schedule.year_end is None:
        schedule = msgspec.structs.replace(schedule, year_end=closing)
    texts = released.latest.texts if released is not None else {}
    rough = when(schedule, texts) if texts and schedule.kind not in ("exact", "dates") else ""
    today = now.astimezone(TOKYO).date()
    return Dates(
        rows=[row(t, one, today) for one in next_days(schedule, today)],
        unknown=[t(UNKNOWN[one]) for one in cannot_tell(schedule)],
        read_back=words_of(schedule.rrule) if schedule.kind == "exact" else "",
        rough=rough,
    )


def row(t: Words, one: NextDay, today: date) -> Row:
    """A day in words; the year only when it is another one."""
    year = "" if one.day.year == today.year else f"{one.day.year}/"
    weekday = DAYS[one.day.weekday()] if t.language == "ja" else one.day.strftime("%a")
    said = t("{month}/{day} ({weekday})", month=f"{year}{one.day.month}", day=one.day.day, weekday=weekday)
    why = t(DOUBTS[one.doubt], holiday=one.holiday or "") if one.doubt else one.holiday
    return Row(day=one.day, said=said, why=why, told=not one.doubt)

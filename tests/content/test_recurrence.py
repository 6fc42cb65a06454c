"""Rules against a reader of our own, day by day, and against one written in another language; tables by hand."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content import calendar
from bot.content.schedule import EARLIEST, Schedule, check_rule, until
from bot.handoff.hours import TOKYO, OpeningHours, Shift, is_open, spans
from tests.content.oracle import expand, rules

try:  # there is no wheel of it for every machine
    from rrule import build_rruleset as rust
except ImportError:
    rust = None

RULES = 1_000
FROM, TO = date(2025, 1, 1), date(2029, 12, 31)
UTC = ZoneInfo("UTC")


def ours(rule: str, since: date | None, **more: Any) -> list[date]:
    """The days of a rule alone: held on holidays, and no closing around New Year."""
    plain = {"on_holiday": "held", "year_end": "none", **more}
    return list(calendar.days(Schedule(kind="exact", rrule=rule, since=since, **plain), FROM, TO))


def within(days: Iterable[date]) -> list[date]:
    return [day for day in days if FROM <= day <= TO]


@pytest.fixture(scope="module")
def known() -> list[tuple[str, date]]:
    """A thousand rules, the same in every run. All pass the check."""
    found = list(rules(random.Random(5545), RULES))
    for rule, _ in found:
        check_rule(rule)
    return found


def test_a_thousand_rules_give_the_days_of_the_standard(known: list[tuple[str, date]]) -> None:
    """Five years of each: the same days as a reader of the standard gives who looks at every single day."""
    different = [
        (rule, since) for rule, since in known if ours(rule, since) != within(expand(rule, since, TO))
    ]
    assert different[:5] == []
    assert sum(bool(ours(rule, since)) for rule, since in known) > RULES * 0.9


@pytest.mark.skipif(rust is None, reason="rrule has no wheel for this machine; the reader above has judged")
def test_a_thousand_rules_give_the_days_of_another_library(known: list[tuple[str, date]]) -> None:
    """The Rust crate of the same name reads them alike, but where it takes SU,1SA for days that are both."""
    asked = [(rule, since) for rule, since in known if not _mixed(rule) and (until(rule) or TO) >= since]
    assert len(asked) > RULES * 0.9
    different = [(rule, since) for rule, since in asked if ours(rule, since) != by_rust(rule, since)]
    assert different[:5] == []


def _mixed(rule: str) -> bool:
    names = re.findall(r"BYDAY=([^;]*)", rule)
    lengths = {len(name) > 2 for name in names[0].split(",")} if names else set()
    return len(lengths) == 2


def by_rust(rule: str, since: date) -> list[date]:
    assert rust is not None
    line = re.sub(r"UNTIL=(\d+)", r"UNTIL=\1T000000Z", rule)
    found = rust(datetime.combine(since, time(), UTC), [f"RRULE:{line}"])
    begin, end = (datetime.combine(day, time(), UTC) for day in (FROM, TO))
    return [at.date() for at in found.between(begin, end, 2_000)]


@given(st.integers(0, 2**32), st.dates(FROM, TO), st.integers(0, 500))
def test_a_window_shows_what_the_whole_shows(seed: int, first: date, length: int) -> None:
    """Wherever one looks from: no day more, none less, whatever the rule does about holidays."""
    chance = random.Random(seed)
    rule, since = next(rules(chance, 1))
    last = min(first + timedelta(days=length), TO)
    moves: Any = chance.choice(("held", "skipped", "next_day", "next_weekday", "next_week", None))
    schedule = Schedule(kind="exact", rrule=rule, since=since, on_holiday=moves)
    whole = calendar.days(schedule, EARLIEST, TO)
    assert calendar.days(schedule, first, last) == tuple(day for day in whole if first <= day <= last)


@pytest.mark.parametrize(
    ("rule", "end"),
    [
        ("FREQ=WEEKLY;BYDAY=SA;UNTIL=20261121", "2026-11-21"),
        ("FREQ=WEEKLY;BYDAY=SA;UNTIL=20261121T145959Z", "2026-11-21"),
        ("FREQ=WEEKLY;BYDAY=SA;UNTIL=20261121T150000Z", "2026-11-22"),
        ("FREQ=WEEKLY;BYDAY=SA;UNTIL=20261121T235959", "2026-11-21"),
        ("FREQ=WEEKLY;BYDAY=SA", None),
    ],
)
def test_an_end_in_another_zone_is_a_day_in_tokyo(rule: str, end: str | None) -> None:
    """Calendar programs write UNTIL in UTC: fifteen o'clock there is midnight here."""
    assert until(rule) == (date.fromisoformat(end) if end else None)


# --- tables by hand -------------------------------------------------------------------------------------------

KOKOIRU = "FREQ=MONTHLY;BYDAY=1SA,2WE,3WE,4WE"
KOKOIRU_DAYS = {  # by hand: the first Saturday, the second to fourth Wednesday
    "2026-11": [7, 11, 18, 25],
    "2026-12": [5, 9, 16, 23],
    "2027-01": [2, 13, 20, 27],
    "2027-02": [6, 10, 17, 24],
    "2027-03": [6, 10, 17, 24],
    "2027-04": [3, 14, 21, 28],
    "2027-05": [1, 12, 19, 26],
    "2027-06": [5, 9, 16, 23],
    "2027-09": [4, 8, 15, 22],
    "2028-02": [5, 9, 16, 23],
    "2028-05": [6, 10, 17, 24],
}


@pytest.mark.parametrize("month", KOKOIRU_DAYS)
def test_the_first_saturday_and_three_wednesdays(month: str) -> None:
    """One rule with several ordinals (R-099)."""
    found = [day.day for day in ours(KOKOIRU, None) if day.isoformat().startswith(month)]
    assert found == KOKOIRU_DAYS[month]


@pytest.mark.parametrize(
    ("on_holiday", "days"),
    [
        (None, ["2028-02-05", "2028-02-09", "2028-02-16"]),
        ("skipped", ["2028-02-05", "2028-02-09", "2028-02-16"]),
        ("held", ["2028-02-05", "2028-02-09", "2028-02-16", "2028-02-23"]),
        ("next_day", ["2028-02-05", "2028-02-09", "2028-02-16", "2028-02-24"]),
        ("next_weekday", ["2028-02-05", "2028-02-09", "2028-02-16", "2028-02-24"]),
        ("next_week", ["2028-02-05", "2028-02-09", "2028-02-16", "2028-03-01"]),
    ],
)
def test_a_wednesday_that_is_a_holiday(on_holiday: Any, days: list[str]) -> None:
    """天皇誕生日 of 2028: left out, held, or moved; what nobody said is not told."""
    schedule = Schedule(kind="exact", rrule=KOKOIRU, on_holiday=on_holiday)
    last = date(2028, 3, 3)
    assert [day.isoformat() for day in calendar.days(schedule, date(2028, 2, 1), last)] == days


@pytest.mark.parametrize("on_holiday", [None, "held", "skipped", "next_day", "next_weekday", "next_week"])
def test_nothing_is_on_around_new_year_unless_told(on_holiday: Any) -> None:
    """2 January 2027 is a first Saturday, and in the closing whatever becomes of holidays."""
    schedule = Schedule(kind="exact", rrule=KOKOIRU, on_holiday=on_holiday)
    assert date(2027, 1, 2) not in calendar.days(schedule, date(2026, 12, 1), date(2027, 1, 31))
    open_ = Schedule(kind="exact", rrule=KOKOIRU, on_holiday="held", year_end="none")
    assert date(2027, 1, 2) in calendar.days(open_, date(2026, 12, 1), date(2027, 1, 31))


@pytest.mark.parametrize(
    ("on_holiday", "moved"), [("next_weekday", "2026-03-23"), ("next_day", "2026-03-21")]
)
def test_a_holiday_before_the_weekend_moves_past_it(on_holiday: Any, moved: str) -> None:
    """Friday 2026-03-20 is 春分の日: the next open weekday is the Monday, the next day the Saturday."""
    rule = Schedule(kind="exact", rrule="FREQ=MONTHLY;BYDAY=3FR", on_holiday=on_holiday)
    assert calendar.days(rule, date(2026, 3, 1), date(2026, 3, 31)) == (date.fromisoformat(moved),)


def test_a_day_moved_onto_a_closed_one_is_not_told() -> None:
    """Monday 2026-09-21 is 敬老の日, and so closed is the Tuesday after it: to the next day, nobody can be sure."""
    rule = Schedule(kind="exact", rrule="FREQ=MONTHLY;BYDAY=3MO", on_holiday="next_day")
    assert calendar.days(rule, date(2026, 9, 1), date(2026, 9, 30)) == ()
    later = Schedule(kind="exact", rrule="FREQ=MONTHLY;BYDAY=3MO", on_holiday="next_weekday")
    assert calendar.days(later, date(2026, 9, 1), date(2026, 9, 30)) == (date(2026, 9, 24),)


def test_more_days_and_fewer() -> None:
    """RDATE adds whatever the rule says, on a holiday, too; EXDATE takes away whatever put it there."""
    schedule = Schedule(
        kind="exact",
        rrule="FREQ=WEEKLY;BYDAY=WE",
        on_holiday="next_day",
        rdates=(date(2026, 11, 23), date(2026, 11, 27)),
        exdates=(date(2026, 11, 25), date(2026, 11, 27)),
    )
    found = calendar.days(schedule, date(2026, 11, 16), date(2026, 12, 6))
    assert [day.isoformat() for day in found] == ["2026-11-18", "2026-11-23", "2026-12-02"]


def test_sunday_and_the_first_saturday_are_either() -> None:
    """A weekday with a number beside one without: all Sundays, and the first Saturday."""
    found = [day.day for day in ours("FREQ=MONTHLY;BYDAY=SU,1SA", None) if day.isoformat() < "2025-02"]
    assert found == [4, 5, 12, 19, 26]


WEEKDAYS = OpeningHours(
    shifts=(Shift(days="月火水木金", opens="10:00", closes="17:00"),),
    on_holiday="skipped",
    year_end="12-29/01-03",
)
OPEN_DAYS = {  # 平日10–17 except holidays and the days around New Year, month by month
    "2026-04": [1, 2, 3, 6, 7, 8, 9, 10, 13, 14, 15, 16, 17, 20, 21, 22, 23, 24, 27, 28, 30],
    "2026-05": [1, 7, 8, 11, 12, 13, 14, 15, 18, 19, 20, 21, 22, 25, 26, 27, 28, 29],
    "2026-09": [1, 2, 3, 4, 7, 8, 9, 10, 11, 14, 15, 16, 17, 18, 24, 25, 28, 29, 30],
    "2026-12": [1, 2, 3, 4, 7, 8, 9, 10, 11, 14, 15, 16, 17, 18, 21, 22, 23, 24, 25, 28],
    "2027-01": [4, 5, 6, 7, 8, 12, 13, 14, 15, 18, 19, 20, 21, 22, 25, 26, 27, 28, 29],
    "2027-02": [1, 2, 3, 4, 5, 8, 9, 10, 12, 15, 16, 17, 18, 19, 22, 24, 25, 26],
    "2027-03": [1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 15, 16, 17, 18, 19, 23, 24, 25, 26, 29, 30, 31],
}


@pytest.mark.parametrize("month", OPEN_DAYS)
def test_weekdays_from_ten_to_five(month: str) -> None:
    """Holidays, substitute and citizens' ones, Golden Week and New Year are closed; each other weekday is open."""
    first = datetime.fromisoformat(f"{month}-01").replace(tzinfo=TOKYO)
    begins = [begin for begin, _ in spans(WEEKDAYS, first, 31) if begin.isoformat().startswith(month)]
    assert [begin.day for begin in begins] == OPEN_DAYS[month]
    rule = Schedule(kind="exact", rrule="FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", on_holiday="skipped")
    days = calendar.days(rule, first.date(), first.date() + timedelta(days=30))
    assert [day.day for day in days if day.isoformat().startswith(month)] == OPEN_DAYS[month]


def test_open_from_ten_until_before_five() -> None:
    """On an open day, to the minute."""
    day = datetime(2026, 11, 24, tzinfo=TOKYO)
    assert [is_open(WEEKDAYS, day + timedelta(minutes=at)) for at in (599, 600, 1019, 1020)] == [
        False,
        True,
        True,
        False,
    ]

"""Dates that may be printed: exact or confirmed ones, today or later, and never a guess."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content.calendar import HORIZON, next_dates
from bot.content.schedule import Schedule, check_rule, needs_since
from bot.handoff.hours import TOKYO

NOON = datetime(2026, 11, 21, 3, tzinfo=UTC)  # noon in Tokyo, a Saturday
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@pytest.mark.parametrize("kind", ["roughly", "frequency", "always"])
def test_what_is_vague_is_no_date(kind: str) -> None:
    """「おおむね第4土曜」 is printed in its words, even if somebody wrote a rule and days beside it (R-098)."""
    vague = Schedule(
        kind=kind, wording="おおむね第4土曜", rrule="FREQ=MONTHLY;BYDAY=4SA", dates=(date(2026, 12, 26),)
    )
    assert next_dates(vague, NOON) == ()


def test_confirmed_days_are_told_from_today_on() -> None:
    """In order, the past left out (R-100); today is still to come."""
    days = (date(2027, 1, 9), date(2026, 11, 21), date(2026, 11, 20), date(2026, 12, 5))
    told = (date(2026, 11, 21), date(2026, 12, 5), date(2027, 1, 9))
    assert next_dates(Schedule(kind="dates", dates=days), NOON) == told
    assert next_dates(Schedule(kind="dates", dates=days), NOON, 1) == told[:1]


def test_today_is_today_in_tokyo() -> None:
    """At eight in the evening in London it is tomorrow in Tokyo."""
    late = datetime(2026, 11, 21, 20, tzinfo=UTC)
    assert next_dates(Schedule(kind="dates", dates=(date(2026, 11, 21),)), late) == ()


@pytest.mark.parametrize(
    ("rule", "first"),
    [
        ("FREQ=MONTHLY;BYDAY=1SA,2WE,3WE,4WE", ["2026-11-25", "2026-12-05", "2026-12-09"]),
        ("RRULE:FREQ=WEEKLY;BYDAY=SA", ["2026-11-21", "2026-11-28", "2026-12-05"]),
        ("FREQ=MONTHLY;BYDAY=-1SU;UNTIL=20261231T000000", ["2026-11-29", "2026-12-27"]),
        (
            "FREQ=DAILY",
            ["2026-11-21", "2026-11-22", "2026-11-24"],
        ),  # nobody said what is on the 23rd, a holiday
        ("FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=4", ["2027-01-04"]),
        ("FREQ=WEEKLY;BYDAY=SA;UNTIL=20200101T000000", []),
    ],
)
def test_an_exact_rule_gives_its_days(rule: str, first: list[str]) -> None:
    """Several ordinals in one rule, exceptions, an end; nothing beyond some four hundred days."""
    found = next_dates(Schedule(kind="exact", rrule=rule), NOON)
    assert [day.isoformat() for day in found] == first


@pytest.mark.parametrize(
    ("rule", "open_"),
    [
        ("FREQ=MONTHLY;BYDAY=4SA", False),
        ("FREQ=MONTHLY;INTERVAL=1;BYDAY=4SA", False),
        ("FREQ=MONTHLY;INTERVAL=2;BYDAY=4SA", True),
        ("FREQ=WEEKLY", True),
        ("FREQ=MONTHLY", True),
        ("FREQ=DAILY", False),
        ("FREQ=DAILY;INTERVAL=3", True),
        ("FREQ=WEEKLY;BYDAY=SA;COUNT=3", True),
        ("freq=monthly;bymonthday=5", False),
    ],
)
def test_every_second_month_needs_to_know_from_when(rule: str, open_: bool) -> None:
    """A rule that does not say which days by itself prints none until it is told from when to count."""
    assert needs_since(rule) is open_
    assert (next_dates(Schedule(kind="exact", rrule=rule), NOON) == ()) is open_


def test_every_second_month_is_counted_from_its_first_day() -> None:
    """With the first date the months are known, and only those are printed."""
    rule = "FREQ=MONTHLY;INTERVAL=2;BYDAY=4SA"
    odd = Schedule(kind="exact", rrule=rule, since=date(2026, 5, 23))
    even = Schedule(kind="exact", rrule=rule, since=date(2026, 6, 27))
    assert next_dates(odd, NOON, 2) == (date(2026, 11, 28), date(2027, 1, 23))
    assert next_dates(even, NOON, 2) == (date(2026, 12, 26), date(2027, 2, 27))


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "第1土曜",
        "FREQ=SECONDLY",
        "FREQ=HOURLY;BYDAY=MO",
        "BYDAY=MO",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=1SA",
        "FREQ=WEEKLY;BYMONTHDAY=13",
        "FREQ=MONTHLY;BYYEARDAY=100",
        "FREQ=DAILY;INTERVAL=7;BYDAY=SA",
        "FREQ=MONTHLY;INTERVAL=12;BYDAY=1SA",
        "FREQ=MONTHLY;INTERVAL=2;BYMONTH=2;BYDAY=1SA",
        "FREQ=YEARLY;INTERVAL=2",
        "FREQ=DAILY;COUNT=99999999",
        "FREQ=DAILY;COUNT=3;UNTIL=20270101",
        "FREQ=DAILY;UNTIL=tomorrow",
        "FREQ=DAILY;FREQ=WEEKLY",
        "FREQ=WEEKLY;BYDAY=SA\nEXDATE:20261128T000000",
        "FREQ=DAILY;BYHOUR=10",
        "FREQ=MONTHLY;BYDAY=" + ",".join(["1SA"] * 200),
    ],
)
def test_what_is_no_rule_of_days_is_refused(wrong: str) -> None:
    """Words, rules by the hour, and rules that mean nothing."""
    with pytest.raises(ValueError):
        check_rule(wrong)


@pytest.mark.parametrize(
    "never",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYDAY=1SA;BYSETPOS=2",
        "FREQ=MONTHLY;BYDAY=6SA",
    ],
)
def test_a_day_that_never_comes_is_refused(never: str) -> None:
    """The thirtieth of February would be looked for in every turn; finding out takes no search to the year 9999."""
    with pytest.raises(ValueError, match="never"):
        check_rule(never)


@given(
    st.sets(st.sampled_from(DAYS), min_size=1).map(sorted),
    st.sets(st.sampled_from(("1", "2", "3", "4", "-1"))).map(sorted),
    st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - made aware below
    st.integers(1, 5),
)
def test_printed_days_follow_the_rule(days: list[str], ordinals: list[str], at: datetime, count: int) -> None:
    """Every printed day is one of the rule's weekdays, today or later, in order, within the horizon."""
    now = at.replace(tzinfo=TOKYO)
    named = [f"{ordinal}{day}" for ordinal in ordinals for day in days] or days
    rule = f"FREQ={'MONTHLY' if ordinals else 'WEEKLY'};BYDAY={','.join(named)}"
    check_rule(rule)
    found = next_dates(Schedule(kind="exact", rrule=rule), now, count)
    assert len(found) == count
    assert list(found) == sorted(set(found))
    assert all(DAYS[day.weekday()] in days for day in found)
    assert now.date() <= found[0]
    assert found[-1] - now.date() <= HORIZON + timedelta(days=1)

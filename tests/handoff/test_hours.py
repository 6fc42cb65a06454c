"""Opening hours: night shifts past midnight, Tokyo time, and hours nobody has told us."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.handoff.hours import (
    DAYS,
    TOKYO,
    Desk,
    OpeningHours,
    Shift,
    is_known,
    is_open,
    minutes,
    next_opening,
    spans,
)

SATURDAY = datetime(2026, 11, 21, tzinfo=TOKYO)


def desk(*shifts: tuple[str, str, str]) -> Desk:
    return Desk(
        id="main",
        name="窓口",
        shifts=tuple(Shift(days=days, opens=opens, closes=closes) for days, opens, closes in shifts),
    )


DAY = desk(("月火水木金", "10:00", "17:00"))
NIGHT = desk(("金土", "20:00", "26:00"))


@pytest.mark.parametrize(
    ("hours", "at", "is_it"),
    [
        (DAY, "2026-11-20 10:00", True),
        (DAY, "2026-11-20 09:59", False),
        (DAY, "2026-11-20 16:59", True),
        (DAY, "2026-11-20 17:00", False),
        (DAY, "2026-11-21 12:00", False),
        (NIGHT, "2026-11-21 23:59", True),
        (NIGHT, "2026-11-22 00:00", True),
        (NIGHT, "2026-11-22 01:59", True),
        (NIGHT, "2026-11-22 02:00", False),
        (NIGHT, "2026-11-20 00:30", False),
        (desk(("月火水木金土日", "0:00", "24:00")), "2026-11-22 00:00", True),
        (desk(), "2026-11-20 12:00", False),
    ],
)
def test_a_desk_is_open_from_its_opening_until_before_its_closing(hours: Desk, at: str, is_it: bool) -> None:
    """A shift of Saturday that closes at 26:00 runs into Sunday; without shifts nothing is ever open."""
    now = datetime.fromisoformat(at).replace(tzinfo=TOKYO)
    assert is_open(hours, now) is is_it
    assert is_open(hours, now.astimezone(UTC)) is is_it


@pytest.mark.parametrize(
    ("hours", "at", "opens"),
    [
        (DAY, "2026-11-19 12:00", "2026-11-20 10:00"),
        (DAY, "2026-11-20 09:00", "2026-11-20 10:00"),
        (DAY, "2026-11-20 12:00", "2026-11-24 10:00"),
        (DAY, "2026-12-28 17:00", "2027-01-04 10:00"),
        (desk(("日", "9:00", "10:00")), "2028-12-24 12:00", "2029-01-07 09:00"),
        (NIGHT, "2026-11-22 01:00", "2026-11-27 20:00"),
        (desk(("日", "9:00", "10:00")), "2026-11-22 09:00", "2026-11-29 09:00"),
        (desk(), "2026-11-20 12:00", None),
    ],
)
def test_the_next_opening_is_the_next_one_to_come(hours: Desk, at: str, opens: str | None) -> None:
    """Also when one shift runs now, also a week away; unknown hours have none."""
    found = next_opening(hours, datetime.fromisoformat(at).replace(tzinfo=TOKYO))
    assert found == (datetime.fromisoformat(opens).replace(tzinfo=TOKYO) if opens else None)


@pytest.mark.parametrize("wrong", ["", "9", "9:5", "9:60", "a:00", "9:00:00", "-1:00", "9：00", "1e1:00"])
def test_a_time_is_written_with_two_digits_of_minutes(wrong: str) -> None:
    """Anything but HH:MM is refused."""
    with pytest.raises(ValueError, match="HH:MM"):
        minutes(wrong)


@pytest.mark.parametrize(
    ("days", "opens", "closes"),
    [
        ("", "9:00", "10:00"),
        ("月曜", "9:00", "10:00"),
        ("月", "10:00", "10:00"),
        ("月", "22:00", "2:00"),
        ("月", "20:00", "30:01"),
        ("月", "x", "10:00"),
    ],
)
def test_a_shift_that_makes_no_sense_is_refused(days: str, opens: str, closes: str) -> None:
    """By itself and as content, where the error can be told to who wrote it."""
    with pytest.raises(ValueError):
        Shift(days=days, opens=opens, closes=closes)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"days": days, "opens": opens, "closes": closes}, Shift)


shifts = st.builds(
    lambda days, opens, length: ("".join(days), f"{opens}:00", f"{min(opens + length, 30)}:00"),
    st.sets(st.sampled_from(DAYS), min_size=1).map(sorted),
    st.integers(0, 23),
    st.integers(1, 12),
)


@given(st.lists(shifts, min_size=1, max_size=3), st.integers(0, 7 * 24 * 4))
def test_open_and_next_opening_agree(found: list[tuple[str, str, str]], quarter: int) -> None:
    """In any week: the next opening is in the future, within eight days, and the desk is open then."""
    hours = msgspec.structs.replace(desk(*found), on_holiday="held")
    now = SATURDAY + timedelta(minutes=15 * quarter)
    opens = next_opening(hours, now)
    assert opens is not None
    assert now < opens <= now + timedelta(days=8)
    assert is_open(hours, opens)
    assert any(begin <= now < end for begin, end in spans(hours, now)) is is_open(hours, now)


LABOUR = datetime(2026, 11, 23, 12, tzinfo=TOKYO)  # 勤労感謝の日, a Monday
WEEKDAYS = Shift(days="月火水木金", opens="10:00", closes="17:00")
HOLIDAYS = Shift(days="土日祝", opens="13:00", closes="15:00")


@pytest.mark.parametrize(
    ("hours", "open_", "known"),
    [
        (OpeningHours(shifts=(WEEKDAYS,)), False, False),
        (OpeningHours(shifts=(WEEKDAYS,), on_holiday="skipped"), False, True),
        (OpeningHours(shifts=(WEEKDAYS,), on_holiday="held"), True, True),
        (OpeningHours(shifts=(WEEKDAYS, HOLIDAYS)), False, True),
        (OpeningHours(shifts=(WEEKDAYS,), on_holiday="held", closed=(LABOUR.date(),)), False, True),
        (OpeningHours(), False, False),
    ],
)
def test_a_holiday_nobody_spoke_of_is_not_known(hours: OpeningHours, open_: bool, known: bool) -> None:
    """Told closed, told open, hours of its own, or not told at all: then it is surely neither."""
    assert is_open(hours, LABOUR) is open_
    assert is_known(hours, LABOUR) is known


def test_hours_of_holidays_take_the_place_of_the_weekdays() -> None:
    """土日祝 13:00–15:00 holds on a Monday that is a holiday, and the Monday's own hours do not."""
    hours = OpeningHours(shifts=(WEEKDAYS, HOLIDAYS))
    assert is_open(hours, LABOUR.replace(hour=14))
    assert not is_open(hours, LABOUR.replace(hour=16))


@pytest.mark.parametrize(
    ("closing", "day", "open_"),
    [
        (None, "2026-12-28", True),
        (None, "2026-12-29", False),
        (None, "2027-01-01", False),
        (None, "2027-01-03", False),
        (None, "2027-01-04", True),
        ("12-28/01-05", "2026-12-28", False),
        ("12-28/01-05", "2027-01-05", False),
        ("12-28/01-05", "2027-01-06", True),
        ("none", "2026-12-31", True),
        ("08-13/08-15", "2026-08-14", False),
        ("08-13/08-15", "2026-12-31", True),
    ],
)
def test_the_closing_around_new_year_is_the_operators_to_set(
    closing: str | None, day: str, open_: bool
) -> None:
    """From 29 December to 3 January unless somebody says otherwise (R-099)."""
    every = Shift(days="月火水木金土日祝", opens="0:00", closes="24:00")
    hours = OpeningHours(shifts=(every,), year_end=closing)
    assert is_open(hours, datetime.fromisoformat(day).replace(hour=12, tzinfo=TOKYO)) is open_


@pytest.mark.parametrize("wrong", ["", "12-29", "12-32/01-03", "29 December", "12-29/01-03/01-05"])
def test_a_closing_that_makes_no_sense_is_refused(wrong: str) -> None:
    """As content, where the error can be told to who wrote it."""
    with pytest.raises(msgspec.ValidationError, match="MM-DD/MM-DD"):
        msgspec.convert({"year_end": wrong}, OpeningHours)

"""Opening hours: night shifts past midnight, Tokyo time, and hours nobody has told us."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.handoff.hours import DAYS, TOKYO, Desk, Shift, is_open, minutes, next_opening, spans

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
        (DAY, "2026-11-20 12:00", "2026-11-23 10:00"),
        (DAY, "2026-11-23 09:00", "2026-11-23 10:00"),
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
    hours, now = desk(*found), SATURDAY + timedelta(minutes=15 * quarter)
    opens = next_opening(hours, now)
    assert opens is not None
    assert now < opens <= now + timedelta(days=8)
    assert is_open(hours, opens)
    assert any(begin <= now < end for begin, end in spans(hours, now)) is is_open(hours, now)

"""Public holidays of 2024 to 2030, against the rules of the Act on National Holidays, written out here."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bot.content.holidays import holiday_name, in_year_end, is_holiday

YEARS = range(2024, 2031)
FIXED = {
    (1, 1): "元日",
    (2, 11): "建国記念の日",
    (2, 23): "天皇誕生日",
    (4, 29): "昭和の日",
    (5, 3): "憲法記念日",
    (5, 4): "みどりの日",
    (5, 5): "こどもの日",
    (8, 11): "山の日",
    (11, 3): "文化の日",
    (11, 23): "勤労感謝の日",
}
MONDAYS = {(1, 2): "成人の日", (7, 3): "海の日", (9, 3): "敬老の日", (10, 2): "スポーツの日"}
EQUINOXES = {  # days of March and of September, as astronomers compute them
    2024: (20, 22),
    2025: (20, 23),
    2026: (20, 23),
    2027: (21, 23),
    2028: (20, 22),
    2029: (20, 23),
    2030: (20, 23),
}


def nth_monday(year: int, month: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=-first.weekday() % 7 + 7 * (nth - 1))


def by_law(year: int) -> dict[date, str]:
    """Article 2 names the holidays; Article 3 adds the day after one on a Sunday, and the day between two."""
    named = {date(year, month, day): name for (month, day), name in FIXED.items()}
    named |= {nth_monday(year, month, nth): name for (month, nth), name in MONDAYS.items()}
    spring, autumn = EQUINOXES[year]
    named |= {date(year, 3, spring): "春分の日", date(year, 9, autumn): "秋分の日"}
    found = dict(named)
    for day in sorted(named):
        if day.weekday() == 6:
            substitute = day + timedelta(days=1)
            while substitute in named:
                substitute += timedelta(days=1)
            found[substitute] = "振替休日"
    for day in sorted(named):
        between = day + timedelta(days=1)
        if between not in found and between + timedelta(days=1) in named:
            found[between] = "国民の休日"
    return found


@pytest.mark.parametrize("year", YEARS)
def test_each_year_has_exactly_the_days_of_the_law(year: int) -> None:
    """No day more and none less; substitute and citizens' holidays among them."""
    days = (date(year, 1, 1) + timedelta(days=number) for number in range(366))
    found = {day for day in days if day.year == year and is_holiday(day)}
    assert found == by_law(year).keys()


@pytest.mark.parametrize("year", YEARS)
def test_they_have_their_names(year: int) -> None:
    """For people who wonder why a place is closed."""
    for day, name in by_law(year).items():
        told = holiday_name(day) or ""
        assert name.removesuffix("休日") in told, day


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ("2024-02-12", "振替"),  # 建国記念の日 on a Sunday
        ("2024-05-06", "振替"),  # こどもの日 on a Sunday
        ("2024-09-23", "振替"),  # 秋分の日 on a Sunday
        ("2025-05-06", "振替"),  # みどりの日 on a Sunday, the days after it holidays themselves
        ("2026-05-06", "振替"),  # 憲法記念日 on a Sunday: three days on
        ("2026-09-22", "国民の休日"),  # between 敬老の日 and 秋分の日
        ("2027-03-22", "振替"),  # 春分の日 on a Sunday
    ],
)
def test_days_that_are_easily_missed(day: str, name: str) -> None:
    """Each follows from the rule beside it."""
    assert name in (holiday_name(date.fromisoformat(day)) or "")


@pytest.mark.parametrize("day", ["2024-12-29", "2026-12-31", "2027-01-02", "2026-08-14", "2024-05-07"])
def test_days_off_that_are_no_holidays(day: str) -> None:
    """The days around New Year and Bon are customs, not law."""
    assert not is_holiday(date.fromisoformat(day))


def test_a_closing_may_lie_within_one_year() -> None:
    """And it has both its ends."""
    inside = [day for day in range(1, 32) if in_year_end(date(2026, 8, day), "08-13/08-15")]
    assert inside == [13, 14, 15]

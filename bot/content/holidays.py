"""Days on which much of Japan is closed: public holidays, and the days around New Year. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

YEAR_END = "12-29/01-03"
"""The usual closing of offices in Japan, as MM-DD/MM-DD; an operator or a place may have another (R-099)."""

OPEN_ALL_YEAR = "none"


def holiday_name(day: date) -> str | None:
    """The name of the public holiday, substitute (振替休日) and citizens' (国民の休日) holidays among them.

    By the Act on National Holidays as the `holidays` library knows it; the equinoxes of years to come are computed,
    and become law only in February of the year before.
    """
    return _holidays(day.year).get(day)


def is_holiday(day: date) -> bool:
    return day in _holidays(day.year)


@lru_cache(maxsize=128)
def _holidays(year: int) -> Mapping[date, str]:
    from holidays import country_holidays  # a tenth of a second, which only those pay who ask for a day

    return dict(country_holidays("JP", years=year, language="ja"))


def in_year_end(day: date, closing: str | None) -> bool:
    """Whether the day lies in the closing around New Year; None means the usual one."""
    span = _span(YEAR_END if closing is None else closing)
    if span is None:
        return False
    first, last = span
    here = (day.month, day.day)
    return first <= here <= last if first <= last else here >= first or here <= last


@lru_cache(maxsize=128)
def _span(closing: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
    if closing == OPEN_ALL_YEAR:
        return None
    try:
        first, last = (date.fromisoformat(f"2024-{end}") for end in closing.split("/"))  # a leap year
    except ValueError as error:
        raise ValueError(
            f"a closing is written MM-DD/MM-DD, such as {YEAR_END}, or {OPEN_ALL_YEAR}"
        ) from error
    return (first.month, first.day), (last.month, last.day)


def check_year_end(closing: str | None) -> None:
    """Raises ValueError when this is no closing that can be read."""
    if closing is not None:
        _span(closing)

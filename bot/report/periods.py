"""Months, quarters and years of the calendar. Pure: `today` is an argument (R-125: no days, no weeks)."""

from __future__ import annotations

import re
from datetime import date, timedelta
from enum import StrEnum

from bot.errors import BadInput
from bot.frozen import dataclass

FORM = re.compile(r"(20\d\d)(?:-(?:(0[1-9]|1[0-2])|Q([1-4])))?")


class Kind(StrEnum):
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


MONTHS = {Kind.MONTH: 1, Kind.QUARTER: 3, Kind.YEAR: 12}


@dataclass(frozen=True, slots=True)
class Period:
    """A month, quarter or year by its first day."""

    kind: Kind
    first: date

    def __str__(self) -> str:
        if self.kind is Kind.YEAR:
            return str(self.first.year)
        if self.kind is Kind.QUARTER:
            return f"{self.first.year}-Q{(self.first.month + 2) // 3}"
        return f"{self.first.year}-{self.first.month:02}"

    @property
    def months(self) -> tuple[date, ...]:
        """The first days of its months."""
        return tuple(_later(self.first, number) for number in range(MONTHS[self.kind]))

    @property
    def quarters(self) -> tuple[Period, ...]:
        """The quarters of a year."""
        return tuple(Period(Kind.QUARTER, month) for month in self.months[::3])

    @property
    def last(self) -> date:
        return self.after.first - timedelta(days=1)

    @property
    def before(self) -> Period:
        return Period(self.kind, _later(self.first, -MONTHS[self.kind]))

    @property
    def after(self) -> Period:
        return Period(self.kind, _later(self.first, MONTHS[self.kind]))

    @property
    def year_before(self) -> Period:
        """The same period of the year before."""
        return Period(self.kind, _later(self.first, -12))

    def is_over(self, today: date) -> bool:
        """Only then it is told: two looks within a period would tell what came between them."""
        return today > self.last

    def of_kind(self, kind: Kind) -> Period:
        """The period of another kind that begins with, or holds, its first day."""
        month = {
            Kind.MONTH: self.first.month,
            Kind.QUARTER: (self.first.month - 1) // 3 * 3 + 1,
            Kind.YEAR: 1,
        }
        return Period(kind, date(self.first.year, month[kind], 1))


def _later(first: date, months: int) -> date:
    place = first.year * 12 + first.month - 1 + months
    return date(place // 12, place % 12 + 1, 1)


def parse(text: str) -> Period:
    """`2026-11`, `2026-Q4` or `2026`. Raises BadInput."""
    found = FORM.fullmatch(text)
    if found is None:
        raise BadInput("A period is a month 2026-11, a quarter 2026-Q4 or a year 2026.")
    year, month, quarter = found.groups()
    if month:
        return Period(Kind.MONTH, date(int(year), int(month), 1))
    if quarter:
        return Period(Kind.QUARTER, date(int(year), int(quarter) * 3 - 2, 1))
    return Period(Kind.YEAR, date(int(year), 1, 1))


def newest(kind: Kind, today: date) -> Period:
    """The newest period of a kind that is over."""
    return Period(Kind.MONTH, today.replace(day=1)).of_kind(kind).before

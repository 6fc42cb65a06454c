"""Numbers that tell of no single person: cells under five are not told, and cannot be found by subtracting (R-124).

Each counter is a tree: months in quarters in a year. What is told of a node is settled when it is over and never
changes, so that nothing told later can be held against it:

- a month is told if it is at least `LEAST`;
- a quarter is the sum of its months if all are told; if some are, it is the sum of those, as *at least*; if none is,
  it is its own number if at least `LEAST`: the only new fact, and about months none of which is told;
- a year stands to its quarters as a quarter to its months.

So a number told is either a sum of numbers told, or the only one about its parts. The latter does not give a part away
unless each part must be as large as it can be; such sums, and the one below, are told as *at least* the same number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from bot.frozen import dataclass
from bot.report.periods import Kind, Period

LEAST = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that may be told: None stands for less than `LEAST`. `months` are those it is made of."""

    number: int | None
    at_least: bool = False
    months: tuple[date, ...] = ()


HIDDEN = Figure(None)


def figure(period: Period, counted: Mapping[date, int]) -> Figure:
    """What may be told of a counter in a period that is over; `counted` by the first day of each month."""
    if period.kind is Kind.MONTH:
        number = counted.get(period.first, 0)
        return Figure(number, months=period.months) if number >= LEAST else HIDDEN
    parts = _parts(period)
    told = [figure(part, counted) for part in parts]
    seen = [one for one in told if one.number is not None]
    if seen:
        return total(seen, at_least=len(seen) < len(told))
    number = sum(counted.get(month, 0) for month in period.months)
    if number < LEAST:
        return HIDDEN
    most = (LEAST - 1) * len(parts)  # each part is less than LEAST
    return Figure(min(number, most - 1), at_least=number >= most - 1, months=period.months)


def _parts(period: Period) -> Sequence[Period]:
    if period.kind is Kind.YEAR:
        return period.quarters
    return [Period(Kind.MONTH, month) for month in period.months]


def total(figures: Sequence[Figure], *, at_least: bool = False) -> Figure:
    """The sum of what is told: of what is not, only that there may be some."""
    told = [one for one in figures if one.number is not None]
    if not told:
        return HIDDEN
    partly = at_least or len(told) < len(figures) or any(one.at_least for one in told)
    months = tuple(sorted({month for one in told for month in one.months}))
    return Figure(sum(one.number or 0 for one in told), at_least=partly, months=months)

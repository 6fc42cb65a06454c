"""Searches nothing fitted, by prefecture and by kind, as they may be told to whom makes places (R-118). Pure.

A quarter is told when it is over, and nothing shorter or longer: what lies between two periods cannot be reckoned.
Cells of few are withheld, and with them what would give them away beside a total (R-124, R-125).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta

from bot.content.areas import areas
from bot.content.finding import NOWHERE
from bot.frozen import dataclass

THRESHOLD = 5
LEAST_WITHHELD = 2  # cells: one alone is what the others leave of the total


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The cells that may be told, the largest first, and how many are withheld."""

    cells: tuple[tuple[str, int], ...]
    withheld: int = 0
    sums_up: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """By prefecture (`全国`: none was said, or several) and by kind; the total where it gives nothing away."""

    by_area: Told
    by_kind: Told
    total: int | None


def gaps(counted: Mapping[str, int]) -> Gaps:
    """What may be told of counts named `27/ibasho`."""
    by_area, by_kind = Counter[str](), Counter[str]()
    for name, number in counted.items():
        prefecture, _, kind = name.partition("/")
        by_area[_prefecture(prefecture)] += number
        by_kind[kind] += number
    areas_told, kinds_told = told(by_area), told(by_kind)
    may = areas_told.sums_up and kinds_told.sums_up
    return Gaps(by_area=areas_told, by_kind=kinds_told, total=sum(counted.values()) if may else None)


def told(cells: Mapping[str, int]) -> Told:
    """The cells of the threshold and more; small ones only together with others, so that none can be reckoned."""
    ordered = sorted(
        ((name, number) for name, number in cells.items() if number), key=lambda cell: (cell[1], cell[0])
    )
    small = sum(number < THRESHOLD for _, number in ordered)
    if not small:
        return Told(cells=tuple(reversed(ordered)))
    while small < len(ordered) and not _hides(ordered[:small]):
        small += 1
    hides = _hides(ordered[:small])
    return Told(cells=tuple(reversed(ordered[small:])), withheld=small, sums_up=hides)


def quarter(day: date) -> tuple[date, date]:
    """The first and last day of the last quarter that is over on a day."""
    begins = date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    last = begins - timedelta(days=1)
    return date(last.year, last.month - 2, 1), last


def _hides(cells: list[tuple[str, int]]) -> bool:
    return len(cells) >= LEAST_WITHHELD and sum(number for _, number in cells) >= THRESHOLD


def _prefecture(code: str) -> str:
    known = (one.name for one in areas().values() if one.is_prefecture and one.prefecture_code == code)
    return next(known, "全国" if code == NOWHERE else code)

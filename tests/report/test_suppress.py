"""No number under five can be found from all that is told, however it is added and subtracted (R-124)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadInput
from bot.report import periods
from bot.report.periods import Kind, Period
from bot.report.suppress import LEAST, Figure, figure, total

YEAR = Period(Kind.YEAR, date(2026, 1, 1))
MONTHS = YEAR.months
NODES = (*(Period(Kind.MONTH, month) for month in MONTHS), *YEAR.quarters, YEAR)
World = tuple[int, ...]


def told(world: World) -> tuple[Figure, ...]:
    """Everything a year's reports tell of a counter."""
    counted = dict(zip(MONTHS, world, strict=True))
    return tuple(figure(node, counted) for node in NODES)


def truth(world: World, node: Period) -> int:
    counted = dict(zip(MONTHS, world, strict=True))
    return sum(counted[month] for month in node.months)


def near(world: World) -> Iterator[World]:
    """Worlds that differ by one here, or by one more here and one less there."""
    for place in range(len(world)):
        for step in (1, -1):
            for other in (None, *range(len(world))):
                made = list(world)
                made[place] += step
                if other is not None:
                    made[other] -= step
                if min(made) >= 0 and tuple(made) != world:
                    yield tuple(made)


small = st.integers(0, 9)


@given(world=st.tuples(*[st.one_of(small, st.just(0), st.just(4))] * 12))
def test_whoever_knows_all_reports_and_how_they_are_made_learns_no_small_number(world: World) -> None:
    """R-124: for each number that is not told, another world gives the very same reports and another number there."""
    said = told(world)
    same = [other for other in near(world) if told(other) == said]
    for node, shown in zip(NODES, said, strict=True):
        if truth(world, node) < LEAST:
            assert shown.number is None or shown.at_least
            assert any(truth(other, node) != truth(world, node) for other in same), (str(node), world)


def test_a_quarter_gives_no_month_away_by_exhaustion() -> None:
    """R-124: all worlds of three months up to eight, gathered by what is told: no gap is alike in all of a group."""
    quarter = YEAR.quarters[0]
    nodes = (*(Period(Kind.MONTH, month) for month in quarter.months), quarter)
    groups: dict[tuple[Figure, ...], list[World]] = defaultdict(list)
    for world in product(range(9), repeat=3):
        counted = dict(zip(quarter.months, world, strict=True))
        groups[tuple(figure(node, counted) for node in nodes)].append(world)
    for said, worlds in groups.items():
        for place in range(3):
            if said[place].number is None:
                assert len({world[place] for world in worlds}) > 1, (said, worlds)


@given(world=st.tuples(*[small] * 12))
def test_what_is_told_is_true(world: World) -> None:
    """A number is the number, or no more than it; whoever counts enough is told something."""
    for node, shown in zip(NODES, told(world), strict=True):
        number = truth(world, node)
        if shown.number is not None:
            assert shown.number <= number if shown.at_least else shown.number == number
        else:
            assert number < LEAST


@given(world=st.tuples(*[small] * 12), later=st.integers(0, 11), more=small)
def test_what_was_told_stays_as_it_was(world: World, later: int, more: int) -> None:
    """R-124: what comes later changes nothing that is over, so two reports never differ by one person."""
    changed = (*world[:later], more, *world[later + 1 :])
    for node, before, after in zip(NODES, told(world), told(changed), strict=True):
        if node.last < MONTHS[later]:
            assert before == after


def test_a_sum_over_categories_is_one_of_what_is_told() -> None:
    """R-124: no total that would give the missing category away."""
    shown = [Figure(7), Figure(None), Figure(5)]
    assert total(shown) == Figure(12, at_least=True)
    assert total([Figure(None)]).number is None


@pytest.mark.parametrize("text", ["2026", "2026-Q1", "2026-Q4", "2026-01", "2026-12"])
def test_periods_are_written_as_they_are_read(text: str) -> None:
    """R-125: months, quarters, years; nothing shorter."""
    found = periods.parse(text)
    assert str(found) == text
    assert found.before.after == found
    assert found.year_before.months[0].year == 2025
    assert not found.is_over(found.last)
    assert found.is_over(found.after.first)


@pytest.mark.parametrize("text", ["", "2026-13", "2026-Q5", "2026-11-21", "2026-W40", "1999", "soon"])
def test_other_periods_are_none(text: str) -> None:
    with pytest.raises(BadInput):
        periods.parse(text)


def test_the_newest_period_that_is_over() -> None:
    day = date(2026, 11, 21)
    assert [str(periods.newest(kind, day)) for kind in Kind] == ["2026-10", "2026-Q3", "2025"]

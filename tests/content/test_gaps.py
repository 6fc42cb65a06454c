"""Gaps: of many, of a whole quarter, and never so that a small number can be reckoned."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.content import gaps
from bot.content.areas import areas
from bot.content.gaps import THRESHOLD
from bot.flows.effects import Record
from bot.testing import a_release
from tests.strategies import Watched

CODES = sorted({one.prefecture_code for one in areas().values()})
COUNTED = st.dictionaries(
    st.tuples(st.sampled_from([*CODES[:6], "00"]), st.sampled_from(["ibasho", "any", "family_group"])).map(
        "/".join
    ),
    st.integers(0, 12),
)


@given(COUNTED)
def test_no_small_number_is_told_nor_left_over(counted: dict[str, int]) -> None:
    """R-124: beside the total, what is not told is of two cells or more and of five or more; else no total is told."""
    found = gaps.gaps(counted)
    for told in (found.by_area, found.by_kind):
        assert all(number >= THRESHOLD for _, number in told.cells)
        if found.total is not None:
            left = found.total - sum(number for _, number in told.cells)
            assert left == 0 if told.withheld == 0 else (told.withheld >= 2 and left >= THRESHOLD)


@given(COUNTED)
def test_what_is_many_is_told_where_nothing_is_small(counted: dict[str, int]) -> None:
    """R-118: without small cells everything is told, and adds up."""
    many = {name: number + THRESHOLD for name, number in counted.items()}
    found = gaps.gaps(many)
    assert found.total == sum(many.values())
    assert sum(number for _, number in found.by_area.cells) == found.total
    assert sum(number for _, number in found.by_kind.cells) == found.total


@given(st.dates(date(2024, 1, 1), date(2032, 12, 31)))
def test_a_quarter_is_over_when_it_is_told(day: date) -> None:
    """R-125: whole quarters, one after another, each known by any day of the next."""
    first, last = gaps.quarter(day)
    assert last < day <= gaps.quarter(last + timedelta(days=93))[1] + timedelta(days=93)
    assert (first.day, first.month % 3, (last + timedelta(days=1)).day) == (1, 1, 1)
    assert gaps.quarter(first)[1] == first - timedelta(days=1)
    assert 89 < (last - first).days + 1 < 93


def test_a_search_that_found_nothing_is_counted_by_prefecture_and_kind_once() -> None:
    """R-118: coarse, whoever writes however fine; going through its pages counts no more."""
    talk = Watched(released=a_release())
    effects = [
        *talk.text("家族会"),
        *talk.text("岬町"),
        *talk.text("ほかのもの"),
        *talk.text("合うものがない"),
    ]
    names = [effect.name for effect in effects if isinstance(effect, Record)]
    assert [name for name in names if name.startswith("gap/")] == ["gap/27/family_group"]
    assert [name for name in names if name.startswith("no_match")] == ["no_match", "no_match/27/any"]
    assert a_release().missing({"area": "府中市"}) == "00/any"

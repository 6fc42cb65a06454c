"""Ticks and words say the same recurrence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content.recurrence_words import CODES, NTHS, SECOND, rule_of, ticks_of, words_of_ticks

TICKS = st.tuples(
    st.frozensets(st.sampled_from(NTHS)),
    st.frozensets(st.sampled_from(tuple(CODES.values()))),
    st.sampled_from((frozenset[str](), frozenset({SECOND}))),
)


@given(TICKS)
def test_what_is_ticked_is_ticked_again(
    parts: tuple[frozenset[str], frozenset[str], frozenset[str]],
) -> None:
    """Ticks become words that are read as a rule, which shows the same ticks; without a weekday there is none."""
    numbers, days, every = parts
    words = words_of_ticks(numbers | days | every)
    if not days:
        assert words == ""
        return
    assert rule_of(words) is not None, words
    assert ticks_of(words) == numbers | days | every


@pytest.mark.parametrize(
    ("ticks", "words"),
    [
        ({"2", "4", "SA"}, "毎月第2土曜・第4土曜"),
        ({"-1", "FR"}, "毎月最終金曜"),
        ({"MO", "TH"}, "毎週月・木"),
        ({"SA", SECOND}, "隔週土"),
        ({"1", "SU", SECOND}, "隔月第1日曜"),
    ],
)
def test_the_words_of_ticks(ticks: set[str], words: str) -> None:
    assert words_of_ticks(ticks) == words


@pytest.mark.parametrize("words", ["毎月15日", "毎日", "毎月第1土曜・第2水曜", "おおむね第4土曜", "", "x"])
def test_what_ticks_cannot_say(words: str) -> None:
    """Nothing is ticked then, and the words stay what they are."""
    assert ticks_of(words) == frozenset()

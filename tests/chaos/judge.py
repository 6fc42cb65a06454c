"""One person's answers against what they should have heard, where the outcome of some sends is not known.

Such an answer may be missing, but not without a word: either a later answer came, which shows the person where they
are, or the line of docs/decisions/010 did. Where it came, it came in its place, and once. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.kill9.counting import Answer, Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`excused`: missing, of unknown outcome, and the person was told. `untold`: the same without a word."""

    count: Count
    excused: int = 0
    untold: int = 0


def judge(
    expected: Sequence[Answer],
    unknown: Sequence[bool],
    heard: Sequence[Answer],
    tells: Callable[[Answer], bool],
) -> Verdict:
    """`unknown` marks the answers of `expected` whose outcome is not known; `tells` knows the line that says so."""
    place = repeated = misplaced = skipped = 0
    told = False
    for answer in heard:
        if tells(answer):
            told = True
            continue
        further = _place_of(answer, expected, unknown, place)
        if further is not None:
            skipped += further - place
            place, told = further + 1, False
        elif place and answer == expected[place - 1]:
            repeated += 1
        else:
            misplaced += 1
            if answer in expected[place:]:
                place = expected.index(answer, place) + 1
    left = len(expected) - place if all(unknown[place:]) else 0
    excused = skipped + (left if told else 0)
    lost = max(0, (Counter(expected) - Counter(heard)).total() - skipped - left)
    untold = 0 if told else left
    answered = len(expected) - lost - skipped - left
    return Verdict(
        count=Count(answered=answered, lost=lost, misplaced=misplaced, repeated=repeated),
        excused=excused,
        untold=untold,
    )


def _place_of(answer: Answer, expected: Sequence[Answer], unknown: Sequence[bool], place: int) -> int | None:
    """Where it comes next when nothing is left out before it but what may be missing."""
    for further in range(place, len(expected)):
        if expected[further] == answer:
            return further
        if not unknown[further]:
            return None
    return None

"""What came of the messages: pure counting of what people heard against what they should have heard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields

Answer = tuple[str, ...]
"""What one turn says as a person sees it: its texts, then the labels of its buttons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """One person's answers, or the sum of many."""

    answered: int = 0
    lost: int = 0
    misplaced: int = 0
    repeated: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(**{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)})


def compare(expected: Sequence[Answer], heard: Sequence[Answer]) -> Count:
    """Counts what was heard against what should have been, in this order.

    Neighbours in `expected` must differ: then an answer that equals the one before it is a repeated send.
    """
    place = repeated = misplaced = 0
    for answer in heard:
        if place < len(expected) and answer == expected[place]:
            place += 1
        elif place and answer == expected[place - 1]:
            repeated += 1
        else:
            misplaced += 1
            if answer in expected[place:]:
                place = expected.index(answer, place) + 1
    lost = (Counter(expected) - Counter(heard)).total()
    return Count(answered=len(expected) - lost, lost=lost, misplaced=misplaced, repeated=repeated)


@dataclass(slots=True, kw_only=True)
class Tally:
    """One channel's line in the report.

    `in_flight` counts sends that were durably begun and not yet marked as sent at a kill; of these
    `on_the_wire` were open calls at the platform. `unexplained`: people heard so many answers again beyond
    what was in flight to them (on LINE and on the web: all that they heard again).
    """

    channel: str
    sent: int = 0
    acknowledged: int = 0
    redelivered: int = 0
    count: Count = Count()
    in_flight: int = 0
    on_the_wire: int = 0
    unexplained: int = 0
    uncertain: int = 0
    failed: int = 0
    unhandled: int = 0

    def problems(self) -> list[str]:
        """What the promise does not allow."""
        found = []
        if self.acknowledged < self.sent:
            found.append(f"{self.sent - self.acknowledged} never acknowledged")
        if self.count.lost:
            found.append(f"{self.count.lost} lost")
        if self.count.misplaced:
            found.append(f"{self.count.misplaced} out of order")
        if self.unexplained:
            found.append(f"{self.unexplained} repeated that must not be")
        if self.unhandled:
            found.append(f"{self.unhandled} left in the inbox")
        return [f"{self.channel}: {problem}" for problem in found]

"""The corpus: floors a change of rules must not fall below. Raise them when rules get better, never lower them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec
import pytest

from admin.scanning import Labelled, shipped

FOLDER = Path(__file__).parent / "risk_corpus"


@dataclass(frozen=True, slots=True)
class Floor:
    """Shares: recall by any flag of emergency and high together, of concern; precision; false alarms on none."""

    urgent: float
    concern: float
    precision: float
    false_alarms: float


FLOORS = {
    "a": Floor(urgent=0.92, concern=0.80, precision=0.95, false_alarms=0.035),
    "b": Floor(urgent=0.88, concern=0.82, precision=0.92, false_alarms=0.055),
    "c_odd": Floor(urgent=0.90, concern=0.75, precision=0.87, false_alarms=0.10),
    "c_even": Floor(urgent=0.55, concern=0.40, precision=0.79, false_alarms=0.11),
    "d": Floor(urgent=0.69, concern=0.52, precision=0.85, false_alarms=0.09),
}
"""As measured; round d and the even lines of round c are nobody's to read (see the README)."""


@cache
def corpus(name: str) -> list[Labelled]:
    decoder = msgspec.json.Decoder(Labelled)
    path = FOLDER / f"round_{name[0]}.jsonl"
    rows = [decoder.decode(line) for line in path.read_bytes().splitlines() if line.strip()]
    return {"c_odd": rows[0::2], "c_even": rows[1::2]}.get(name, rows)


def share(rows: list[Labelled], flagged: set[str]) -> float:
    return sum(row.id in flagged for row in rows) / len(rows)


@pytest.mark.parametrize("name", FLOORS)
def test_the_rules_keep_their_floors(name: str) -> None:
    rules = shipped()
    rows = corpus(name)
    flagged = {row.id for row in rows if rules.scan(row.text)}
    floor = FLOORS[name]
    by_level = {
        level: [row for row in rows if row.level == level]
        for level in ("none", "concern", "high", "emergency")
    }
    right = sum(row.level != "none" for row in rows if row.id in flagged)
    assert share(by_level["high"] + by_level["emergency"], flagged) >= floor.urgent
    assert share(by_level["concern"], flagged) >= floor.concern
    assert right / len(flagged) >= floor.precision
    assert share(by_level["none"], flagged) <= floor.false_alarms


def test_the_corpus_is_wide() -> None:
    """Over 1,500 lines, hardly a text twice, at least half of them hard negatives or everyday."""
    rows = [row for name in "abc" for row in corpus(name)]
    assert len(rows) >= 1_500
    assert len(rows) - len({row.text for row in rows}) <= 2  # two authors had the same thought twice
    assert sum(row.level == "none" for row in rows) * 2 >= len(rows)

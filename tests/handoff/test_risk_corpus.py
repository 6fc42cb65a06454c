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
    "a": Floor(urgent=0.95, concern=0.80, precision=0.96, false_alarms=0.031),
    "b": Floor(urgent=0.92, concern=0.88, precision=0.95, false_alarms=0.04),
    "c": Floor(urgent=0.90, concern=0.75, precision=0.96, false_alarms=0.03),
    "d": Floor(urgent=0.91, concern=0.88, precision=0.95, false_alarms=0.04),
    "e": Floor(urgent=0.97, concern=0.95, precision=0.95, false_alarms=0.06),
    "f": Floor(urgent=0.99, concern=0.99, precision=0.98, false_alarms=0.02),
    "g": Floor(urgent=0.98, concern=0.95, precision=0.98, false_alarms=0.01),
    "h": Floor(urgent=0.95, concern=0.86, precision=0.95, false_alarms=0.05),
    "i": Floor(urgent=0.98, concern=0.98, precision=0.98, false_alarms=0.01),
    "j": Floor(urgent=0.95, concern=0.95, precision=0.98, false_alarms=0.02),
    "k": Floor(urgent=0.98, concern=0.86, precision=0.98, false_alarms=0.02),
    "l": Floor(urgent=0.95, concern=0.95, precision=0.98, false_alarms=0.02),
    "m": Floor(urgent=0.98, concern=0.9, precision=0.98, false_alarms=0.01),
    "n": Floor(urgent=0.98, concern=0.96, precision=0.95, false_alarms=0.04),
    "o": Floor(urgent=0.95, concern=0.89, precision=0.96, false_alarms=0.03),
    "p": Floor(urgent=0.95, concern=0.83, precision=0.93, false_alarms=0.06),
    "r": Floor(urgent=0.98, concern=0.97, precision=0.95, false_alarms=0.06),
    "s": Floor(urgent=0.98, concern=0.96, precision=0.97, false_alarms=0.02),
    "t": Floor(urgent=0.98, concern=0.92, precision=0.98, false_alarms=0.01),
    "x": Floor(urgent=0.98, concern=1.0, precision=0.98, false_alarms=0.04),
    "y": Floor(urgent=1.0, concern=0.93, precision=0.98, false_alarms=0.01),
    "zc": Floor(urgent=0.96, concern=0.95, precision=0.97, false_alarms=0.04),
    "u": Floor(urgent=0.98, concern=0.96, precision=0.98, false_alarms=0.02),
    "v": Floor(urgent=0.96, concern=0.92, precision=0.97, false_alarms=0.02),
    "w": Floor(urgent=0.98, concern=0.94, precision=0.96, false_alarms=0.02),
    "z": Floor(urgent=0.97, concern=1.0, precision=0.97, false_alarms=0.04),
    "za": Floor(urgent=0.97, concern=1.0, precision=0.98, false_alarms=0.02),
    "zb": Floor(urgent=0.98, concern=0.86, precision=0.97, false_alarms=0.02),
    "zd": Floor(urgent=0.99, concern=1.0, precision=0.99, false_alarms=0.01),
    "ze": Floor(urgent=0.99, concern=1.0, precision=0.99, false_alarms=0.01),
    "zf": Floor(urgent=0.98, concern=1.0, precision=0.99, false_alarms=0.0),
    "zg": Floor(urgent=1.0, concern=1.0, precision=0.99, false_alarms=0.0),
    "zh": Floor(urgent=0.98, concern=1.0, precision=0.96, false_alarms=0.11),
    "zi": Floor(urgent=0.94, concern=0.82, precision=0.99, false_alarms=0.008),
    "zj": Floor(urgent=0.90, concern=0.74, precision=0.88, false_alarms=0.097),
    "zk": Floor(urgent=0.89, concern=0.64, precision=0.95, false_alarms=0.03),
    "zl": Floor(urgent=0.94, concern=0.82, precision=0.95, false_alarms=0.038),
    "q": Floor(urgent=0.70, concern=0.66, precision=0.79, false_alarms=0.146),
}
"""As measured; nobody tunes on rounds h, q and zi to zl (see the README)."""


@cache
def corpus(name: str) -> list[Labelled]:
    decoder = msgspec.json.Decoder(Labelled)
    path = FOLDER / f"round_{name}.jsonl"
    return [decoder.decode(line) for line in path.read_bytes().splitlines() if line.strip()]


def share(rows: list[Labelled], flagged: set[str]) -> float:
    """Of no lines, all: a round of one tier has no line of the others."""
    return sum(row.id in flagged for row in rows) / len(rows) if rows else 1.0


@pytest.mark.parametrize("name", FLOORS)
def test_the_rules_keep_their_floors(name: str) -> None:
    rules = shipped()
    rows = corpus(name)
    flagged = {row.id for row in rows if rules.scan(row.text)}
    floor = FLOORS[name]
    found = measured(rows, flagged)
    assert found.urgent >= floor.urgent
    assert found.concern >= floor.concern
    assert found.precision >= floor.precision
    assert found.false_alarms <= floor.false_alarms


def measured(rows: list[Labelled], flagged: set[str]) -> Floor:
    """Figures only: a failing test must not show lines nobody may read."""
    by_level = {
        level: [row for row in rows if row.level == level]
        for level in ("none", "concern", "high", "emergency")
    }
    return Floor(
        urgent=share(by_level["high"] + by_level["emergency"], flagged),
        concern=share(by_level["concern"], flagged),
        precision=sum(row.level != "none" for row in rows if row.id in flagged) / len(flagged),
        false_alarms=share(by_level["none"], flagged),
    )


def test_the_corpus_is_wide() -> None:
    """Over 12,000 lines, hardly a text twice, nearly half of them hard negatives or everyday."""
    rows = [row for name in FLOORS for row in corpus(name)]
    assert len(rows) >= 12_000
    assert len(rows) - len({row.text for row in rows}) <= 40  # authors had the same thought now and then
    assert sum(row.level == "none" for row in rows) >= 0.48 * len(rows)

"""Risk words on every text, in every mode: first the surface (docs: the full matcher follows). Pure and explainable.

A hit names rule, category, level and span, never the text. Rules are content; each carries examples that must
hit and must miss, and `compile_rules` refuses a rule that disagrees with its own examples.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

import ahocorasick_rs
import jaconv
import msgspec

from bot.errors import ContentError
from bot.flows.matching import visible

MAX_SCANNED = 20_000
_VOICED = {
    "\u3099": "\u3099",
    "\u309b": "\u3099",
    "\uff9e": "\u3099",
    "\u309a": "\u309a",
    "\u309c": "\u309a",
    "\uff9f": "\u309a",
}
"""The marks that make か が and は ぱ, as they stand alone: composed with what is before them."""


class Level(IntEnum):
    """How urgent; the higher one wins (risk levels of the content guide)."""

    NONE = 0
    CONCERN = 1
    HIGH = 2
    EMERGENCY = 3


LEVELS = {"concern": Level.CONCERN, "high": Level.HIGH, "emergency": Level.EMERGENCY}


class RiskRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Any of `terms` hits, unless the spot lies inside one of `unless`. With `near`, one of those must occur too."""

    id: str
    category: str
    level: str
    terms: tuple[str, ...]
    near: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    hits: tuple[str, ...]
    misses: tuple[str, ...]
    author: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskHit:
    """Rule, category, level and the span in the original text (characters, end exclusive)."""

    rule: str
    category: str
    level: Level
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Folded:
    """`starts` and `ends`: where each folded character comes from in the original."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]


class Rules:
    """Rules ready to scan: one Aho-Corasick automaton over all terms, so that their number hardly matters."""

    def __init__(self, rules: tuple[RiskRule, ...]) -> None:
        self.rules = rules
        self._folded_unless = [
            tuple(filter(None, (fold(term).text for term in rule.unless))) for rule in rules
        ]
        self._folded_near = [tuple(filter(None, (fold(term).text for term in rule.near))) for rule in rules]
        self._terms: list[str] = []
        self._owner: list[int] = []
        for place, rule in enumerate(rules):
            for term in sorted({fold(term).text for term in rule.terms} - {""}):
                self._terms.append(term)
                self._owner.append(place)
        self._automaton = ahocorasick_rs.AhoCorasick(self._terms) if self._terms else None

    def scan(self, text: str) -> tuple[RiskHit, ...]:
        """Every rule that hits, most urgent first; at most one hit a rule."""
        if self._automaton is None or not text:
            return ()
        folded = fold(text[:MAX_SCANNED])
        found: dict[int, RiskHit] = {}
        for term, start, end in self._automaton.find_matches_as_indexes(folded.text, overlapping=True):
            owner = self._owner[term]
            if owner in found or self._is_vetoed(owner, folded.text, start, end):
                continue
            rule = self.rules[owner]
            found[owner] = RiskHit(
                rule=rule.id,
                category=rule.category,
                level=LEVELS[rule.level],
                start=folded.starts[start],
                end=folded.ends[end - 1],
            )
        return tuple(sorted(found.values(), key=lambda hit: (-hit.level, hit.rule)))

    def _is_vetoed(self, owner: int, text: str, start: int, end: int) -> bool:
        near = self._folded_near[owner]
        if near and not any(term in text for term in near):
            return True
        for veto in self._folded_unless[owner]:
            at = text.find(veto, max(0, end - len(veto)), start + len(veto))
            if at != -1 and at <= start and at + len(veto) >= end:
                return True
        return False


def fold(text: str) -> _Folded:
    """Width, kana, case, spaces and separators removed, with the way back to the original positions."""
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for place, char in enumerate(text):
        if char in _VOICED and place:
            continue  # it belongs to the character before
        end = place + 2 if place + 1 < len(text) and text[place + 1] in _VOICED else place + 1
        folded = _fold_char(char if end == place + 1 else char + _VOICED[text[place + 1]])
        out.append(folded)
        starts.extend([place] * len(folded))
        ends.extend([end] * len(folded))
    return _Folded("".join(out), tuple(starts), tuple(ends))


@lru_cache(maxsize=16_384)
def _fold_char(char: str) -> str:
    return "".join(c for c in jaconv.kata2hira(visible(char)).casefold() if c.isalnum() or c in "#*○〇")


def compile_rules(rules: tuple[RiskRule, ...]) -> Rules:
    """The rules, after each has been held against its own examples. Raises ContentError naming rule and example."""
    for rule in rules:
        path = f"risk/{rule.id}"
        if rule.level not in LEVELS:
            raise ContentError(f"{path}/level", f"one of {', '.join(LEVELS)}, not {rule.level!r}")
        if not rule.hits or not rule.misses:
            raise ContentError(path, "needs at least one example in `hits` and one in `misses`")
        alone = Rules((rule,))
        for place, example in enumerate(rule.hits):
            if not alone.scan(example):
                raise ContentError(f"{path}/hits[{place}]", "this example must hit, but does not")
        for place, example in enumerate(rule.misses):
            if alone.scan(example):
                raise ContentError(f"{path}/misses[{place}]", "this example must not hit, but does")
    return Rules(rules)


def highest(hits: tuple[RiskHit, ...]) -> Level:
    return max((hit.level for hit in hits), default=Level.NONE)

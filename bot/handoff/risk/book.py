"""What a scan looks up: terms by automaton, then cues, rules and vetoes by number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field

import ahocorasick_rs

from bot.frozen import dataclass
from bot.handoff.risk.model import RiskRule, RiskVeto

INFLECTS, FIRST, SECOND = 1, 2, 4
"""The bits of a term whose form a dictionary may tell, and of the halves of a chain."""


@dataclass(frozen=True, slots=True)
class Against:
    """A veto as a rule uses it: its cues, the groups it needs and what re-arms."""

    name: str
    veto: RiskVeto
    cues: frozenset[int]
    needs: tuple[frozenset[int], ...]
    rearm: frozenset[int]


@dataclass(slots=True)
class Book:
    """Everything a scan looks up. Built once, then only read."""

    rules: tuple[RiskRule, ...]
    vetoes: dict[str, RiskVeto]
    automaton: ahocorasick_rs.AhoCorasick | None
    cues_of: list[tuple[int, ...]]
    """By term: the cues it belongs to."""
    names: list[str]
    """By cue: its name, for explanations."""
    joints: tuple[tuple[int, int, int], ...]
    """A cue that is found where the second one begins directly after the first: first, second, the cue."""
    anchors: dict[int, tuple[int, ...]]
    """By cue: the rules it starts."""
    near: list[tuple[frozenset[int], ...]]
    """By rule: groups of cues, each of which must have one near."""
    against: tuple[Against, ...]
    """The vetoes in use, each once, however many rules name it."""
    unless: list[tuple[int, ...]]
    """By rule: its vetoes, as places in `against`."""
    takes_back: dict[int, tuple[int, ...]]
    """By cue: the vetoes it belongs to."""
    forms: dict[int, tuple[int, ...]]
    """By cue of a class with verbs: the forms of it that only a dictionary may see."""
    lemmas: dict[str, frozenset[str]]
    """By verb in dictionary form: the classes it belongs to."""
    cue_ids: dict[str, int] = field(default_factory=dict)
    needs: list[int] = field(default_factory=list)
    """By rule: the groups it asks for, a bit each."""
    meets: dict[int, int] = field(default_factory=dict)
    """By cue: the groups it belongs to, as the same bits, and `INFLECTS`."""
    worth: dict[int, tuple[int, frozenset[int]]] = field(default_factory=dict)
    """By term, once asked: the bits it meets, and the rules it starts."""

    halves: dict[int, tuple[tuple[int, ...], tuple[int, ...]]] = field(default_factory=dict)
    """By term, once its worth is asked: the chains it is the first half of, and the second."""

    def worth_of(self, number: int) -> tuple[int, frozenset[int]]:
        """The bits a term meets and the rules it starts; a form only a dictionary sees in it counts as seen."""
        known = self.worth.get(number)
        if known is None:
            named = self.cues_of[number]
            cues = {*named, *(form for cue in named for form in self.forms.get(cue, ()))}
            met = INFLECTS if any(cue in self.forms for cue in named) else 0
            firsts = tuple(joint for first, _, joint in self.joints if first in named)
            seconds = tuple(joint for _, second, joint in self.joints if second in named)
            if firsts or seconds:
                self.halves[number] = (firsts, seconds)
                met |= (FIRST if firsts else 0) | (SECOND if seconds else 0)
            for cue in cues:
                met |= self.meets.get(cue, 0)
            starts = frozenset(place for cue in cues for place in self.anchors.get(cue, ()))
            known = self.worth[number] = (met, starts)
        return known

    def joined(self, matches: Iterable[tuple[int, int, int]]) -> list[int]:
        """The chains whose second half begins where their first ends, of matches of halves."""
        ends: dict[int, list[int]] = {}
        begins: dict[int, list[int]] = {}
        for number, start, end in matches:
            firsts, seconds = self.halves[number]
            for joint in firsts:
                ends.setdefault(joint, []).append(end)
            for joint in seconds:
                begins.setdefault(joint, []).append(start)
        return [
            joint for joint in ends.keys() & begins.keys() if not set(ends[joint]).isdisjoint(begins[joint])
        ]


def bits_of(near: Sequence[tuple[frozenset[int], ...]]) -> tuple[list[int], dict[int, int]]:
    """A bit for each group of each rule: by rule those it needs, by cue those it meets."""
    needs: list[int] = []
    meets: dict[int, int] = {}
    bit = SECOND
    for groups in near:
        needed = 0
        for group in groups:
            bit <<= 1
            needed |= bit
            for cue in group:
                meets[cue] = meets.get(cue, 0) | bit
        needs.append(needed)
    return needs, meets

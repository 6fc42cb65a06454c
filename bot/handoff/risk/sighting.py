"""One text with every cue in it by where it stands: what is near, in which clause, and what a veto takes back."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import field
from functools import cached_property

from bot.frozen import dataclass
from bot.handoff.risk import morphology
from bot.handoff.risk.model import RiskVeto
from bot.handoff.risk.normalise import Folded

SHORT = 18


@dataclass
class Sighting:
    """One text as folded, with every cue in it by where it stands (folded places, sorted)."""

    folded: Folded
    is_read: bool = True
    """Whether the dictionary can read the text: not what is written in Latin letters."""
    inflects: bool = False
    """Whether a verb occurs whose form the dictionary may tell."""
    spots: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    tokens: Sequence[morphology.Token] = ()

    def __post_init__(self) -> None:
        self._sets: dict[tuple[int, str], set[int]] = {}

    def read(self, tokens: Sequence[morphology.Token], cues: Iterable[tuple[int, int, int]]) -> None:
        """Takes in the words of the text and the cues (with their places) only a dictionary sees."""
        self.tokens = tokens
        self._sets.clear()
        for cue, start, end in cues:
            insort(self.spots.setdefault(cue, []), (start, end))

    @property
    def is_short(self) -> bool:
        """A text of so few characters is one sentence, however people break it: 吊る。今から."""
        return len(self.folded.text) <= SHORT

    @cached_property
    def token_starts(self) -> list[int]:
        return [token.start for token in self.tokens]

    def part(self, at: int, scope: str) -> int:
        if scope == "clause":
            return self.folded.clause(at)
        return self.folded.sentence(at) if scope == "sentence" else 0

    def parts(self, cue: int, scope: str) -> set[int]:
        """The clauses, or sentences, a cue stands in."""
        key = (cue, scope)
        if key not in self._sets:
            self._sets[key] = {self.part(start, scope) for start, _ in self.spots.get(cue, ())}
        return self._sets[key]

    def is_between(self, cue: int, low: int, high: int) -> bool:
        """Whether the cue begins at `low` or later, and before `high`."""
        spots = self.spots.get(cue, ())
        place = bisect_left(spots, (low, 0))
        return place < len(spots) and spots[place][0] < high

    def covers(self, cue: int, start: int, end: int) -> bool:
        spots = self.spots.get(cue, ())
        place = bisect_left(spots, (start + 1, 0))
        return any(spots[at][1] >= end for at in range(max(0, place - 8), place))


def takes_back(sighting: Sighting, cue: int, veto: RiskVeto, start: int, end: int) -> bool:
    match veto.where:
        case "over":
            return sighting.covers(cue, start, end)
        case "next":
            high = min(end + veto.reach, sighting.folded.gap(end - 1)) + 1
            return sighting.is_between(cue, end, high) or sighting.is_between(cue, start + 1, end)
        case "after":
            high = min(end + veto.reach + 1, _sentence_end(sighting, start))
            return sighting.is_between(cue, end, high) or sighting.is_between(cue, start + 1, end)
        case "before":
            low = max(start - veto.reach, _sentence_start(sighting, start))
            return sighting.is_between(cue, low, start)
        case "around":
            return sighting.is_between(cue, start - veto.reach, end + veto.reach)
    return sighting.part(start, veto.where) in sighting.parts(cue, veto.where)


def _sentence_end(sighting: Sighting, at: int) -> int:
    sentences = sighting.folded.sentences
    place = sighting.folded.sentence(at)
    return sentences[place] if place < len(sentences) else len(sighting.folded.text)


def _sentence_start(sighting: Sighting, at: int) -> int:
    place = sighting.folded.sentence(at)
    return sighting.folded.sentences[place - 1] if place else 0


def is_accident(sighting: Sighting, start: int, end: int) -> bool:
    """Whether kana or Latin letters look like a term, but lie inside another word."""
    text = sighting.folded.text
    if not sighting.tokens or not start or not all(map(_is_soft, text[start - 1 : end])):
        return False
    if text.endswith(_WHOLE, 0, start) or sighting.folded.is_apart(start, end):
        return False
    return morphology.cuts_a_word(sighting.tokens, sighting.token_starts, sighting.folded.starts[start])


_WHOLE = (
    *("もう", "まじ", "ほんと", "ほんま", "はやく", "いま", "また", "まだ", "きょう", "あした", "こんや"),
    *(
        "ぜったい",
        "ぼく",
        "おれ",
        "いっそ",
        "やっぱ",
        "だから",
        "すぐ",
        "ただ",
        "いつか",
        "ばば",
        "じじ",
        "くそ",
    ),
)
"""Words of their own, although the dictionary likes to join them to what follows (もうしにたい: 申しに…)."""


def _is_soft(char: str) -> bool:
    """Kana and Latin letters: strings of them may be a word by accident."""
    return "ぁ" <= char <= "ゖ" or char.isascii()

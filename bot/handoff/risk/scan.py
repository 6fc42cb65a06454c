"""Rules ready to scan: cues on the surface, then what the dictionary says of them, then composition and vetoes.

Every step is linear in the text: a cue occurs at most once a character, a rule looks only at spots of its own, and
what is near is asked of sets and sorted places. No pattern of anybody's is run.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from bot.errors import ContentError
from bot.handoff.risk import morphology
from bot.handoff.risk.compile import SPEAKERS, book_of
from bot.handoff.risk.model import (
    LEVELS,
    Candidate,
    Level,
    RiskClass,
    RiskHit,
    RiskRule,
    RiskSpelling,
    RiskVeto,
    highest,
)
from bot.handoff.risk.normalise import Folded, fold, fold_latin

MAX_SCANNED = 20_000
MAX_SPOTS = 64
"""Spots of one rule in one text that are looked at: whoever writes a word more often has been heard."""


@dataclass
class Sighting:
    """One text as folded, with every cue in it by where it stands (folded places, sorted)."""

    folded: Folded
    spots: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    tokens: Sequence[morphology.Token] = ()

    def __post_init__(self) -> None:
        self._sets: dict[tuple[int, str], set[int]] = {}

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


class Rules:
    """All rules of a release, compiled. Reading only: safe in any number of threads."""

    def __init__(
        self,
        rules: Sequence[RiskRule],
        classes: Sequence[RiskClass] = (),
        vetoes: Sequence[RiskVeto] = (),
        spellings: Sequence[RiskSpelling] = (),
    ) -> None:
        self.rules = tuple(rules)
        self.book = book_of(rules, classes, vetoes, spellings)

    def scan(self, text: str) -> tuple[RiskHit, ...]:
        """Every rule that hits, most urgent first; at most one hit a rule, at its first spot."""
        found: dict[str, RiskHit] = {}
        for candidate in self.candidates(text):
            if not candidate.because and candidate.rule not in found:
                found[candidate.rule] = RiskHit(
                    rule=candidate.rule,
                    category=self._category[candidate.rule],
                    level=candidate.level,
                    start=candidate.start,
                    end=candidate.end,
                )
        return tuple(sorted(found.values(), key=lambda hit: (-hit.level, hit.rule)))

    def speaker(self, text: str) -> str:
        """Who seems to write, by their words: self, family or supporter. A guess, for the wording of a card only."""
        for sighting in self.sightings(text):
            for name, speaker in SPEAKERS.items():
                if self.book.cue_ids.get(name) in sighting.spots:
                    return speaker
        return "self"

    @cached_property
    def _category(self) -> dict[str, str]:
        return {rule.id: rule.category for rule in self.rules}

    def candidates(self, text: str, only: int | None = None, *, surface: bool = False) -> Iterator[Candidate]:
        """Every spot a rule looked at, with what took it back; `only` one rule, by its place.

        `surface`: as if there were no dictionary.
        """
        reader = None if surface else morphology.current()
        for sighting in self.sightings(text, reader):
            yield from self._compose(sighting, only)

    def sightings(self, text: str, reader: morphology.Reader | None = None) -> list[Sighting]:
        """The text as it stands, and once more read from Latin letters where there are some."""
        if self.book.automaton is None or not text:
            return []
        text = text[:MAX_SCANNED]
        found = [self._seen(fold(text), text, reader)]
        latin = fold_latin(text)
        if latin is not None and latin.text:
            found.append(self._seen(latin, text, None))
        return found

    def _seen(self, folded: Folded, text: str, reader: morphology.Reader | None) -> Sighting:
        book = self.book
        assert book.automaton is not None
        sighting = Sighting(folded)
        spots = sighting.spots
        for number, start, end in book.automaton.find_matches_as_indexes(folded.text, overlapping=True):
            if not folded.is_one_word(start, end):
                continue
            for cue in book.cues_of[number]:
                spots.setdefault(cue, []).append((start, end))
        if reader is not None and not spots.keys().isdisjoint(book.anchors):
            sighting.tokens = reader(text)
            self._read(sighting)
        for places in spots.values():
            places.sort()
        return sighting

    def _read(self, sighting: Sighting) -> None:
        """Forms only the dictionary sees become cues like the others."""
        starts = sighting.folded.starts
        for name, start, end in morphology.verbs_in(sighting.tokens, self.book.lemmas):
            cue = self.book.cue_ids.get(name)
            if cue is not None:
                low = bisect_left(starts, start)
                high = bisect_left(starts, end)
                if low < high:
                    sighting.spots.setdefault(cue, []).append((low, high))

    def _compose(self, sighting: Sighting, only: int | None) -> Iterator[Candidate]:
        looked: dict[int, set[tuple[int, int]]] = {}
        for cue in list(sighting.spots):
            for place in self.book.anchors.get(cue, ()):
                if only is None or only == place:
                    looked.setdefault(place, set()).update(sighting.spots[cue][:MAX_SPOTS])
        for place in sorted(looked):
            rule = self.rules[place]
            for start, end in sorted(looked[place]):
                because = self._against(place, rule, sighting, start, end)
                folded = sighting.folded
                yield Candidate(
                    rule=rule.id,
                    level=LEVELS[rule.level],
                    start=folded.starts[start],
                    end=folded.ends[end - 1],
                    because=because,
                )
                if not because:
                    break

    def _against(self, place: int, rule: RiskRule, sighting: Sighting, start: int, end: int) -> str:
        """What speaks against this spot; nothing, and it is a hit."""
        if rule.longest and len(sighting.folded.text) > rule.longest:
            return f"longer than {rule.longest} characters"
        for number, group in enumerate(self.book.near[place]):
            if not any(self._is_near(sighting, cue, rule, start, end) for cue in group):
                return f"near[{number}]: none of {', '.join(rule.near[number][:4])}"
        if _is_accident(sighting, start, end):
            return "inside another word"
        for name, veto, cues, needs, rearm in self.book.unless[place]:
            if any(_vetoes(sighting, cue, veto, start, end) for cue in cues):
                if not all(any(cue in sighting.spots for cue in group) for group in needs):
                    continue
                if any(cue in sighting.spots for cue in rearm):
                    continue
                return name
        return ""

    @staticmethod
    def _is_near(sighting: Sighting, cue: int, rule: RiskRule, start: int, end: int) -> bool:
        if cue not in sighting.spots:
            return False
        if sighting.part(start, rule.scope) not in sighting.parts(cue, rule.scope):
            return False
        return not rule.within or sighting.is_between(cue, start - rule.within, end + rule.within)


def _vetoes(sighting: Sighting, cue: int, veto: RiskVeto, start: int, end: int) -> bool:
    if cue not in sighting.spots:
        return False
    match veto.where:
        case "over":
            return sighting.covers(cue, start, end)
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


def _is_accident(sighting: Sighting, start: int, end: int) -> bool:
    """Whether kana or Latin letters look like a term, but lie inside another word."""
    text = sighting.folded.text
    if not sighting.tokens or not start or not (_is_soft(text[start]) and _is_soft(text[start - 1])):
        return False
    if text.endswith(_WHOLE, 0, start) or sighting.folded.is_apart(start, end):
        return False
    return morphology.cuts_a_word(sighting.tokens, sighting.token_starts, sighting.folded.starts[start])


_WHOLE = ("もう", "まじ", "ほんと", "ほんま", "はやく", "いま", "また", "まだ")
"""Words of their own, although the dictionary likes to join them to what follows (もうしにたい: 申しに…)."""


def _is_soft(char: str) -> bool:
    """Kana and Latin letters: strings of them may be a word by accident."""
    return "ぁ" <= char <= "ゖ" or char.isascii()


def compile_rules(
    rules: Sequence[RiskRule],
    classes: Sequence[RiskClass] = (),
    vetoes: Sequence[RiskVeto] = (),
    spellings: Sequence[RiskSpelling] = (),
) -> Rules:
    """The rules, each held against its own examples. Raises ContentError naming rule and example, and why.

    Examples must hold on the surface alone, so that a missing dictionary changes nothing here. The same rules are
    compiled once: a release that leaves them as they are costs nothing.
    """
    return _compiled(tuple(rules), tuple(classes), tuple(vetoes), tuple(spellings))


@lru_cache(maxsize=4)
def _compiled(
    rules: tuple[RiskRule, ...],
    classes: tuple[RiskClass, ...],
    vetoes: tuple[RiskVeto, ...],
    spellings: tuple[RiskSpelling, ...],
) -> Rules:
    compiled = Rules(rules, classes, vetoes, spellings)
    for place, rule in enumerate(rules):
        _hold(compiled, place, rule)
    return compiled


def _hold(compiled: Rules, place: int, rule: RiskRule) -> None:
    path = f"risk_rule/{rule.id}"
    for number, example in enumerate(rule.hits):
        looked = list(compiled.candidates(example, place, surface=True))
        if all(candidate.because for candidate in looked):
            why = looked[0].because if looked else "none of its words occur"
            raise ContentError(f"{path}/hits[{number}]", f"this example must hit, but does not ({why})")
    for number, example in enumerate(rule.misses):
        for candidate in compiled.candidates(example, place, surface=True):
            if not candidate.because:
                spot = example[candidate.start : candidate.end]
                raise ContentError(
                    f"{path}/misses[{number}]", f"this example must not hit, but does at {spot}"
                )


__all__ = ["MAX_SCANNED", "Level", "Rules", "compile_rules", "highest"]

"""Rules ready to scan: cues on the surface, then what the dictionary says of them, then composition and vetoes.

Every step is linear in the text: a cue occurs at most once a character, a rule looks only at spots of its own, and
what is near is asked of sets and sorted places. No pattern of anybody's is run.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache

from bot.errors import ContentError
from bot.handoff.risk import morphology
from bot.handoff.risk.book import FIRST, INFLECTS, SECOND, Against
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
from bot.handoff.risk.normalise import Folded, fold, folded_text
from bot.handoff.risk.reread import fold_kana, fold_latin, fold_slips
from bot.handoff.risk.sighting import Sighting, is_accident, takes_back

MAX_SCANNED = 20_000
MAX_SPOTS = 64
"""Spots of one rule in one text that are looked at: whoever writes a word more often has been heard."""
MAX_WORK = 200_000
"""Vetoes held against the spots of one text, at most: well under a second. Letters of 5,000 characters need a tenth."""


class ScanTooLong(Exception):
    """The text asks for more work than the scan may do: people look at it, unscanned."""


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
        """Every rule that hits, most urgent first; at most one hit a rule, at its first spot.

        Raises ScanTooLong for a text that would ask for more work than any a person writes.
        """
        found: dict[str, RiskHit] = {}
        reader = morphology.current()
        for sighting in self.sightings(text, hopeful=True):
            hits = self._hits(sighting)
            if reader is not None and sighting.is_read and (hits or sighting.inflects):
                self._read(sighting, text, reader)
                hits = self._hits(sighting)
            for one in hits:
                found.setdefault(one.rule, one)
        return tuple(sorted(found.values(), key=lambda hit: (-hit.level, hit.rule)))

    def speaker(self, text: str) -> str:
        """Who seems to write, by their words: self, family or supporter. A guess, for the wording of a card only."""
        for sighting in self.sightings(text):
            for name, speaker in SPEAKERS.items():
                if self.book.cue_ids.get(name) in sighting.spots:
                    return speaker
        return "self"

    def _hits(self, sighting: Sighting) -> list[RiskHit]:
        return [
            RiskHit(
                rule=one.rule,
                category=self._category[one.rule],
                level=one.level,
                start=one.start,
                end=one.end,
            )
            for one in self._compose(sighting)
            if not one.because
        ]

    @cached_property
    def _category(self) -> dict[str, str]:
        return {rule.id: rule.category for rule in self.rules}

    def candidates(self, text: str, only: int | None = None, *, surface: bool = False) -> Iterator[Candidate]:
        """Every spot a rule looked at, with what took it back; `only` one rule, by its place.

        `surface`: as if there were no dictionary.
        """
        reader = None if surface else morphology.current()
        for sighting in self.sightings(text):
            if reader is not None and sighting.is_read:
                self._read(sighting, text, reader)
            yield from self._compose(sighting, only)

    def is_silent(self, text: str) -> bool:
        """Whether no rule can hit, whatever stands where: the cheap half of a scan, right for nearly every text."""
        if self.book.automaton is None:
            return True
        text = text[:MAX_SCANNED]
        return not self._may_hit(folded_text(text)) and not any(
            self._may_hit(other.text) for other in _reread(text)
        )

    def sightings(self, text: str, *, hopeful: bool = False) -> list[Sighting]:
        """The text as it stands, and once more read from Latin letters where there are some, and from kana alone.

        `hopeful`: only for the rules all of whose cues occur, and nothing at all where there are none.
        """
        if self.book.automaton is None or not text:
            return []
        text = text[:MAX_SCANNED]
        seen = []
        if not hopeful or self._may_hit(folded_text(text)):
            seen.append(self._seen(Sighting(fold(text))))
        others = (other for other in _reread(text) if not hopeful or self._may_hit(other.text))
        return seen + [self._seen(Sighting(other, is_read=False)) for other in others]

    def _may_hit(self, folded: str) -> bool:
        """Whether all that some rule asks for occurs, in whatever place."""
        book = self.book
        assert book.automaton is not None
        met, begun = 0, set[int]()
        matches = book.automaton.find_matches_as_indexes(folded, overlapping=True)
        worth = book.worth
        for number in {number for number, _, _ in matches}:
            bits, starts = worth.get(number) or book.worth_of(number)
            met |= bits
            if starts:
                begun |= starts
        if met & FIRST and met & SECOND:
            halves = book.halves
            for joint in book.joined(match for match in matches if match[0] in halves):
                met |= book.meets.get(joint, 0)
                begun.update(book.anchors.get(joint, ()))
        return not all(book.needs[place] & ~met for place in begun)

    def _seen(self, sighting: Sighting) -> Sighting:
        book, folded = self.book, sighting.folded
        assert book.automaton is not None
        matches = book.automaton.find_matches_as_indexes(folded.text, overlapping=True)
        sighting.inflects = any(book.worth_of(number)[0] & INFLECTS for number, _, _ in matches)
        spots = sighting.spots
        for number, start, end in matches:
            if folded.is_one_word(start, end):
                for cue in book.cues_of[number]:
                    spots.setdefault(cue, []).append((start, end))
        for first, second, joint in book.joints:
            if first in spots and second in spots:
                before = {end: start for start, end in spots[first]}
                joined = [(before[at], end) for at, end in spots[second] if at in before]
                joined = [(start, end) for start, end in joined if folded.is_one_word(start, end)]
                if joined:
                    spots[joint] = joined
        for places in spots.values():
            places.sort()
        return sighting

    def _read(self, sighting: Sighting, text: str, reader: morphology.Reader) -> None:
        """What the dictionary adds: words, and forms only it sees as cues like the others."""
        tokens, starts = reader(text[:MAX_SCANNED]), sighting.folded.starts
        found = []
        for name, start, end in morphology.verbs_in(tokens, self.book.lemmas):
            cue = self.book.cue_ids.get(name)
            low, high = bisect_left(starts, start), bisect_left(starts, end)
            if cue is not None and low < high:
                found.append((cue, low, high))
        sighting.read(tokens, found)

    def _compose(self, sighting: Sighting, only: int | None = None) -> Iterator[Candidate]:
        looked: dict[int, set[tuple[int, int]]] = {}
        for cue in sighting.spots.keys() & self.book.anchors.keys():
            for place in self.book.anchors[cue]:
                if only is None or only == place:
                    looked.setdefault(place, set()).update(sighting.spots[cue][:MAX_SPOTS])
        work = 0
        armed: set[int] | None = None
        for place in sorted(looked):
            rule = self.rules[place]
            vetoes: list[Against] | None = None
            for start, end in sorted(looked[place]):
                because = self._missing(place, sighting, start, end)
                if not because:
                    if vetoes is None:
                        armed = self._armed(sighting) if armed is None else armed
                        numbers = self.book.unless[place]
                        vetoes = [self.book.against[number] for number in numbers if number in armed]
                    because = _taken_back(vetoes, sighting, start, end)
                work += 1 + len(vetoes or ())
                if work > MAX_WORK:
                    raise ScanTooLong
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

    def _armed(self, sighting: Sighting) -> set[int]:
        """The vetoes that have a cue in the text, all they need, and nothing that re-arms."""
        book, spots, length = self.book, sighting.spots.keys(), len(sighting.folded.text)
        return {
            number
            for number in {number for cue in spots for number in book.takes_back.get(cue, ())}
            if length <= (book.against[number].veto.longest or length)
            and spots.isdisjoint(book.against[number].rearm)
            and not any(spots.isdisjoint(group) for group in book.against[number].needs)
        }

    def _missing(self, place: int, sighting: Sighting, start: int, end: int) -> str:
        """What a hit at this spot lacks; nothing, and only a veto can take it back."""
        rule = self.rules[place]
        if rule.longest and len(sighting.folded.text) > rule.longest:
            return f"longer than {rule.longest} characters"
        for number, group in enumerate(self.book.near[place]):
            if not any(_is_near(sighting, cue, rule, start, end) for cue in group & sighting.spots.keys()):
                return f"near[{number}]: none of {', '.join(rule.near[number][:4])}"
        return "inside another word" if is_accident(sighting, start, end) else ""


def _reread(text: str) -> list[Folded]:
    """What else the text may say: read from Latin letters, from kana without kanji, and with its slips mended."""
    return [other for read in (fold_latin, fold_kana, fold_slips) if (other := read(text)) and other.text]


def _taken_back(vetoes: Sequence[Against], sighting: Sighting, start: int, end: int) -> str:
    """The first veto that takes this spot back, if any does."""
    for one in vetoes:
        if any(takes_back(sighting, cue, one.veto, start, end) for cue in one.cues & sighting.spots.keys()):
            return one.name
    return ""


def _is_near(sighting: Sighting, cue: int, rule: RiskRule, start: int, end: int) -> bool:
    scope = "message" if sighting.is_short and rule.scope == "sentence" else rule.scope
    if sighting.part(start, scope) not in sighting.parts(cue, scope):
        return False
    return not rule.within or sighting.is_between(cue, start - rule.within, end + rule.within)


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

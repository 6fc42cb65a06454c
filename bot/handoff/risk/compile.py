"""Classes, vetoes and rules to one automaton over all their terms. A wrong name or an empty one is told by its path.

Rules are found by the cues that start them, so that their number hardly changes what a message costs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import product
from math import prod

import ahocorasick_rs

from bot.errors import ContentError
from bot.handoff.risk.book import Against, Book, bits_of, by_cue, concerned
from bot.handoff.risk.inflect import FORMS, Bases, godan, ichidan, inflected, suru
from bot.handoff.risk.model import LEVELS, PLACES, SCOPES, RiskClass, RiskRule, RiskSpelling, RiskVeto
from bot.handoff.risk.morphology import TOLD
from bot.handoff.risk.normalise import term

_CUE = re.compile(r"[A-Z][A-Z0-9_]*(\.[a-z]+)?")
_KANA = re.compile("[ぁ-ゖ]{2,}")
MAX_CHAINED = 20_000
"""Words a chain may come to."""
SPEAKERS = {"SPEAKER_SUPPORTER": "supporter", "SPEAKER_FAMILY": "family"}
"""Classes whose words tell that somebody writes about another person: class → speaker."""


class _Builder:
    """Names to cues to terms, each once."""

    def __init__(self, classes: Iterable[RiskClass], spellings: Sequence[RiskSpelling]) -> None:
        self.classes = {one.id: one for one in classes}
        self.spellings = [
            (
                term(one.id),
                [term(other) for other in one.written],
                [term(after) for after in one.before] or [""],
            )
            for one in spellings
        ]
        self.kana = [
            (word, kana, before)
            for word, others, before in self.spellings
            for kana in [other for other in others if _KANA.fullmatch(other)][:1]
            if not _KANA.fullmatch(word)
        ]
        self.cues: dict[str, int] = {}
        self.terms: dict[str, list[int]] = {}
        self._open: list[str] = []

    def cue(self, name: str, path: str) -> int:
        """The number of a cue: a class, a form of one, or a plain word."""
        if name not in self.cues:
            terms = self.terms_of(name, path)
            if not terms:
                raise ContentError(path, f"{name} has no words to look for")
            self.cues[name] = number = len(self.cues)
            for one in {spelt for plain in terms for spelt in self.spelt(plain)}:
                self.terms.setdefault(one, []).append(number)
        return self.cues[name]

    def spelt(self, plain: str) -> set[str]:
        """The term and its other spellings, one word of it rewritten at a time."""
        found = {plain}
        for word, others, before in self.spellings:
            if word not in plain or len(plain) == len(word):
                continue
            for after in before:
                if word + after in plain:
                    found |= {plain.replace(word + after, other + after) for other in others}
        found.add(self.in_kana(plain))
        return {one for one in found if len(one) > 1 or one == plain}

    def in_kana(self, plain: str) -> str:
        """The term with every word in kana that has a spelling in kana: くすりぜんぶのんだ, also of Latin letters."""
        for word, kana, before in self.kana:
            if word in plain:
                for after in before:
                    plain = plain.replace(word + after, kana + after)
        return plain

    def cues_of(self, names: Sequence[str], path: str) -> tuple[int, ...]:
        return tuple(dict.fromkeys(self.cue(name, path) for name in names))

    def terms_of(self, name: str, path: str) -> set[str]:
        if not _CUE.fullmatch(name):
            return {term(name)} - {""}
        name, _, form = name.partition(".")
        if name not in self.classes:
            raise ContentError(
                path, f"there is no class {name} (a plain word in Latin letters is written small)"
            )
        if form not in FORMS:
            raise ContentError(path, f"{name}.{form}: a form is one of {', '.join(sorted(FORMS - {''}))}")
        if name in self._open:
            raise ContentError(f"risk_class/{name}", "takes itself in")
        self._open.append(name)
        try:
            return self._class_terms(self.classes[name], form)
        finally:
            self._open.pop()

    def _class_terms(self, one: RiskClass, form: str) -> set[str]:
        path = f"risk_class/{one.id}"
        found = {term(word) for word in one.words} if not form else set()
        try:
            for bases in verbs(one):
                found |= {term(word) for word in inflected(bases, form)}
        except (KeyError, IndexError) as error:
            raise ContentError(path, "a verb stands in its dictionary form: 死ぬ, 消える") from error
        for other in one.of:
            name = f"{other}.{form}" if form and "." not in other and _CUE.fullmatch(other) else other
            found |= self.terms_of(name, path)
        if not form:
            found |= self._chained(one, path)
        return found - {""}

    def _chained(self, one: RiskClass, path: str) -> set[str]:
        """Each way through the links of a chain. Raises ContentError when there are too many of them."""
        links = [
            {word for name in link for word in (self.terms_of(name, path) if name else {""})}
            for link in one.chain
        ]
        if prod(map(len, links)) > MAX_CHAINED:
            raise ContentError(
                f"{path}/chain", f"comes to more than {MAX_CHAINED:,} words; shorten its links"
            )
        return {"".join(words) for words in product(*links)} if links else set()


def verbs(one: RiskClass) -> list[Bases]:
    return [*map(godan, one.godan), *map(ichidan, one.ichidan), *map(suru, one.suru)]


def book_of(
    rules: Sequence[RiskRule],
    classes: Sequence[RiskClass] = (),
    vetoes: Sequence[RiskVeto] = (),
    spellings: Sequence[RiskSpelling] = (),
) -> Book:
    """All looked up and numbered. Raises ContentError at the first name that means nothing."""
    builder = _Builder(classes, spellings)
    known = {veto.id: veto for veto in vetoes}
    for veto in vetoes:
        if veto.where not in PLACES:
            raise ContentError(
                f"risk_veto/{veto.id}/where", f"one of {', '.join(PLACES)}, not {veto.where!r}"
            )
    anchors: dict[int, list[int]] = {}
    near, unless = [], []
    for name in SPEAKERS:
        if name in builder.classes:
            builder.cue(name, f"risk_class/{name}")
    for place, rule in enumerate(rules):
        path = f"risk_rule/{rule.id}"
        _check(rule, path)
        for cue in builder.cues_of(rule.any, f"{path}/any"):
            anchors.setdefault(cue, []).append(place)
        near.append(tuple(frozenset(builder.cues_of(group, f"{path}/near")) for group in rule.near))
        unless.append(tuple(_veto(builder, known, name, path) for name in rule.unless))
    lemmas: dict[str, set[str]] = {}
    for one in classes:
        for verb in (*one.godan, *one.ichidan):
            lemmas.setdefault(verb, set()).add(one.id)
    forms = _forms(builder, {name for names in lemmas.values() for name in names})
    numbers = list(builder.terms)
    needs, meets = bits_of(near)
    return Book(
        rules=tuple(rules),
        vetoes=known,
        automaton=ahocorasick_rs.AhoCorasick(numbers) if numbers else None,
        cues_of=[tuple(builder.terms[one]) for one in numbers],
        names=list(builder.cues),
        anchors={cue: tuple(places) for cue, places in anchors.items()},
        near=near,
        unless=unless,
        against=[by_cue(vetoes_of) for vetoes_of in unless],
        concerned=concerned(anchors, near, unless),
        forms=forms,
        lemmas={verb: frozenset(names) for verb, names in lemmas.items()},
        cue_ids=builder.cues,
        needs=needs,
        meets=meets,
    )


def _check(rule: RiskRule, path: str) -> None:
    if rule.level not in LEVELS:
        raise ContentError(f"{path}/level", f"one of {', '.join(LEVELS)}, not {rule.level!r}")
    if rule.scope not in SCOPES:
        raise ContentError(f"{path}/scope", f"one of {', '.join(SCOPES)}, not {rule.scope!r}")
    if not rule.any:
        raise ContentError(f"{path}/any", "needs at least one word or class")
    if not rule.hits or not rule.misses:
        raise ContentError(path, "needs at least one example in `hits` and one in `misses`")


def _forms(builder: _Builder, names: Iterable[str]) -> dict[int, tuple[int, ...]]:
    """The forms in use that morphology tells (`form_of`), by the class itself."""
    found: dict[int, tuple[int, ...]] = {}
    for name in sorted(names):
        used = [cue for form in TOLD if (cue := builder.cues.get(f"{name}.{form}")) is not None]
        if used:
            found[builder.cue(name, f"risk_class/{name}")] = tuple(used)
    return found


def _veto(builder: _Builder, known: dict[str, RiskVeto], name: str, path: str) -> Against:
    """A veto by its id; a plain word or class takes a spot of its own clause back."""
    veto = known.get(name)
    if veto is None:
        if _CUE.fullmatch(name) and name.partition(".")[0] not in builder.classes:
            raise ContentError(f"{path}/unless", f"there is no veto {name}")
        veto = RiskVeto(id=name, any=(name,), where="clause")
        where = f"{path}/unless"
    else:
        where = f"risk_veto/{name}"
    return Against(
        name=name,
        veto=veto,
        cues=frozenset(builder.cues_of(veto.any, f"{where}/any")),
        needs=tuple(frozenset(builder.cues_of(group, f"{where}/near")) for group in veto.near),
        rearm=frozenset(builder.cues_of(veto.rearm, f"{where}/rearm")),
    )

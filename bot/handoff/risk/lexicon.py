"""Names to cues to terms: what each class, form or plain word is looked for as, in every spelling.

A wrong name or an empty one is told by its path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import product
from math import prod

from bot.errors import ContentError
from bot.handoff.risk.inflect import FORMS, Bases, godan, ichidan, inflected, suru
from bot.handoff.risk.model import RiskClass, RiskSpelling
from bot.handoff.risk.normalise import term

CUE = re.compile(r"[A-Z][A-Z0-9_]*(\.[a-z]+)?")
"""The name of a class, or of a form of one; anything else is a plain word."""
_KANA = re.compile("[ぁ-ゖ]{2,}")
Links = list[set[str]]
MAX_CHAINED = 20_000
"""Words a chain, or half of one, may come to."""


class Lexicon:
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
        self.kana: dict[int, str] = {}
        """By place of a spelling: the word in kana, where it has one."""
        self.begun_by: dict[str, list[int]] = {}
        """By first character: the places of the spellings whose word begins with it."""
        for place, (word, others, _) in enumerate(self.spellings):
            self.begun_by.setdefault(word[0], []).append(place)
            kana = next(filter(_KANA.fullmatch, others), "")
            if kana and not _KANA.fullmatch(word):
                self.kana[place] = kana
        self._rewritten = re.compile("|".join(re.escape(word) for word, _, _ in self.spellings) or "(?!)")
        self.cues: dict[str, int] = {}
        self.terms: dict[str, tuple[int, ...]] = {}
        self.joints: list[tuple[int, int, int]] = []
        self._open: list[str] = []

    def cue(self, name: str, path: str) -> int:
        """The number of a cue: a class, a form of one, or a plain word."""
        if name not in self.cues:
            halves = self._halves(name)
            terms = set() if halves else self.terms_of(name, path)
            if not terms and not halves:
                raise ContentError(path, f"{name} has no words to look for")
            self._add(name, terms)
            if halves:
                first, second = (self._add(f"{name} {part}", words) for part, words in enumerate(halves))
                self.joints.append((first, second, self.cues[name]))
        return self.cues[name]

    def _add(self, name: str, terms: set[str]) -> int:
        self.cues[name] = number = len(self.cues)
        alone, known = (number,), self.terms
        for one in terms.union(*map(self.spelt, filter(self._rewritten.search, terms))):
            known[one] = known[one] + alone if one in known else alone
        return number

    def _halves(self, name: str) -> tuple[set[str], set[str]] | None:
        """The beginnings and the ends of a class that is nothing but a long chain: to be found apart, then joined."""
        one = self.classes.get(name)
        if one is None or len(one.chain) < 2 or one.words or one.of or verbs(one):
            return None
        links = self._links(one.chain, f"risk_class/{name}")
        at = min(range(1, len(links)), key=lambda cut: _ways(links[:cut]) + _ways(links[cut:]))
        first, second = (_chained(part, f"risk_class/{name}") for part in (links[:at], links[at:]))
        return None if "" in first or "" in second else (first, second)

    def spelt(self, plain: str) -> set[str]:
        """The term and its other spellings, one word of it rewritten at a time; and all of them at once in kana.

        The latter as children write, and Latin letters: くすりぜんぶのんだ.
        """
        found = {plain}
        in_kana = plain
        for place in sorted({place for char in plain for place in self.begun_by.get(char, ())}):
            word, others, before = self.spellings[place]
            if word not in plain:
                continue
            kana = self.kana.get(place)
            for after in before:
                if kana is not None:
                    in_kana = in_kana.replace(word + after, kana + after)
                if len(plain) > len(word) and word + after in plain:
                    found |= {plain.replace(word + after, other + after) for other in others}
        found.add(in_kana)
        return {one for one in found if len(one) > 1 or one == plain}

    def cues_of(self, names: Sequence[str], path: str) -> tuple[int, ...]:
        return tuple(dict.fromkeys(self.cue(name, path) for name in names))

    def terms_of(self, name: str, path: str) -> set[str]:
        if not CUE.fullmatch(name):
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
            name = f"{other}.{form}" if form and "." not in other and CUE.fullmatch(other) else other
            found |= self.terms_of(name, path)
        if not form:
            found |= _chained(self._links(one.chain, path), path)
        return found - {""}

    def _links(self, chain: Sequence[Sequence[str]], path: str) -> Links:
        return [
            {word for name in link for word in (self.terms_of(name, path) if name else {""})}
            for link in chain
        ]


def _ways(links: Links) -> int:
    return prod(map(len, links))


def _chained(links: Links, path: str) -> set[str]:
    """Each way through the links of a chain. Raises ContentError when there are too many of them."""
    if _ways(links) > MAX_CHAINED:
        raise ContentError(f"{path}/chain", f"comes to more than {MAX_CHAINED:,} words; shorten its links")
    return {"".join(words) for words in product(*links)} if links else set()


def verbs(one: RiskClass) -> list[Bases]:
    return [*map(godan, one.godan), *map(ichidan, one.ichidan), *map(suru, one.suru)]

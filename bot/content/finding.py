"""Searching as flows see it: answers and words become a query, matches become hits with a reason. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from bot.content import areas
from bot.content.areas import Area
from bot.content.asking import Asked, Names, squash
from bot.content.events import Particulars
from bot.content.model import Borders, Resource, Wishes
from bot.content.search import Index, Match, Matches, Tier, accepts_outsiders, merged
from bot.flows.content import Found, Hit, Wanted
from bot.flows.matching import visible
from bot.flows.model import Query, choice_key
from bot.handoff.hours import TOKYO

Words = Mapping[str, tuple[str, ...]]
AREA, KIND, FOUND, ENTRY, INTEREST = "area", "kind", "found", "entry", "interest"
REASONS = {
    Tier.NEIGHBOUR: "why_neighbour",
    Tier.PREFECTURE: "why_prefecture",
    Tier.ONLINE: "why_online",
    Tier.CENTRE: "why_centre",
}
NOWHERE, ANY = "00", "any"
_NOUN = re.compile(r"[一-龯々ァ-ヺーA-Za-z0-9・]{1,12}[りみきしび]?")
"""A name or a thing (湘南, 釣り), whether we know it or not: no sentence."""
_AREA = re.compile(r"\w{1,10}(?:[都道府県市区町村郡]|けん|まち|むら)")
READ = frozenset({"magazine", "portal"})


class Search:
    """The places of a release, ready to be looked for. Built once, never changed."""

    def __init__(
        self,
        resources: Mapping[str, Resource],
        borders: Iterable[Borders],
        wishes: Wishes,
        words: Words,
        labels: Iterable[str] = (),
    ) -> None:
        told = [one for one in resources.values() if one.is_told]
        self._resources = resources
        self._index = Index(told, borders)
        alone = (
            name for name, query in wishes.wishes.items() if query.kinds or query.online or query.interests
        )
        self._names = Names(told, wishes.wishes, wishes.asking, labels, alone)
        self._wishes = wishes.wishes
        self._words = words
        self._prose: Mapping[str, str] = {}
        self._ids = {choice_key(one): one for one in resources}

    def entry_id(self, key: str) -> str | None:
        return self._ids.get(key)

    def asked(self, text: str) -> Wanted | None:
        """Where what these words ask for is shown: one place by itself, several in a list (`asked` in the texts)."""
        targets = self._words.get("asked", ())
        found = self._names.asked(text) if len(targets) == 2 else None
        if found is None:
            return None
        if len(found.ids) == 1:
            return Wanted(target=targets[0], answers=((ENTRY, found.ids[0]),))
        return Wanted(target=targets[1], answers=_as_answers(found))

    def find(self, query: Query, answers: Mapping[str, str], now: datetime) -> Found:
        """The entries for a query; what `use` names is taken from the answers."""
        used = {name: answers.get(name, "") for name in query.use}
        if ids := used.get(FOUND):
            known = (self._resources.get(one) for one in ids.split())
            return Found(hits=tuple(Hit(id=one.id, kind=one.kind) for one in known if one and one.is_told))
        whole, where = self._merged(query, used), where_of(used.get(AREA, ""))
        among, said = self._among(used.get(INTEREST, ""))
        matches = self._index.search(whole, now.astimezone(TOKYO).date(), where, among)
        hits = tuple(
            Hit(id=one.resource.id, kind=one.resource.kind, why=self._why(one)) for one in matches.found
        )
        gap = "" if matches.fitting else _gap(whole, where)
        return Found(hits=hits, said=(*self._said(used.get(AREA, ""), matches, where), *said)[:2], gap=gap)

    def takes(self, answer: str, text: str) -> bool:
        """Whether an area or an interest can be meant. Who tells of something instead is heard (R-034)."""
        if _NOUN.fullmatch(visible(text).strip()):
            return True
        if answer == AREA:
            return bool(where_of(text)) or bool(_AREA.fullmatch(visible(text).strip()))
        return self._wish((INTEREST, text)) is not None or bool(self.telling_of(text))

    def missing(self, query: Query, answers: Mapping[str, str]) -> str:
        """The area and kind a search was for, as a gap is counted (R-118)."""
        used = {name: answers.get(name, "") for name in query.use}
        return _gap(self._merged(query, used), where_of(used.get(AREA, "")))

    def lies_in(self, about: Particulars, answers: Mapping[str, str]) -> bool:
        """Whether something that takes place lies in the area of the answers; it does where none was told."""
        where = where_of(answers.get(AREA, ""))
        place = areas.area_of(about.prefecture or "", about.municipality or "")
        return not where or place is None or place in where or areas.prefecture_of(place) in where

    def telling_of(self, text: str) -> frozenset[str]:
        """The listed places whose own words have this one (釣り); a word of one letter is none."""
        word = self._names.core(text)
        return frozenset(one for one, told in self._told().items() if len(word) > 1 and word in told)

    def _told(self) -> Mapping[str, str]:
        if not self._prose:
            listed = (one for one in self._resources.values() if one.is_listed)
            self._prose = {one.id: squash(" ".join(_words_of(one)), whole=True) for one in listed}
        return self._prose

    def _merged(self, query: Query, used: Mapping[str, str]) -> Query:
        return merged(query, filter(None, map(self._wish, used.items())))

    def _wish(self, answer: tuple[str, str]) -> Query | None:
        """What a label means; of an interest in words, what a wish in them means (ゲームがしたい)."""
        name, word = answer
        if word in self._wishes or name != INTEREST:
            return self._wishes.get(word)
        return next(
            (found for one in self._names.wishes_in(word) if (found := self._wishes[one]) != Query()), None
        )

    def _among(self, word: str) -> tuple[frozenset[str] | None, tuple[str, ...]]:
        """The places an interest in words leaves: all where it is a wish; where no place tells of it, that is said."""
        if not word or self._wish((INTEREST, word)) is not None:
            return None, ()
        ids = self.telling_of(word)
        return (ids, ()) if ids else (None, self._words["interest_unknown"])

    def _said(self, label: str, matches: Matches, where: tuple[Area, ...]) -> tuple[str, ...]:
        """That a condition of theirs keeps places from being shown, and what is shown instead (R-095, R-103)."""
        if label and not where and label not in self._wishes:
            return self._words["area_unknown"]
        if matches.fitting:
            names = (text.replace("{area}", areas.full_name(where[0])) for text in self._words["in_area"])
            return tuple(names) if where else ()
        instead = self._words["instead" if where else "instead_anywhere"]
        said = [text.replace("{area}", where[0].name if where else "") for text in instead]
        for one in matches.refused[:1]:
            age = one.age.words if one.age else ""
            said.append(self._words["refused_age"][0].replace("{name}", one.name).replace("{age}", age))
        return tuple(said)

    def _why(self, match: Match) -> str:
        key = REASONS.get(match.tier, "")
        one = match.resource
        if match.tier is Tier.PREFECTURE and not one.municipality:
            key = "why_prefecture_unknown"
        if match.tier is Tier.ONLINE:
            everywhere = accepts_outsiders(one) or one.prefecture == areas.NATIONWIDE
            key = "why_read" if one.kind in READ else "why_online" if everywhere else "why_online_unknown"
        return self._words[key][0].replace("{place}", one.municipality or one.prefecture) if key else ""


def _as_answers(found: Asked) -> tuple[tuple[str, str], ...]:
    """What is asked for, as answers. Without an area in the words, the one told earlier holds."""
    area = ((AREA, found.area),) if found.area or found.ids else ()
    return ((FOUND, " ".join(found.ids)), *area, (KIND, found.wish))


def _gap(query: Query, where: tuple[Area, ...]) -> str:
    """Prefecture and kind a gap is counted under: coarse, so that a number is of many (R-124). 00: none, or several."""
    prefectures = {area.prefecture_code for area in where}
    return (
        f"{prefectures.pop() if len(prefectures) == 1 else NOWHERE}/{query.kinds[0] if query.kinds else ANY}"
    )


def _words_of(one: Resource) -> Iterator[str]:
    yield from (one.name, *one.aliases, *one.readings, *one.interests)
    yield from filter(None, (one.summary, one.atmosphere, one.not_needed, one.smaller_steps))


def where_of(label: str) -> tuple[Area, ...]:
    """The areas a label or a few words mean. A prefecture covers a town of its own name (大阪)."""
    found = areas.named(label)
    whole = {area.prefecture_code for area in found if area.is_prefecture}
    return tuple(area for area in found if area.is_prefecture or area.prefecture_code not in whole)

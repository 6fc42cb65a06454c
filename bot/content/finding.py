"""Searching as flows see it: answers and words become a query, matches become hits with a reason. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from bot.content import areas
from bot.content.areas import Area
from bot.content.asking import Asked, Names
from bot.content.model import Borders, Resource, Wishes
from bot.content.search import Index, Match, Matches, Tier, accepts_outsiders, merged
from bot.flows.content import Found, Hit, Wanted
from bot.flows.model import Query, choice_key
from bot.handoff.hours import TOKYO

Words = Mapping[str, tuple[str, ...]]
AREA, KIND, FOUND, ENTRY = "area", "kind", "found", "entry"
REASONS = {
    Tier.NEIGHBOUR: "why_neighbour",
    Tier.PREFECTURE: "why_prefecture",
    Tier.ONLINE: "why_online",
    Tier.CENTRE: "why_centre",
}
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
        self._names = Names(told, wishes.wishes, wishes.asking, labels)
        self._wishes = wishes.wishes
        self._words = words
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
        wished = [self._wishes[word] for word in used.values() if word in self._wishes]
        where = where_of(used.get(AREA, ""))
        matches = self._index.search(merged(query, wished), now.astimezone(TOKYO).date(), where)
        hits = tuple(
            Hit(id=one.resource.id, kind=one.resource.kind, why=self._why(one)) for one in matches.found
        )
        return Found(hits=hits, said=self._said(used.get(AREA, ""), matches, where), gap=not matches.fitting)

    def _said(self, label: str, matches: Matches, where: tuple[Area, ...]) -> tuple[str, ...]:
        """That a condition of theirs keeps places from being shown, and what is shown instead (R-095, R-103)."""
        if label and not where and label not in self._wishes:
            return self._words["area_unknown"]
        if matches.fitting:
            return ()
        said = [self._words["instead"][0].replace("{area}", where[0].name)] if where else []
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
    return ((FOUND, " ".join(found.ids)), (AREA, found.area), (KIND, found.wish))


def where_of(label: str) -> tuple[Area, ...]:
    """The areas a label or a few words mean. A prefecture covers a town of its own name (大阪)."""
    found = areas.named(label)
    whole = {area.prefecture_code for area in found if area.is_prefecture}
    return tuple(area for area in found if area.is_prefecture or area.prefecture_code not in whole)

"""Which places to show: an index built once for a release, and a search that never ends in nothing. Pure.

What was looked for comes first; then, for who looked in a town, neighbouring towns' places that take outsiders, the
prefecture's that do, places online, and the prefecture's centre (R-103). Within each, fresh before stale (R-100).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import field
from datetime import date
from enum import IntEnum
from typing import Any

import msgspec

from bot.content import areas
from bot.content.areas import Area
from bot.content.model import Borders, Resource
from bot.flows.model import Query
from bot.frozen import dataclass

INTERESTS = (
    "ゲーム",
    "畑や花",
    "絵や手しごと",
    "音楽",
    "体を動かす",
    "しずかに過ごす",
    "観るだけ",
    "おしゃべり",
    "読む",
    "料理",
)
UNASKED = frozenset({"work_experience", "money_planning"})
"""Never shown unless asked for: work (R-016), money and what comes after the parents (R-056)."""
LATER = frozenset({"supporter_training", "platform", "event", "other"})
OPEN_RULES = frozenset({"anyone", "outsiders"})
ADULT = 18
MAX_HITS = 60
_ADD_UP = ("interests", "ways", "roles", "times", "without")
_LAST = ("kinds", "audience", "age", "online", "dated", "far")


class Tier(IntEnum):
    """Why an entry is shown: it is what was looked for, or what is near it."""

    HERE = 0
    NEIGHBOUR = 1
    PREFECTURE = 2
    ONLINE = 3
    CENTRE = 4


class Freshness(IntEnum):
    """Checked and not overdue; never checked; overdue (R-100)."""

    CHECKED = 0
    UNCHECKED = 1
    OVERDUE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    resource: Resource
    tier: Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """Best first. `fitting` says whether anything was what was looked for; `refused` would have been, but for
    a condition of its own that the person does not meet (R-095)."""

    found: tuple[Match, ...]
    fitting: bool
    refused: tuple[Resource, ...] = ()


@dataclass(slots=True)
class _Shelf:
    """Entries in their order, of one place or the whole country."""

    all: list[Resource] = field(default_factory=list)
    by_kind: dict[str, list[Resource]] = field(default_factory=lambda: defaultdict(list))

    def add(self, resource: Resource) -> None:
        self.all.append(resource)
        for kind in resource.kinds:
            self.by_kind[kind].append(resource)

    def of(self, kinds: tuple[str, ...]) -> Iterable[Resource]:
        if len(kinds) == 1:
            return self.by_kind.get(kinds[0], ())
        return self.all


def freshness(resource: Resource, today: date) -> Freshness:
    if resource.source.recheck_by is not None and resource.source.recheck_by < today:
        return Freshness.OVERDUE
    return Freshness.CHECKED if resource.source.checked_on is not None else Freshness.UNCHECKED


def accepts_outsiders(resource: Resource) -> bool:
    return resource.residence.rule in OPEN_RULES


def is_online(resource: Resource) -> bool:
    return "online" in resource.ways


class Index:
    """Every listed entry of a release, by where it is and what kind it is."""

    def __init__(self, resources: Iterable[Resource], borders: Iterable[Borders] = ()) -> None:
        listed = sorted((one for one in resources if one.is_listed), key=_order)
        self._everywhere, self._online, self._open = _Shelf(), _Shelf(), _Shelf()
        self._prefectures: dict[str, _Shelf] = defaultdict(_Shelf)
        self._towns: dict[str, _Shelf] = defaultdict(_Shelf)
        self._wide: dict[str, _Shelf] = defaultdict(_Shelf)
        self._centres: dict[str, list[Resource]] = defaultdict(list)
        for one in listed:
            self._everywhere.add(one)
            if is_online(one):
                self._online.add(one)
            if accepts_outsiders(one):
                self._open.add(one)
            place = areas.area_of(one.prefecture, one.municipality)
            if place is not None and (one.residence.rule == "prefecture" or one.is_centre):
                self._wide[place.prefecture_code].add(one)
            if one.is_centre:
                self._centres[place.prefecture_code if place else ""].append(one)
            if place is not None:
                self._prefectures[place.prefecture_code].add(one)
                self._towns[place.code].add(one)
        self._borders: dict[str, dict[str, None]] = defaultdict(dict)
        for border in borders:
            town = areas.place(border.id)
            for near in map(areas.place, border.towns):
                if town is not None and near is not None:  # who borders is bordered
                    self._borders[town.code][near.code] = None
                    self._borders[near.code][town.code] = None

    def neighbours(self, code: str) -> tuple[str, ...]:
        """Codes of the towns that border one; none where content has no source for them."""
        return tuple(self._borders.get(code, ()))

    def search(
        self,
        query: Query,
        today: date,
        where: tuple[Area, ...] = (),
        among: Collection[str] | None = None,
    ) -> Matches:
        """The best entries. `where`: the areas that were chosen, at any coarseness (R-104); several are towns of
        one name, and all are looked in. `among`: ids, where only these are what was looked for."""
        found: dict[str, Match] = {}
        refused: list[Resource] = []
        for tier, entries in self._tiers(query, where):
            if len(found) >= MAX_HITS:
                break
            fresh: list[list[Resource]] = [[], [], []]
            for one in entries:
                left_out = among is not None and tier < Tier.ONLINE and one.id not in among
                if left_out or one.id in found or not _suits(one, query, tier):
                    continue
                if not _old_enough(one, query):
                    refused.append(one)
                    continue
                fresh[freshness(one, today)].append(one)
                if len(fresh[0]) + len(fresh[1]) >= MAX_HITS:  # who was checked comes before who never was
                    break
            for one in (one for group in fresh for one in group):
                found.setdefault(one.id, Match(resource=one, tier=tier))
        best = list(found.values())
        fitting = any(match.tier is Tier.HERE for match in best)
        if not fitting:
            best = _one_of_each(best, query)
        return Matches(found=tuple(best[:MAX_HITS]), fitting=fitting, refused=tuple(refused[:3]))

    def _tiers(self, query: Query, where: tuple[Area, ...]) -> Iterator[tuple[Tier, Iterable[Resource]]]:
        kinds = query.kinds
        if query.far:
            yield Tier.HERE, self._open.of(kinds)
        elif not where:
            yield Tier.HERE, self._everywhere.of(kinds)
        else:
            for area in where:
                shelves = self._prefectures if area.is_prefecture else self._towns
                yield Tier.HERE, self._at(shelves, _key(area)).of(kinds)
            for area in where:
                if not area.is_prefecture:  # what the prefecture does is for the town, too
                    yield Tier.HERE, self._at(self._wide, area.prefecture_code).of(kinds)
            towns = [code for area in where for code in self.neighbours(area.code)]
            yield (
                Tier.NEIGHBOUR,
                _open(one for code in towns for one in self._at(self._towns, code).of(kinds)),
            )
            wide = [self._at(self._prefectures, area.prefecture_code) for area in where]
            yield Tier.PREFECTURE, _open(one for shelf in wide for one in shelf.of(kinds))
        yield Tier.ONLINE, self._online.all
        for code in dict.fromkeys([*(area.prefecture_code for area in where), ""]):
            yield Tier.CENTRE, self._centres.get(code, ())

    @staticmethod
    def _at(shelves: dict[str, _Shelf], code: str) -> _Shelf:
        return shelves.get(code) or _Shelf()


def _one_of_each(found: list[Match], query: Query) -> list[Match]:
    """Where nothing fits: something near, something online and a centre before the rest (R-103), and of those what
    is of the kind looked for first."""
    first: dict[Tier, Match] = {}
    for match in found:
        near = match.tier in (Tier.NEIGHBOUR, Tier.PREFECTURE)
        first.setdefault(Tier.NEIGHBOUR if near else match.tier, match)
    ahead = sorted(first.values(), key=lambda match: not set(match.resource.kinds) & set(query.kinds))
    return [*ahead, *(match for match in found if match not in ahead)]


def _key(area: Area) -> str:
    return area.prefecture_code if area.is_prefecture else area.code


def _open(entries: Iterable[Resource]) -> Iterator[Resource]:
    """Those that take outsiders, and those whose town we do not know: nobody is kept out of a town unknown."""
    return (one for one in entries if accepts_outsiders(one) or not one.municipality)


def _order(one: Resource) -> tuple[bool, bool, bool]:
    """Places before courses, meetings of helpers and work; well-known before half-known; else as written."""
    late = one.kind in LATER or not UNASKED.isdisjoint(one.kinds)
    return (one.source.checked_on is None, late, one.readiness == "partial")


def _suits(one: Resource, query: Query, tier: Tier) -> bool:
    """Whether it is of the kind looked for. Places online and centres stand in for any kind."""
    if tier < Tier.ONLINE and query.kinds and not any(kind in query.kinds for kind in one.kinds):
        return False
    if one.kind in UNASKED and not any(kind in query.kinds for kind in one.kinds):
        return False
    if query.audience and one.audience and query.audience not in one.audience:
        return False
    if tier >= Tier.ONLINE:
        return not one.age or one.age.most is None or one.age.most >= ADULT or bool(query.age)
    if query.online and not is_online(one):
        return False
    if query.dated and one.schedule is None:
        return False
    if query.ways and not set(query.ways) & set(one.ways):
        return False
    if query.interests and not set(query.interests) & set(one.interests):
        return False
    if query.roles and one.roles and not set(query.roles) & set(one.roles):
        return False
    if query.times and not set(query.times) & set(one.times):
        return False
    return all(getattr(one.needs, need, None) is False for need in query.without)


def _old_enough(one: Resource, query: Query) -> bool:
    """Whether the ages meet. Who did not say an age sees every age but what is for children only (R-007)."""
    age = one.age
    if age is None or not age.firm:
        return True
    if not query.age:
        return age.most is None or age.most >= ADULT
    least, most = query.age
    return (age.least is None or age.least <= most) and (age.most is None or age.most >= least)


def merged(query: Query, others: Iterable[Query]) -> Query:
    """The conditions of all of them together; of kinds, audience and age the last that were given count."""
    for other in others:
        fields: dict[str, Any] = {
            name: tuple(dict.fromkeys((*getattr(query, name), *getattr(other, name)))) for name in _ADD_UP
        }
        fields |= {name: value for name in _LAST if (value := getattr(other, name))}
        query = msgspec.structs.replace(query, **fields)
    return query

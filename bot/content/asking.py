"""What somebody who writes a few words asks for: a place by its name, or a kind of place in an area. Pure.

Width, kana, case and punctuation do not matter, a slip of a letter neither. A sentence that tells of something is
no question: whoever writes one is not answered with a card (R-034).
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ahocorasick_rs import AhoCorasick, MatchKind
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from bot.content import areas
from bot.content.model import Resource
from bot.flows.matching import fold

MAX_ASKED = 60
SHORTEST = 2
SHORTEST_TYPED = 4
LONG_NAME = 8
"""Names this long are found with two slips of a letter, shorter ones with one."""
_INNER = re.compile(r"[「『【](.+?)[」』】]")
_AROUND = re.compile(r"（.*?）|\(.*?\)|【.*?】")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`ids`: the places that were named. Else `area` and `wish`, words of areas and wishes, either may be empty."""

    ids: tuple[str, ...] = ()
    area: str = ""
    wish: str = ""


def squash(text: str) -> str:
    """The form in which names are compared: folded, without spaces, marks and long vowels."""
    return "".join(c for c in fold(text) if c != "ー" and unicodedata.category(c)[0] in "LN")


def spellings(resource: Resource) -> Iterator[str]:
    """Every way a place may be named: its name, whole and without what stands in brackets, readings, nicknames."""
    for name in (resource.name, *resource.readings):
        yield name
        yield _AROUND.sub("", name)
        yield from _INNER.findall(name)
    yield from resource.aliases


class Names:
    """The places a release can be asked for, with the words that ask. Immutable once built."""

    def __init__(
        self,
        resources: Iterable[Resource],
        wishes: Iterable[str],
        asking: Iterable[str],
        labels: Iterable[str] = (),
    ) -> None:
        self._labels = frozenset(map(squash, labels))
        self._wishes = {squash(word): word for word in wishes if squash(word)}
        found: dict[str, list[str]] = {}
        for resource in resources:
            for spelling in dict.fromkeys(map(squash, spellings(resource))):
                if len(spelling) >= SHORTEST and spelling not in self._wishes:
                    found.setdefault(spelling, []).append(resource.id)
        self._ids: Mapping[str, tuple[str, ...]] = {name: tuple(ids) for name, ids in found.items()}
        self._by_length: dict[int, list[str]] = defaultdict(list)
        for name in self._ids:
            self._by_length[len(name)].append(name)
        self._finder = AhoCorasick(list(self._ids), matchkind=MatchKind.LeftmostLongest)
        fillers = sorted({squash(word) for word in asking} - {""}, key=len, reverse=True)
        filler = "(?:" + ("|".join(map(re.escape, fillers)) or "(?!)") + ")"
        self._fillers = re.compile(f"{filler}*")
        self._around = re.compile(f"^{filler}+|{filler}+$")
        self._wish_finder = AhoCorasick(list(self._wishes), matchkind=MatchKind.LeftmostLongest)

    def asked(self, text: str) -> Asked | None:
        """What a short text asks for; None when it asks for nothing we know."""
        if len(text) > MAX_ASKED:
            return None
        words = squash(text)
        if len(words) < SHORTEST:
            return None
        return self._named(words) or self._wished(words) or self._alike(words)

    def _named(self, words: str) -> Asked | None:
        if words in self._ids:
            return Asked(ids=self._ids[words])
        matches = self._finder.find_matches_as_strings(words)
        if not matches:
            return None
        name = max(matches, key=len)
        rest = words.replace(name, " ", 1)
        return Asked(ids=self._ids[name]) if self._is_filler(rest) else None

    def _alike(self, words: str) -> Asked | None:
        """A name with a slip in it; only where the whole text is one."""
        for typed in dict.fromkeys((words, self._around.sub("", words))):
            if len(typed) >= SHORTEST_TYPED and words not in self._labels and (found := self._nearest(typed)):
                return found
        return None

    def _nearest(self, typed: str) -> Asked | None:
        slips = 2 if len(typed) >= LONG_NAME else 1
        lengths = range(len(typed) - slips, len(typed) + slips + 1)  # a name of another length has more slips
        near = [name for length in lengths for name in self._by_length.get(length, ())]
        best = process.extract(typed, near, scorer=Levenshtein.distance, score_cutoff=slips, limit=3)
        top = [name for name, slip, _ in best if slip == best[0][1]]
        ids = dict.fromkeys(one for name in top for one in self._ids[name])
        return Asked(ids=tuple(ids)) if ids else None

    def _wished(self, words: str) -> Asked | None:
        area, rest = _area_in(words)
        wishes = self._wish_finder.find_matches_as_strings(rest)
        wish = max(wishes, key=len) if wishes else ""
        rest = rest.replace(wish, " ", 1) if wish else rest
        if not area or not self._is_filler(rest) or not (wish or _is_sure(area)):
            return None
        return Asked(area=area, wish=self._wishes.get(wish, ""))

    def _is_filler(self, rest: str) -> bool:
        """Whether nothing is left but an area and words that ask."""
        _, left = _area_in(rest)
        return any(all(map(self._fillers.fullmatch, one.split())) for one in (rest, left))


def _area_in(words: str) -> tuple[str, str]:
    """The first and longest area named in squashed words, and the words without it."""
    for start in range(len(words) - 1):
        spelled, found = areas.longest(words[start:])
        if found and len(spelled) >= (3 if _is_kana(spelled) else 2):
            return spelled, f"{words[:start]} {words[start + len(spelled) :]}"
    return "", words


def _is_sure(area: str) -> bool:
    """Whether an area alone is meant as one: 阪南, 阪南市 and はんなんし are; はんなん may be a word."""
    return not _is_kana(area) or any(area == fold(one.kana) for one in areas.named(area))


def _is_kana(text: str) -> bool:
    return all("ぁ" <= c <= "ゖ" or c == "ー" for c in text)

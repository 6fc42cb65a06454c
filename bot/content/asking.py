"""What somebody who writes a few words asks for: a place by its name, or a kind of place in an area. Pure.

Width, kana, case and punctuation do not matter, a slip of a letter neither. A sentence that tells of something is
no question: whoever writes one is not answered with a card (R-034).
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from ahocorasick_rs import AhoCorasick, MatchKind
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from bot.content import areas
from bot.content.model import Resource
from bot.flows.matching import Kept, fold, folded
from bot.frozen import dataclass

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


_LETTERS = Kept(lambda letter: letter != "ー" and unicodedata.category(letter)[0] in "LN")


def squash(text: str, *, whole: bool = False) -> str:
    """The form in which names are compared: folded, without spaces, marks and long vowels. Empty for texts too long to
    be a name, unless the `whole` text is wanted."""
    return (folded(text) if whole else fold(text)).translate(_LETTERS)


def spellings(resource: Resource) -> Iterator[str]:
    """Every way a place may be named: its name, whole and without what stands in brackets, readings, nicknames."""
    for name in (resource.name, *resource.readings):
        yield name
        yield _AROUND.sub("", name)
        yield from _INNER.findall(name)
    yield from resource.aliases


class Fillers:
    """The words that ask (いつ, どこ), as what may stand around a name and does not change what is asked for."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = frozenset(words) - {""}
        self._lengths = sorted({len(word) for word in self._words}, reverse=True)

    def fill(self, text: str) -> bool:
        """Whether a text is made of nothing else."""
        return self._tail(text) == 0

    def stripped(self, text: str) -> str:
        """A text without those at its beginning and at its end."""
        start = 0
        while length := next((one for one in self._lengths if text[start : start + one] in self._words), 0):
            start += length
        rest = text[start:]
        return rest[: self._tail(rest)]

    def _tail(self, text: str) -> int:
        """From where on a text is made of them; its length where it does not end in one. They may overlap, so every
        way to cut is gone through, each place once."""
        first, ahead = len(text), [len(text)]
        seen = set(ahead)
        while ahead:
            end = ahead.pop()
            first = min(first, end)
            starts = {
                end - one for one in self._lengths if one <= end and text[end - one : end] in self._words
            }
            ahead += starts - seen
            seen |= starts
        return first


class Names:
    """The places a release can be asked for, with the words that ask. Immutable once built."""

    def __init__(
        self,
        resources: Iterable[Resource],
        wishes: Iterable[str],
        asking: Iterable[str],
        labels: Iterable[str] = (),
        alone: Iterable[str] = (),
    ) -> None:
        self._labels = frozenset(map(squash, labels))
        self._alone = frozenset(map(squash, alone))  # wishes that can be asked for without an area
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
        self._fillers = Fillers(map(squash, asking))
        self._wish_finder = AhoCorasick(list(self._wishes), matchkind=MatchKind.LeftmostLongest)
        areas.first_in("")  # its table is made now, not in somebody's turn

    def asked(self, text: str) -> Asked | None:
        """What a short text asks for; None when it asks for nothing we know."""
        if len(text) > MAX_ASKED:
            return None
        words = squash(text)
        if len(words) < SHORTEST:
            return None
        return self._named(words) or self._wished(words) or self._alike(words)

    def wishes_in(self, text: str) -> list[str]:
        """The wishes named in a text, the longest first."""
        found = sorted(self._wish_finder.find_matches_as_strings(squash(text)), key=len, reverse=True)
        return [self._wishes[one] for one in found]

    def core(self, text: str) -> str:
        """A text without the words that ask, squashed."""
        return self._fillers.stripped(squash(text))

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
        if words in self._labels:
            return None
        for typed in dict.fromkeys((words, self._fillers.stripped(words))):
            if len(typed) >= SHORTEST_TYPED and (found := self._nearest(typed)):
                return found
        return None

    def _nearest(self, typed: str) -> Asked | None:
        slips = 2 if len(typed) >= LONG_NAME else 1
        lengths = range(len(typed) - slips, len(typed) + slips + 1)  # a name of another length has more slips
        near = [known for length in lengths if (known := self._by_length.get(length))]
        if not near:
            return None
        names = list(chain.from_iterable(near))
        best = process.extract(typed, names, scorer=Levenshtein.distance, score_cutoff=slips, limit=3)
        top = [name for name, slip, _ in best if slip == best[0][1]]
        ids = dict.fromkeys(one for name in top for one in self._ids[name])
        return Asked(ids=tuple(ids)) if ids else None

    def _wished(self, words: str) -> Asked | None:
        area, rest = _area_in(words)
        wishes = self._wish_finder.find_matches_as_strings(rest)
        wish = max(wishes, key=len) if wishes else ""
        rest = rest.replace(wish, " ", 1) if wish else rest
        is_asked = wish or _is_sure(area) if area else wish in self._alone
        if not is_asked or not self._is_filler(rest):
            return None
        return Asked(area=area, wish=self._wishes.get(wish, ""))

    def _is_filler(self, rest: str) -> bool:
        """Whether nothing is left but an area and words that ask."""
        _, left = _area_in(rest)
        return any(all(map(self._fillers.fill, one.split())) for one in (rest, left))


def _area_in(words: str) -> tuple[str, str]:
    """The first and longest area named in squashed words, and the words without it."""
    found = areas.first_in(words)
    if found is None:
        return "", words
    start, end = found
    return words[start:end], f"{words[:start]} {words[end:]}"


def _is_sure(area: str) -> bool:
    """Whether an area alone is meant as one: 阪南, 阪南市 and はんなんし are; はんなん may be a word."""
    return not areas.is_kana(area) or any(area == fold(one.kana) for one in areas.named(area))

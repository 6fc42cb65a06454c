"""Free text against labels and words: width, kana and case do not matter, nor does punctuation at the ends."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import jaconv
from ahocorasick_rs import AhoCorasick

Groups = Iterable[Iterable[str]]

_INVISIBLE = {"Cf", "Cc", "Cs", "Co", "Cn", "Mn"}
_VOICED = "\u3099\u309a"
_COMMON = 0x10000  # the basic plane: nobody fills more of the memory than that
_ENDS = " \t\r\n　。．.、，,!！?？…・〜~ー♪「」『』()（）"
MAX_FOLDED = 80


class Kept(dict[int, int | None]):
    """For `str.translate`: which characters of a text stay. Looks at each once, and at rare ones each time."""

    def __init__(self, stays: Callable[[str], bool]) -> None:
        super().__init__()
        self._stays = stays

    def __missing__(self, code: int) -> int | None:
        kept = code if self._stays(chr(code)) else None
        if code < _COMMON:
            self[code] = kept
        return kept


_VISIBLE = Kept(lambda letter: letter in "\n\t゙゚" or unicodedata.category(letter) not in _INVISIBLE)


def visible(text: str) -> str:
    """NFKC without control, format and lone surrogate characters; line breaks stay."""
    return unicodedata.normalize("NFKC", text).translate(_VISIBLE)


def folded(text: str) -> str:
    """As `fold`, of any length."""
    return "".join(jaconv.kata2hira(visible(text)).casefold().split()).strip(_ENDS)


_fold_short = lru_cache(maxsize=4096)(folded)


def fold(text: str) -> str:
    """The form in which labels and entry words are compared; empty for texts too long to be one."""
    return _fold_short(text) if len(text) <= MAX_FOLDED else ""


def hidden(text: str, words: str, instead: str) -> str:
    """The text with `instead` wherever these words stand in it: width, case, spaces and signs nobody sees do not
    matter. The rest stays as it was written."""
    letters = [(letter, place) for place, sign in enumerate(text) for letter in _bare(sign)]
    plain, wanted = "".join(letter for letter, _ in letters), "".join(map(_bare, words))
    if not wanted:
        return text
    kept, end = list[str](), 0
    for found in re.finditer(re.escape(wanted) + "(?![\u3099\u309a])", plain):  # か does not stand in が
        kept += [text[end : letters[found.start()][1]], instead]
        end = letters[found.end() - 1][1] + 1
    return "".join([*kept, text[end:]])


@lru_cache(maxsize=4096)
def _bare(sign: str) -> str:
    """What there is to read of one sign, taken apart; marks of a voiced kana stay with it."""
    return "".join(
        letter
        for letter in unicodedata.normalize("NFKD", sign).casefold()
        if letter in _VOICED or not (letter.isspace() or unicodedata.category(letter) in _INVISIBLE)
    )


@lru_cache(maxsize=4096)
def alike_in(labels: tuple[str, ...]) -> dict[str, list[str]]:
    """The labels by what they fold to."""
    found: dict[str, list[str]] = {}
    for label in labels:
        found.setdefault(fold(label), []).append(label)
    return found


def match(text: str, labels: Sequence[str], *, by_number: bool = True) -> str | None:
    """The label this text means: by its words, or by its place as a number (「2」)."""
    wanted = fold(text)
    if not wanted:
        return None
    for label in labels:
        if fold(label) == wanted:
            return label
    number = number_of(wanted) if by_number else 0
    return labels[number - 1] if 1 <= number <= len(labels) else None


def number_of(folded: str) -> int:
    """The place a bare number names; 0 for anything else."""
    return int(folded) if folded.isascii() and folded.isdigit() and len(folded) <= 2 else 0


class Questions:
    """What a short text asks in words of its own: each with where it leads to, groups of words of which it has one
    each, and words it has none of. All words are looked for at once."""

    def __init__(self, questions: Iterable[tuple[str, Groups, Iterable[str]]]) -> None:
        self._known = [
            (leads_to, [frozenset(map(fold, group)) for group in groups], frozenset(map(fold, unless)))
            for leads_to, groups, unless in questions
        ]
        words = {word for _, groups, unless in self._known for word in unless.union(*groups)}
        self._finder = AhoCorasick(sorted(words - {""}))

    def leads_to(self, text: str) -> str | None:
        """Where the first question leads that this text asks."""
        wanted = fold(text)
        if not wanted:
            return None
        found = {"", *self._finder.find_matches_as_strings(wanted, overlapping=True)}
        for leads_to, groups, unless in self._known:
            if found.isdisjoint(unless) and not any(map(found.isdisjoint, groups)):
                return leads_to
        return None

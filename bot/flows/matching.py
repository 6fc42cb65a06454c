"""Free text against labels and words: width, kana and case do not matter, nor does punctuation at the ends."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

import jaconv

_INVISIBLE = {"Cf", "Cc", "Cs", "Co", "Cn", "Mn"}
_KEPT = "\n\t゙゚"
_ENDS = " \t\r\n　。．.、，,!！?？…・〜~ー♪「」『』()（）"
MAX_FOLDED = 80


class _Visible(dict[int, int | None]):
    """For `str.translate`: each character as it is, or None for one that is not seen. Filled as they are met."""

    def __missing__(self, code: int) -> int | None:
        character = chr(code)
        seen = character in _KEPT or unicodedata.category(character) not in _INVISIBLE
        found = self[code] = code if seen else None
        return found


_VISIBLE = _Visible()


def visible(text: str) -> str:
    """NFKC without control, format and lone surrogate characters; line breaks stay."""
    return unicodedata.normalize("NFKC", text.encode("utf-8", "ignore").decode()).translate(_VISIBLE)


@lru_cache(maxsize=4096)
def _fold_short(text: str) -> str:
    folded = jaconv.kata2hira(visible(text)).casefold()
    return "".join(folded.split()).strip(_ENDS)


def fold(text: str) -> str:
    """The form in which labels and entry words are compared; empty for texts too long to be one."""
    return _fold_short(text) if len(text) <= MAX_FOLDED else ""


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


def asks(text: str, groups: Iterable[Iterable[str]], unless: Iterable[str] = ()) -> bool:
    """Whether a short text has a word of every group, and none of `unless`."""
    wanted = fold(text)
    if not wanted or any(fold(word) in wanted for word in unless):
        return False
    return all(any(fold(word) in wanted for word in group) for group in groups)

"""Free text against labels and words: width, kana and case do not matter, nor does punctuation at the ends."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import jaconv

_INVISIBLE = {"Cf", "Cc", "Cs", "Co", "Cn", "Mn"}
_ENDS = " \t\r\n　。．.、，,!！?？…・〜~ー♪「」『』()（）"
MAX_FOLDED = 80


def visible(text: str) -> str:
    """NFKC without control, format and lone surrogate characters; line breaks stay."""
    normal = unicodedata.normalize("NFKC", text.encode("utf-8", "ignore").decode())
    return "".join(c for c in normal if c in "\n\t" or unicodedata.category(c) not in _INVISIBLE or c in "゙゚")


@lru_cache(maxsize=4096)
def _fold_short(text: str) -> str:
    folded = jaconv.kata2hira(visible(text)).casefold()
    return "".join(folded.split()).strip(_ENDS)


def fold(text: str) -> str:
    """The form in which labels and entry words are compared; empty for texts too long to be one."""
    return _fold_short(text) if len(text) <= MAX_FOLDED else ""


def match(text: str, labels: Iterable[str], *, by_number: bool = True) -> str | None:
    """The label this text means: by its words, or by its place as a number (「2」)."""
    wanted = fold(text)
    if not wanted:
        return None
    known = list(labels)
    for label in known:
        if fold(label) == wanted:
            return label
    if (
        by_number
        and wanted.isascii()
        and wanted.isdigit()
        and len(wanted) <= 2
        and 1 <= int(wanted) <= len(known)
    ):
        return known[int(wanted) - 1]
    return None


def asks(text: str, groups: Iterable[Iterable[str]], unless: Iterable[str] = ()) -> bool:
    """Whether a short text has a word of every group, and none of `unless`."""
    wanted = fold(text)
    if not wanted or any(fold(word) in wanted for word in unless):
        return False
    return all(any(fold(word) in wanted for word in group) for group in groups)

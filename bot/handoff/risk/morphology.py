"""What a dictionary adds: whether a spot is a word of its own, and which verb stands there in which form.

Where the words come from is `bot.handoff.dictionary`; without one the surface alone is searched (risk guide 4.3).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence

from bot.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Token:
    """A word in the text: its place (characters), its normal form, its kind, and whether the dictionary knows it."""

    start: int
    end: int
    lemma: str
    kind: str
    known: bool


Reader = Callable[[str], Sequence[Token]]
"""Text to words, the same every time."""


class _Current:
    reader: Reader | None = None


def use(reader: Reader | None) -> None:
    """From now on every scan of this process reads with it; None: the surface alone."""
    _Current.reader = reader


def current() -> Reader | None:
    return _Current.reader


def cuts_a_word(tokens: Sequence[Token], starts: Sequence[int], at: int) -> bool:
    """Whether a known word began before `at` and goes on beyond it: the リスカ of アリスカフェ is none."""
    place = bisect_right(starts, at) - 1
    if place < 0:
        return False
    token = tokens[place]
    return token.known and token.start < at < token.end


FOLLOWS = 6
"""Words after a verb that may tell its form."""

TOLD = ("wish", "notwish", "passive")
"""The forms that `form_of` tells."""
_GLUE = frozenset({"て", "で", "仕舞う", "てしまう", "ちゃう", "居る", "てる", "さ", "は", "ます"})


def form_of(tokens: Sequence[Token], place: int) -> tuple[str, int]:
    """The form a verb stands in, by the words after it, and where it ends: wish, notwish, passive; empty for others."""
    form, end = "", tokens[place].end
    for token in tokens[place + 1 : place + 1 + FOLLOWS]:
        if token.lemma == "たい" and token.kind == "助動詞":
            form, end = "wish", token.end
        elif form == "wish" and token.lemma in ("ない", "無い"):
            return "notwish", token.end
        elif token.lemma in ("れる", "られる"):
            return "passive", token.end
        elif form or token.lemma not in _GLUE:
            break
    return form, end


def verbs_in(tokens: Sequence[Token], lemmas: Mapping[str, frozenset[str]]) -> list[tuple[str, int, int]]:
    """Cues the dictionary sees: class and form, and the place of verb and form in the text."""
    found = []
    for place, token in enumerate(tokens):
        if token.kind == "動詞" and token.lemma in lemmas:
            form, end = form_of(tokens, place)
            if form:
                found += [(f"{name}.{form}", token.start, end) for name in lemmas[token.lemma]]
    return found

"""What staff write about risk: lexicon classes, vetoes and rules. And what a scan finds. Values only."""

from __future__ import annotations

from enum import IntEnum

import msgspec

from bot.frozen import dataclass


class Level(IntEnum):
    """How urgent; the higher one wins (risk levels of the content guide)."""

    NONE = 0
    CONCERN = 1
    HIGH = 2
    EMERGENCY = 3


LEVELS = {"concern": Level.CONCERN, "high": Level.HIGH, "emergency": Level.EMERGENCY}
SCOPES = ("clause", "sentence", "message")
PLACES = ("over", "next", "after", "before", "around", *SCOPES)


class RiskClass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words of one meaning: `DIE`, `KNIFE`, `NOW`.

    Verbs stand in their dictionary form and are inflected by `inflect`; rules name a form as `DIE.wish`.
    `words` are found as they stand. `of` takes in the terms of other classes or forms. `chain`: one of each, one
    directly after the other (words, classes or forms; an empty word leaves its place out).
    """

    id: str
    about: str = ""
    godan: tuple[str, ...] = ()
    ichidan: tuple[str, ...] = ()
    suru: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    chain: tuple[tuple[str, ...], ...] = ()


class RiskSpelling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a word (`id`) is also written: in kana, in slang, masked, by a slip of the keyboard.

    Every term that holds the word, followed by one of `before`, is looked for in each of these ways, too.
    """

    id: str
    written: tuple[str, ...]
    before: tuple[str, ...] = ()


class RiskVeto(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What takes a spot back. `where` it stands: over the spot (covering it); next (up to `reach` characters after it
    with nothing that separates between); up to `reach` after or before it in the same sentence; around it anywhere;
    or anywhere in its clause, sentence or message.

    It counts only if each group of `near` occurs in the message, too, and none of `rearm` does, and the
    whole text has at most `longest` characters (0: any number). A veto of others (`of`) is only their common name.
    """

    id: str
    about: str = ""
    any: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    where: str = "over"
    reach: int = 0
    longest: int = 0
    near: tuple[tuple[str, ...], ...] = ()
    rearm: tuple[str, ...] = ()


class RiskRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Any of `any` hits where each group of `near` has one in `scope`, unless one of `unless` takes it back.

    Items are classes (`DIE`), forms (`DIE.wish`) or plain words; `unless` names vetoes, or words that take back a
    spot of their clause. `within`: the most characters between the spot and what is near it; 0 does not limit.
    `longest`: the most characters the whole text may have. Every rule carries examples it must hit and must miss.
    """

    id: str
    category: str
    level: str
    any: tuple[str, ...]
    near: tuple[tuple[str, ...], ...] = ()
    scope: str = "sentence"
    within: int = 0
    longest: int = 0
    unless: tuple[str, ...] = ()
    hits: tuple[str, ...]
    misses: tuple[str, ...]
    author: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskHit:
    """Rule, category, level and the span in the original text (characters, end exclusive)."""

    rule: str
    category: str
    level: Level
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A spot a rule looked at: `because` is empty for a hit, else the veto or what was missing near it."""

    rule: str
    level: Level
    start: int
    end: int
    because: str = ""


def highest(hits: tuple[RiskHit, ...]) -> Level:
    return max((hit.level for hit in hits), default=Level.NONE)

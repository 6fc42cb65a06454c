"""What separates sentences, clauses, or only letters; commas and quotes by what is around them."""

from __future__ import annotations

SENTENCE, CLAUSE, GAP = 3, 2, 1
BREAKS = {
    **dict.fromkeys("。！!？?\n\r♡♪⏎", SENTENCE),
    **dict.fromkeys("、，,;；「」『』()（）｡､｢｣", CLAUSE),
    **dict.fromkeys(" \t　・.．…/／_*＊-—:：|｜☆★◇◆□■△▲▽▼※†✿❀+=^<>＋＝＾＜＞", GAP),
}
LONGEST_QUOTE = 80
"""What is quoted, up to so many characters, is part of the sentence around it: 「死にたいの？」って聞かれた."""
_CLOSED_BY = {"「": "」", "『": "』"}
_COMMAS = frozenset("、，,､")
_TOPICS = frozenset("はも")
"""After these a comma only lets one breathe: 死にたいと思ったことは、ない."""
_OPEN = frozenset("のをが")
"""After these it ends a clause, but no word: 生きるの、やめたい."""


def strength(char: str, before: str, is_quoted: bool) -> int:
    """How much a separator cuts off, by the letter before it."""
    if char in _COMMAS and before in _TOPICS:
        return GAP
    return min(BREAKS[char], CLAUSE) if is_quoted else BREAKS[char]


def is_open(char: str, before: str) -> bool:
    """Whether a word may go on behind it; behind a quote it does: 「自殺」の二文字."""
    return char in _CLOSED_BY.values() or (char in _COMMAS and before in _OPEN)


def quoted_until(text: str, place: int) -> int:
    """Where the quote that begins here ends; -1 if none does."""
    closing = _CLOSED_BY.get(text[place])
    return text.find(closing, place, place + LONGEST_QUOTE) if closing else -1

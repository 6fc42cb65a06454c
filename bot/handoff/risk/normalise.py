"""One text to search in: width, kana, case, lengthening, separators and invisible characters do not matter.

`folded` keeps where each character comes from, and in which clause and sentence it stands.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache

import jaconv

from bot.flows.matching import visible
from bot.frozen import dataclass
from bot.handoff.risk import breaks

_VOICED = {
    "\u3099": "\u3099",
    "\u309b": "\u3099",
    "\uff9e": "\u3099",
    "\u309a": "\u309a",
    "\u309c": "\u309a",
    "\uff9f": "\u309a",
}
"""The marks that make か and が は ぱ, as they stand alone: composed with what is before them."""

_KEPT = frozenset("#○〇●◯×✕")
_ROWS = (
    "あかがさざただなはばぱまやらわ",
    "いきぎしじちぢにひびぴみり",
    "うくぐすずつづぬふぶぷむゆる",
    "えけげせぜてでねへべぺめれ",
    "おこごそぞとどのほぼぽもよろを",
)
_VOWEL = {kana: "あいうえお"[row] for row, line in enumerate(_ROWS) for kana in line}
_SMALL = dict(zip("ぁぃぅぇぉ", "あいうえお", strict=True))
_LONG = frozenset("ー〜~～")
_FOLDED = re.compile(r"(?!.*(.)\1\1)[あいうえおか-ん一-鿿]+")
"""Kana and kanji that folding would leave as they are."""
_MASK = str.maketrans("○●◯×✕ゕゖ", "〇〇〇〇〇かけ")
_SPLIT_DEATH = re.compile("(?:[タﾀ歹]|歹タ)(?:[ヒﾋ匕](?![チﾁ])|[/／・.｜|_ 　-][ヒﾋ匕](?=[にぬねのんニヌ]))")
"""死 taken apart into what looks like it (タヒ)."""
_HOMOPHONE = re.compile(
    "[市士志師紙仕誌史支歯視使詩始至枝思司姉資試示矢指糸詞西止飼嗣賜四侍施脂諮氏]"
    "(?=にた(?:い(?![しすや焼])|くて|くな|すぎ|み|かった|ひ|ぃ)|にます|にましょ|にてぇ|にてえ|のうかな|のうと)"
)
"""A kanji that only sounds like 死, in front of にたい: from a slip, or to get past a filter."""
_MASKED = re.compile(
    "[*＊xXｘ×✕✖?？#＃_＿]+(?=[にニﾆ][たてタテﾀﾃ]|[ぬヌ])"
    "|(?<=自)[*＊xXｘ×✕✖#＃_＿]+(?=[しすをのさ未])|(?<=[リり首])[*＊xXｘ×✕✖#＃_＿]+(?=[カかりるっ])"
)
"""A character left out on purpose."""


FEW = 6
"""A text of so few characters is one word, however it is broken: しに、たい."""


@dataclass(frozen=True, slots=True)
class Folded:
    """`starts` and `ends`: where each folded character comes from. `breaks`: positions before which a stronger
    or weaker boundary stands; `clauses` and `sentences` are the positions at which one begins."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    clauses: tuple[int, ...]
    sentences: tuple[int, ...]
    spaced: frozenset[int]
    """Positions right after any separator: what lies between two of them was written apart."""
    open: frozenset[int]
    """Clauses that only go on with the one before."""

    def clause(self, at: int) -> int:
        return bisect_right(self.clauses, at)

    def sentence(self, at: int) -> int:
        return bisect_right(self.sentences, at)

    def is_one_word(self, start: int, end: int) -> bool:
        """Whether no boundary cuts the span; 死、に、た、い written apart letter by letter is one word, too."""
        if not self.clauses or len(self.text) <= FEW or self.clause(start) == self.clause(end - 1):
            return True
        if self.open.issuperset(self.clauses[self.clause(start) : self.clause(end - 1)]):
            return True
        return all(at in self.spaced for at in range(start + 1, end))

    def gap(self, at: int) -> int:
        """The last place after `at` that nothing separates from it."""
        return next(
            (place - 1 for place in range(at + 1, len(self.text)) if place in self.spaced), len(self.text)
        )

    def is_apart(self, start: int, end: int) -> bool:
        """Whether separators stand inside the span."""
        return any(at in self.spaced for at in range(start + 1, end))


def fold(text: str) -> Folded:
    """Width, kana, case, lengthening and separators removed, with the way back to the original positions.

    Runs of characters that each fold to one are taken whole; the others, and texts with odd ones, one by one.
    """
    out = _Out()
    if _ODD.search(text):
        _fold_slowly(text, out)
        return out.done()
    for run in _RUNS.finditer(text):
        start, end = run.span()
        if run.lastindex is None:
            _fold_one(text, start, out)
            continue
        plain = run.group().translate(_PLAIN)
        if (out.chars and out.chars[-1] == plain[0]) or _THRICE.search(plain):
            for place, char in enumerate(plain, start):
                out.add(char, place, place + 1)
        else:
            out.chars += plain
            out.starts += range(start, end)
            out.ends += range(start + 1, end + 1)
    return out.done()


def folded_text(text: str) -> str:
    """As `fold(text).text`, and quicker for most texts: without the way back."""
    if _PLAINLY.fullmatch(text) and not _ODD.search(text):
        plain = text.translate(_SHORT)
        if not _THRICE.search(plain):
            return plain
    return fold(text).text


def _fold_slowly(text: str, out: _Out) -> None:
    split = {place: found.end() for found in _SPLIT_DEATH.finditer(text) for place in range(*found.span())}
    split |= {found.start(): found.end() for found in _HOMOPHONE.finditer(text)}
    masked = {found.start(): found.end() for found in _MASKED.finditer(text)}
    for place in range(len(text)):
        if place in split:
            if split.get(place - 1) != split[place]:
                out.add("死", place, split[place])
        elif place in masked:
            out.add("〇", place, masked[place])
        else:
            _fold_one(text, place, out)


def _fold_one(text: str, place: int, out: _Out) -> None:
    char = text[place]
    if char in _VOICED and place:
        return  # it belongs to the character before
    if char in breaks.BREAKS:
        out.quoted = max(out.quoted, breaks.quoted_until(text, place))
        before = out.chars[-1] if out.chars else ""
        out.cut(breaks.strength(char, before, place < out.quoted), breaks.is_open(char, before))
        return
    voiced = place + 1 < len(text) and text[place + 1] in _VOICED
    folded = _fold_char(char + _VOICED[text[place + 1]] if voiced else char)
    if folded == "\n":
        out.cut(breaks.SENTENCE)
        return
    end = place + 2 if voiced else place + 1
    if folded in _LONG and place and _is_katakana(text[place - 1]):
        folded = "ー"  # スーパー is a word of its own; しにたーい is only drawn out
    for one in folded:
        out.add(one, place, end)


def _is_katakana(char: str) -> bool:
    return "ァ" <= char <= "ヺ" or "ｦ" <= char <= "ﾟ"


def fold_reread(text: str, words: re.Pattern[str], read: Callable[[str], str]) -> Folded | None:
    """The text with some words read another way, folded already. None without any of them."""
    out = _Out()
    last = 0
    for word in words.finditer(text):
        for place in range(last, word.start()):
            _fold_one(text, place, out)
        for one in read(word.group()):
            out.add(one, word.start(), word.end())
        last = word.end()
    if not last:
        return None
    for place in range(last, len(text)):
        _fold_one(text, place, out)
    return out.done()


def begins_anew(text: str) -> bool:
    """Whether what stands before the text cannot change how it folds: it starts with a letter of its own sound."""
    first = _fold_char(text[0]) if text and not _ODD.search(text[:2]) else ""
    return bool(first) and first[0] not in _LONG and first[0] not in _SMALL


def term(text: str) -> str:
    """A term as it stands in a folded text."""
    return text if _FOLDED.fullmatch(text) else fold(text).text


class _Out:
    """The folded text while it grows."""

    def __init__(self) -> None:
        self.chars: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.clauses: list[int] = []
        self.sentences: list[int] = []
        self.spaced: set[int] = set()
        self.open: set[int] = set()
        self.quoted = -1

    def add(self, char: str, start: int, end: int) -> None:
        chars = self.chars
        if (char in _LONG and char != "ー") or char in _SMALL:
            vowel = _VOWEL.get(chars[-1]) if chars else None
            if char in _SMALL and vowel != _SMALL[char]:
                char = _SMALL[char]
            elif vowel == "え" and (len(chars) < 2 or chars[-1] != "え"):
                char = "え"
            elif vowel == "お" and chars[-1] != "う":
                char = "う"
            else:
                if self.ends:
                    self.ends[-1] = max(self.ends[-1], end)
                return
        if chars[-2:] == [char, char] and not char.isdigit() and char != "〇":
            self.ends[-1] = end
            return
        chars.append(char)
        self.starts.append(start)
        self.ends.append(end)

    def cut(self, strength: int, is_open: bool = False) -> None:
        at = len(self.chars)
        if not at:
            return
        self.spaced.add(at)
        if is_open:
            self.open.add(at)
        if strength >= breaks.CLAUSE and (not self.clauses or self.clauses[-1] != at):
            self.clauses.append(at)
        if strength >= breaks.SENTENCE and (not self.sentences or self.sentences[-1] != at):
            self.sentences.append(at)

    def done(self) -> Folded:
        return Folded(
            "".join(self.chars),
            tuple(self.starts),
            tuple(self.ends),
            tuple(self.clauses),
            tuple(self.sentences),
            frozenset(self.spaced),
            frozenset(self.open),
        )


@lru_cache(maxsize=16_384)
def _fold_char(char: str) -> str:
    if char in _LONG:
        return "〜"
    shown = jaconv.kata2hira(visible(char)).casefold().translate(_MASK)
    if shown == "\n":
        return shown
    return "".join(c for c in shown if c.isalnum() or c in _KEPT or c in _LONG or ord(c) >= 0x2600)


_ODD = re.compile(
    "|".join((f"[{''.join(_VOICED)}]", _SPLIT_DEATH.pattern, _HOMOPHONE.pattern, _MASKED.pattern))
)
"""What can only be folded by its neighbours."""
_EACH = [
    chr(code)
    for first, last in ("09", "AZ", "az", "ぁん", "ァヶ", "０９", "Ａｚ")
    for code in range(ord(first), ord(last) + 1)
]
_PLAIN = {
    ord(char): folded
    for char in _EACH
    if len(folded := _fold_char(char)) == 1
    and char not in breaks.BREAKS
    and folded not in _LONG
    and folded not in _SMALL
}
"""Characters that fold to one of their own, whatever stands beside them; the kanji in use fold to themselves."""
_SHORT = {**_PLAIN, **dict.fromkeys(map(ord, breaks.BREAKS))}
_PLAINLY = re.compile(
    f"(?:[一-鿿{''.join(map(chr, _PLAIN))}{re.escape(''.join(breaks.BREAKS))}]|(?<=[ァ-ヺ])ー(?![{''.join(_LONG)}]))*"
)
"""Nothing in it folds by what stands beside it."""
_RUNS = re.compile(f"([一-鿿{''.join(map(chr, _PLAIN))}]+)|.", re.DOTALL)
_THRICE = re.compile(r"(.)\1\1")

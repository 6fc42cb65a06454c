"""合言葉: six words of our own list, by which a thread is found again. Made by us, never chosen by a person.

The list has 512 words of three hiragana, so a passphrase carries 6 * 9 = 54 bits. All words have one length: written
without spaces they are the same passphrase. No two differ only in ゛ and ゜, which therefore may be left out.
"""

from __future__ import annotations

import secrets
import unicodedata
from importlib import resources

WORDS = tuple((resources.files("bot.channels.webchat") / "passphrase.txt").read_text("utf-8").split())
COUNT = 6
BITS = COUNT * (len(WORDS).bit_length() - 1)
MAX_TYPED = 200  # characters looked at; a passphrase has 18

_KATAKANA = {code: code - 0x60 for code in range(ord("ァ"), ord("ヶ") + 1)}
_LARGE = str.maketrans("ぁぃぅぇぉっゃゅょゎをぢづ", "あいうえおつやゆよわおじず")
_MARKS = "\u3099\u309a"


def new() -> tuple[str, ...]:
    """A fresh passphrase, each word drawn by lot on its own."""
    return tuple(secrets.choice(WORDS) for _ in range(COUNT))


def fold(typed: str) -> str:
    """What was typed, as it is compared: hiragana without marks; spaces and the like do not count.

    Empty when it cannot be a passphrase (anything else than kana in it, or another length).
    """
    plain = unicodedata.normalize("NFKC", typed[:MAX_TYPED]).translate(_KATAKANA).translate(_LARGE)
    kana = "".join(sign for sign in unicodedata.normalize("NFD", plain) if sign not in _MARKS)
    letters = [sign for sign in kana if unicodedata.category(sign)[0] not in "ZPSC" or sign == "ー"]
    whole = "".join(letters)
    is_kana = all("ぁ" <= sign <= "ん" for sign in letters)
    return whole if is_kana and len(whole) == COUNT * len(WORDS[0]) else ""

"""The words of a passphrase, and how they are read again."""

from __future__ import annotations

import unicodedata

import jaconv
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.webchat import passphrase

PHRASES = st.lists(st.sampled_from(passphrase.WORDS), min_size=6, max_size=6)
BETWEEN = st.sampled_from(["", " ", "　", "、", "・", "\n", "-", "  "])


def test_the_list() -> None:
    """512 words of three plain hiragana; none can be taken for another when ゛ and ゜ are left out: 54 bits."""
    assert len(passphrase.WORDS) == len(set(passphrase.WORDS)) == 512
    assert passphrase.BITS == 54
    bare = {passphrase.fold(word * passphrase.COUNT) for word in passphrase.WORDS}
    assert len(bare) == 512
    for word in passphrase.WORDS:
        assert len(word) == 3
        assert set(word).isdisjoint("ぁぃぅぇぉっゃゅょゎをゔぢづー"), word
        assert all("あ" <= sign <= "ん" for sign in word), word


def test_drawn_by_lot() -> None:
    """Every draw is six words of the list; a thousand draws do not repeat, and use most of the list."""
    drawn = [passphrase.new() for _ in range(1000)]
    assert len(set(drawn)) == 1000
    assert {len(words) for words in drawn} == {6}
    assert len({word for words in drawn for word in words}) > 500


@given(PHRASES, BETWEEN)
def test_written_in_any_way(words: list[str], between: str) -> None:
    """Katakana, half width, other spaces, and marks left out are the same passphrase; another order is not."""
    wanted = passphrase.fold("".join(words))
    assert len(wanted) == 18
    written = between.join(words)
    bare = "".join(c for c in unicodedata.normalize("NFD", written) if c not in "\u3099\u309a")
    for way in (
        written,
        jaconv.hira2kata(written),
        jaconv.h2z(written),
        jaconv.z2h(jaconv.hira2kata(written)),
        bare,
    ):
        assert passphrase.fold(way) == wanted
    turned = [*words[1:], words[0]]
    assert (passphrase.fold("".join(turned)) == wanted) is (turned == words)


@given(st.text(max_size=300))
def test_anything_else_is_none(text: str) -> None:
    """Whatever is typed gives 18 kana or nothing, and never an error."""
    folded = passphrase.fold(text)
    assert folded == "" or (len(folded) == 18 and all("ぁ" <= sign <= "ん" for sign in folded))
    assert passphrase.fold("桜" + text) == ""

"""Free text against labels, and fields in sentences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.flows.matching import MAX_FOLDED, Questions, fold, hidden, match, visible
from bot.flows.template import fields, fill, fill_all

LABELS = ["家にいたまま", "ゲーム", "まだわからない"]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("ゲーム", "ゲーム"),
        ("げーむ", "ゲーム"),
        ("ｹﾞｰﾑ", "ゲーム"),
        ("ケ\u3099ーム", "ゲーム"),
        (" ゲーム。", "ゲーム"),
        ("「ゲーム」", "ゲーム"),
        ("ゲ\u200bーム", "ゲーム"),
        ("まだ わからない", "まだわからない"),
        ("1", "家にいたまま"),
        ("３", "まだわからない"),
        ("②", "ゲーム"),
        ("0", None),
        ("4", None),
        ("-1", None),
        ("ゲームがしたい", None),
        ("", None),
        ("。。。", None),
        ("あ" * (MAX_FOLDED + 1), None),
    ],
)
def test_a_label_is_found_by_its_words_or_its_number(text: str, label: str | None) -> None:
    """Width, kana, spaces and the ends do not matter; a longer sentence is no label."""
    assert match(text, LABELS) == label


def test_numbers_can_be_left_out() -> None:
    """Where a number may mean anything, only words count."""
    assert match("1", LABELS, by_number=False) is None
    assert match("ゲーム", LABELS, by_number=False) == "ゲーム"


def test_a_label_that_is_a_number_means_itself() -> None:
    """The words of a label come before its place."""
    assert match("2", ["3", "2", "1"]) == "2"


@given(st.text(), st.lists(st.text(max_size=12), max_size=4))
def test_matching_never_raises_and_finds_only_what_there_is(text: str, labels: list[str]) -> None:
    """Any text, lone surrogates and controls among it, gives a label of the list or none."""
    assert match(text, labels) in {None, *labels}


@given(st.text())
def test_what_is_visible_can_be_written_down(text: str) -> None:
    """No control, no lone surrogate; doing it twice changes nothing; a fold is stable, too."""
    found = visible(text)
    found.encode()
    assert "\x00" not in found
    assert visible(found) == found
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("text", "values", "said"),
    [
        ("ここは開いたままです。{a}", {"a": "いまは昼です。"}, "ここは開いたままです。いまは昼です。"),
        ("ここは開いたままです。{a}", {}, "ここは開いたままです。"),
        ("人が読むのは {a} です。目安は {b} です。", {"a": "昼"}, "人が読むのは 昼 です。"),
        ("人が読むのは {a} です。目安は {b} です。", {"a": "", "b": "一日"}, "目安は 一日 です。"),
        ("{a}", {}, ""),
        ("ひとつ。\n{a}ふたつ", {}, "ひとつ。"),
        ("{A} {} { a }", {}, "{A} {} { a }"),
        ("{a}", {"a": "{b}", "b": "ちがう"}, "{b}"),
    ],
)
def test_a_sentence_without_its_value_is_left_out(text: str, values: dict[str, str], said: str) -> None:
    """Nothing is guessed, and nothing that comes from outside is filled in again."""
    assert fill(text, values) == said


def test_a_bubble_that_says_nothing_is_no_bubble() -> None:
    """Bubbles without a known sentence vanish; the fields of a text are known by name."""
    assert fill_all(("{a}", "はい。"), {}) == ("はい。",)
    assert fields("{a}{b_c}{D}") == {"a", "b_c"}


@given(st.text(st.sampled_from("あ。\n{}ab"), max_size=30), st.booleans())
def test_filling_never_raises_and_leaves_no_known_field(text: str, known: bool) -> None:
    """Whatever braces and stops stand there."""
    assert (
        not fields(fill(text, {"a": "x", "b": "x", "ab": "x", "ba": "x", "aa": "x"} if known else {}))
        or known
    )


GROUPS = st.lists(st.lists(st.text("アあいうｲ 1", max_size=3), max_size=3), max_size=3)


@given(
    st.text("アあいうｲ 1", max_size=12),
    st.lists(st.tuples(GROUPS, st.lists(st.text("あう", max_size=2), max_size=2)), max_size=3),
)
def test_a_question_has_a_word_of_each_group_and_none_of_the_others(
    text: str, known: list[tuple[list[list[str]], list[str]]]
) -> None:
    """The first of them that a text asks, as looking for each word by itself would find it."""

    def has(words: list[str]) -> bool:
        return any(fold(word) in fold(text) for word in words)

    asked = (
        str(at) for at, (groups, unless) in enumerate(known) if all(map(has, groups)) and not has(unless)
    )
    questions = Questions((str(at), groups, unless) for at, (groups, unless) in enumerate(known))
    assert questions.leads_to(text) == (next(asked, None) if fold(text) else None)


@pytest.mark.parametrize(
    ("text", "words", "left"),
    [
        ("林さんと森林", "林", "○○さんと森○○"),
        ("０９０ 1234は090-1234", "0901234", "○○は090-1234"),
        ("Kenはｋｅｎ", "KEN", "○○は○○"),
        ("健\u200b一", "健一", "○○"),
        ("ｶﾞｸとカ\u3099ク", "ガク", "○○と○○"),
        ("たがし たかし", "たか", "たがし ○○し"),
        ("㈱山", "株", "○○山"),
        ("山", "川", "山"),
        ("山 川", " \u200b", "山 川"),
    ],
)
def test_words_are_hidden_however_they_are_written(text: str, words: str, left: str) -> None:
    assert hidden(text, words, "○○") == left


@given(before=st.text(), words=st.text(min_size=1).filter(lambda words: "□" not in words), after=st.text())
def test_what_stands_there_as_it_is_named_is_hidden(before: str, words: str, after: str) -> None:
    """For any words with something to read: what is left does not hold them, as they are or in another form."""
    text = f"{before} {words}。{after}"
    left = hidden(text, words, "□")
    if hidden(words, words, "") == words:  # nothing to read in it
        assert left == text
    else:
        assert left != text
        assert hidden(left, words, "□") == left

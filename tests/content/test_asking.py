"""Asking in a few words: names, readings, slips; a kind in an area; and what is no question stays unanswered."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content.asking import MAX_ASKED, SHORTEST_TYPED, Asked, Fillers, Names, spellings, squash
from bot.testing import a_release
from tests.strategies import seed_pack

PACK = seed_pack()
ALONE = [name for name, query in PACK.wishes.wishes.items() if query.kinds]
NAMES = Names(PACK.resources.values(), PACK.wishes.wishes, PACK.wishes.asking, alone=ALONE)
SPELLED = [
    (one.id, text) for one in PACK.resources.values() for text in spellings(one) if len(squash(text)) > 1
]
ASKING = ["", "つぎ いつ", "はいつですか？", "どこ", "について教えてください", "の電話番号", "まだありますか"]


@given(st.sampled_from(SPELLED), st.sampled_from(ASKING), st.sampled_from(["", " ", "　"]))
def test_a_name_is_found_with_words_that_ask(spelled: tuple[str, str], asking: str, space: str) -> None:
    """「まんまの会 つぎ いつ」: whatever the name, and whatever asks."""
    entry, name = spelled
    text = f"{name}{space}{asking}"
    asked = NAMES.asked(text)
    if len(text) > MAX_ASKED or squash(name) in map(squash, PACK.wishes.wishes):
        return
    assert asked is not None
    longer = [one for one, other in SPELLED if squash(name) in squash(other)]
    assert entry in asked.ids or set(asked.ids) & set(longer)


LETTERS = "あいうえおかきくけこさしすせそ"


@given(
    st.sampled_from(SPELLED),
    st.integers(0, 59),
    st.sampled_from(LETTERS),
    st.sampled_from(["swap", "drop", "add"]),
)
def test_a_slip_of_one_letter_is_forgiven(spelled: tuple[str, str], at: int, letter: str, slip: str) -> None:
    """One letter wrong, missing or too many: the place is found, or one whose name is as near."""
    entry, name = spelled[0], squash(spelled[1])
    at %= len(name)
    wrong = {"swap": name[:at] + letter + name[at + 1 :], "drop": name[:at] + name[at + 1 :]}.get(
        slip, name[:at] + letter + name[at:]
    )
    if len(wrong) < SHORTEST_TYPED or len(wrong) > MAX_ASKED:
        return
    asked = NAMES.asked(wrong)
    assert asked is not None
    assert (
        entry in asked.ids or asked.ids or asked.area
    )  # a slip may make another name, or the name of a town


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("まんまの会 つぎ いつ", ("hannan-manma",)),
        ("ﾏﾝﾏの会", ("hannan-manma",)),
        ("まんまのかい", ("hannan-manma",)),
        ("阪南のまんまの会 いつ？", ("hannan-manma",)),
        ("KOKOIRU", ("sendai-kokoiru",)),
        ("こもれぴ", ("sendai-komorebi",)),
        ("さいころ倶楽部", ("osaka-osumi-saikoro",)),
        ("ほわっと わたげ 母親教室", ("sendai-howatto-haha",)),
    ],
)
def test_names_and_nicknames(text: str, ids: tuple[str, ...]) -> None:
    """Width, kana, case, spaces and marks do not matter."""
    assert NAMES.asked(text) == Asked(ids=ids)


@pytest.mark.parametrize(
    ("text", "area", "wish"),
    [
        ("大阪の家族会", "大阪", "家族会"),
        ("家族会 大阪府", "大阪府", "家族会"),
        ("はんなんのいばしょ", "はんなん", "いばしょ"),
        ("総社市 居場所 どこ", "総社市", "居場所"),
        ("阪南市", "阪南市", ""),
        ("はんなんし", "はんなんし", ""),
        ("親の会に行きたい", "", "親の会"),
        ("次の集まりはいつ", "", "集まり"),
        ("居場所はありますか", "", "居場所"),
    ],
)
def test_a_kind_in_an_area(text: str, area: str, wish: str) -> None:
    """Either alone, too: an area must be written as one, and of wishes only a kind of place."""
    assert NAMES.asked(text) == Asked(area=area, wish=wish)


@pytest.mark.parametrize(
    "text",
    [
        "きのうまんまの会でいやなことがあった",
        "母が死にました。なにもかも母がやっていました",
        "役所の人とは話したくない",
        "主婦なんですけど ひきこもりって言っていいのかわからない",
        "もう限界です",
        "だれか読んでいますか",
        "はい",
        "いつ",
        "はんなん",
        "夜や土日",
        "居場所がない",
        "家族会がいやだ",
        "",
        "。",
        "あ" * 500,
    ],
)
def test_what_is_no_question_is_not_answered_with_a_card(text: str) -> None:
    """R-034: who tells something is heard, not looked up."""
    assert NAMES.asked(text) is None


@given(st.text("あいうえおかきくけこはをがのにです。、 死母父会家", max_size=MAX_ASKED))
def test_any_words_are_taken(text: str) -> None:
    """Whatever is written: something known, or nothing."""
    asked = NAMES.asked(text)
    assert asked is None or set(asked.ids) <= PACK.resources.keys()


def test_long_runs_of_small_words_do_not_hang() -> None:
    """Words that ask may be cut in many ways; the worst text still answers at once."""
    assert NAMES.asked("まんまの会" + "のにのつぎの" * 9) in (Asked(ids=("hannan-manma",)), None)
    assert NAMES.asked("まんまの会" + "つぎの" * 17 + "ぬ") is None


def test_the_texts_of_our_own_buttons_are_never_taken_for_a_slip() -> None:
    """ここにいる is a button of the safety card, one letter away from a place's name. 北海道・東北 names its area."""
    for flow in PACK.flows.values():
        for step in flow.steps.values():
            for label in step.choices:
                wanted = PACK.search.asked(label)
                exact = {squash(text) for _, text in SPELLED}
                answers = dict(wanted.answers) if wanted else {}
                whole = wanted is None or squash(label) in exact or "area" in answers or answers.get("kind")
                assert whole or re.search("さがす|居場所|集まり", label), label


SMALL = ["の", "に", "つぎ", "つぎの", "のこと", "こと", "いつ", "いつから", "らい"]


@given(
    st.lists(st.one_of(st.sampled_from(SMALL), st.sampled_from("のにつぎこといらん")), max_size=8).map(
        "".join
    )
)
def test_words_that_ask_are_told_apart_as_a_pattern_would(text: str) -> None:
    """What is nothing but them, and what is left without those around it."""
    fillers, one = Fillers(SMALL), "(?:" + "|".join(sorted(SMALL, key=len, reverse=True)) + ")"
    assert fillers.fill(text) is bool(re.fullmatch(f"{one}*", text))
    assert fillers.stripped(text) == re.sub(f"^{one}+|{one}+$", "", text)


@pytest.mark.parametrize(
    ("answer", "text", "taken"),
    [
        ("area", "阪南", True),
        ("area", "そうじゃ市", True),
        ("area", "ひみつのまち", True),
        ("area", "湘南", True),
        ("area", "息子がつらそうで心配です", False),
        ("area", "もうどうしたらいいのか", False),
        ("area", "さがす", False),
        ("area", "大阪の家族会", False),
        ("interest", "釣り", True),
        ("interest", "スカイダイビング", True),
        ("interest", "ゲームがしたい", True),
        ("interest", "しずかに過ごしたい", False),
        ("interest", "なにもしたくない", False),
        ("interest", "家族", False),
        ("who", "なんでも", True),
    ],
)
def test_who_tells_of_something_where_an_area_is_asked_for_is_heard(
    answer: str, text: str, taken: bool
) -> None:
    """R-034: a question of a search takes what can be an answer, and leaves entry words and sentences alone."""
    assert a_release().takes(answer, text) is taken

"""A reply within what a platform can show: limits are kept, and no word of it is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels import line, telegram
from bot.channels.render import Capabilities, Rendered, card_text, render, split, units
from bot.messages import EXIT_LATER, EXIT_PERSON, EXIT_STOP, Card, CardDate, Choice, Link, Reply

REAL = [line.CAPABILITIES, telegram.CAPABILITIES]
THREE = (
    Choice(id=EXIT_LATER, label="あとで"),
    Choice(id=EXIT_STOP, label="やめる"),
    Choice(id=EXIT_PERSON, label="人と話したい"),
)
EMOJI = "👨\u200d👩\u200d👧"

words = st.text(st.sampled_from("あいう漢字。！？\n aB💊\u200b"), max_size=60)
capabilities = st.builds(
    Capabilities,
    max_text=st.integers(2, 80),
    max_messages=st.integers(1, 5),
    max_choices=st.integers(3, 13),
    max_label=st.integers(3, 20),
)
choices = st.lists(
    st.builds(
        Choice, id=st.text("abc/", min_size=1, max_size=3), label=st.text("あ💊b", min_size=1, max_size=24)
    ),
    max_size=16,
).map(tuple)
cards = st.lists(
    st.builds(
        Card,
        kind=st.just("ibasho"),
        title=words.filter(str.strip),
        subtitle=words,
        facts=st.lists(st.tuples(words, words), max_size=2).map(tuple),
        unknown=st.lists(words, max_size=2).map(tuple),
        unknown_label=st.just("未確認"),
    ),
    max_size=3,
).map(tuple)
replies = st.builds(Reply, texts=st.lists(words, max_size=3).map(tuple), cards=cards, choices=choices)


def squeezed(*texts: str) -> str:
    """The words without the white space between them."""
    return "".join("".join(texts).split())


@given(replies, capabilities)
def test_every_word_is_there_in_order(reply: Reply, can: Capabilities) -> None:
    """Split, joined or told in words: what a reply says is what arrives; only white space may move."""
    rendered = render(reply, can)
    said = squeezed(*reply.texts, *(card_text(card) for card in reply.cards))
    arrived = squeezed(*rendered.texts)
    assert arrived.startswith(said)
    told = arrived.removeprefix(said)
    assert bool(told) <= (len({choice.id for choice in reply.choices}) > can.max_choices)


@given(replies, capabilities)
def test_every_choice_is_a_button_or_told(reply: Reply, can: Capabilities) -> None:
    """Each choice once: as a button, or in words that work when typed; the exits always as buttons."""
    rendered = render(Reply(texts=reply.texts, choices=(*reply.choices, *THREE)), can)
    buttons = {choice.id for choice in rendered.choices}
    assert buttons >= {choice.id for choice in THREE}
    for choice in {choice.id: choice for choice in reply.choices}.values():
        label = choice.label if units(choice.label) <= can.max_label else choice.label[:1]
        assert choice.id in buttons or squeezed(label) in squeezed(*rendered.texts)


@given(replies, capabilities)
def test_limits_are_kept(reply: Reply, can: Capabilities) -> None:
    """Lengths as the platforms count, labels, buttons; no message is blank; few messages, if they can be few."""
    rendered = render(reply, can)
    assert all(units(text) <= can.max_text for text in rendered.texts)
    assert all(text.strip() for text in rendered.texts)
    assert all(0 < units(choice.label) <= can.max_label for choice in rendered.choices)
    assert len(rendered.choices) <= can.max_choices
    assert len({choice.id for choice in rendered.choices}) == len(rendered.choices)
    whole = sum(units(text) + 2 for text in rendered.texts)
    assert len(rendered.texts) <= can.max_messages or whole > can.max_text


@pytest.mark.parametrize("can", REAL, ids=["line", "telegram"])
def test_all_that_a_turn_says_is_one_call(can: Capabilities) -> None:
    """Three full bubbles, three full cards and thirteen choices fit one call of each platform."""
    card = Card(
        kind="x",
        title="あ" * 40,
        facts=(("ようす", "あ" * 120),) * 6,
        links=(Link(label="x", url="https://x/" + "x" * 200),),
    )
    own = tuple(Choice(id=f"F/x/{number}", label="あ" * 20) for number in range(10))
    reply = Reply(texts=("あ" * 120,) * 3, cards=(card,) * 3, choices=(*own, *THREE))
    rendered = render(reply, can)
    assert len(rendered.texts) <= can.max_messages
    assert rendered.choices == reply.choices


@pytest.mark.parametrize("can", REAL, ids=["line", "telegram"])
def test_a_counselors_longest_reply_is_split_not_cut(can: Capabilities) -> None:
    """Five thousand characters, all of two units, arrive whole, in as many messages as it takes."""
    text = "💊" * 5_000
    rendered = render(Reply(texts=(text,)), can)
    assert "".join(rendered.texts) == text
    assert all(units(piece) <= can.max_text for piece in rendered.texts)


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("", 10, []),
        (" \n", 10, []),
        ("みじかい。", 10, ["みじかい。"]),
        ("一つ目。二つ目。三つ目。", 8, ["一つ目。二つ目。", "三つ目。"]),
        ("一つ目！二つ目？三つ目", 8, ["一つ目！二つ目？", "三つ目"]),
        ("ながいながい文。", 4, ["ながいな", "がい文。"]),
        ("💊💊💊", 4, ["💊💊", "💊"]),
        ("💊💊💊", 3, ["💊", "💊", "💊"]),
        ("あああ。\n", 4, ["あああ。"]),
    ],
)
def test_texts_are_split_at_sentence_ends(text: str, limit: int, pieces: list[str]) -> None:
    """Where there are any; else within the limit, and never inside a character."""
    assert split(text, limit) == pieces


def test_units_are_counted_as_the_platforms_do() -> None:
    """UTF-16: two for what lies beyond the first plane."""
    assert [units(text) for text in ("", "あ", "💊", EMOJI)] == [0, 1, 2, 8]


def test_a_card_is_plain_words() -> None:
    """Date before the title, facts by their labels, what is not confirmed in one line, the address last."""
    card = Card(
        kind="event",
        title="見本の会",
        subtitle="居場所　見本市",
        date=CardDate(month=12, day=5, weekday="土曜"),
        facts=(("いらない", "予約"),),
        unknown=("年齢", "費用"),
        unknown_label="未確認",
        links=(Link(label="くわしく", url="https://example.org/"),),
    )
    assert card_text(card).splitlines() == [
        "12/5（土曜） 見本の会",
        "居場所　見本市",
        "いらない：予約",
        "未確認：年齢、費用",
        "https://example.org/",
    ]
    assert card_text(Card(kind="x", title="だけ")) == "だけ"


def test_nothing_said_is_no_message() -> None:
    """An empty reply renders to nothing, with its buttons."""
    assert render(Reply(choices=THREE), line.CAPABILITIES) == Rendered(texts=(), choices=THREE)

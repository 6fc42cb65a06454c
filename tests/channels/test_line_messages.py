"""What LINE is sent: within every limit, no word lost, as its description and the SDK's own models have it."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.line import CAPABILITIES
from bot.channels.line.flex import BUBBLE_BYTES, MAX_ALT, MOST_BUBBLES, flex
from bot.channels.line.messages import calls, messages
from bot.channels.render import card_text
from bot.messages import Card, CardDate, Choice, Link, Reply
from bot.testing import a_pack
from tests.platforms.measure import described
from tests.platforms.validate import LineSchema, limit_problems
from tests.test_render import cards as odd_cards
from tests.test_render import choices as odd_choices
from tests.test_render import squeezed, words

ALT = "お知らせがあります。"
PLACE = Card(
    kind="event",
    title="見本の会",
    subtitle="居場所　見本市",
    date=CardDate(month=12, day=5, weekday="土曜"),
    facts=(("いらない", "予約"), ("費用", "無料")),
    unknown=("年齢",),
    unknown_label="未確認",
    links=(Link(label="くわしく", url="https://example.org/"),),
)


def problems(told: list[dict[str, Any]]) -> list[str]:
    """What LINE would say to these messages in a reply."""
    body = {"replyToken": "t", "messages": told}
    schema = LineSchema.load().problems("POST", "/v2/bot/message/reply", body) if described() else []
    return schema + limit_problems(body)


def written(part: Any) -> list[str]:
    """Every text a reader of these message objects can see, in order."""
    if isinstance(part, list):
        return [text for one in part for text in written(one)]
    if not isinstance(part, dict):
        return []
    own = [part["text"]] if part.get("type") == "text" else []
    inner = [part[name] for name in ("contents", "body", "footer") if name in part]
    link = [part["action"]["uri"]] if part.get("type") == "button" else []
    return own + written(inner) + link


def test_cards_stand_side_by_side_with_the_choices_below() -> None:
    """Texts, one message with a bubble for each card, quick replies under the last; nothing on a locked screen."""
    reply = Reply(texts=("一", "二"), cards=(PLACE, PLACE), choices=(Choice(id="F/s/1", label="1を見る"),))
    told = messages(reply, ALT)
    assert [message["type"] for message in told] == ["text", "text", "flex"]
    assert told[-1]["altText"] == ALT
    assert [bubble["type"] for bubble in told[-1]["contents"]["contents"]] == ["bubble", "bubble"]
    [item] = told[-1]["quickReply"]["items"]
    assert item["action"] == {
        "type": "postback",
        "label": "1を見る",
        "data": "F/s/1",
        "displayText": "1を見る",
    }
    assert problems(told) == []
    one = written(told[-1]["contents"]["contents"][1])
    assert one[:5] == ["2", "12/5（土曜）", "見本の会", "居場所　見本市", "いらない"]
    assert one[-3:] == ["未確認", "年齢", "https://example.org/"]


@pytest.mark.parametrize("alt", ["", "  ", "あ" * (MAX_ALT + 1)])
def test_without_a_line_for_the_locked_screen_cards_are_words(alt: str) -> None:
    """No alternative text, no card: LINE would show a title of its own making."""
    told = messages(Reply(cards=(PLACE,)), alt)
    assert told == [{"type": "text", "text": card_text(PLACE)}]


@pytest.mark.parametrize(
    "card",
    [
        pytest.param(Card(kind="x", title="あ" * BUBBLE_BYTES), id="a bubble too large"),
        pytest.param(
            Card(kind="x", title="x", links=(Link(label="あ" * 21, url="https://x/"),)), id="a long label"
        ),
        pytest.param(
            Card(kind="x", title="x", links=(Link(label="x", url="javascript:1"),)), id="an odd scheme"
        ),
        pytest.param(
            Card(kind="x", title="x", links=(Link(label="x", url="https://x/" + "x" * 1000),)),
            id="a long link",
        ),
    ],
)
def test_what_does_not_fit_a_card_is_told_in_words(card: Card) -> None:
    """Whole, as plain text: a card is never cut."""
    told = messages(Reply(cards=(card, PLACE)), ALT)
    assert {message["type"] for message in told} == {"text"}
    assert squeezed(card_text(card), card_text(PLACE)) == squeezed(*(message["text"] for message in told))


def test_a_carousel_has_its_own_limits() -> None:
    """More than 12 bubbles, or more than 50 kB of them, are told in words."""
    assert flex((PLACE,) * MOST_BUBBLES, ALT) is not None
    assert flex((PLACE,) * (MOST_BUBBLES + 1), ALT) is None
    big = Card(kind="x", title="あ" * 9_000)
    assert flex((big,), ALT) is not None
    assert flex((big, big), ALT) is None


def test_every_place_we_ship_is_a_card() -> None:
    """The shipped content fits: each place alone and in a list, in full and in short."""
    pack = a_pack()
    from bot.content.cards import place_card
    from bot.testing import A_DAY

    for full in (True, False):
        cards = [
            place_card(resource, dict(pack.texts), A_DAY, full=full) for resource in pack.resources.values()
        ]
        for start in range(0, len(cards), 3):
            told = messages(Reply(cards=tuple(cards[start : start + 3])), pack.texts["card_alt"][0])
            assert [message["type"] for message in told] == ["flex"]
            assert problems(told) == []


@given(st.lists(words, max_size=3).map(tuple), odd_cards, odd_choices)
def test_whatever_is_said_fits_and_no_word_is_lost(
    texts: tuple[str, ...], cards: tuple[Card, ...], choices: tuple[Choice, ...]
) -> None:
    """Any reply: one call, LINE finds nothing wrong with it, and all of its words are in it."""
    reply = Reply(texts=texts, cards=cards, choices=choices)
    found = calls(reply, ALT)
    assert len(found) <= 1
    if not found:
        assert not squeezed(*texts, *map(card_text, cards))
        return
    assert problems(found[0]) == []
    shown = squeezed(*written(found[0]))
    assert squeezed(*texts) in shown
    for card in cards:
        for part in (
            card.title,
            card.subtitle,
            *(value for fact in card.facts for value in fact),
            *card.unknown,
        ):
            assert squeezed(part) in shown


def test_the_sdk_can_build_them() -> None:
    """A full reply, as the SDK's own models give it back."""
    choices = tuple(Choice(id=f"F/s/{place}", label=f"えらぶ{place}") for place in range(20))
    told = messages(Reply(texts=("一", "二", "三"), cards=(PLACE,) * 3, choices=choices), ALT)
    assert len(told) == CAPABILITIES.max_messages
    assert len(told[-1]["quickReply"]["items"]) == CAPABILITIES.max_choices
    seen = json.dumps(told, ensure_ascii=False)
    assert all(word in seen for word in ("一", "二", "三", "見本の会", "えらぶ0", "えらぶ19"))
    request = importlib.import_module("linebot.v3.messaging").ReplyMessageRequest.from_dict(
        {"replyToken": "t", "messages": told}
    )
    assert json.loads(request.to_json())["messages"] == told


def test_more_than_one_call_only_for_tens_of_thousands_of_characters() -> None:
    """Five messages of 5,000 units are one call; a sixth begins another, and nothing is repeated."""
    text = "あ" * 25_000
    assert [len(call) for call in calls(Reply(texts=(text,)), ALT)] == [5]
    two = calls(Reply(texts=(text + "いう",)), ALT)
    assert [len(call) for call in two] == [5, 1]
    assert "".join(message["text"] for call in two for message in call) == text + "いう"

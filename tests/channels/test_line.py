"""LINE, in and out, with the SDK as the oracle: what it reads we read, what we send it can build."""

from __future__ import annotations

import importlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.channels.line import CAPABILITIES, PUSH, REPLY, Line
from bot.errors import BadInput, BadSignature, HintSpent, Throttled
from bot.messages import Address, Card, Choice, Inbound, Kind, Outgoing, Purpose, Reply, ReplyHint
from tests.platforms import FakeLine

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CONTACT = "0" * 31 + "1"

EXPECTED = {
    "text": Kind.TEXT,
    "sticker": Kind.STICKER,
    "message_sticker": Kind.STICKER,
    "image": Kind.UNSUPPORTED,
    "image_of_set": Kind.UNSUPPORTED,
    "video": Kind.UNSUPPORTED,
    "audio": Kind.UNSUPPORTED,
    "file": Kind.UNSUPPORTED,
    "location": Kind.UNSUPPORTED,
    "unknown_message": Kind.UNSUPPORTED,
    "unsend": Kind.UNSENT,
    "postback": Kind.CHOICE,
    "message_edited": Kind.TEXT,
    "follow": Kind.JOINED,
    "unblocked": Kind.JOINED,
    "unfollow": Kind.LEFT,
    "unknown": Kind.UNSUPPORTED,
}
"""Every other kind is nobody's words to us: groups, standby mode, beacons, links. Those are not stored."""


@pytest.fixture
def fake() -> FakeLine:
    return FakeLine(clock=NOW.timestamp)


@pytest.fixture
def line(fake: FakeLine) -> Line:
    return Line(
        account="line", channel_secret=fake.secret, access_token="token", api_base="http://127.0.0.1:9"
    )


def parsed(line: Line, fake: FakeLine, *events: Any) -> list[Inbound]:
    body = fake.body(events)
    return list(line.parse({"x-line-signature": fake.sign(body)}, body, NOW).events)


def test_every_kind(line: Line, fake: FakeLine) -> None:
    """Fixture table: each event kind in, its meaning out; a new kind of the fake needs a line here."""
    every = fake.every_kind(fake.new_user(), fake.new_group())
    found = {name: parsed(line, fake, event) for name, event in every.items()}
    assert {name: events[0].kind for name, events in found.items() if events} == EXPECTED


def test_the_sdk_reads_the_same(line: Line, fake: FakeLine) -> None:
    """Text, user, id, time and token of a message are what line-bot-sdk's parser finds."""
    user = fake.new_user()
    body = fake.body([fake.text(user, "夜になると眠れません")])
    ours = line.parse({"x-line-signature": fake.sign(body)}, body, NOW).events[0]
    parser = importlib.import_module("linebot.v3").WebhookParser(fake.secret)
    theirs = parser.parse(body.decode(), fake.sign(body))[0]
    assert ours.text == theirs.message.text
    assert ours.address.key == theirs.source.user_id
    assert ours.dedupe_key == theirs.webhook_event_id
    assert int(ours.sent_at.timestamp() * 1000) == theirs.timestamp
    assert ours.reply_hint is not None
    assert ours.reply_hint.token == theirs.reply_token


@pytest.mark.parametrize("signature", ["", "x", "あ", "AAAA", "=" * 44])
def test_signatures(line: Line, fake: FakeLine, signature: str) -> None:
    """Anything but the right signature over the raw bytes is refused."""
    body = fake.body([fake.text(fake.new_user(), "こんにちは")])
    with pytest.raises(BadSignature):
        line.parse({"x-line-signature": signature}, body, NOW)
    with pytest.raises(BadSignature):
        line.parse({"x-line-signature": fake.sign(body)}, body + b" ", NOW)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"events": 5}', b"[" * 100_000, b'{"a":"\xff"}'])
def test_bad_bodies(line: Line, fake: FakeLine, body: bytes) -> None:
    """Signed, but no webhook: told as such."""
    with pytest.raises(BadInput):
        line.parse({"x-line-signature": fake.sign(body)}, body, NOW)


def outgoing(reply: Reply, **more: Any) -> Outgoing:
    hint = ReplyHint(token="t" * 32, received_at=NOW)
    common = {"contact_id": CONTACT, "seq": 1, "address": Address(account="line", key="U" + "0" * 32)}
    common |= {"purpose": Purpose.BOT, "attempt": 1, "queued_at": NOW, "hint": hint}
    return Outgoing(reply=reply, **{**common, **more})


def test_messages_fit_and_the_sdk_can_build_them(line: Line) -> None:
    """A full reply becomes at most five messages with at most 13 quick replies, as the SDK's own models give it."""
    choices = tuple(Choice(id=f"F/s/{place}", label=f"えらぶ{place}") for place in range(20))
    cards = tuple(Card(kind="ibasho", title=f"場所{place}", facts=(("費用", "無料"),)) for place in range(3))
    messages = line.messages(outgoing(Reply(texts=("一", "二", "三"), cards=cards, choices=choices)))
    assert len(messages) == CAPABILITIES.max_messages
    assert len(messages[-1]["quickReply"]["items"]) == CAPABILITIES.max_choices
    told = json.dumps(messages, ensure_ascii=False)
    assert all(word in told for word in ("一", "二", "三", "場所0", "場所2", "えらぶ0", "えらぶ19"))
    request = importlib.import_module("linebot.v3.messaging").ReplyMessageRequest.from_dict(
        {"replyToken": "t", "messages": messages}
    )
    assert json.loads(request.to_json())["messages"] == messages


AGED = NOW + timedelta(minutes=2)


@pytest.mark.parametrize(
    ("more", "now", "via"),
    [
        ({}, NOW, REPLY),
        ({}, AGED, PUSH),
        ({"hint": None}, NOW, PUSH),
        ({"earlier_via": REPLY, "may_have_arrived": True}, NOW, REPLY),
        ({"earlier_via": REPLY, "may_have_arrived": True}, AGED, None),
        ({"earlier_via": REPLY, "may_have_arrived": True, "purpose": Purpose.SAFETY}, AGED, PUSH),
        ({"earlier_via": REPLY, "may_have_arrived": True, "purpose": Purpose.COUNSELOR}, AGED, PUSH),
        ({"earlier_via": REPLY, "earlier_error": HintSpent.code}, NOW, PUSH),
        ({"earlier_via": REPLY, "earlier_error": Throttled.code}, NOW, REPLY),
        ({"earlier_via": REPLY, "earlier_error": Throttled.code}, AGED, PUSH),
        ({"earlier_via": PUSH, "may_have_arrived": True}, NOW + timedelta(hours=23), PUSH),
        ({"earlier_via": PUSH, "may_have_arrived": True}, NOW + timedelta(hours=24), None),
    ],
)
def test_routes(line: Line, more: dict[str, Any], now: datetime, via: str | None) -> None:
    """Design step 6 as a table: fresh token first; unknown and too old only for what is worth a push."""
    assert line.route(outgoing(Reply(texts=("はい",)), **more), now) == via


def test_the_key_of_a_send_is_stable() -> None:
    """The retry key is the same on every try of a row and another one for every other row."""
    first, again = outgoing(Reply(texts=("はい",))), outgoing(Reply(texts=("はい",)), attempt=5)
    assert first.key == again.key
    assert first.key != outgoing(Reply(texts=("はい",)), seq=2).key
    assert first.key not in (first.part_key(5), first.part_key(10))

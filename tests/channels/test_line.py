"""LINE, in: what each kind of event means, with the SDK as the oracle for what it reads, too."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.line import Line, events
from bot.channels.line.events import TOKEN_ENDS, Place
from bot.errors import BadInput, BadSignature
from bot.messages import Inbound, Kind
from tests.platforms import FakeLine
from tests.platforms.measure import described
from tests.platforms.validate import LineSchema

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

EXPECTED: dict[str, tuple[Kind, str, str]] = {
    "text": (Kind.TEXT, "こんにちは", ""),
    "sticker": (Kind.STICKER, "", ""),
    "message_sticker": (Kind.STICKER, "つらい", ""),
    "image": (Kind.UNSUPPORTED, "", ""),
    "image_of_set": (Kind.UNSUPPORTED, "", ""),
    "video": (Kind.UNSUPPORTED, "", ""),
    "audio": (Kind.UNSUPPORTED, "", ""),
    "file": (Kind.UNSUPPORTED, "", ""),
    "location": (Kind.UNSUPPORTED, "", ""),
    "unknown_message": (Kind.UNSUPPORTED, "", ""),
    "unsend": (Kind.UNSENT, "", ""),
    "postback": (Kind.CHOICE, "", "data"),
    "message_edited": (Kind.TEXT, "こんばんは", ""),
    "follow": (Kind.JOINED, "", ""),
    "unblocked": (Kind.JOINED, "", ""),
    "unfollow": (Kind.LEFT, "", ""),
    "unknown": (Kind.UNSUPPORTED, "", ""),
}
LEFT = {"join", "member_joined", "member_left", "group_text"}
"""What happens in a group: we go out of it. Every other kind is nobody's words to us and is not stored."""
NEWER_THAN_THE_DESCRIPTION = {"unknown", "unknown_message", "message_edited"}


@pytest.fixture
def fake() -> FakeLine:
    return FakeLine(clock=NOW.timestamp)


@pytest.fixture
def line(fake: FakeLine) -> Line:
    return Line(
        account="line",
        channel_secret=fake.secret,
        access_token="token",
        api_base="http://127.0.0.1:9",
        words=lambda key: key,
    )


def parsed(line: Line, fake: FakeLine, *every: Any) -> list[Inbound]:
    body = fake.body(every)
    return list(line.parse({"x-line-signature": fake.sign(body)}, body, NOW).events)


def test_every_kind(line: Line, fake: FakeLine) -> None:
    """Fixture table: each event kind in, its meaning out; a new kind of the fake needs a line here."""
    every = fake.every_kind(fake.new_user(), fake.new_group())
    found = {name: parsed(line, fake, event) for name, event in every.items()}
    meant = {name: (one[0].kind, one[0].text, one[0].choice_id) for name, one in found.items() if one}
    assert meant == EXPECTED
    places = {name for name, event in every.items() if isinstance(events.read("line", event, NOW), Place)}
    assert places == LEFT


def test_every_message_has_its_key(line: Line, fake: FakeLine) -> None:
    """What is taken back later is found by it: each message event names its message, an unsend that of another."""
    for name, event in fake.every_kind(fake.new_user(), fake.new_group()).items():
        for found in parsed(line, fake, event):
            message = event.get("message") or {"id": event.get("unsend", {}).get("messageId", "")}
            assert found.message_key == message["id"], name


@pytest.mark.skipif(not described(), reason="LINE's webhook description is absent")
def test_the_fixtures_are_as_line_describes_them(fake: FakeLine) -> None:
    """Every event of the table above fits LINE's own webhook.yml."""
    for name, event in fake.every_kind(fake.new_user(), fake.new_group()).items():
        if name not in NEWER_THAN_THE_DESCRIPTION:
            assert LineSchema.load().event_problems(event) == [], name


def test_two_secrets_while_one_is_changed(fake: FakeLine) -> None:
    """What either of the two signed is read (B41); a third, an empty one and the other's signature are not."""

    def made(secret: str, before: str) -> Line:
        return Line(
            account="line",
            channel_secret=secret,
            channel_secret_before=before,
            access_token="token",
            api_base="http://127.0.0.1:9",
            words=str,
        )

    changing, changed = made("new", fake.secret), made("new", "")
    body = fake.body([fake.text(fake.new_user(), "こんにちは")])

    def taken(line: Line, secret: str) -> bool:
        fake.secret = secret
        try:
            return bool(line.parse({"x-line-signature": fake.sign(body)}, body, NOW).events)
        except BadSignature:
            return False

    old = fake.secret
    assert [taken(changing, secret) for secret in ("new", old, "other", "")] == [True, True, False, False]
    assert [taken(changed, secret) for secret in ("new", old, "")] == [True, False, False]


def test_a_batch_is_read_event_by_event(line: Line, fake: FakeLine) -> None:
    """Whatever stands beside it, a person's word arrives; places are left once each, in one go."""
    user, group = fake.new_user(), fake.new_group()
    odd: list[Any] = [None, 5, [], {}, {"type": "message"}, {"source": 3}, fake.text(user, "二")]
    odd[4:4] = [{**fake.text(user, "x"), "source": {"type": "user", "userId": 3}}]
    body = fake.body(
        [fake.text(user, "一"), *odd, fake.join(group), fake.in_group(fake.text(user, "x"), group)]
    )
    found = line.parse({"x-line-signature": fake.sign(body)}, body, NOW)
    assert [event.text for event in found.events] == ["一", "二"]
    assert found.ignored == 9
    assert len(found.afterwards) == 1


def test_the_sdk_reads_the_same(line: Line, fake: FakeLine) -> None:
    """Text, user, id, time and token of a message are what line-bot-sdk's parser finds."""
    user = fake.new_user()
    body = fake.body([fake.text(user, "夜になると眠れません")])
    ours = line.parse({"x-line-signature": fake.sign(body)}, body, NOW).events[0]
    parser = importlib.import_module("linebot.v3").WebhookParser(fake.secret)
    theirs = parser.parse(body.decode(), fake.sign(body))[0]
    assert ours.text == theirs.message.text
    assert ours.message_key == theirs.message.id
    assert ours.address.key == theirs.source.user_id
    assert ours.dedupe_key == theirs.webhook_event_id
    assert int(ours.sent_at.timestamp() * 1000) == theirs.timestamp
    assert ours.reply_hint is not None
    assert ours.reply_hint.token == theirs.reply_token


def test_a_redelivered_event_is_the_same_event(line: Line, fake: FakeLine) -> None:
    """`isRedelivery` tells nothing of whether we had it; its id does, and its token is good for a minute more."""
    event = fake.text(fake.new_user(), "こんにちは")
    assert parsed(line, fake, event) == parsed(line, fake, fake.redelivered(event))


@pytest.mark.parametrize(("age", "kept"), [(timedelta(0), True), (TOKEN_ENDS, False)])
def test_a_token_that_cannot_work_is_not_kept(line: Line, fake: FakeLine, age: timedelta, kept: bool) -> None:
    """Its refusal could pass for an earlier success."""
    event = fake.text(fake.new_user(), "こんにちは")
    event["timestamp"] -= int(age.total_seconds() * 1000)
    [found] = parsed(line, fake, event)
    assert (found.reply_hint is not None) is kept


def test_a_stickers_meaning_comes_along(line: Line, fake: FakeLine) -> None:
    """Its own words, if the person wrote some; else the keywords, which the content makes a word of."""
    user = fake.new_user()
    spoken, drawn = fake.sticker(user, text="おやすみ"), fake.sticker(user, keywords=("sad", "cry"))
    odd = fake.sticker(user)
    odd["message"]["keywords"] = [3, None, "sleep"]
    found = parsed(line, fake, spoken, drawn, odd)
    assert [(one.text, one.keywords) for one in found] == [
        ("おやすみ", ()),
        ("", ("sad", "cry")),
        ("", ("sleep",)),
    ]


def test_nobody_is_named_by_a_group(line: Line, fake: FakeLine) -> None:
    """Where several are, nothing is stored, whoever wrote; an id that is none makes no address of a call."""
    user, group = fake.new_user(), fake.new_group()
    event = fake.in_group(fake.text(user, "みんなへ"), group)
    assert parsed(line, fake, event) == []
    assert user not in repr(events.read("line", event, NOW))
    event["source"]["groupId"] = "../../message/broadcast"
    assert events.read("line", event, NOW) is None


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


leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False)
values = st.sampled_from(
    [{"type": []}, {"type": "user", "userId": []}, {"type": "group", "groupId": 3}]
) | st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
)
known = st.sampled_from([*sorted(EXPECTED), "join", "group_text", "account_link"])
_fake = FakeLine(clock=NOW.timestamp, seed=1, validate=False)
_every = _fake.every_kind(_fake.new_user(), _fake.new_group())


@given(
    known,
    st.sampled_from(["source", "message", "postback", "unsend", "timestamp", "type", "replyToken", "mode"]),
    values,
)
def test_no_shape_is_a_crash(name: str, part: str, value: Any) -> None:
    """Any part of any event replaced by anything: it is read, or it is nobody's word."""
    read = events.read("line", {**_every[name], part: value}, NOW)
    assert read is None or isinstance(read, Inbound | Place)

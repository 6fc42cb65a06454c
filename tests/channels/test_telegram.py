"""Telegram, in: what each kind of update means, with every name in it left behind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram import SECRET_HEADER, Telegram
from bot.errors import BadInput, BadSignature
from bot.messages import Inbound, Kind
from tests.platforms import FakeTelegram

JSON = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("private")
NAMES = st.sampled_from(
    ["chat", "id", "type", "from", "message", "date", "text", "new_chat_member", "status", "data"]
)
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

EXPECTED = {
    "text": (Kind.TEXT, "こんにちは"),
    "start": (Kind.JOINED, ""),
    "start_payload": (Kind.JOINED, ""),
    "edited_message": (Kind.TEXT, "こんばんは"),
    "sticker": (Kind.STICKER, "😢"),
    "photo": (Kind.UNSUPPORTED, ""),
    "photo_caption": (Kind.UNSUPPORTED, "うちの猫"),
    "voice": (Kind.UNSUPPORTED, ""),
    "document": (Kind.UNSUPPORTED, ""),
    "location": (Kind.UNSUPPORTED, ""),
    "contact": (Kind.UNSUPPORTED, ""),
    "forwarded": (Kind.TEXT, "読んで"),
    "reply": (Kind.TEXT, "はい"),
    "callback_query": (Kind.CHOICE, ""),
    "blocked": (Kind.LEFT, ""),
    "unblocked": (Kind.JOINED, ""),
}
"""Everything else is nobody's words to us: groups, channels, reactions, inline queries."""

FILE = {"file_id": "AgAC", "file_unique_id": "AQAD"}
SIZE = {"width": 90, "height": 90}
CHECKLIST = {"title": "やること", "tasks": [{"id": 1, "text": "外に出る"}]}
POLL = {
    "id": "1", "question": "どうする", "options": [{"persistent_id": "1", "text": "休む", "voter_count": 0}],
    "total_voter_count": 0, "is_closed": False, "is_anonymous": True, "type": "regular",
    "allows_multiple_answers": False, "allows_revoting": False, "members_only": False,
}  # fmt: skip
RICH = {"blocks": [{"type": "paragraph", "text": ["もう", {"type": "bold", "text": "つらい"}]}]}
CONTENT: dict[str, tuple[dict[str, Any], list[tuple[Kind, str]]]] = {
    "animation": (
        {"animation": FILE | SIZE | {"duration": 4}, "document": FILE, "caption": "見て"},
        [(Kind.UNSUPPORTED, "見て")],
    ),
    "audio": ({"audio": FILE | {"duration": 4}}, [(Kind.UNSUPPORTED, "")]),
    "video": (
        {"video": FILE | SIZE | {"duration": 4}, "caption": "死にたい"},
        [(Kind.UNSUPPORTED, "死にたい")],
    ),
    "video_note": ({"video_note": FILE | {"duration": 4, "length": 90}}, [(Kind.UNSUPPORTED, "")]),
    "dice": ({"dice": {"emoji": "🎲", "value": 4}}, [(Kind.UNSUPPORTED, "")]),
    "venue": (
        {"venue": {"location": {"latitude": 35.6, "longitude": 139.7}, "title": "家", "address": "住所"}},
        [(Kind.UNSUPPORTED, "")],
    ),
    "poll": ({"poll": POLL}, [(Kind.UNSUPPORTED, "どうする\n休む")]),
    "checklist": ({"checklist": CHECKLIST}, [(Kind.UNSUPPORTED, "やること\n外に出る")]),
    "rich message": ({"rich_message": RICH}, [(Kind.TEXT, "もう\nつらい")]),
    "newer than all": ({"hologram": {"seen": True}}, [(Kind.UNSUPPORTED, "")]),
    "timer": ({"message_auto_delete_timer_changed": {"message_auto_delete_time": 86400}}, []),
    "write access": ({"write_access_allowed": {}}, []),
    "sticker without emoji": (
        {"sticker": {**FILE, **SIZE, "type": "regular", "is_animated": False, "is_video": False}},
        [(Kind.STICKER, "")],
    ),
    "command": ({"text": "/menu"}, [(Kind.TEXT, "/menu")]),
    "named command": ({"text": "/Help@engawa_fake_bot"}, [(Kind.TEXT, "/help")]),
    "command and words": ({"text": "/stop もう 死にたい"}, [(Kind.TEXT, "/stop もう 死にたい")]),
    "start and words": ({"text": "/start 死にたい"}, [(Kind.JOINED, ""), (Kind.TEXT, "死にたい")]),
    "slash alone": ({"text": "/"}, [(Kind.TEXT, "/")]),
    "path": ({"text": "/usr/bin"}, [(Kind.TEXT, "/usr/bin")]),
}
"""What else a message can hold, and what is read of it."""


@pytest.fixture
def fake() -> FakeTelegram:
    return FakeTelegram(clock=NOW.timestamp)


@pytest.fixture
def telegram() -> Telegram:
    return Telegram(
        account="telegram", bot_token="1:token", secret_token="secret", api_base="http://127.0.0.1:9"
    )


def parsed(telegram: Telegram, update: Any) -> list[Inbound]:
    return list(telegram.parse({SECRET_HEADER: "secret"}, msgspec.json.encode(update), NOW).events)


def test_every_kind(telegram: Telegram, fake: FakeTelegram) -> None:
    """Fixture table: each update in, its meaning out; words in captions and edits are read, names never."""
    person = fake.new_person()
    every = fake.every_kind(person, fake.new_person())
    found = {name: parsed(telegram, update) for name, update in every.items()}
    known = {name: (events[0].kind, events[0].text) for name, events in found.items() if events}
    assert {name: known.get(name) for name in EXPECTED} == EXPECTED
    assert known.keys() == EXPECTED.keys()
    told = repr(found)
    assert not any(part in told for part in person.identity)


def test_two_secrets_while_one_is_changed(fake: FakeTelegram) -> None:
    """Either of the two is taken (B41); and none at all where nothing is to be brought."""
    update = msgspec.json.encode(fake.update("message", fake.message(fake.new_person(), text="はい")))

    def taken(secret: str, before: str, given: str) -> bool:
        bot = Telegram(
            account="telegram",
            bot_token="1:token",
            secret_token=secret,
            secret_token_before=before,
            api_base="http://127.0.0.1:9",
        )
        try:
            return bool(bot.parse({SECRET_HEADER: given}, update, NOW).events)
        except BadSignature:
            return False

    assert taken("new", "old", "new")
    assert taken("new", "old", "old")
    assert not any(taken("new", "old", given) for given in ("", "other"))
    assert not any(taken("new", "", given) for given in ("old", ""))
    assert not any(taken("", "old", given) for given in ("old", ""))


@pytest.mark.parametrize("name", CONTENT)
def test_every_content(telegram: Telegram, fake: FakeTelegram, name: str) -> None:
    """Words are read wherever they stand; files, places and numbers are not opened; service lines are nobody's."""
    content, expected = CONTENT[name]
    update = fake.update("message", fake.message(fake.new_person(), **content))
    if fake.schema is not None:
        problems = fake.schema.problems("Update", update)
        assert problems == (["Update.message.hologram: no such field"] if name == "newer than all" else [])
    events = parsed(telegram, update)
    assert [(event.kind, event.text) for event in events] == expected
    assert len({event.dedupe_key for event in events}) == len(events)


@pytest.mark.parametrize(
    ("payload", "entry"),
    [
        ("poster-1_A", "poster-1_A"),
        ("a" * 64, "a" * 64),
        ("a" * 65, ""),
        ("ポスター", ""),
        ("a b", ""),
        ("a.b", ""),
        ("", ""),
    ],
)
def test_place_codes(telegram: Telegram, fake: FakeTelegram, payload: str, entry: str) -> None:
    """A deep link's payload as Telegram allows it; anything else is no place code."""
    first, *_ = parsed(telegram, fake.start(fake.new_person(), payload))
    assert (first.kind, first.entry) == (Kind.JOINED, entry)


def test_edits_without_words(telegram: Telegram, fake: FakeTelegram) -> None:
    """A live location is edited every few seconds, which is nothing said; a caption put in later is read."""
    person = fake.new_person()
    moved = fake.update("edited_message", fake.location(person)["message"] | {"edit_date": 1})
    caption = fake.update("edited_message", fake.photo(person, "死にたい")["message"] | {"edit_date": 1})
    assert parsed(telegram, moved) == []
    assert [event.text for event in parsed(telegram, caption)] == ["死にたい"]


@pytest.mark.parametrize("message", ["ours", "inaccessible", "none", "group"])
def test_every_query_is_answered(telegram: Telegram, fake: FakeTelegram, message: str) -> None:
    """Also of a message that is gone, or none at all; who tapped is known by the chat, else by the user."""
    person, group = fake.new_person(), fake.new_group()
    sent = {
        "ours": {**fake.message(person, text="x"), "from": fake.bot},
        "inaccessible": {"chat": person.chat, "message_id": 1, "date": 0},
        "none": {},
        "group": {**fake.message(person, group, text="x"), "from": fake.bot},
    }[message]
    update = fake.callback(person, sent, "exit/stop")
    if message == "none":
        del update["callback_query"]["message"]
    body = msgspec.json.encode(update)
    found = telegram.parse({SECRET_HEADER: "secret"}, body, NOW)
    assert len(found.afterwards) == 1 + (message == "group")
    keys = [(event.address.key, event.choice_id) for event in found.events]
    assert keys == ([] if message == "group" else [(str(person.id), "exit/stop")])


@pytest.mark.parametrize("broken", ["message", "callback_query", "my_chat_member"])
def test_what_the_library_cannot_read(telegram: Telegram, fake: FakeTelegram, broken: str) -> None:
    """It is still somebody's: stored as unsupported; its query is answered."""
    person = fake.new_person()
    update: dict[str, Any] = {
        "message": fake.text(person, "x"),
        "callback_query": fake.callback(person, fake.message(person, text="x"), "d"),
        "my_chat_member": fake.membership(person, "kicked"),
    }[broken]
    part = update[broken]["message"] if broken == "callback_query" else update[broken]
    part["date"] = "yesterday"
    found = telegram.parse({SECRET_HEADER: "secret"}, msgspec.json.encode(update), NOW)
    assert [(event.kind, event.address.key) for event in found.events] == [(Kind.UNSUPPORTED, str(person.id))]
    assert len(found.afterwards) == (broken == "callback_query")


def test_without_a_secret_no_webhook_is_taken(fake: FakeTelegram) -> None:
    """A bot that fetches needs no secret: then whoever posts is refused, also with an empty header."""
    polling = Telegram(account="telegram", bot_token="1:t", secret_token="", api_base="http://127.0.0.1:9")
    body = msgspec.json.encode(fake.text(fake.new_person(), "こんにちは"))
    for headers in ({}, {SECRET_HEADER: ""}):
        with pytest.raises(BadSignature):
            polling.parse(headers, body, NOW)


@given(st.recursive(JSON, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=12))
def test_nothing_makes_it_fail(value: Any) -> None:
    """Whatever stands in an update's fields: events, or none; never another error, and never somebody else's."""
    telegram = Telegram(account="telegram", bot_token="1:t", secret_token="s", api_base="http://127.0.0.1:9")
    for kind in ("message", "edited_message", "callback_query", "my_chat_member", "channel_post"):
        found = telegram.parse_update({"update_id": 7, kind: value}, NOW)
        assert all(event.address.account == "telegram" for event in found.events)


@pytest.mark.parametrize("secret", ["", "Secret", "secret ", "あ", "secret\udcff"])
def test_secrets(telegram: Telegram, fake: FakeTelegram, secret: str) -> None:
    """Anything but the secret is refused, and nothing is read."""
    body = msgspec.json.encode(fake.text(fake.new_person(), "こんにちは"))
    with pytest.raises(BadSignature):
        telegram.parse({SECRET_HEADER: secret}, body, NOW)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"update_id": "1"}', b'{"update_id": true}', b"[" * 99_999]
)
def test_bad_bodies(telegram: Telegram, body: bytes) -> None:
    """Authentic, but no update: told as such."""
    with pytest.raises(BadInput):
        telegram.parse({SECRET_HEADER: "secret"}, body, NOW)

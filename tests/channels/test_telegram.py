"""Telegram, in: what each kind of update means, with every name in it left behind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from bot.channels.telegram import SECRET_HEADER, Telegram
from bot.errors import BadInput, BadSignature
from bot.messages import Inbound, Kind
from tests.platforms import FakeTelegram

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
}
"""Everything else is nobody's words to us: groups, channels, reactions, inline queries."""


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
    assert known.keys() - EXPECTED.keys() <= {"unblocked"}
    told = repr(found)
    assert not any(part in told for part in person.identity)


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

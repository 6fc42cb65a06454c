"""No limit silences a person in danger: a risk word gets through at each of them, or the answer says where to call."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from bot.channels.patience import Allowance
from bot.channels.webchat import page, stream
from bot.errors import StoreUnavailable
from tests.webchat.conftest import Chat, Visitor

CRY = "もう死にたい"
CALM = "きょうは雨です。"
NEVER = Allowance(0, 1e9)
CALLS = ("110", "119")


async def form(visitor: Visitor, text: str) -> None:
    await visitor.post("/chat/send", {"client_id": uuid.uuid4().hex, "text": text}, follow=False)


async def is_taken(chat: Chat, visitor: Visitor, text: str = CRY) -> None:
    """By API and by form: stored, answered with where to call, and seen by staff."""
    assert (await visitor.says(text))[0] == 202
    await form(visitor, text)
    assert visitor.status == 303
    said = "\n".join(await visitor.texts())
    assert said.count(CRY) >= 2
    assert "119" in said
    assert await chat.ticket(visitor.address)


@pytest.mark.parametrize("limit", ["_messages", "_networks"])
async def test_too_many(chat: Chat, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """Of one session, and of one network with ever new sessions."""
    monkeypatch.setattr(page, "shared_by", lambda _: "198.51.100.0")
    async with chat.visitor() as visitor:
        await visitor.begins()
        assert (await visitor.says(CALM))[0] == 202
        monkeypatch.setattr(chat.engawa.webchat, limit, NEVER)
        status, told = await visitor.says(CALM)
        assert status == 429
        assert all(number in told["message"] for number in CALLS)
        await form(visitor, CALM)
        assert visitor.status == 400
        assert all(number in visitor.page for number in CALLS)
        await is_taken(chat, visitor)


async def test_a_busy_network_keeps_nobody_out(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody new gets a session without a row; their cry is the first of them that is stored."""
    monkeypatch.setattr(page, "shared_by", lambda _: "198.51.100.0")
    monkeypatch.setattr(chat.engawa.webchat, "_networks", NEVER)
    async with chat.visitor() as visitor:
        assert await visitor.api("/session", {}) == (200, {"seq": 0})
        assert (await visitor.says(CALM))[0] == 429
        await is_taken(chat, visitor)


@pytest.mark.parametrize("place", ["first", "last", "on the edge"])
async def test_too_long(chat: Chat, place: str) -> None:
    """Over 5,000 characters: refused in words when calm, stored in pieces when not, once for each id."""
    filler = CALM * 1_000
    text = {
        "first": CRY + filler,
        "last": filler + CRY,
        "on the edge": filler[: page.MAX_TEXT - len(CRY)] + CRY + filler,
    }[place]
    async with chat.visitor() as visitor:
        await visitor.begins()
        status, told = await visitor.says(filler)
        assert status == 400
        assert all(number in told["message"] for number in CALLS)
        await is_taken(chat, visitor, text)
        message = {"client_id": uuid.uuid4().hex, "text": text}
        first, again = [await visitor.api("/messages", message) for _ in range(2)]
        assert first == again
        said = "".join(one for one in await visitor.texts() if CALM[:3] in one)
        assert said.count(CRY) == 3


async def test_too_large_for_anybody(chat: Chat) -> None:
    """Where nothing can be read any more, the answer says where to call."""
    async with chat.visitor() as visitor:
        await visitor.begins()
        status, told = await visitor.says(CRY + CALM * 10_000)
        assert status == 413
        assert all(number in told["message"] for number in CALLS)
        await form(visitor, CRY + CALM * 10_000)
        assert visitor.status == 400
        assert all(number in visitor.page for number in CALLS)


async def test_no_room_for_a_stream(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams are for reading: without one, words come and go as ever."""
    monkeypatch.setattr(stream, "TOTAL", 0)
    async with chat.visitor() as visitor:
        await visitor.begins()
        assert (await visitor.get("/chat/api/stream")).status == 503
        await is_taken(chat, visitor)


async def test_one_network_leaves_streams_to_others(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    networks = ["a"]
    monkeypatch.setattr(stream, "PER_NETWORK", 1)
    monkeypatch.setattr(stream, "shared_by", lambda _: networks[0])
    async with chat.visitor() as one, chat.visitor() as two:
        await one.begins()
        await two.begins()
        async with one.http.get("/chat/api/stream") as open_stream:
            assert open_stream.status == 200
            assert (await two.get("/chat/api/stream")).status == 503
            networks[0] = "b"
            async with two.http.get("/chat/api/stream") as other:
                assert other.status == 200
        await is_taken(chat, two)


async def test_guesses_at_the_door(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who tried too many passphrases writes on."""
    monkeypatch.setattr(chat.engawa.webchat.doors, "_guesses", NEVER)
    async with chat.visitor() as visitor:
        await visitor.begins()
        await visitor.post("/chat/passphrase", {"words": "あ" * 18})
        assert visitor.status == 503
        await is_taken(chat, visitor)


async def test_hidden(chat: Chat) -> None:
    """A page that hid itself still sends what was under way."""
    async with chat.visitor() as visitor:
        await visitor.begins()
        await visitor.get("/chat/hidden")
        await is_taken(chat, visitor)


async def test_nothing_can_be_stored(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is away: nothing is acknowledged, and the page says where to call."""

    async def away(*_: Any, **__: Any) -> None:
        raise StoreUnavailable

    async with chat.visitor() as visitor:
        await visitor.begins()
        with monkeypatch.context() as patch:
            patch.setattr(chat.engawa.webchat._backend, "accept", away)
            assert (await visitor.says(CRY))[0] == 503  # the page keeps it and tries again
            await form(visitor, CRY)
            assert all(number in visitor.page for number in CALLS)
            assert CRY in visitor.page
        await is_taken(chat, visitor)


async def test_in_a_webhook_full_of_others(chat: Chat) -> None:
    """Platforms have no limit of ours: the last of a thousand events counts as the first."""
    events = [chat.platform.heard(f"u{number}", CALM) for number in range(1_000)]
    await chat.engawa.ingress.accept_all([*events, chat.platform.heard("last", CRY)])
    await chat.platform.until(lambda: any("119" in text for text in chat.platform.texts("last")), 60)

"""A thread that goes to another browser: by passphrase, and from a platform by a link that works once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from bot.channels.webchat.sessions import address_of
from bot.errors import Busy, Unreachable
from bot.messages import Address, Inbound, Kind, Purpose
from bot.runtime import moves
from bot.runtime.commit import LINK_WORKS_FOR
from bot.store import outbox
from bot.store.schema import contacts, move_links, moved_addresses, passphrases
from bot.store.schema import outbox as outbox_rows
from bot.talk import Mode
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import House, everything, forget

BASE = "https://engawa.example.jp"
OLD, NEW, THIRD = address_of("o" * 43), address_of("n" * 43), address_of("x" * 43)


@pytest.fixture
async def house(ready_url: str) -> AsyncIterator[House]:
    """A house with a public address: threads can move to its web chat."""
    channel, clock = FakeChannel(), FakeClock()
    environ = {"ENGAWA_BASE_URL": BASE}
    async with an_engawa(ready_url, clock=clock, channels=[channel], environ=environ) as engawa:
        yield House(engawa=engawa, channel=channel, clock=clock)


async def writes(house: House, address: Address, text: str) -> None:
    """Somebody writes on the web, and is answered."""
    now = house.clock.now()
    event = Inbound(address=address, dedupe_key=f"{text}/{now}", sent_at=now, kind=Kind.TEXT, text=text)
    await house.engawa.ingress.accept([event])
    await house.settle()


async def seen(house: House, address: Address, after: int = 0) -> list[str]:
    """What the page shows at an address."""
    thread = await house.engawa.webchat._backend.thread(address, after)
    return [message["text"] for message in thread.messages]


async def invited(house: House, person: str) -> str:
    """Asks for the link; returns its token as it arrived."""
    await house.says(person, "ウェブで話す")
    await house.settle()
    link = next(text for text in reversed(house.channel.texts(person)) if text.startswith(BASE))
    parts = urlsplit(link)
    assert parts.query == "openExternalBrowser=1"
    return parts.path.removeprefix("/chat/move/")


class TestPassphrase:
    async def test_the_thread_is_found_again(self, house: House) -> None:
        """Another browser with the passphrase sees the whole thread; the old one does not any more, and is told."""
        await writes(house, OLD, "夜になると眠れません")
        assert await house.engawa.moves.set_passphrase(OLD, "さくらさくら")
        assert await house.engawa.moves.come_back("さくらさくら", NEW)
        assert "夜になると眠れません" in await seen(house, NEW)
        assert await seen(house, OLD) == []
        gone = await house.engawa.webchat._backend.thread(OLD, 5)
        assert (gone.topic, gone.moved) == (None, True)
        await writes(house, OLD, "はじめ")
        assert any("ほかの画面に移って" in text for text in await seen(house, OLD))
        assert len(await house.rows(select(contacts))) == 2

    async def test_coming_back_to_the_same_browser_twice(self, house: House) -> None:
        """The passphrase goes on working; the address it left last is the one that is told."""
        await writes(house, OLD, "はじめ")
        await house.engawa.moves.set_passphrase(OLD, "さくら")
        assert await house.engawa.moves.come_back("さくら", NEW)
        assert await house.engawa.moves.come_back("さくら", THIRD)
        assert await house.engawa.moves.come_back("さくら", NEW)
        backend = house.engawa.webchat._backend
        assert not (await backend.thread(NEW, 0)).moved
        assert (await backend.thread(THIRD, 0)).moved

    async def test_nothing_readable_is_kept(self, house: House) -> None:
        """The database holds a keyed hash and an Argon2id verifier, not the words."""
        await writes(house, OLD, "はじめ")
        await house.engawa.moves.set_passphrase(OLD, "みかんとんぼ")
        [row] = await house.rows(select(passphrases))
        assert row.verifier.startswith("$argon2id$")
        assert len(bytes(row.lookup)) == 32
        every = [value for rows in (await everything(house)).values() for one in rows for value in one]
        for value in every:
            text = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
            assert "みかんとんぼ".encode() not in text

    async def test_renewed_dropped_unknown_erased(self, house: House) -> None:
        """Only the newest one works; a dropped one and one of an erased person lead nowhere."""
        engawa = house.engawa
        assert not await engawa.moves.set_passphrase(OLD, "だれもいない")
        assert await engawa.moves.has_passphrase(OLD) is None
        await writes(house, OLD, "はじめ")
        assert await engawa.moves.has_passphrase(OLD) is False
        await engawa.moves.set_passphrase(OLD, "ひとつめ")
        await engawa.moves.set_passphrase(OLD, "ふたつめ")
        assert not await engawa.moves.come_back("ひとつめ", NEW)
        assert await engawa.moves.has_passphrase(OLD)
        await engawa.moves.drop_passphrase(OLD)
        assert not await engawa.moves.come_back("ふたつめ", NEW)
        await engawa.moves.set_passphrase(OLD, "みっつめ")
        await writes(house, OLD, "ぜんぶ消す")
        await writes(house, OLD, "消す")
        assert await house.rows(select(passphrases)) == []
        assert not await engawa.moves.come_back("みっつめ", NEW)

    async def test_an_unknown_one_is_hashed_all_the_same(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Known and unknown take the same steps: one lookup and one Argon2id each."""
        await writes(house, OLD, "はじめ")
        await house.engawa.moves.set_passphrase(OLD, "さくら")
        await house.engawa.moves.come_back("しらない", NEW)
        verified: list[str] = []
        hashing = house.engawa.moves._hashing
        real = hashing._verify

        def counted(stored: str, secret: str) -> bool:
            verified.append(stored)
            return real(stored, secret)

        monkeypatch.setattr(hashing, "_verify", counted)
        assert not await house.engawa.moves.come_back("しらない", NEW)
        assert await house.engawa.moves.come_back("さくら", NEW)
        assert len(verified) == 2
        parameters = {stored.rpartition("$")[0].rpartition("$")[0] for stored in verified}
        assert len(parameters) == 1

    async def test_many_at_once_are_bounded(self, house: House) -> None:
        """One hash at a time, and a short queue: the rest is told to come later, and talks go on meanwhile."""
        await writes(house, OLD, "はじめ")
        tries = [
            asyncio.ensure_future(house.engawa.moves.come_back("しらない", NEW))
            for _ in range(3 * moves.MOST_AT_ONCE)
        ]
        await writes(house, OLD, "家族")
        assert "ここまで支えてこられたこと" in "".join(await seen(house, OLD))
        told = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(one, Busy) for one in told) >= moves.MOST_AT_ONCE
        assert not any(one is True for one in told)


class TestLink:
    async def test_the_thread_goes_on_on_the_web(self, house: House) -> None:
        """Ticket, session and thread stay; from then on nothing passes the platform, counselors' words neither."""
        ticket = await house.claimed("a")
        token = await invited(house, "a")
        before = len(house.channel.tries)
        assert await house.engawa.moves.is_open(token)
        assert await house.engawa.moves.is_open(token)
        assert await house.engawa.moves.follow(token, NEW)
        await house.engawa.desk.reply(await house.member(), ticket.id, "読みました。", "form-1")
        await house.settle()
        await writes(house, NEW, "ここで話します")
        assert len(house.channel.tries) == before
        shown = await seen(house, NEW)
        assert {"読みました。", "ここで話します"} <= set(shown)
        thread = await house.engawa.webchat._backend.thread(NEW, 0)
        assert thread.state["mode"] == Mode.HUMAN
        view = await house.engawa.desk.thread(await house.member(), ticket.id)
        assert "moved" in [line.body.kind for line in view.lines]

    async def test_once_and_for_minutes(self, house: House) -> None:
        """It works once; a newer one ends it; after a quarter of an hour it is over."""
        first = await invited(house, "a")
        house.clock.move(timedelta(seconds=1))
        second = await invited(house, "a")
        assert first != second
        assert not await house.engawa.moves.follow(first, NEW)
        assert await house.engawa.moves.follow(second, NEW)
        assert not await house.engawa.moves.follow(second, THIRD)
        late = await invited(house, "b")
        house.clock.move(LINK_WORKS_FOR)
        assert not await house.engawa.moves.is_open(late)
        assert not await house.engawa.moves.follow(late, THIRD)
        await house.engawa.retention.run()
        assert await house.rows(select(move_links)) == []

    async def test_two_at_the_same_moment(self, house: House) -> None:
        """Exactly one of them gets the thread."""
        token = await invited(house, "a")
        addresses = [address_of(f"{place:043}") for place in range(8)]
        took = await asyncio.gather(*(house.engawa.moves.follow(token, address) for address in addresses))
        assert sum(took) == 1
        assert await seen(house, addresses[took.index(True)]) != []

    async def test_the_token_lies_nowhere(self, house: House) -> None:
        """Neither the thread, nor the outbox, nor the page holds the link; the table has its hash."""
        token = await invited(house, "a")
        [link] = await house.rows(select(move_links))
        assert token.encode() not in bytes(link.token_hash)
        loaded = await house.loaded("a")
        await house.engawa.moves.follow(token, NEW)
        shown = await seen(house, NEW)
        assert any("リンク" in text for text in shown)
        assert not any(BASE in text for text in shown)
        assert len(token) >= 22  # of 6 bits each: 128 at least
        other = house.engawa.sealer.keyring.move_token(loaded.contact_id, 1)
        assert other != token

    async def test_what_was_to_be_sent_is_read_on_the_page(self, house: House) -> None:
        """What waited, was on its way or had failed is there after the move; a late outcome changes nothing."""
        ticket = await house.claimed("a")
        token = await invited(house, "a")
        member = await house.member()
        house.channel.fail(Unreachable("later", may_have_arrived=False))
        await house.engawa.desk.reply(member, ticket.id, "ひとつめ", "form-1")
        await house.engawa.desk.reply(member, ticket.id, "ふたつめ", "form-2")
        await house.engawa.delivery.work()
        house.channel.gate.clear()
        house.clock.move(timedelta(seconds=5))
        await house.engawa.delivery.work()  # the first one is on its way now
        assert await house.engawa.moves.follow(token, NEW)
        shown = await seen(house, NEW)
        assert shown.index("ひとつめ") < shown.index("ふたつめ")
        house.channel.fail(Unreachable("lost"))
        house.channel.gate.set()
        await house.settle()
        assert {row.state for row in await house.rows(select(outbox_rows))} <= {
            outbox.SENT,
            outbox.CANCELLED,
        }

    async def test_writing_on_the_platform_later(self, house: House) -> None:
        """Somebody new, who is told once where the conversation went; nothing in the database joins the two."""
        await house.waiting("a")
        contact_id = await house.contact("a")
        await house.engawa.moves.follow(await invited(house, "a"), NEW)
        assert await house.contact("a") is None
        [left] = await house.rows(select(moved_addresses))
        assert set(left._mapping) == {"address_key", "moved_on"}
        await house.says("a", "はじめ")
        await house.settle()
        await house.says("a", "家族")
        await house.settle()
        told = [text for text in house.channel.texts("a") if "ほかの画面に移って" in text]
        assert len(told) == 1
        assert await house.contact("a") not in (None, contact_id)
        assert (await house.loaded("a")).talk.ticket is None
        assert await house.rows(select(moved_addresses)) == []
        assert not any(text == "家族" for text in await seen(house, NEW))

    async def test_a_left_address_is_forgotten_after_a_month(self, house: House) -> None:
        await house.engawa.moves.follow(await invited(house, "a"), NEW)
        house.clock.move(timedelta(days=31))
        await house.engawa.retention.run()
        assert await house.rows(select(moved_addresses)) == []

    async def test_an_erased_person_cannot_be_moved(self, house: House) -> None:
        token = await invited(house, "a")
        await forget(house, "a")
        assert not await house.engawa.moves.follow(token, NEW)
        assert await house.rows(select(move_links)) == []

    async def test_danger_first(self, house: House) -> None:
        """Who comes with a cry for help to a left address gets the card before any word about moving."""
        await house.engawa.moves.follow(await invited(house, "a"), NEW)
        await house.says("a", "死にたい")
        await house.settle()
        first = [one for one in house.channel.arrived if one.address.key == "a"][-1]
        assert first.purpose is Purpose.SAFETY
        assert not any("移って" in text for text in first.reply.texts)

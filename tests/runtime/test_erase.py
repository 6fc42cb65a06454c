"""「わたしの記録を消す」 through the whole house: nothing is left, the receipt comes once, nobody rises again."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.channels.webchat.sessions import address_of
from bot.errors import HintSpent, Rejected, SendError, Unreachable
from bot.flows import model
from bot.messages import Address, Inbound, Kind, Purpose
from bot.store import conversations
from bot.store.schema import contacts, erased_emergencies, receipts
from tests.runtime.support import DANGER, House, everybody, everything, forget, live


class TestNothingIsLeft:
    async def test_no_row_anywhere(self, house: House) -> None:
        """No table holds the contact, its key, its nickname or any of its sealed cells; others are untouched."""
        await live(house, "other")
        await house.settle()
        others = await everything(house)
        await live(house, "a")
        loaded = await house.loaded("a")
        during = await everything(house)
        mine = {
            value
            for rows in during.values()
            for row in rows
            if loaded.contact_id in row
            for value in row
            if isinstance(value, bytes)
        } | {loaded.contact_id}
        assert len(mine) > 10
        await forget(house, "a")
        await house.settle()
        after = await everything(house)
        left = {value for rows in after.values() for row in rows for value in row}
        assert mine & left == set()
        for name in ("contacts", "talks", "timeline", "inbox", "outbox", "tickets", "wakeups"):
            assert len(after[name]) == len(others[name]), name
        assert await house.contact("a") is None

    async def test_twice(self, house: House) -> None:
        """Who was never seen gets the same answer as who is erased again."""
        await live(house, "a")
        for _ in range(3):
            await forget(house, "a")
            await house.settle()
        told = [one.reply for one in house.channel.arrived if one.purpose is Purpose.RECEIPT]
        assert len(told) == 3
        assert len(set(told)) == 1
        assert await everybody(house) == []

    async def test_nobody_rises_again(self, house: House) -> None:
        """Neither an old event brought once more, nor a timer, nor a send that comes back, raises the contact."""
        old = house.channel.heard("a", "はじめ", event="old")
        await house.engawa.ingress.accept([old])
        await house.taps("a", house.way_to(model.Ask, lambda step: step.pause))
        await house.says("a", "書いておきます")
        await house.settle()
        house.channel.gate.clear()
        await house.says("a", "こんにちは")
        await house.engawa.turns.work()
        await forget(house, "a")
        house.channel.gate.set()
        await asyncio.gather(*house.engawa.delivery._sends)
        [again] = await house.engawa.ingress.accept([old])
        assert not again.fresh
        house.clock.move(timedelta(minutes=10))
        await house.engawa.clockwork.wake()
        await house.settle()
        assert await house.contact("a") is None
        assert await everybody(house) == []

    async def test_written_afterwards(self, house: House) -> None:
        """Who writes again begins anew: greeted as a stranger, with another nickname's row and another key."""
        await live(house, "a")
        before = await house.loaded("a")
        await forget(house, "a")
        await house.settle()
        await house.says("a", "こんにちは")
        await house.settle()
        after = await house.loaded("a")
        assert after.contact_id != before.contact_id
        assert (after.talk.ticket, after.last_seq) == (None, 2)


class TestReceipt:
    async def test_sent_once_and_gone(self, house: House) -> None:
        """The receipt goes out by the channel, once, and its row is gone at once."""
        await live(house, "a")
        await forget(house, "a")
        assert len(await house.rows(select(receipts))) == 1
        await house.settle()
        for _ in range(3):
            await house.engawa.receipts.work()
        told = [one for one in house.channel.tries if one.purpose is Purpose.RECEIPT]
        assert [one.address.key for one in told] == ["a"]
        assert await house.rows(select(receipts)) == []

    @pytest.mark.parametrize(
        ("errors", "tries"),
        [
            ([HintSpent()], 2),
            ([Rejected("x")], 2),
            ([Unreachable("x", may_have_arrived=False)] * 2, 2),
            ([ValueError("x")], 1),
        ],
        ids=["token spent", "refused once", "no answer", "fault"],
    )
    async def test_whatever_happens(self, house: House, errors: list[SendError], tries: int) -> None:
        """One try by each way, then nothing of it is kept, sent or not; the next ones are not held up."""
        for person in "ab":
            await live(house, person)
        house.channel.fail(*errors)
        await forget(house, "a")
        await house.engawa.receipts.work()
        assert sum(one.purpose is Purpose.RECEIPT for one in house.channel.tries) == tries
        assert await house.rows(select(receipts)) == []
        await forget(house, "b")
        await house.engawa.receipts.work()
        assert house.channel.arrived[-1].address.key == "b"

    async def test_too_late(self, house: House) -> None:
        """A receipt that nobody could send for a minute is dropped unsent."""
        await live(house, "a")
        await forget(house, "a")
        house.clock.move(timedelta(seconds=61))
        await house.settle()
        assert await house.rows(select(receipts)) == []
        assert not any(one.purpose is Purpose.RECEIPT for one in house.channel.tries)

    async def test_to_who_blocked_us(self, house: House) -> None:
        """Who cannot be reached gets no receipt, and is erased all the same."""
        await house.says("a", "はじめ")
        await house.engawa.ingress.accept([house.channel.heard("a", kind=Kind.LEFT)])
        await house.settle()
        house.channel.fail(Rejected("x"))
        contact_id = await house.contact("a")
        await house.write(update(contacts).values(sealed_address=b"\x01\x07contact"))
        await forget(house, "a")
        await house.settle()
        assert contact_id not in await everybody(house)
        assert await house.rows(select(receipts)) == []

    async def test_on_our_own_page(self, house: House) -> None:
        """The web chat tells of it itself: no receipt row, nothing sent."""
        address = address_of("t" * 43)
        engawa, now = house.engawa, house.clock.now()
        for choice in ("", house.way_to(model.Forget)):
            event = Inbound(
                address=address,
                dedupe_key=f"{address.key}/{choice}",
                sent_at=now,
                kind=Kind.CHOICE if choice else Kind.TEXT,
                text="" if choice else "はじめ",
                choice_id=choice,
            )
            await engawa.ingress.accept([event])
            await house.turn()
        assert await house.rows(select(receipts)) == []
        assert await everybody(house) == []
        assert house.channel.tries == []


class TestEmergency:
    async def test_a_stub_without_words(self, house: House) -> None:
        """An emergency nobody resolved leaves that there was one, how urgent, and where: no word, no person."""
        await house.waiting("a", DANGER)
        ticket = await house.ticket("a")
        await forget(house, "a")
        [stub] = await house.rows(select(erased_emergencies))
        assert (stub.desk_id, stub.priority, stub.erased_at) == ("main", ticket.priority, house.clock.now())
        assert set(stub._mapping) == {"stub_id", "operator_id", "desk_id", "priority", "erased_at"}
        assert stub.stub_id not in (ticket.id, ticket.contact_id)

    async def test_in_the_same_breath(self, house: House) -> None:
        """Written and erased before anybody handled either: the stub is there all the same."""
        await house.says("a", "はじめ")
        await house.settle()
        await house.says("a", DANGER)
        await house.taps("a", house.way_to(model.Forget))
        await house.settle()
        assert await house.contact("a") is None
        [stub] = await house.rows(select(erased_emergencies))
        assert stub.desk_id == "main"

    async def test_what_is_resolved_leaves_nothing(self, house: House) -> None:
        """After the hand-back, and for a mere request, there is no stub."""
        ticket = await house.claimed("a")
        await house.engawa.desk.hand_back(await house.member(), ticket.id)
        await forget(house, "a")
        await house.says("b", "はじめ")
        await house.taps("b", house.way_to(model.Handoff))
        await house.settle()
        assert (await house.ticket("b")).is_open
        await forget(house, "b")
        assert await everybody(house) == []
        assert await house.rows(select(erased_emergencies)) == []


async def test_another_persons_rows_stay(house: House) -> None:
    """Two people on the same account with the same words: only one is erased."""
    for person in "ab":
        await house.says(person, "はじめ")
    await house.settle()
    await forget(house, "a")
    await house.settle()
    assert await house.contact("b") is not None
    found = await house.read(
        conversations.find, house.engawa.sealer, "default", Address(account="fake", key="a")
    )
    assert found is None

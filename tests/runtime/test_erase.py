"""「わたしの記録を消す」 through the whole house: nothing is left, the receipt comes once, nobody rises again."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.channels.webchat.sessions import address_of
from bot.errors import HintSpent, Rejected, SendError, Unreachable
from bot.flows import model
from bot.messages import Address, Inbound, Kind, Purpose
from bot.runtime import wipe
from bot.store import conversations
from bot.store.schema import contacts, erased_emergencies, metadata, receipts
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import DANGER, House, everybody


async def everything(house: House) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    return {
        table.name: [tuple(row) for row in await house.rows(select(table))]
        for table in metadata.tables.values()
    }


async def live(house: House, person: str) -> None:
    """A life that leaves something in every table: flows, a pause, danger, a counselor, an unhandled event."""
    await house.says(person, "はじめ", "こんにちは")
    await house.taps(person, house.way_to(model.Ask, lambda step: step.pause))
    await house.says(person, "書いておきます")
    await house.settle()
    await house.claimed(person)
    await house.engawa.desk.reply(await house.member(), (await house.ticket(person)).id, "読みました", person)
    await house.settle()
    await house.says(person, "まだ扱われていない")


def forget_word(house: House) -> str:
    released = house.engawa.library.at_hand
    assert released is not None
    return next(word for word, command in released.latest.commands.items() if command == "forget")


async def forget(house: House, person: str) -> None:
    """The person has everything erased: by a word while a counselor has the thread, by a tap else."""
    if await house.contact(person) and (await house.loaded(person)).talk.mode == "human":
        await house.says(person, forget_word(house))
    else:
        await house.taps(person, house.way_to(model.Forget))
    await house.turn()


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


class TestBytes:
    """SQLite: what is erased is not in the file and not in its log either (B8)."""

    @pytest.fixture
    async def house(self, ready_sqlite_url: str) -> AsyncIterator[House]:
        channel, clock = FakeChannel(), FakeClock()
        async with an_engawa(ready_sqlite_url, clock=clock, channels=[channel]) as engawa:
            yield House(engawa=engawa, channel=channel, clock=clock)

    @staticmethod
    def path(house: House) -> Path:
        return Path(str(house.engawa.database.url.database))

    def found(self, house: House, canaries: list[bytes]) -> set[str]:
        """In which of the database's files any canary is."""
        path = self.path(house)
        files = [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))]
        return {
            file.name.removeprefix(path.name)
            for file in files
            if file.exists() and any(canary in file.read_bytes() for canary in canaries)
        }

    async def canaries(self, house: House, person: str) -> list[bytes]:
        """The contact's id, its key, and the random part of every sealed cell of it."""
        loaded = await house.loaded(person)
        cells = [
            value
            for rows in (await everything(house)).values()
            for row in rows
            if loaded.contact_id in row
            for value in row
            if isinstance(value, bytes)
        ]
        return [loaded.contact_id.encode(), *(cell[-40:] for cell in cells)]

    async def crowd(self, house: House, count: int) -> None:
        """Others write in between, so that pages split and rows move."""
        await asyncio.gather(*[house.says(f"other-{number}", "はじめ", "こんにちは") for number in range(count)])
        await house.settle()

    async def test_no_byte(self, house: House) -> None:
        """After the erase, its receipt and the wipe: zero bytes of it, among hundreds of other people's rows."""
        await self.crowd(house, 60)
        await live(house, "a")
        await self.crowd(house, 120)
        await house.says("a", "もうひとつ" * 300)
        await house.settle()
        canaries = await self.canaries(house, "a")
        assert len(canaries) > 15
        assert "" in self.found(house, canaries) or "-wal" in self.found(house, canaries)
        await forget(house, "a")
        await house.settle()
        await house.engawa.wipe.work()
        assert self.found(house, canaries) == set()
        assert self.path(house).with_name(self.path(house).name + "-wal").stat().st_size == 0

    async def test_by_itself(self, house: House) -> None:
        """With the workers running, the log is emptied after the erase and again after the receipt."""
        await live(house, "a")
        canaries = await self.canaries(house, "a")
        emptied = asyncio.Event()
        checkpoint = house.engawa.database.checkpoint
        loop = asyncio.get_running_loop()

        def told() -> bool:
            clean = checkpoint()
            loop.call_soon_threadsafe(emptied.set)
            return clean

        house.engawa.database.checkpoint = told  # type: ignore[method-assign]
        async def gone(canaries: list[bytes]) -> None:
            async with asyncio.timeout(10):
                while True:
                    emptied.clear()
                    if house.engawa.wipe._clean and not self.found(house, canaries):
                        return
                    await emptied.wait()

        house.channel.gate.clear()
        await house.engawa.start()
        await house.says("a", forget_word(house))
        await house.channel.until(lambda: house.channel.tries[-1].purpose is Purpose.RECEIPT)
        await gone(canaries)
        receipt = [row.sealed_receipt[-40:] for row in await house.rows(select(receipts))]
        assert self.found(house, receipt)
        house.channel.gate.set()
        await gone(receipt)
        assert await house.rows(select(receipts)) == []
        assert any(one.purpose is Purpose.RECEIPT for one in house.channel.arrived)

    async def test_while_somebody_reads(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """An open reader keeps the bytes for as long as it reads; the wipe says so, tries again, and then they go."""
        monkeypatch.setattr(wipe, "AGAIN", 0.01)
        await live(house, "a")
        canaries = await self.canaries(house, "a")
        with closing(sqlite3.connect(self.path(house), isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM timeline").fetchone()
            await forget(house, "a")
            await house.settle()
            await house.engawa.wipe.work()
            assert await house.engawa.wipe.idle() == wipe.AGAIN
            assert self.found(house, canaries)
            await house.says("b", "はじめ")
            await house.settle()
            assert house.channel.texts("b")
        await house.engawa.wipe.work()
        assert await house.engawa.wipe.idle() == wipe.SELDOM
        assert self.found(house, canaries) == set()


async def test_another_persons_rows_stay(house: House) -> None:
    """Two people on the same account with the same words: only one is erased."""
    for person in "ab":
        await house.says(person, "はじめ")
    await house.settle()
    await forget(house, "a")
    await house.settle()
    assert await house.contact("b") is not None
    found = await house.read(conversations.find, house.engawa.sealer, "default", Address(account="fake", key="a"))
    assert found is None

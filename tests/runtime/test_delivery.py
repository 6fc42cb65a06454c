"""Delivery: each error leads where it must, no person waits for another, and a stop loses nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.errors import (
    ContactGone,
    HintSpent,
    Misconfigured,
    Rejected,
    SendError,
    StoreUnavailable,
    Throttled,
    Unreachable,
)
from bot.messages import Hold, Outgoing
from bot.runtime import delivery, retry
from bot.runtime.budget import Budget
from bot.store import outbox
from bot.store.schema import outbox as rows
from bot.testing import FakeChannel
from tests.runtime.support import DANGER, House

A_WHILE, A_DAY = timedelta(minutes=10), timedelta(hours=24)


async def said(house: House, person: str = "a", text: str = "はじめ") -> None:
    """One thing is said, and the first try to send it has ended."""
    await house.says(person, text)
    await house.engawa.turns.work()
    await asyncio.gather(*house.engawa.delivery._sends)


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "wait"),
        [
            (Throttled(7.0), 7.0),
            (Throttled(None), retry.FIRST_WAIT),
            (Unreachable("x", may_have_arrived=False), retry.FIRST_WAIT),
            (Misconfigured("HTTP 401"), retry.FIRST_WAIT),
            (HintSpent(), 0.0),
        ],
        ids=lambda one: type(one).__name__,
    )
    async def test_tried_again(self, house: House, error: SendError, wait: float) -> None:
        """What may go better later is tried again, not before its time, and arrives once."""
        house.channel.fail(error)
        await said(house)
        if wait:
            house.clock.move(timedelta(seconds=wait) - timedelta(milliseconds=1))
            await house.settle()
            assert house.channel.arrived == []
            house.clock.move(timedelta(milliseconds=1))
        await house.settle()
        assert len(house.channel.arrived) == 1
        again = house.channel.arrived[0]
        assert (again.attempt, again.earlier_error, again.may_have_arrived) == (2, error.code, False)
        assert list((await house.states("a")).values()) == [outbox.SENT]

    @pytest.mark.parametrize(
        ("error", "state"), [(Rejected("HTTP 400"), outbox.FAILED), (ContactGone(), outbox.FAILED)]
    )
    async def test_final(self, house: House, error: SendError, state: str) -> None:
        """What is refused for good is not tried again, and what follows is not held up by it."""
        house.channel.fail(error)
        await said(house)
        house.clock.move(A_WHILE)
        await house.settle()
        assert list((await house.states("a")).values()) == [state]
        await said(house)
        assert len(house.channel.tries) == 2

    async def test_who_is_gone(self, house: House) -> None:
        """When the platform says that the person is gone, all that is queued for them is cancelled."""
        house.channel.gate.clear()
        await house.says("a", "はじめ", "こんにちは")
        await house.engawa.turns.work()
        house.channel.fail(ContactGone())
        house.channel.gate.set()
        await house.settle()
        assert list((await house.states("a")).values()) == [outbox.FAILED, outbox.CANCELLED]
        assert not (await house.loaded("a")).reachable

    async def test_in_doubt(self, house: House) -> None:
        """A try without a clear outcome is told to the next one."""
        house.channel.fail(Unreachable("x"), arrives=True)
        await said(house)
        house.clock.move(A_WHILE)
        await house.settle()
        assert [one.may_have_arrived for one in house.channel.tries] == [False, True]
        assert {one.key for one in house.channel.tries} == {house.channel.tries[0].key}

    async def test_a_fault_of_ours(self, house: House) -> None:
        """A channel that breaks is like a platform that does not answer: nobody knows what arrived."""
        house.channel.fail(ValueError("x"))  # type: ignore[arg-type]
        await said(house)
        house.clock.move(A_WHILE)
        await house.settle()
        assert [one.may_have_arrived for one in house.channel.tries] == [False, True]

    async def test_given_up_after_a_day(self, house: House) -> None:
        """After a day it ends: as failed when nothing can have arrived, as uncertain otherwise."""
        for person, error in (("a", Unreachable("x", may_have_arrived=False)), ("b", Unreachable("x"))):
            house.channel.fail(error)
            await said(house, person, DANGER)  # a card; a menu would be dropped long before
        house.clock.move(A_DAY)
        house.channel.fail(*[Unreachable("x", may_have_arrived=False)] * 2)
        await house.settle()
        assert list((await house.states("a")).values()) == [outbox.FAILED]
        assert list((await house.states("b")).values()) == [outbox.UNCERTAIN]

    async def test_an_account_that_is_gone(self, house: House) -> None:
        """Messages of an account that is not configured any more wait for it, a day."""
        channel = house.engawa.channels
        del channel[house.channel.account]
        await said(house)
        assert list((await house.states("a")).values()) == [outbox.QUEUED]
        channel[house.channel.account] = house.channel
        house.clock.move(A_WHILE)
        await house.settle()
        assert len(house.channel.arrived) == 1

    async def test_held_until_then(self, house: House) -> None:
        """What its channel holds back waits as queued, its reason beside it, whether it is new or tried again."""
        house.channel.way = Hold(until=house.clock.now() + A_WHILE, code="quota_low")
        await said(house)
        for _ in range(2):
            found = await house.read(lambda connection: connection.execute(select(rows)).all())
            assert [(row.state, row.error_code, row.attempts) for row in found] == [
                (outbox.QUEUED, "quota_low", 0)
            ]
            house.clock.move(A_WHILE)
            house.channel.way = Hold(until=house.clock.now() + A_WHILE, code="quota_low")
            await house.settle()
        house.channel.way = "fake"
        house.clock.move(A_WHILE)
        await house.settle()
        assert len(house.channel.arrived) == 1

    def test_waits_grow_to_a_minute(self) -> None:
        """Half a second, doubling, never more than a minute."""
        waits = [retry.wait_seconds(attempt) for attempt in range(1, 200)]
        assert waits[:4] == [0.5, 1.0, 2.0, 4.0]
        assert waits == sorted(waits)
        assert max(waits) == waits[-1] == 60.0


class Picky(FakeChannel):
    """A platform that does not answer for one person."""

    def __init__(self) -> None:
        super().__init__("fake")
        self.stuck = asyncio.Event()

    async def send(self, outgoing: Outgoing) -> None:
        if outgoing.address.key == "stuck":
            await self.stuck.wait()
        await super().send(outgoing)


class TestSideBySide:
    async def test_nobody_waits_for_another(self, house: House) -> None:
        """A send that hangs holds up its own person only."""
        channel = house.channel = house.engawa.channels["fake"] = Picky()
        for person in ("stuck", "a", "b"):
            await house.says(person, "はじめ", "こんにちは")
        await house.engawa.turns.work()
        house.engawa.delivery.start()
        await channel.until(lambda: len(channel.arrived) == 4)
        assert {one.address.key for one in channel.arrived} == {"a", "b"}
        channel.stuck.set()
        await channel.until(lambda: len(channel.arrived) == 6)
        assert len(channel.texts("stuck")) >= 2

    async def test_so_many_at_once(self, house: House) -> None:
        """The calls in flight have a bound; whoever is over it goes next."""
        house.engawa.delivery._budget = Budget(most=3)
        house.channel.gate.clear()
        for number in range(10):
            await house.says(str(number), "はじめ")
            await house.engawa.turns.work()
        house.engawa.delivery.start()
        await house.channel.until(lambda: len(house.channel.tries) >= 3)
        assert len(house.channel.tries) == 3
        house.channel.gate.set()
        await house.channel.until(lambda: len(house.channel.arrived) == 10)


class TestEnds:
    async def test_a_stop_waits_for_calls(self, house: House) -> None:
        """What is on its way is finished and marked; what is queued stays queued."""
        house.channel.gate.clear()
        await house.says("a", "はじめ", "こんにちは")
        await house.engawa.turns.work()
        worker = house.engawa.delivery
        worker.start()
        await house.channel.until(lambda: len(house.channel.tries) == 1)
        stopping = asyncio.ensure_future(worker.stop())
        await asyncio.sleep(0)
        assert not stopping.done()
        house.channel.gate.set()
        await stopping
        assert list((await house.states("a")).values()) == [outbox.SENT, outbox.QUEUED]

    async def test_an_outage_after_the_call(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """That a message arrived is marked when the database is back, however long that took: no second try."""
        worker, mark = house.engawa.delivery, house.engawa.delivery._finished.put
        tries = 0

        async def away(outcome: outbox.Outcome) -> bool:
            nonlocal tries
            tries += 1
            if tries < 50:
                house.clock.move(outbox.LEASE)
                await worker.work()
                raise StoreUnavailable
            return await mark(outcome)

        monkeypatch.setattr(worker._finished, "put", away)
        monkeypatch.setattr(delivery, "OUTAGE_WAIT", 0.0)
        await said(house)
        await house.settle()
        assert [one.may_have_arrived for one in house.channel.tries] == [False]
        assert list((await house.states("a")).values()) == [outbox.SENT]

    async def test_a_stop_in_an_outage(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """Who stops while the database is away ends all the same; the next try knows that it may have arrived."""

        async def away(_outcome: object) -> bool:
            raise StoreUnavailable

        with monkeypatch.context() as patch:
            patch.setattr(house.engawa.delivery._finished, "put", away)
            patch.setattr(delivery, "OUTAGE_WAIT", 0.0)
            patch.setattr(delivery, "LAST_TRIES", 0.0)
            house.engawa.delivery._stopping.set()
            await said(house)
        await house.settle()
        assert len(house.channel.tries) == 1
        house.clock.move(outbox.LEASE)
        await house.settle()
        assert [one.may_have_arrived for one in house.channel.tries] == [False, True]
        assert [row.attempts for row in await house.rows(select(rows.c.attempts))] == [2]


class TestSetClock:
    """A machine's clock may be set at any time, by as much as it likes."""

    @pytest.mark.parametrize("by", [timedelta(minutes=5), timedelta(minutes=-5)], ids=["forth", "back"])
    async def test_what_this_process_sends_it_does_not_send_beside_itself(
        self, house: House, by: timedelta
    ) -> None:
        """A send under way looked like that of a dead process; given up for that, the next message overtook it."""
        house.channel.gate.clear()
        await house.says("a", "はじめ", "こんにちは")
        await house.engawa.turns.work()
        await house.channel.until(lambda: len(house.channel.tries) == 1)
        house.clock.set(by)
        house.channel.way = None  # a token that is too old by the clock as it is now
        for _ in range(3):
            await house.engawa.delivery.work()
            assert await house.engawa.delivery.idle() >= 0.5
        house.channel.way = "fake"
        assert sorted((await house.states("a")).values()) == [outbox.QUEUED, outbox.SENDING]
        house.channel.gate.set()
        await house.settle()
        house.clock.set(-by)
        await house.settle()
        assert [one.seq for one in house.channel.arrived] == sorted(await house.states("a"))
        assert [one.may_have_arrived for one in house.channel.tries] == [False, False]

    async def test_a_call_that_outlasts_its_lease(self, house: House) -> None:
        """However long a call of its own hangs: a process does not begin it again."""
        house.channel.gate.clear()
        await house.says("a", "はじめ", "こんにちは")
        await house.engawa.turns.work()
        await house.channel.until(lambda: len(house.channel.tries) == 1)
        house.clock.move(outbox.LEASE * 3)
        await house.engawa.delivery.work()
        assert await house.engawa.delivery.idle() == delivery.LOCKED
        assert len(house.channel.tries) == 1
        house.channel.gate.set()
        await house.settle()
        assert [one.attempt for one in house.channel.arrived] == [1, 1]

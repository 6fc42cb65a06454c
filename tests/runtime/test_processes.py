"""Several processes on one PostgreSQL: work is shared, nothing is done twice, and news travel without a poll."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from sqlalchemy import text

from bot.app import Roles
from bot.errors import ContactGone
from bot.runtime import delivery, turns
from bot.runtime.live import QUEUE
from bot.store import conversations, dialect, inbox, listen, outbox, wakeups
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import House

WEB, WORKER = Roles(web=True, worker=False), Roles(web=False, worker=True)


class Crowd:
    """Processes that share a database, a platform and a clock."""

    def __init__(self, url: str) -> None:
        self.url, self.channel, self.clock = url, FakeChannel(), FakeClock()
        self._stack = AsyncExitStack()

    async def process(
        self, roles: Roles | None = None, *, started: bool = True, clock: FakeClock | None = None
    ) -> House:
        """One more process; returns once it hears the others. `clock`: it runs on a machine of its own."""
        clock = clock or self.clock
        engawa = await self._stack.enter_async_context(
            an_engawa(self.url, clock=clock, channels=[self.channel], roles=roles)
        )
        if started:
            with engawa.hub.listen("anything") as bell:
                await engawa.start()
                assert await bell.wait(10), "does not listen"
        return House(engawa=engawa, channel=self.channel, clock=clock)

    async def close(self) -> None:
        await self._stack.aclose()


@pytest.fixture
async def crowd(ready_postgresql_url: str) -> AsyncIterator[Crowd]:
    made = Crowd(ready_postgresql_url)
    yield made
    await made.close()


@pytest.fixture
def no_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers rest until somebody rings."""
    for module in (turns, delivery):
        monkeypatch.setattr(module, "SLOW_POLL", 3600.0)


class TestShared:
    async def test_each_event_once_and_in_order(self, crowd: Crowd) -> None:
        """Two processes take events and handle them side by side: each one once, each person's in their order."""
        one, other = await crowd.process(), await crowd.process()
        people = [f"person-{number}" for number in range(12)]

        async def write(person: str) -> None:
            for number in range(10):
                house = (one, other)[number % 2]
                await house.says(person, f"{person} その{number}")

        await asyncio.gather(*map(write, people))
        await crowd.channel.until(lambda: len(crowd.channel.arrived) >= 120, 30)
        handled = [house.engawa.ingress.answered + house.engawa.turns.handled for house in (one, other)]
        assert sum(handled) == 120
        for person in people:
            mine = [sent.seq for sent in crowd.channel.arrived if sent.address.key == person]
            assert mine == sorted(set(mine))
            assert len(mine) == 10
        assert len(crowd.channel.tries) == 120

    async def test_the_same_webhook_at_both(self, crowd: Crowd) -> None:
        """A platform that brings each event to both processes at once: one answer each."""
        one, other = await crowd.process(), await crowd.process()
        events = [crowd.channel.heard(f"person-{number % 5}", "はじめ") for number in range(25)]
        taken = await asyncio.gather(
            *[house.engawa.ingress.accept([event]) for event in events for house in (one, other)]
        )
        assert sum(accepted.fresh for [accepted] in taken) == 25
        places = [accepted.seq for [accepted] in taken]
        assert places[::2] == places[1::2]
        await crowd.channel.until(lambda: len(crowd.channel.arrived) >= 25, 30)
        assert len(crowd.channel.tries) == 25

    async def test_one_clock_ticks(self, crowd: Crowd) -> None:
        """While one process wakes people, another one leaves it to that one."""
        one, other = await crowd.process(started=False), await crowd.process(started=False)
        await one.says("a", "はじめ")
        await one.settle()
        contact_id = (await one.loaded("a")).contact_id
        await one.engawa.database.write(wakeups.set_all, {(contact_id, "pause"): crowd.clock.now()})
        with one.engawa.database.engine.begin() as ticking:
            assert dialect.alone(ticking, "wake")
            await other.engawa.clockwork.wake()
            assert await other.read(wakeups.next_due) is not None
        await other.engawa.clockwork.wake()
        assert await other.read(wakeups.next_due) is None

    async def test_a_machine_whose_clock_is_set(self, crowd: Crowd) -> None:
        """By whatever clock its machine goes, a process takes no send from one that lives; from a dead one it does."""
        one = await crowd.process(started=False)
        other = await crowd.process(started=False, clock=FakeClock(crowd.clock.now() + timedelta(minutes=5)))
        other.clock.set(timedelta(hours=1))
        crowd.channel.gate.clear()
        await one.says("a", "はじめ", "こんにちは")
        await one.turn()
        await crowd.channel.until(lambda: len(crowd.channel.tries) == 1)
        await other.engawa.delivery.work()
        assert len(crowd.channel.tries) == 1
        other.clock.set(-timedelta(days=1))
        other.clock.move(outbox.LEASE)
        await other.engawa.delivery.work()
        await crowd.channel.until(lambda: len(crowd.channel.tries) == 2)
        assert crowd.channel.tries[1].may_have_arrived
        crowd.channel.gate.set()
        await one.settle()
        await other.settle()

    async def test_who_could_not_mark_for_an_outage(self, crowd: Crowd) -> None:
        """A database that was away for longer than a lease: who sent before may mark it first: no repeat."""
        one, other = await crowd.process(started=False), await crowd.process(started=False)
        crowd.channel.gate.clear()
        await one.says("a", "はじめ")
        await one.turn()
        await crowd.channel.until(lambda: len(crowd.channel.tries) == 1)
        other.engawa.delivery.leases.outage()
        crowd.clock.move(outbox.LEASE * 2)
        other.engawa.delivery.leases.outage()
        await other.engawa.delivery.work()
        crowd.channel.gate.set()
        await one.settle()
        assert [sent.attempt for sent in crowd.channel.tries] == [1]

    async def test_held_for_a_moment(self, crowd: Crowd) -> None:
        """A contact that a counselor's move holds just now is looked at again soon, not after the slow poll."""
        house = await crowd.process(started=False)
        await house.says("a", "はじめ")
        contact_id = await house.contact("a")
        with house.engawa.database.engine.begin() as holding:
            conversations.load(holding, house.engawa.sealer, [contact_id or ""])
            await house.engawa.turns.work()
            assert await house.engawa.turns.idle() == turns.HELD_POLL
        await house.engawa.turns.work()
        assert await house.engawa.turns.idle() == turns.SLOW_POLL
        assert await house.read(inbox.waiting_contacts, 9) == []


@pytest.mark.usefixtures("no_poll")
class TestNews:
    async def test_web_and_worker_apart(self, crowd: Crowd) -> None:
        """What the web process takes in, the worker answers, woken by the database alone."""
        web, worker = await crowd.process(WEB), await crowd.process(WORKER)
        for number in range(5):
            await web.says("a", f"その{number}")
            await crowd.channel.until(lambda count=number: len(crowd.channel.arrived) == count + 1)  # type: ignore[misc]
        assert (web.engawa.ingress.answered, worker.engawa.turns.handled) == (0, 5)

    async def test_a_counselor_at_the_web_process(self, crowd: Crowd) -> None:
        """A claim is heard by every process's console; a reply is sent by the worker at once."""
        web, worker = await crowd.process(WEB), await crowd.process(WORKER)
        await web.says("a", "死にたい")
        await crowd.channel.until(lambda: len(crowd.channel.arrived) == 1)
        ticket = await web.ticket("a")
        with worker.engawa.hub.listen(QUEUE) as bell:
            await web.engawa.desk.claim(await web.member(), ticket.id)
            assert await bell.wait(10)
        await web.engawa.desk.reply(await web.member(), ticket.id, "読みました", "1")
        await crowd.channel.until(lambda: "読みました" in crowd.channel.texts("a"))

    async def test_a_lost_connection(self, crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
        """When all connections break, the next event is taken and answered; who listens comes back by itself."""
        monkeypatch.setattr(listen, "RECONNECT_WAIT", 0.01)
        house = await crowd.process()
        await house.says("a", "はじめ")
        await crowd.channel.until(lambda: len(crowd.channel.arrived) == 1)
        broken = text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with house.engawa.hub.listen("anything") as bell:
            await house.rows(broken)
            assert await bell.wait(10), "does not listen again"
        await house.says("a", "こんにちは")
        await crowd.channel.until(lambda: len(crowd.channel.arrived) == 2)

    async def test_only_what_is_committed_is_told(self, crowd: Crowd) -> None:
        """News leave with their transaction: not before it ends, and not if it is undone."""
        one, other = await crowd.process(started=False), await crowd.process(WEB)
        with other.engawa.hub.listen("told") as bell:
            with one.engawa.database.engine.connect() as connection:
                dialect.notify(connection, ["told"])
                connection.rollback()
            with one.engawa.database.engine.begin() as connection:
                dialect.notify(connection, ["other"])
            with one.engawa.database.engine.begin() as connection:
                dialect.notify(connection, ["told"])
                assert not await bell.wait(0.05)
            assert await bell.wait(10)

    async def test_many_news(self, crowd: Crowd) -> None:
        """More than one notice of PostgreSQL's can hold are told as several."""
        one, other = await crowd.process(started=False), await crowd.process(WEB)
        with other.engawa.hub.listen("f" * 31 + "z") as bell:
            topics = [f"{number:032x}" for number in range(1_000)] + ["f" * 31 + "z"]
            await one.engawa.database.write(dialect.notify, topics)
            assert await bell.wait(10)

    async def test_a_counselor_elsewhere_sees_what_did_not_arrive(self, crowd: Crowd) -> None:
        """A process without workers hears of a send that found the person gone."""
        one, other = await crowd.process(started=False), await crowd.process(WEB)
        await one.says("a", "はじめ")
        crowd.channel.fail(ContactGone())
        with other.engawa.hub.listen(QUEUE) as bell:
            await one.settle()
            assert await bell.wait(10)

    async def test_news_are_small(self, crowd: Crowd) -> None:
        """The largest batch's news fit into what PostgreSQL can carry."""
        house = await crowd.process(started=False)
        people = [f"person-{number}" for number in range(turns.BATCH)]
        await asyncio.gather(*[house.says(person, "死にたい") for person in people])
        await house.engawa.turns.work()
        assert house.engawa.turns.handled == turns.BATCH

"""Turns: every event handled once and in order; what cannot be handled is parked and told, and holds up nobody."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.conversation import take_turn
from bot.errors import Conflict, StoreUnavailable
from bot.flows import model
from bot.handoff.ticket import Reason
from bot.messages import Kind
from bot.runtime import commit, turns
from bot.store import inbox, timeline
from bot.store.schema import daily_counts, outbox, talks
from bot.store.schema import inbox as rows
from bot.talk import Heard, Mode
from tests.runtime.support import DANGER, House, everybody

POISON = "これは扱えない"


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Content in which one text makes every turn fail."""

    def turn(content: Any, rules: Any, talk: Any, event: Any, now: Any) -> Any:
        if isinstance(event, Heard) and event.inbound.text == POISON:
            raise RuntimeError(POISON)
        return take_turn(content, rules, talk, event, now)

    monkeypatch.setattr(turns, "take_turn", turn)


async def thread(house: House, person: str) -> list[tuple[str, str]]:
    lines = await house.read(timeline.lines, await house.loaded(person))
    return [(line.author, line.body.texts[0] if line.body.texts else line.body.kind) for line in lines]


class TestOrder:
    async def test_twenty_rapid_messages(self, house: House) -> None:
        """Written faster than they are handled: each gets its answer, in order, none is dropped."""
        await house.says("a", *[f"その{number}" for number in range(20)])
        await house.settle()
        seen = await thread(house, "a")
        assert [text for author, text in seen if author == "person"] == [f"その{n}" for n in range(20)]
        assert len(house.channel.arrived) == 20
        assert [one.seq for one in house.channel.arrived] == sorted(one.seq for one in house.channel.arrived)

    async def test_a_crowd(self, house: House) -> None:
        """More people than fit into one batch are all answered, each in their own order."""
        people = [f"person-{number}" for number in range(150)]
        await asyncio.gather(*[house.says(person, "はじめ", "こんにちは") for person in people])
        await house.settle()
        assert len(house.channel.arrived) == 300
        assert house.engawa.turns.handled == 300
        assert {person: len(house.channel.texts(person)) > 1 for person in people} == dict.fromkeys(
            people, True
        )

    async def test_causes(self, house: House) -> None:
        """Everything said names the event it answers (R-011)."""
        await house.says("a", "こんにちは", "はじめ")
        await house.taps("a", house.way_to(model.Ask, lambda step: step.pause))
        await house.says("a", "書いておきます")
        await house.settle()
        house.clock.move(timedelta(minutes=5))
        await house.engawa.clockwork.wake()
        await house.settle()
        causes = [row.cause for row in await house.rows(select(outbox.c.cause).order_by(outbox.c.seq))]
        assert causes == ["event:1", "event:2", "event:3", "wake:pause"]


@pytest.mark.usefixtures("poisoned")
class TestParked:
    async def test_after_three_failures(self, house: House) -> None:
        """An event nobody can handle: people get a ticket, the person is told plainly, and the next events go on."""
        await house.says("a", POISON, "はじめ")
        await house.settle()
        [parked] = await house.rows(select(rows.c.seq, rows.c.attempts).where(rows.c.parked.is_(True)))
        assert (parked.seq, parked.attempts) == (1, turns.MAX_FAILURES)
        ticket = await house.ticket("a")
        assert (ticket.reason, ticket.opened_seq, ticket.desk_id) == (Reason.STRANDED, 1, "main")
        released = house.engawa.library.at_hand
        assert released is not None
        assert house.channel.texts("a")[: len(released.text("parked"))] == list(released.text("parked"))
        assert len(house.channel.arrived) == 2
        assert await house.read(inbox.waiting_contacts, 9) == []

    async def test_nobody_else_notices(self, house: House) -> None:
        """The others of the same batch get their answers at once, also those who wrote later."""
        await house.says("a", POISON)
        for person in "bcd":
            await house.says(person, "はじめ")
        await house.engawa.turns.work()
        await asyncio.gather(*house.engawa.delivery._sends)
        assert {one.address.key for one in house.channel.arrived} == {"b", "c", "d"}

    async def test_what_was_before_it_counts(self, house: House) -> None:
        """Events before the bad one are handled once, not again with each of its failures."""
        await house.says("a", "はじめ", POISON, "こんにちは")
        await house.settle()
        assert [author for author, _ in await thread(house, "a")].count("bot") == 3
        assert len(house.channel.arrived) == 3
        assert [row.parked for row in await house.rows(select(rows.c.parked))] == [True]

    async def test_while_a_counselor_has_the_thread(self, house: House) -> None:
        """Then the counselor sees it in the thread, and the machine says nothing."""
        await house.claimed("a")
        sent = len(house.channel.arrived)
        await house.says("a", POISON, "つづき")
        await house.settle()
        assert len(house.channel.arrived) == sent
        assert (await house.loaded("a")).talk.mode is Mode.HUMAN
        assert await house.read(inbox.waiting_contacts, 9) == []

    async def test_a_worker_does_it_all(self, house: House) -> None:
        """The same with the workers running by themselves: nobody waits for a poll."""
        house.engawa.turns.start()
        house.engawa.delivery.start()
        await house.says("a", "はじめ", POISON, "こんにちは")
        await house.channel.until(lambda: len(house.channel.arrived) == 3, seconds=turns.SLOW_POLL - 1)


class TestIsolation:
    async def test_a_commit_that_fails(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """What can be computed but not written is replayed one by one, and parked in the end; others go on."""
        apply = commit.apply
        bad = await house.says("bad", "はじめ")
        assert bad
        contact_id = await house.contact("bad")

        def failing(connection: Any, house_: Any, changes: Any, now: Any) -> Any:
            known = list(changes)
            if any(change.loaded.contact_id == contact_id for change in known):
                raise ValueError("cannot be written")
            return apply(connection, house_, known, now)

        monkeypatch.setattr(commit, "apply", failing)
        await house.says("good", "はじめ")
        await house.settle()
        assert {one.address.key for one in house.channel.arrived} == {"good"}
        [parked] = await house.rows(select(rows.c.contact_id, rows.c.parked))
        assert (parked.contact_id, parked.parked) == (contact_id, True)

    async def test_damaged_cells(self, house: House) -> None:
        """A contact whose cells do not open holds up nobody: its event is kept, aside."""
        await house.says("damaged", "はじめ")
        contact_id = await house.contact("damaged")
        await house.write(
            update(talks).where(talks.c.contact_id == contact_id).values(sealed_state=b"\x01\x07contact")
        )
        for person in "bcd":
            await house.says(person, "はじめ")
        await house.settle()
        assert {one.address.key for one in house.channel.arrived} == {"b", "c", "d"}
        [parked] = await house.rows(select(rows.c.contact_id, rows.c.parked))
        assert (parked.contact_id, parked.parked) == (contact_id, True)

    @pytest.mark.parametrize("error", [Conflict(), StoreUnavailable()], ids=["lost race", "outage"])
    async def test_no_failure_of_theirs(
        self, house: House, error: Exception, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Lost races and outages are no failures of the event: however many there are, it is not parked."""
        apply = commit.apply
        tried = 0

        def failing(*arguments: Any) -> Any:
            nonlocal tried
            tried += 1
            if tried < 9:
                raise error
            return apply(*arguments)

        monkeypatch.setattr(commit, "apply", failing)
        await house.says("a", "はじめ")
        while await house.read(inbox.waiting_contacts, 1):
            try:
                await house.engawa.turns.work()
            except StoreUnavailable:
                assert isinstance(error, StoreUnavailable)
            left = await house.rows(select(rows.c.attempts, rows.c.parked))
            assert [tuple(row) for row in left] in ([], [(0, False)])
        await house.settle()
        assert len(house.channel.arrived) == 1


class TestAround:
    async def test_who_leaves_and_comes_back(self, house: House) -> None:
        """Nothing more is sent to who blocked us, and they are greeted when they come back."""
        house.channel.gate.clear()
        await house.says("a", "はじめ", "こんにちは")
        await house.engawa.turns.work()
        await house.engawa.ingress.accept([house.channel.heard("a", kind=Kind.LEFT)])
        await house.engawa.turns.work()
        house.channel.gate.set()
        await house.settle()
        assert not (await house.loaded("a")).reachable
        assert len(house.channel.arrived) == 1
        await house.engawa.ingress.accept([house.channel.heard("a", kind=Kind.JOINED)])
        await house.settle()
        assert (await house.loaded("a")).reachable
        assert len(house.channel.arrived) == 2

    async def test_counts(self, house: House) -> None:
        """What is counted a day names nobody, and counts each event once."""
        await house.waiting("a", DANGER)
        await house.waiting("b", DANGER)
        counted = {row.name: row.count for row in await house.rows(select(daily_counts))}
        assert counted["tickets_opened"] == 2
        assert len(await everybody(house)) == 2

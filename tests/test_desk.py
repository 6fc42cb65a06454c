"""The desk: who may see, take and answer a conversation, and what of it reaches the person, once and in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import BadInput, Conflict, IllegalMove, NotAllowed, NotFound, Unreachable
from bot.handoff.desk import MAX_REPLY, Desk
from bot.handoff.risk import Level
from bot.handoff.ticket import Status
from bot.messages import Purpose
from bot.store import outbox, timeline
from bot.store.inbox import PERSON
from bot.store.reviews import Review
from bot.talk import Mode
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import DANGER, House


@pytest.fixture
async def house(ready_url: str) -> AsyncIterator[House]:
    channel, clock = FakeChannel(), FakeClock()
    async with an_engawa(ready_url, clock=clock, channels=[channel]) as engawa:
        yield House(engawa=engawa, channel=channel, clock=clock)


@pytest.fixture
def desk(house: House) -> Desk:
    return house.engawa.desk


class TestAccess:
    async def test_who_sees_a_ticket(self, house: House, desk: Desk) -> None:
        """Waiting: everybody who answers. Taken: its keeper and who leads. Nobody else can tell that it exists."""
        ticket = await house.waiting("a")
        mizuno, ito, lead, editor = [
            await house.member(login, role)
            for login, role in (("m", "counselor"), ("i", "counselor"), ("l", "lead"), ("e", "editor"))
        ]
        foreign = replace(mizuno, operator_id="other")
        for member in (mizuno, ito, lead):
            assert (await desk.thread(member, ticket.id)).ticket == ticket
        await desk.claim(mizuno, ticket.id)
        for member in (mizuno, lead):
            assert (await desk.thread(member, ticket.id)).keeper == "mさん"
        for member in (ito, editor, foreign):
            with pytest.raises(NotFound) as told:
                await desk.thread(member, ticket.id)
            with pytest.raises(NotFound) as of_nothing:
                await desk.thread(member, "0" * 32)
            assert str(told.value) == str(of_nothing.value)
        for member in (editor, foreign):
            with pytest.raises(NotFound):
                await desk.claim(member, ticket.id)

    async def test_the_view_begins_at_the_handoff(self, house: House, desk: Desk) -> None:
        """What was written to the machine before is not shown: the hit message, and what follows."""
        await house.says("a", "まえの話", "もうひとつ")
        await house.settle()
        ticket = await house.waiting("a")
        await house.says("a", "そのあと")
        await house.settle()
        thread = await desk.thread(await house.member(), ticket.id)
        person = [line.body.texts[0] for line in thread.lines if line.author == PERSON]
        assert person == [DANGER, "そのあと"]
        assert thread.ticket.hits[0].level is Level.HIGH
        assert (thread.mode, thread.reachable) == (Mode.WAITING, True)

    async def test_the_queue(self, house: House, desk: Desk) -> None:
        """Waiting ones for all, one's own among the active ones; resting ones are out of both."""
        mizuno, ito = await house.member("mizuno"), await house.member("ito")
        tickets = []
        for person in "abc":
            tickets.append(await house.waiting(person))
            house.clock.move(timedelta(seconds=1))
        assert [one.ticket.id for one in await desk.queue(ito, Status.WAITING)] == [one.id for one in tickets]
        for ticket in tickets[:2]:
            await desk.claim(mizuno, ticket.id)
        assert len(await desk.queue(mizuno, Status.ACTIVE, mine=True)) == 2
        assert await desk.queue(ito, Status.ACTIVE, mine=True) == []
        await desk.hand_back(mizuno, tickets[0].id)
        assert await desk.counts(ito) == {"waiting": 1, "active": 1, "resting": 1}


class TestMoves:
    async def test_no_reply_without_a_claim(self, house: House, desk: Desk) -> None:
        """Who did not take a conversation cannot write in it: not to a waiting, a foreign or a resting one."""
        ticket = await house.waiting("a")
        mizuno, ito, lead = (
            await house.member("m"),
            await house.member("i"),
            await house.member("lead", "lead"),
        )
        with pytest.raises(NotAllowed):
            await desk.reply(mizuno, ticket.id, "こんにちは", "1")
        await desk.claim(mizuno, ticket.id)
        with pytest.raises(NotFound):
            await desk.reply(ito, ticket.id, "こんにちは", "2")
        with pytest.raises(NotAllowed):
            await desk.reply(lead, ticket.id, "こんにちは", "3")
        await desk.hand_back(mizuno, ticket.id)
        with pytest.raises(NotAllowed):
            await desk.reply(mizuno, ticket.id, "こんにちは", "4")
        await house.settle()
        assert "こんにちは" not in house.channel.texts("a")

    async def test_the_second_one_is_told(self, house: House, desk: Desk) -> None:
        """Who comes too late hears that somebody was first; the keeper cannot take it twice either."""
        ticket = await house.waiting("a")
        await desk.claim(await house.member("m"), ticket.id)
        for login, role in (("i", "counselor"), ("lead", "lead"), ("m", "counselor")):
            with pytest.raises(Conflict):
                await desk.claim(await house.member(login, role), ticket.id)

    async def test_hand_back_by_the_keeper_only(self, house: House, desk: Desk) -> None:
        """Nobody hands back what is not theirs, and nothing twice."""
        ticket = await house.claimed("a", "m")
        with pytest.raises(IllegalMove):
            await desk.hand_back(await house.member("lead", "lead"), ticket.id)
        await desk.hand_back(await house.member("m"), ticket.id)
        with pytest.raises(IllegalMove):
            await desk.hand_back(await house.member("m"), ticket.id)
        assert ((await house.ticket("a")).status, (await house.ticket("a")).priority) == (
            Status.RESTING,
            Level.NONE,
        )

    @pytest.mark.parametrize("text", ["", " \n\u3000", "あ" * (MAX_REPLY + 1)])
    async def test_what_cannot_be_sent(self, house: House, desk: Desk, text: str) -> None:
        """Nothing, and too much, are refused with words; the longest allowed goes out whole."""
        ticket = await house.claimed("a")
        with pytest.raises(BadInput):
            await desk.reply(await house.member(), ticket.id, text, "1")
        await desk.reply(await house.member(), ticket.id, "い" * MAX_REPLY, "2")
        await house.settle()
        assert house.channel.texts("a")[-1] == "い" * MAX_REPLY


class TestReplies:
    async def test_a_form_sent_twice(self, house: House, desk: Desk) -> None:
        """The same form again, later or at the same moment, is one message; the same words anew are another."""
        ticket, member = await house.claimed("a"), await house.member()
        await asyncio.gather(*[desk.reply(member, ticket.id, "ここにいます", "form-1") for _ in range(4)])
        await desk.reply(member, ticket.id, "ここにいます", "form-1")
        await house.settle()
        assert house.channel.texts("a").count("ここにいます") == 1
        await desk.reply(member, ticket.id, "ここにいます", "form-2")
        await house.settle()
        assert house.channel.texts("a").count("ここにいます") == 2

    async def test_order_with_the_person(self, house: House, desk: Desk) -> None:
        """Person and counselor in turn: the thread keeps the order in which each was written."""
        ticket, member = await house.claimed("a"), await house.member()
        said = []
        for number in range(8):
            if number % 3:
                await desk.reply(member, ticket.id, f"返事{number}", str(number))
            else:
                await house.says("a", f"書く{number}")
            said.append(f"{'返事' if number % 3 else '書く'}{number}")
        await house.settle()
        thread = await desk.thread(member, ticket.id)
        written = [line for line in thread.lines if line.author in (PERSON, timeline.COUNSELOR)]
        assert [line.body.texts[0] for line in written][1:] == said
        replies = [text for text in house.channel.texts("a") if text.startswith("返事")]
        assert replies == [one for one in said if one.startswith("返事")]
        assert {line.body.name for line in written if line.author == timeline.COUNSELOR} == {"mizunoさん"}

    async def test_a_reply_that_has_to_wait(self, house: House, desk: Desk) -> None:
        """A reply whose sending fails is sent again; the next ones wait behind it."""
        ticket, member = await house.claimed("a"), await house.member()
        house.channel.fail(Unreachable("x", may_have_arrived=False))
        for number in range(3):
            await desk.reply(member, ticket.id, f"返事{number}", str(number))
        await house.settle()
        assert [text for text in house.channel.texts("a") if text.startswith("返事")] == []
        house.clock.move(timedelta(minutes=1))
        await house.settle()
        assert house.channel.texts("a")[-3:] == ["返事0", "返事1", "返事2"]

    async def test_a_silent_counselor(self, house: House, desk: Desk) -> None:
        """A risk word while a counselor has the thread: the card goes out by itself after three minutes without a
        reply, and not if there was one."""
        for person, answers in (("silent", False), ("answered", True)):
            ticket = await house.claimed(person)
            await house.says(person, DANGER)
            await house.settle()
            before = len(house.channel.texts(person))
            if answers:
                await desk.reply(await house.member(), ticket.id, "読みました", "1")
                await house.settle()
            house.clock.move(timedelta(minutes=4))
            await house.engawa.clockwork.wake()
            await house.settle()
            after = [one.purpose for one in house.channel.arrived if one.address.key == person][1:]
            assert after == [Purpose.COUNSELOR if answers else Purpose.SAFETY]
            assert len(house.channel.texts(person)) > before

    async def test_in_flight_at_the_claim(self, house: House, desk: Desk) -> None:
        """What was being sent when the counselor took over is shown as such; what was queued is cancelled."""
        house.channel.gate.clear()
        await house.says("a", DANGER, "人と話したい")
        await house.engawa.turns.work()
        ticket = await house.ticket("a")
        await desk.claim(await house.member(), ticket.id)
        thread = await desk.thread(await house.member(), ticket.id)
        shown = [line.delivery for line in thread.lines if line.author == timeline.BOT]
        assert shown == [outbox.SENDING, outbox.CANCELLED]
        house.channel.gate.set()
        await house.settle()
        assert list((await house.states("a")).values()) == [outbox.SENT, outbox.CANCELLED]


class TestReview:
    async def test_a_false_alarm_is_noted_by_rule(self, house: House, desk: Desk) -> None:
        """One tap: the rules of the ticket, the day and nothing of the text."""
        ticket = await house.waiting("a", DANGER)
        member = await house.member("mizuno")
        await desk.review(member, ticket.id, Review(verdict="false_alarm"))
        await desk.review(member, ticket.id, Review(verdict="missed", level="high", category="abuse"))
        found = [review for _, review in await desk.reviews(member)]
        assert {review.verdict for review in found} == {"false_alarm", "missed"}
        (alarm,) = (review for review in found if review.verdict == "false_alarm")
        assert "S-WISH" in alarm.rules

    async def test_what_is_no_review(self, house: House, desk: Desk) -> None:
        ticket = await house.waiting("a")
        member = await house.member("mizuno")
        with pytest.raises(BadInput):
            await desk.review(member, ticket.id, Review(verdict="great"))
        with pytest.raises(BadInput):
            await desk.review(member, ticket.id, Review(verdict="missed", level="worst"))
        with pytest.raises(NotFound):
            await desk.review(member, "0" * 32, Review(verdict="missed"))

"""From hand to hand: desks with separate sight, whose turn it is, colleagues, refusal, leaving, records."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.errors import BadInput, Conflict, EngawaError, IllegalMove, NotAllowed, NotFound
from bot.handoff import ticket as tickets
from bot.handoff import waiting
from bot.handoff.desk import Desk
from bot.handoff.hours import TOKYO
from bot.handoff.notes import Consent, Note, NoteKind, Source
from bot.handoff.risk import Level
from bot.handoff.routing import Why
from bot.handoff.ticket import Reason, Status
from bot.messages import Purpose
from bot.store import duties, staff, timeline
from bot.store.schema import talks
from bot.store.schema import tickets as rows
from bot.talk import Mode
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import DANGER
from tests.town import Town

DEEDS = (
    *("says", "danger", "asks", "next", "reply", "release"),
    *("pass", "refuse", "back", "time", "lower"),
)
WORDS = "夜のほうが書きやすい"


TWO_DESKS: Sequence[tuple[str, dict[str, Any]]] = (
    ("desk", {"id": "main", "name": "県の窓口"}),
    ("desk", {"id": "families", "name": "家族の窓口", "audience": ["family"]}),
)


@pytest.fixture
async def town(ready_url: str) -> AsyncIterator[Town]:
    channel, clock = FakeChannel(), FakeClock()
    async with an_engawa(ready_url, clock=clock, channels=[channel]) as engawa:
        yield Town(engawa=engawa, channel=channel, clock=clock)


@pytest.fixture
def desk(town: Town) -> Desk:
    return town.engawa.desk


class TestDesks:
    async def test_each_desk_sees_its_own(self, town: Town, desk: Desk) -> None:
        """A family comes to the desk of families; the other desk, and its lead, cannot tell that they exist (R-077)."""
        await town.publish(*TWO_DESKS)
        own, lead = await town.on_desks("south", "main"), await town.on_desks("lead", "main", role="lead")
        other = await town.on_desks("family", "families")
        plain = await town.asks("a")
        await town.says("b", "はじめ")
        await town.tap("b", "家族のこと", "人と話したい", "このまま渡す")
        family = await town.ticket("b")
        assert (plain.desk_id, family.desk_id) == ("main", "families")
        assert (plain.reason, family.reason) == (Reason.REQUEST, Reason.FAMILY)
        for member, mine in ((own, plain), (lead, plain), (other, family)):
            assert [one.ticket.id for one in await desk.queue(member, Status.WAITING)] == [mine.id]
            assert await desk.counts(member) == {"waiting": 1}
        for member in (own, lead):
            with pytest.raises(NotFound):
                await desk.thread(member, family.id)
            with pytest.raises(NotFound):
                await desk.claim(member, family.id)
        said = town.channel.texts("b")
        assert any("渡す先は「家族の窓口」です。" in text for text in said)

    async def test_to_another_desk_with_consent_only(self, town: Town, desk: Desk) -> None:
        """What goes is what was shown; a guess never goes, nor the talk before; no consent, no handing over (R-065)."""
        await town.publish(*TWO_DESKS)
        here, there = await town.on_desks("here", "main"), await town.on_desks("there", "families")
        ticket = await town.asks("a", "質問は少なめ", "文字だけ")
        await desk.claim(here, ticket.id)
        await town.says("a", "まえの窓口だけの話")
        await town.settle()
        now = town.clock.now()
        said, guess, report = [
            await desk.note(here, ticket.id, Note(kind=kind, text=text, by="", at=now))
            for kind, text in (
                (NoteKind.SAID, WORDS),
                (NoteKind.GUESS, "親のことかも"),
                (NoteKind.OBSERVED, "返事は夜"),
            )
        ]
        until = (now + timedelta(days=30)).date()
        given = Consent(
            to="families", how="wrote", until=until, notes=(said.number, guess.number), wishes=True
        )
        consent = Note(
            kind=NoteKind.CONSENT,
            text="家族の窓口にも話していいです",
            by="",
            at=now,
            source=Source.PERSON,
            consent=given,
        )
        for wrong in (
            {"source": Source.SUPPORTER},
            {"source": Source.FAMILY_QUOTING},
            {"consent": None},
            {"consent": Consent(to="families", how="silence", until=until)},
            {"consent": Consent(to="families", how="wrote", until=date(2020, 1, 1))},
        ):
            with pytest.raises(BadInput):
                await desk.note(here, ticket.id, _with(consent, **wrong))
        with pytest.raises(NotAllowed):
            await desk.send_on(here, ticket.id, said.number, "they asked")
        kept = await desk.note(here, ticket.id, consent)
        shown = await desk.preview(here, ticket.id, kept.number)
        assert shown == [*ticket.wishes, ("said", WORDS)]
        await desk.send_on(here, ticket.id, kept.number, "they asked")
        await town.settle()
        moved = await town.ticket("a")
        assert (moved.desk_id, moved.status, moved.assignee) == ("families", Status.WAITING, None)
        assert "「家族の窓口」に、見ていただいた内容だけを渡しました。" in town.channel.texts("a")[-1]
        with pytest.raises(NotFound):
            await desk.thread(here, ticket.id)
        await desk.claim(there, ticket.id)
        seen = [(str(note.source or note.kind), note.text) for note in await desk.notes(there, ticket.id)]
        thread = await desk.thread(there, ticket.id)
        assert [*thread.ticket.wishes, *seen] == shown
        assert "まえの窓口だけの話" not in [text for line in thread.lines for text in line.body.texts]
        assert report.number not in [note.number for note in await desk.notes(there, ticket.id)]


class TestTurns:
    async def test_next_gives_the_one_whose_turn_it_is(self, town: Town, desk: Desk) -> None:
        """Danger first, then who waits longest; why stands with the move, and picking by hand is visible."""
        early = await town.asks("early")
        town.later(minutes=1)
        danger = await town.waiting("danger", DANGER)
        late = await town.asks("late")
        mizuno = await town.member("mizuno")
        assert await desk.next_for(mizuno) == (danger.id, Why.LEVEL)
        assert await desk.next_for(mizuno) == (early.id, Why.WAIT)
        await desk.claim(mizuno, late.id)
        assert await desk.next_for(mizuno) is None
        whys = [(await town.ticket(person)).moves[-1].why for person in ("danger", "early", "late")]
        assert whys == ["next:level", "next:wait", "picked"]

    async def test_two_never_win_the_same(self, town: Town, desk: Desk) -> None:
        """Four press 次の人 at one moment: four conversations, each of one person's."""
        waiting = [await town.asks(person) for person in "abcd"]
        members = [await town.member(login) for login in ("m", "h", "i", "s")]
        found = await asyncio.gather(*(desk.next_for(member) for member in members))
        assert sorted(one[0] for one in found if one) == sorted(ticket.id for ticket in waiting)

    async def test_who_carries_enough_gets_no_more(self, town: Town, desk: Desk) -> None:
        """The limit is one of weight, and enforced; in danger it does not hold (R-108)."""
        small = await town.on_desks("small", "*", most=2)
        first, second, third = [await town.asks(person) for person in "abc"]
        await desk.claim(small, first.id)
        await desk.claim(small, second.id)
        assert await desk.next_for(small) is None
        with pytest.raises(NotAllowed):
            await desk.claim(small, third.id)
        danger = await town.waiting("d", DANGER)
        assert await desk.next_for(small) == (danger.id, Why.LEVEL)

    async def test_a_pause_after_a_red_conversation(self, town: Town, desk: Desk) -> None:
        """Nothing new for a quarter of an hour, and the lead is asked to talk with them; no person stands beside it."""
        mizuno, lead = await town.member("mizuno"), await town.member("lead", "lead")
        danger = await town.claimed("d")
        await desk.hand_back(mizuno, danger.id)
        await town.asks("a")
        assert await desk.next_for(mizuno) is None
        [debrief] = await desk.debriefs(lead)
        assert debrief.staff_id == mizuno.staff_id
        with pytest.raises(NotAllowed):
            await desk.debriefs(mizuno)
        await desk.debriefed(lead, debrief.debrief_id)
        assert await desk.debriefs(lead) == []
        town.later(minutes=16)
        assert await desk.next_for(mizuno) is not None

    async def test_back_to_the_same_counselor(self, town: Town, desk: Desk) -> None:
        """Who comes back after months reaches who they know, if that one is here; else anybody (R-086)."""
        mizuno, ito = await town.member("mizuno"), await town.member("ito")
        for member in (mizuno, ito):
            await town.engawa.database.write(
                staff.begin_session, member.staff_id, member.login, town.clock.now()
            )
        ticket = await town.asks("a")
        await desk.claim(mizuno, ticket.id)
        await desk.hand_back(mizuno, ticket.id)
        town.later(days=90)
        await town.asks("a")
        for member in (mizuno, ito):
            await town.engawa.database.write(
                staff.begin_session, member.staff_id, f"{member.login}2", town.clock.now()
            )
        assert await desk.next_for(ito) is None
        assert await desk.next_for(mizuno) == (ticket.id, Why.KNOWN)


class TestHands:
    async def test_refused_and_not_told(self, town: Town, desk: Desk) -> None:
        """The refused one finds nothing any more, and their colleague goes on (R-089)."""
        mizuno, ito = await town.member("mizuno"), await town.member("ito")
        lead = await town.member("lead", "lead")
        ticket = await town.asks("a")
        await desk.claim(mizuno, ticket.id)
        await desk.refuse(lead, ticket.id, mizuno.staff_id)
        for deed in (
            desk.thread(mizuno, ticket.id),
            desk.claim(mizuno, ticket.id),
            desk.reply(mizuno, ticket.id, "x", "1"),
        ):
            with pytest.raises((NotFound, Conflict)):
                await deed
        assert await desk.queue(mizuno, Status.WAITING) == []
        assert await desk.next_for(mizuno) is None
        assert await desk.next_for(ito) == (ticket.id, Why.WAIT)
        with pytest.raises(NotFound):
            await desk.pass_on(ito, ticket.id, mizuno.staff_id, "a break")

    async def test_passed_on_and_told_by_whom(self, town: Town, desk: Desk) -> None:
        """The person hears who writes from now on, before that one does; the wishes are to be seen anew (R-112)."""
        mizuno, ito = await town.member("mizuno"), await town.member("ito")
        ticket = await town.asks("a", "質問は少なめ", "文字だけ")
        await desk.claim(mizuno, ticket.id)
        with pytest.raises(NotAllowed):
            await desk.reply(mizuno, ticket.id, "こんにちは", "1")
        await desk.confirm(mizuno, ticket.id)
        await desk.reply(mizuno, ticket.id, "こんにちは", "1")
        with pytest.raises(BadInput):
            await desk.pass_on(mizuno, ticket.id, ito.staff_id, "  ")
        await desk.pass_on(mizuno, ticket.id, ito.staff_id, "shift ends")
        await town.settle()
        assert "itoさん が書きます" in town.channel.texts("a")[-1]
        with pytest.raises(NotFound):
            await desk.thread(mizuno, ticket.id)
        assert (await desk.thread(ito, ticket.id)).must_confirm

    async def test_read_and_answered_later(self, town: Town, desk: Desk) -> None:
        """One tap tells when; it is a promise the queue knows, whoever goes on."""
        mizuno = await town.member("mizuno")
        ticket = await town.asks("a")
        await desk.claim(mizuno, ticket.id)
        at = waiting.told_at(town.clock.now(), town.clock.now() + timedelta(hours=2))
        await desk.read_later(mizuno, ticket.id, at)
        await town.settle()
        assert town.channel.texts("a")[-1].startswith("読みました。返事は")
        assert town.channel.arrived[-1].reply.silent
        with pytest.raises(BadInput):
            await desk.read_later(mizuno, ticket.id, town.clock.now() - timedelta(minutes=1))
        await desk.release(mizuno, ticket.id, "a break")
        assert (await town.ticket("a")).promised_at == at
        other = await town.asks("b")
        town.clock.move(at - timedelta(minutes=10) - town.clock.now())
        assert await desk.next_for(mizuno) == (ticket.id, Why.PROMISE)
        assert (await town.ticket("b")).id == other.id

    async def test_silence_is_an_answer(self, town: Town, desk: Desk) -> None:
        """One sitting without an answer, then a fortnight; a wish to be left alone holds for all (R-028, R-090)."""
        mizuno, lead = await town.member("mizuno"), await town.member("lead", "lead")
        ticket = await town.asks("a")
        await desk.claim(mizuno, ticket.id)
        await desk.reply(mizuno, ticket.id, "ひとつめ", "1")
        await desk.reply(mizuno, ticket.id, "つづき", "2")
        town.later(hours=1)
        with pytest.raises(NotAllowed):
            await desk.reply(mizuno, ticket.id, "お元気ですか", "3")
        town.later(days=14)
        await desk.reply(mizuno, ticket.id, "ここにいます", "4")
        town.later(hours=1)
        await town.says("a", "はい")
        await town.settle()
        await desk.reply(mizuno, ticket.id, "ありがとうございます", "5")
        await town.says("a", "やめる")
        await town.settle()
        with pytest.raises(NotAllowed):
            await desk.reply(mizuno, ticket.id, "ほんの少しだけ", "6")
        await desk.pass_on(lead, ticket.id, lead.staff_id, "to look")
        with pytest.raises(NotAllowed):
            await desk.reply(lead, ticket.id, "ほんの少しだけ", "7")
        await town.says("a", "すこし話せます")
        await town.settle()
        await desk.reply(lead, ticket.id, "はい", "8")

    async def test_nobody_leaves_with_a_promise(self, town: Town, desk: Desk) -> None:
        """A promise needs a day and an owner; its owner goes only when somebody else has it (R-111)."""
        mizuno, ito = await town.member("mizuno"), await town.member("ito")
        lead = await town.member("lead", "lead")
        ticket = await town.asks("a")
        await desk.claim(mizuno, ticket.id)
        await desk.stand_in(mizuno, ticket.id, ito.staff_id)
        promise = Note(kind=NoteKind.PROMISE, text="会の日を調べておく", by="", at=town.clock.now())
        with pytest.raises(BadInput):
            await desk.note(mizuno, ticket.id, promise)
        due = (town.clock.now() + timedelta(days=3)).date()
        kept = await desk.note(mizuno, ticket.id, _with(promise, owner=mizuno.staff_id, due_on=due))
        with pytest.raises(NotAllowed):
            await desk.leave(ito, mizuno.staff_id)
        with pytest.raises(Conflict):
            await desk.leave(lead, mizuno.staff_id)
        await desk.settle(lead, ticket.id, kept.number, owner=ito.staff_id)
        await desk.leave(lead, mizuno.staff_id)
        left = await town.ticket("a")
        assert (left.status, left.assignee, tickets.responsible(left)) == (
            Status.WAITING,
            ito.staff_id,
            "main",
        )
        page = await desk.hand_over_page(ito, ticket.id)
        assert page["promises"] == [(str(due), "会の日を調べておく")]

    async def test_two_decide(self, town: Town, desk: Desk) -> None:
        """The second person is another one, with a reason of their own (R-080)."""
        mizuno, lead = await town.member("mizuno"), await town.member("lead", "lead")
        ticket = await town.claimed("d")
        decision = await desk.note(
            mizuno,
            ticket.id,
            Note(kind=NoteKind.DECISION, text="所在を伝える。命が危ない", by="", at=town.clock.now()),
        )
        with pytest.raises(IllegalMove):
            await desk.agree(mizuno, ticket.id, decision.number, "わたしもそう思う")
        with pytest.raises(BadInput):
            await desk.agree(lead, ticket.id, decision.number, " ")
        await desk.agree(lead, ticket.id, decision.number, "場所を自分で書いている")
        [note] = [one for one in await desk.notes(lead, ticket.id) if one.kind is NoteKind.DECISION]
        assert (note.by, note.second, note.is_open) == (mizuno.staff_id, lead.staff_id, False)

    async def test_a_word_in_two_weeks(self, town: Town, desk: Desk) -> None:
        """Shown beforehand, cancelled by one tap; when its day comes the thread waits for who promised it (R-085)."""
        mizuno = await town.member("mizuno")
        for person, cancels in (("a", False), ("b", True)):
            ticket = await town.asks(person)
            await desk.claim(mizuno, ticket.id)
            at = (town.clock.now() + timedelta(days=14)).astimezone(TOKYO).replace(hour=15, minute=0)
            with pytest.raises(BadInput):
                await desk.follow_up(mizuno, ticket.id, at.replace(hour=3))
            await desk.follow_up(mizuno, ticket.id, at)
            await town.settle()
            assert "15時ごろ、ひとこと送ります" in town.channel.texts(person)[-1]
            if cancels:
                await town.tap(person, "送らなくていい")
                assert town.channel.texts(person)[-1] == "わかりました。こちらからは送りません。"
            await desk.hand_back(mizuno, ticket.id)
            await town.settle()
        before = len(town.channel.arrived)
        town.later(days=15)
        await town.engawa.clockwork.wake()
        await town.settle()
        assert len(town.channel.arrived) == before
        kept, cancelled = await town.ticket("a"), await town.ticket("b")
        assert (kept.status, kept.reason, kept.assignee) == (
            Status.WAITING,
            Reason.FOLLOW_UP,
            mizuno.staff_id,
        )
        assert cancelled.status is Status.RESTING


class TestRandom:
    async def test_a_day_of_everything(self, town: Town, desk: Desk) -> None:
        """Two hundred deeds in any order, over the database: one owner, nobody forgotten, no machine over a person."""
        rng = random.Random(3)
        members = [
            await town.member(login, role)
            for login, role in (("m", "counselor"), ("i", "counselor"), ("l", "lead"))
        ]
        people = ["a", "b", "c"]
        for number in range(200):
            person, member = rng.choice(people), rng.choice(members)
            known = await town.rows(select(rows.c.ticket_id))
            ticket_id = rng.choice(known).ticket_id if known else "0" * 32
            deed = rng.choice(
                (
                    "says",
                    "danger",
                    "asks",
                    "next",
                    "reply",
                    "release",
                    "pass",
                    "refuse",
                    "back",
                    "time",
                    "lower",
                )
            )
            try:
                match deed:
                    case "says":
                        await town.says(person, rng.choice(("こんにちは", "やめる", "1", "さがす")))
                    case "danger":
                        await town.says(person, DANGER)
                    case "asks":
                        await town.says(person, "人と話したい", "このまま渡す")
                    case "next":
                        await desk.next_for(member)
                    case "reply":
                        await desk.reply(member, ticket_id, "はい", str(number))
                    case "release":
                        await desk.release(member, ticket_id, "a break")
                    case "pass":
                        await desk.pass_on(
                            member, ticket_id, rng.choice(members).staff_id, "they know each other"
                        )
                    case "refuse" if number % 5 == 0:
                        await desk.refuse(member, ticket_id, members[0].staff_id)
                    case "back":
                        await desk.hand_back(member, ticket_id)
                    case "lower":
                        await desk.lower(member, ticket_id, Level.NONE, "a song")
                    case "time":
                        town.later(minutes=rng.randrange(1, 3_000))
                        await town.engawa.clockwork.wake()
            except EngawaError:
                pass
            await town.settle()
            await self.holds(town)

    async def holds(self, town: Town) -> None:
        modes = {Status.WAITING: Mode.WAITING, Status.ACTIVE: Mode.HUMAN, Status.RESTING: Mode.BOT}
        query = select(rows, talks.c.mode).join(talks, talks.c.ticket_id == rows.c.ticket_id)
        for row in await town.rows(query):
            assert row.mode == modes[Status(row.status)]
            assert row.desk_id
            assert (row.status == Status.ACTIVE) <= (row.assignee is not None)
        for person in "abc":
            if await town.contact(person) is None:
                continue
            loaded = await town.loaded(person)
            ticket = loaded.talk.ticket
            assert ticket is None or ticket.keeper not in ticket.refused
            lines = await town.read(timeline.lines, loaded)
            silent = False
            for line in lines:
                if line.author == timeline.MARKER:
                    silent = line.body.kind in ("claimed", "passed_on")
                elif line.author == timeline.BOT and silent and line.delivery == "sent":
                    assert line.body.kind in (Purpose.SAFETY, Purpose.HIDE, Purpose.STOP), line.body.kind


async def test_the_shift_table(town: Town) -> None:
    """A shift ends after it begins and overlaps no other of the same member; it is read in its order."""
    mizuno, now = await town.member("mizuno"), town.clock.now()

    async def add(begins: datetime, ends: datetime) -> None:
        await town.engawa.database.write(duties.add, mizuno.staff_id, begins, ends)

    await add(now, now + timedelta(hours=4))
    for begins, ends in ((now, now), (now + timedelta(hours=3), now + timedelta(hours=5))):
        with pytest.raises(BadInput):
            await add(begins, ends)
    await add(now + timedelta(hours=4), now + timedelta(hours=8))
    found = await town.read(duties.coming, town.engawa.operator_id, now, now + timedelta(days=1))
    assert [(member.staff_id, begins) for member, begins, _ in found] == [
        (mizuno.staff_id, now),
        (mizuno.staff_id, now + timedelta(hours=4)),
    ]


def _with(note: Note, **changes: Any) -> Note:
    return replace(note, **changes)

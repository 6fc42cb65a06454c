"""A message that was taken back: its words are nowhere any more, whenever the word of it comes in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, select

from bot.flows.session import Session
from bot.handoff import ticket as tickets
from bot.handoff.risk import Level
from bot.messages import Inbound, Kind, Purpose
from bot.store import conversations, timeline
from bot.store import tickets as ticket_store
from bot.store.body import Body
from bot.store.schema import daily_counts
from bot.store.schema import timeline as lines
from bot.store.unsend import TAKEN_BACK
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import House

SECRET = "だれにも言えないこと"


def said(
    house: House, person: str = "a", text: str = SECRET, *, message: str = "m1", event: str = ""
) -> Inbound:
    return house.channel.heard(person, text, at=house.clock.now(), message=message, event=event)


def unsent(house: House, person: str = "a", *, message: str = "m1", event: str = "") -> Inbound:
    return house.channel.heard(person, kind=Kind.UNSENT, at=house.clock.now(), message=message, event=event)


async def accept(house: House, *events: Inbound) -> None:
    await house.engawa.ingress.accept(events)


async def thread(house: House, person: str = "a") -> list[tuple[str, tuple[str, ...]]]:
    """Kind and texts of what the person sent."""
    loaded = await house.loaded(person)
    found = await house.read(timeline.lines, loaded)
    return [(line.body.kind, line.body.texts) for line in found if line.author == "person"]


async def words(house: House, person: str = "a") -> str:
    """Everything of the person that any cell holds, in clear."""
    loaded = await house.loaded(person)
    found = await house.read(timeline.lines, loaded)
    return repr([[*line.body.texts, line.body.message_key] for line in found]) + repr(
        [
            loaded.talk.session and loaded.talk.session.answers,
            loaded.talk.ticket and loaded.talk.ticket.wishes,
        ]
    )


GONE, TOLD = (TAKEN_BACK, ()), ("unsent", ())


class TestOrder:
    async def test_after_it_was_answered(self, house: House) -> None:
        """The line stays, its words do not; other messages and other people keep theirs."""
        await accept(house, said(house), said(house, text="のこること", message="m2"), said(house, "b"))
        await house.settle()
        await accept(house, unsent(house))
        await house.settle()
        assert await thread(house) == [GONE, ("text", ("のこること",)), TOLD]
        assert SECRET not in await words(house)
        assert (await thread(house, "b"))[0] == ("text", (SECRET,))

    async def test_while_it_waits(self, house: House) -> None:
        """A message that nobody has handled yet is not handled any more."""
        house.engawa.ingress.answer = None
        await accept(house, said(house, text="死にたい"))
        await accept(house, unsent(house))
        await house.settle()
        assert await thread(house) == [GONE, TOLD]
        assert (await house.loaded("a")).talk.ticket is None
        assert house.channel.tries == []

    @pytest.mark.parametrize("first", ["message", "unsent"])
    @pytest.mark.parametrize("working", [True, False])
    async def test_in_one_batch(self, house: House, first: str, working: bool) -> None:
        """Whatever comes first in it, the words are never written, and what comes after is in order."""
        house.engawa.ingress.answer = house.engawa.turns.answer if working else None
        pair = [said(house), unsent(house)]
        await accept(house, *(pair if first == "message" else pair[::-1]))
        await accept(house, said(house, text="つぎ", message="m2"))
        await house.settle()
        found = await thread(house)
        assert sorted(found[:2]) == sorted([GONE, TOLD])
        assert found[2:] == [("text", ("つぎ",))]
        assert len(house.channel.arrived) == 1

    async def test_before_it_comes(self, house: House) -> None:
        """The platform brought the message late: it comes in empty, and again nothing is made of it."""
        await accept(house, unsent(house))
        await accept(house, said(house, event="late"))
        await accept(house, said(house, event="late"))
        await accept(house, said(house, text="つぎ", message="m2"))
        await house.settle()
        assert await thread(house) == [TOLD, GONE, ("text", ("つぎ",))]
        assert len(house.channel.arrived) == 1

    async def test_an_edited_message(self, house: House) -> None:
        """All that one message ever said goes."""
        await accept(house, said(house), said(house, text="書きなおしたこと"))
        await accept(house, unsent(house))
        assert await thread(house) == [GONE, GONE, TOLD]

    async def test_the_same_name_of_another(self, house: House) -> None:
        """Names of messages need not differ from person to person: each takes back only their own."""
        await accept(house, said(house, "a"), unsent(house, "b"), said(house, "c"))
        await accept(house, said(house, "b"))
        assert [(await thread(house, person))[0] for person in "abc"] == [
            ("text", (SECRET,)),
            TOLD,
            ("text", (SECRET,)),
        ]

    async def test_told_twice_and_far_back(self, house: House) -> None:
        """A second word of it changes nothing; in a long thread it is found as well."""
        await accept(house, said(house))
        for number in range(9):
            await accept(
                house, *[said(house, text="つぎ", message=f"n{number}/{place}") for place in range(30)]
            )
        await accept(house, unsent(house))
        await accept(house, unsent(house))
        loaded = await house.loaded("a")
        first = await house.read(lambda connection: timeline.lines(connection, loaded, newest=False, limit=1))
        assert first[0].body.kind == TAKEN_BACK

    async def test_a_damaged_cell(self, house: House) -> None:
        """A cell that does not open keeps nothing else from being taken back, and no event from coming in."""
        await accept(house, said(house), said(house, text="つぎ", message="m2"))
        contact_id = await house.contact("a")
        damaged = (lines.c.contact_id == contact_id) & (lines.c.seq == 2)
        await house.write(lines.update().where(damaged).values(sealed_body=b"\1\7contact" + bytes(40)))
        await accept(house, unsent(house))
        await house.write(delete(lines).where(damaged))
        assert GONE in await thread(house)


class TestWhatWasMadeOfIt:
    async def test_an_answer_a_wish_and_a_preview(self, house: House) -> None:
        """Words that became an answer, stand in a ticket's wishes and were shown in a preview go there, too."""
        await accept(house, said(house))
        await house.settle()
        await _answered(house)
        assert f"ほか：{SECRET}" in await words(house)
        before = (await house.loaded("a")).talk
        await accept(house, unsent(house))
        await house.settle()
        assert SECRET not in await words(house)
        talk = (await house.loaded("a")).talk
        assert "ほか：…" in await words(house)
        assert (talk.mode, talk.ticket and talk.ticket.id) == (
            before.mode,
            before.ticket and before.ticket.id,
        )
        assert talk.ticket is not None
        assert talk.ticket.wishes == (("いつ", "いつでも"),)


class TestNews:
    async def test_the_counselor_sees_it_at_once(self, house: House) -> None:
        """The thread rings; its keeper sees that something was taken back, and never what."""
        await house.claimed("a")
        await accept(house, said(house))
        contact_id = await house.contact("a")
        with house.engawa.hub.listen(contact_id or "") as bell:
            await accept(house, unsent(house))
            await house.turn()
            assert await bell.wait(1)
        seen = await house.engawa.desk.thread(await house.member(), (await house.ticket("a")).id)
        assert SECRET not in repr([line.body.texts for line in seen.lines])
        assert TAKEN_BACK in [line.body.kind for line in seen.lines]

    async def test_counted_once(self, house: House) -> None:
        house.engawa.ingress.answer = None
        await accept(house, said(house))
        await accept(house, unsent(house))
        await house.settle()
        counted = {row.name: row.count for row in await house.rows(select(daily_counts))}
        assert counted["unsent"] == 1


class TestBytes:
    @pytest.fixture
    async def house(self, ready_sqlite_url: str) -> AsyncIterator[House]:
        channel, clock = FakeChannel(), FakeClock()
        async with an_engawa(ready_sqlite_url, clock=clock, channels=[channel]) as engawa:
            yield House(engawa=engawa, channel=channel, clock=clock)

    async def test_no_byte_is_left(self, house: House) -> None:
        """SQLite: what was sealed there is in no file any more, once the wipe it rings for has run."""
        await accept(house, said(house, text=SECRET * 40))
        for person in range(40):
            await accept(house, said(house, f"other-{person}", "こんにちは"))
        await house.settle()
        contact_id = await house.contact("a")
        [cell] = await house.rows(
            select(lines.c.sealed_body).where(lines.c.contact_id == contact_id, lines.c.seq == 1)
        )
        path = Path(str(house.engawa.database.url.database))
        files = [path, path.with_name(path.name + "-wal")]
        canary = cell.sealed_body[-40:]
        assert any(canary in file.read_bytes() for file in files)
        with house.engawa.hub.listen("erased") as bell:
            await accept(house, unsent(house))
            assert await bell.wait(1)
        await house.engawa.wipe.work()
        assert not any(canary in file.read_bytes() for file in files if file.exists())


async def _answered(house: House) -> None:
    """The words are an answer, a wish, and part of what the bot repeated, as a step that asks would leave it."""
    contact_id = (await house.loaded("a")).contact_id

    def write(connection: Connection) -> None:
        loaded = conversations.load(connection, house.engawa.sealer, [contact_id])[contact_id]
        answers = {"ほか": SECRET, "いつ": "いつでも"}
        session = Session(
            flow="F-HUMAN", step="who", release=1, started_at=house.clock.now(), answers=answers
        )
        ticket = tickets.opened(
            None, contact_id, loaded.talk.revision, tickets.Reason.REQUEST, Level.NONE, 1, house.clock.now()
        )
        ticket = replace(ticket, wishes=tuple(answers.items()), desk_id="main")
        talk = replace(conversations.bumped(loaded, loaded.talk), session=session, ticket=ticket)
        line = Body(
            kind=Purpose.BOT, at=house.clock.now(), texts=(f"送るのは、ほか：{SECRET}／いつ：いつでも",)
        )
        seq = loaded.last_seq + 1
        timeline.add(connection, [timeline.row(loaded.key, contact_id, seq, timeline.BOT, line)])
        ticket_store.save(connection, [(loaded, ticket)])
        conversations.save(connection, [(loaded, talk, seq)])

    await house.engawa.database.write(write)

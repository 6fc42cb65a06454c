"""Reading what is not one's own, in an emergency: two people, some minutes, and all of it in the audit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import pytest

from bot.errors import BadInput, Conflict, NotAllowed, NotFound
from bot.handoff.break_glass import LAPSES_AFTER, MOST_WAITING, moment
from bot.handoff.desk import Desk
from bot.store import audit, break_glass
from bot.store.audit import EMERGENCY, Event
from bot.store.staff import Member
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import forget
from tests.test_desk_hands import TWO_DESKS
from tests.town import Town

WHY = "ご家族から電話があり、いま危ないかもしれない canary"
WORDS = "だれにも言っていないこと"


@pytest.fixture
async def town(database_url: str) -> AsyncIterator[Town]:
    channel, clock = FakeChannel(), FakeClock()
    async with an_engawa(database_url, clock=clock, channels=[channel]) as engawa:
        made = Town(engawa=engawa, channel=channel, clock=clock)
        await made.publish(*TWO_DESKS)
        yield made


@pytest.fixture
def desk(town: Town) -> Desk:
    return town.engawa.desk


class Cast:
    """Somebody at the main desk; a counselor of another desk, leads of both, an operator, an editor."""

    def __init__(self, ticket: str, keeper: Member, **others: Member) -> None:
        self.ticket, self.keeper = ticket, keeper
        self.other, self.lead = others["other"], others["lead"]
        self.foreign_lead, self.operator, self.editor = (
            others["foreign_lead"],
            others["operator"],
            others["editor"],
        )


@pytest.fixture
async def cast(town: Town, desk: Desk) -> Cast:
    ticket = await town.asks("a")
    keeper = await town.on_desks("keeper", "main")
    await desk.claim(keeper, ticket.id)
    await town.says("a", WORDS)
    await town.settle()
    return Cast(
        ticket.id,
        keeper,
        other=await town.on_desks("other", "families"),
        lead=await town.on_desks("lead", "main", role="lead"),
        foreign_lead=await town.on_desks("lead2", "families", role="lead"),
        operator=await town.on_desks("ops", "*", role="operator"),
        editor=await town.on_desks("editor", "*", role="editor"),
    )


async def chain(town: Town) -> list[Event]:
    found: list[Event] = await town.read(lambda connection: list(audit.events(connection)))
    return found


async def test_two_people_open_it_for_a_while(town: Town, desk: Desk, cast: Cast) -> None:
    """Asked for with a reason, opened by a lead of that desk, read, over by itself; each step is in the audit."""
    before = len(await chain(town))
    access_id = await desk.break_glass(cast.other, cast.ticket, WHY)
    with pytest.raises(NotFound):
        await desk.through_glass(cast.other, access_id)
    [asked] = await desk.glasses(cast.lead)
    assert (asked.access_id, asked.asker, asked.reason) == (access_id, cast.other.display_name, WHY)
    await desk.open_glass(cast.lead, access_id)
    glass, thread = await desk.through_glass(cast.other, access_id)
    assert WORDS in [text for line in thread.lines for text in line.body.texts]
    assert glass.until - town.clock.now() == town.engawa.settings.break_glass
    town.later(minutes=29)
    await desk.through_glass(cast.other, access_id)
    town.later(minutes=1)
    with pytest.raises(NotFound):
        await desk.through_glass(cast.other, access_id)
    events = (await chain(town))[before:]
    assert [(one.action, one.staff_id) for one in events] == [
        ("break_glass", cast.other.staff_id),
        ("open_glass", cast.lead.staff_id),
        ("through_glass", cast.other.staff_id),
        ("through_glass", cast.other.staff_id),
    ]
    assert {one.purpose for one in events} == {EMERGENCY}
    assert "canary" not in repr(events)
    assert audit.verify(await chain(town), town.engawa.settings.keyring) == []
    read = partial(audit.entries, operator_id=town.engawa.operator_id, purpose=EMERGENCY)
    [entry, *_] = await town.read(read)
    assert entry.ticket_id == cast.ticket


async def test_it_is_for_reading_and_for_whoever_asked(town: Town, desk: Desk, cast: Cast) -> None:
    """Nothing can be written or taken through it, and nobody else reads through it, the second person included."""
    access_id = await desk.break_glass(cast.other, cast.ticket, WHY)
    await desk.open_glass(cast.lead, access_id)
    for deed in (
        desk.thread(cast.other, cast.ticket),
        desk.claim(cast.other, cast.ticket),
        desk.reply(cast.other, cast.ticket, "x", "r1"),
        desk.notes(cast.other, cast.ticket),
        *(desk.through_glass(one, access_id) for one in (cast.lead, cast.operator, cast.keeper, cast.editor)),
    ):
        with pytest.raises(NotFound):
            await deed


async def test_who_may_decide(town: Town, desk: Desk, cast: Cast) -> None:
    """Never whoever asked; a lead of that desk; an operator only where a lead asks. Others do not see that it is."""
    of_counselor = await desk.break_glass(cast.other, cast.ticket, WHY)
    of_operator = await desk.break_glass(cast.operator, cast.ticket, WHY)
    of_lead = await desk.break_glass(cast.foreign_lead, cast.ticket, WHY)
    may = {
        one.access_id: [
            who.login
            for who in (cast.other, cast.keeper, cast.lead, cast.foreign_lead, cast.operator, cast.editor)
            if await _opens(desk, who, one.access_id)
        ]
        for one in await desk.glasses(cast.lead)
    }
    assert may == {of_counselor: ["lead"], of_operator: ["lead"], of_lead: ["lead"]}
    again = await desk.break_glass(cast.foreign_lead, cast.ticket, WHY)
    assert await _opens(desk, cast.operator, again)
    assert [one.access_id for one in await desk.glasses(cast.keeper)] == []
    assert {one.asked_by for one in await desk.glasses(cast.other)} == {cast.other.staff_id}


async def _opens(desk: Desk, member: Member, access_id: str) -> bool:
    try:
        await desk.open_glass(member, access_id)
    except (NotFound, NotAllowed, Conflict):
        return False
    return True


async def test_one_decision(town: Town, desk: Desk, cast: Cast) -> None:
    """Two who decide at once: one of them does. What is refused, taken back or too old opens no more."""
    access_id = await desk.break_glass(cast.other, cast.ticket, WHY)
    done = await asyncio.gather(
        *[deed(cast.lead, access_id) for deed in (desk.open_glass, desk.refuse_glass)], return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in done) == ["Conflict", "NoneType"]
    refused, lapsed, back = [await desk.break_glass(cast.other, cast.ticket, WHY) for _ in range(3)]
    await desk.refuse_glass(cast.lead, refused)
    await desk.end_glass(cast.other, back)
    town.clock.move(LAPSES_AFTER)
    for one in (refused, lapsed, back):
        with pytest.raises(Conflict):
            await desk.open_glass(cast.lead, one)
    now = town.clock.now()
    states = {one.access_id: moment(one, now) for one in await desk.glasses(cast.lead)}
    assert [states[one] for one in (refused, lapsed, back)] == ["refused", "lapsed", "ended"]


@pytest.mark.parametrize("by", ["other", "lead"])
async def test_it_is_ended_at_once(town: Town, desk: Desk, cast: Cast, by: str) -> None:
    access_id = await desk.break_glass(cast.other, cast.ticket, WHY)
    await desk.open_glass(cast.lead, access_id)
    await desk.through_glass(cast.other, access_id)
    with pytest.raises(NotFound):
        await desk.end_glass(cast.keeper, access_id)
    await desk.end_glass(getattr(cast, by), access_id)
    with pytest.raises(NotFound):
        await desk.through_glass(cast.other, access_id)


async def test_what_cannot_be_asked_for(town: Town, desk: Desk, cast: Cast) -> None:
    """Without a reason, what is not there, what is open to one anyway; and never from whom a person does not want."""
    with pytest.raises(BadInput):
        await desk.break_glass(cast.other, cast.ticket, " ")
    for name in ("0" * 32, "", "%", "いない名まえ"):
        with pytest.raises(NotFound):
            await desk.break_glass(cast.other, name, WHY)
    for member in (cast.keeper, cast.lead):
        with pytest.raises(Conflict):
            await desk.break_glass(member, cast.ticket, WHY)
    with pytest.raises(NotAllowed):
        await desk.break_glass(cast.editor, cast.ticket, WHY)
    access_id = await desk.break_glass(cast.other, (await town.loaded("a")).nickname, WHY)
    await desk.open_glass(cast.lead, access_id)
    await desk.refuse(cast.keeper, cast.ticket, cast.other.staff_id)
    with pytest.raises(NotFound):
        await desk.through_glass(cast.other, access_id)
    with pytest.raises(NotFound):
        await desk.break_glass(cast.other, cast.ticket, WHY)
    for _ in range(MOST_WAITING):
        await desk.break_glass(cast.operator, cast.ticket, WHY)
    with pytest.raises(Conflict):
        await desk.break_glass(cast.operator, cast.ticket, WHY)


async def test_it_goes_with_the_person_and_by_its_age(town: Town, desk: Desk, cast: Cast) -> None:
    """Erased while it is open: nothing to read, no row. Thirty days later the words of the reason are gone."""
    access_id = await desk.break_glass(cast.other, cast.ticket, WHY)
    await desk.open_glass(cast.lead, access_id)
    await forget(town, "a")
    await town.settle()
    with pytest.raises(NotFound):
        await desk.through_glass(cast.other, access_id)
    assert await desk.glasses(cast.lead) == []
    ticket = await town.asks("b")
    await desk.break_glass(cast.other, ticket.id, WHY)
    now = town.clock.now()
    await town.engawa.database.write(break_glass.forget_old, now + timedelta(days=29))
    assert len(await desk.glasses(cast.lead)) == 1
    await town.engawa.database.write(break_glass.forget_old, now + timedelta(days=31))
    assert await desk.glasses(cast.lead) == []

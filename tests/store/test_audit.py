"""The audit chain: in order under many writers, whole after everything the house does, and evident when changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, update

from bot.errors import Conflict, NotFound
from bot.store import audit
from bot.store.audit import Event, Head, Trail
from bot.store.schema import audit as audit_rows
from bot.store.schema import audit_refs
from bot.store.sealed import Keyring
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import House, forget


@pytest.fixture
async def house(ready_url: str) -> AsyncIterator[House]:
    channel, clock = FakeChannel(), FakeClock()
    async with an_engawa(ready_url, clock=clock, channels=[channel]) as engawa:
        yield House(engawa=engawa, channel=channel, clock=clock)


async def chain(house: House) -> list[Event]:
    found: list[Event] = await house.read(lambda connection: list(audit.events(connection)))
    return found


async def problems(house: House, *heads: Head, keyring: Keyring | None = None) -> list[str]:
    return audit.verify(await chain(house), keyring or house.engawa.settings.keyring, heads)


async def worked(house: House) -> Head:
    """A counselor's work with one thread; the head of the chain after it."""
    ticket, member = await house.waiting("a"), await house.member()
    desk = house.engawa.desk
    await desk.thread(member, ticket.id)
    await desk.claim(member, ticket.id)
    await desk.thread(member, ticket.id)
    await desk.reply(member, ticket.id, "読みました。canary", "r1")
    await desk.hand_back(member, ticket.id)
    head = await house.read(audit.head)
    assert isinstance(head, Head)
    return head


async def test_every_read_and_write_of_a_thread_is_noted_with_its_purpose(house: House) -> None:
    """R-077: who, what, when, what for; the thread by an id made for the event alone, and no word of it."""
    await worked(house)
    found = await chain(house)
    assert [(event.action, event.purpose) for event in found] == [
        ("read", "take_over"),
        ("claim", "take_over"),
        ("read", "care"),
        ("reply", "care"),
        ("hand_back", "care"),
    ]
    assert len({event.ref for event in found}) == len(found)
    ticket, contact = await house.ticket("a"), await house.loaded("a")
    assert not [event for event in found if ticket.id in repr(event) or contact.contact_id in repr(event)]
    assert "canary" not in repr(found)
    assert await problems(house) == []


async def test_who_stands_in_looks_in_care(house: House) -> None:
    """Their look is rightful: as one that is not allowed it would hide those that are not (R-106)."""
    ticket, member, other = await house.claimed("a"), await house.member(), await house.member("sakurai")
    await house.engawa.desk.stand_in(member, ticket.id, other.staff_id)
    await house.engawa.desk.thread(other, ticket.id)
    assert [event.purpose for event in await chain(house)][-1] == "care"


async def test_a_leads_look_is_told_from_care_and_a_stranger_leaves_a_trace(house: House) -> None:
    """R-077: what was refused is noted, too, though the request came to nothing."""
    ticket = await house.claimed("a")
    lead, other = await house.member("oono", "lead"), await house.member("sakurai")
    await house.engawa.desk.thread(lead, ticket.id)
    with pytest.raises(NotFound):
        await house.engawa.desk.thread(other, ticket.id)
    with pytest.raises(NotFound):
        await house.engawa.desk.thread(other, "0" * 32)
    assert [event.purpose for event in (await chain(house))[-3:]] == ["oversight", "refused", "refused"]


async def test_what_rolls_back_stays_noted(house: House) -> None:
    """The event has a transaction of its own: a lost race and a failing database leave it."""
    ticket = await house.claimed("a")
    other = await house.member("sakurai")
    with pytest.raises(Conflict):
        await house.engawa.desk.claim(other, ticket.id)
    assert [event.action for event in (await chain(house))[-2:]] == ["claim", "claim_failed"]
    assert await problems(house) == []


async def test_twenty_writers_keep_one_order(house: House) -> None:
    trails = [Trail(house.engawa.database, house.engawa.settings.keyring) for _ in range(4)]
    members = [await house.member(f"m{number}") for number in range(5)]
    now = house.clock.now()
    await asyncio.gather(*(trail.note(member, "read", now) for trail in trails for member in members))
    for trail in trails:
        await trail.close()
    assert [event.seq for event in await chain(house)] == list(range(1, 21))
    assert await problems(house) == []


async def test_erasing_leaves_the_chain_whole_and_events_that_lead_nowhere(house: House) -> None:
    """R-073: what leads from the events to the person goes with the person."""
    head = await worked(house)
    entries = await house.read(audit.entries, house.engawa.operator_id)
    assert all(one.nickname and one.ticket_id for one in entries)
    await forget(house, "a")
    assert await problems(house, head) == []
    entries = await house.read(audit.entries, house.engawa.operator_id)
    assert [(one.nickname, one.ticket_id) for one in entries] == [(None, None)] * 5
    assert await house.rows(select(audit_refs)) == []


async def test_filters(house: House) -> None:
    await worked(house)
    now, operator = house.clock.now(), house.engawa.operator_id

    async def number(**chosen: Any) -> int:
        return len(await house.read(lambda connection: audit.entries(connection, operator, **chosen)))

    assert await number(action="read") == 2
    assert await number(purpose="care") == 3
    assert await number(login="mizuno") == 5
    assert await number(login="nobody") == 0
    assert await number(since=now + timedelta(seconds=1)) == 0
    assert await number(until=now) == 0
    assert await house.read(audit.actions, operator) == ["claim", "hand_back", "read", "reply"]


def rechained(connection: Connection, keyring: Keyring, drop: int) -> None:
    """A new chain without one event, by somebody who has the keys."""
    kept = [event for event in audit.events(connection) if event.seq != drop]
    connection.execute(delete(audit_rows))
    before = audit.BEGIN
    for place, event in enumerate(kept, start=1):
        moved = Event(**{**{name: getattr(event, name) for name in event.__slots__}, "seq": place})
        before = audit.seal(keyring, moved, before)
        values = {name: getattr(moved, name) for name in moved.__slots__}
        connection.execute(insert(audit_rows).values({**values, "mac": before}))


def put_in(connection: Connection, _keyring: Keyring) -> None:
    """A copy of an event as the last one."""
    row = connection.execute(select(audit_rows).where(audit_rows.c.seq == 2)).one()
    connection.execute(insert(audit_rows).values({**row._mapping, "seq": 6}))


def swapped(connection: Connection, _keyring: Keyring) -> None:
    for old, new in ((2, 99), (3, 2), (99, 3)):
        connection.execute(update(audit_rows).where(audit_rows.c.seq == old).values(seq=new))


Fraud = Callable[[Connection, Keyring], Any]
FRAUDS: dict[str, tuple[Fraud, str]] = {
    "edited": (
        lambda connection, _: connection.execute(
            update(audit_rows).where(audit_rows.c.seq == 3).values(staff_id="someone else")
        ),
        "event 3 was changed",
    ),
    "later": (
        lambda connection, _: connection.exec_driver_sql("UPDATE audit SET at = at + 1 WHERE seq = 1"),
        "event 1 was changed",
    ),
    "deleted": (
        lambda connection, _: connection.execute(delete(audit_rows).where(audit_rows.c.seq == 2)),
        "events 2 to 2 are missing",
    ),
    "put in": (put_in, "event 6 was changed, put in, or moved"),
    "moved": (swapped, "event 2 was changed, put in, or moved"),
    "cut": (
        lambda connection, _: connection.execute(delete(audit_rows).where(audit_rows.c.seq > 3)),
        "the end is cut: it reached event 5, and now ends at 3",
    ),
    "emptied": (lambda connection, _: connection.execute(delete(audit_rows)), "now ends at 0"),
    "made anew with the keys": (
        lambda connection, keyring: rechained(connection, keyring, 2),
        "the end is cut",
    ),
}


@pytest.mark.parametrize("name", FRAUDS)
async def test_every_change_is_named(house: House, name: str) -> None:
    """R-077: with the head kept elsewhere each way of changing the chain is evident."""
    head = await worked(house)
    fraud, said = FRAUDS[name]
    keyring = house.engawa.settings.keyring
    await house.engawa.database.write(fraud, keyring)
    assert any(said in problem for problem in await problems(house, head)), await problems(house, head)


async def test_a_longer_chain_made_anew_is_another_one(house: House) -> None:
    head = await worked(house)
    keyring = house.engawa.settings.keyring
    await house.engawa.database.write(rechained, keyring, 2)
    await house.engawa.trail.note(await house.member(), "read", house.clock.now())
    assert await problems(house) == []
    assert await problems(house, head) == ["this is another chain: event 5 is not the one of the kept head"]


async def test_a_key_that_is_gone_is_told(house: House) -> None:
    await worked(house)
    other = Keyring(keys={"k2": bytes(32)}, id_key=bytes(32))
    assert any("ENGAWA_KEYS" in problem for problem in await problems(house, keyring=other))

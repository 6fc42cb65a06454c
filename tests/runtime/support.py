"""A house under test: people write, counselors answer, time passes, step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from bot.app import Engawa
from bot.content.pack import Released
from bot.flows import model
from bot.handoff.notes import Note, NoteKind
from bot.handoff.ticket import Status, Ticket
from bot.messages import Address
from bot.store import conversations, due, inbox, scheduled, staff
from bot.store.conversations import Loaded
from bot.store.intake import Accepted
from bot.store.scheduled import Words
from bot.store.schema import metadata, talks
from bot.store.schema import outbox as outbox_rows
from bot.store.staff import Member
from bot.testing import FakeChannel, FakeClock

DANGER = "死にたい"
MOST_ROUNDS = 200


@dataclass(kw_only=True)
class House:
    """One process, its channel and its clock."""

    engawa: Engawa
    channel: FakeChannel
    clock: FakeClock
    staff: dict[str, Member] = field(default_factory=dict)

    # --- people ---

    async def says(self, person: str, *texts: str) -> list[Accepted]:
        """The person writes; returns once it is durable. Nothing is handled yet."""
        now = self.clock.now()
        return await self.engawa.ingress.accept([self.channel.heard(person, text, at=now) for text in texts])

    async def taps(self, person: str, choice_id: str) -> Accepted:
        event = self.channel.heard(person, choice_id=choice_id, at=self.clock.now())
        return (await self.engawa.ingress.accept([event]))[0]

    async def loaded(self, person: str) -> Loaded:
        """The contact as it lies in the database. Raises KeyError when there is none."""
        contact_id = await self.contact(person)
        found = await self.engawa.database.read(
            conversations.load, self.engawa.sealer, [contact_id or ""], lock=False
        )
        return found[contact_id or ""]

    async def contact(self, person: str) -> str | None:
        address = Address(account=self.channel.account, key=person)
        return await self.engawa.database.read(
            conversations.find, self.engawa.sealer, self.engawa.operator_id, address
        )

    async def ticket(self, person: str) -> Ticket:
        ticket = (await self.loaded(person)).talk.ticket
        assert ticket is not None
        return ticket

    # --- counselors ---

    async def member(self, login: str = "mizuno", role: str = "counselor") -> Member:
        if login not in self.staff:
            database, operator_id = self.engawa.database, self.engawa.operator_id
            known = await database.read(staff.by_login, operator_id, login)
            if known is None:
                await database.write(staff.add, operator_id, login, f"{login}さん", role, None)
                known = await database.read(staff.by_login, operator_id, login)
            assert known is not None
            self.staff[login] = known
        return self.staff[login]

    async def waiting(self, person: str, text: str = DANGER) -> Ticket:
        """The person is handed over to people: the first card is sent, the ticket waits."""
        await self.says(person, text)
        await self.settle()
        ticket = await self.ticket(person)
        assert ticket.status is Status.WAITING
        return ticket

    async def claimed(self, person: str, login: str = "mizuno") -> Ticket:
        """The person writes with a counselor."""
        ticket = await self.waiting(person)
        await self.engawa.desk.claim(await self.member(login), ticket.id)
        return ticket

    # --- the house itself ---

    async def turn(self) -> None:
        """Handles events until none is left that can be handled now."""
        while await self.read(inbox.waiting_contacts, 1):
            await self.engawa.turns.work()

    async def handled(self) -> None:
        """Until running workers have handled every event."""
        async with asyncio.timeout(10):
            while await self.read(inbox.waiting_contacts, 1):
                await asyncio.sleep(0.005)

    async def settle(self) -> None:
        """Turns and sends until nothing is left that is due."""
        for _ in range(MOST_ROUNDS):
            await self.engawa.turns.work()
            await self.engawa.delivery.work()
            await asyncio.gather(*self.engawa.delivery._sends)
            await self.engawa.receipts.work()
            if not await self.read(_is_due, self.clock.now(), self.engawa.delivery.leases.over()):
                return
        raise AssertionError("never settles")

    async def read(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await self.engawa.database.read(function, *arguments)

    async def rows(self, statement: Any) -> list[Any]:
        return list(await self.read(lambda connection: connection.execute(statement).all()))

    async def write(self, statement: Any) -> None:
        await self.engawa.database.write(lambda connection: connection.execute(statement))

    async def states(self, person: str) -> dict[int, str]:
        """What became of each thing we said to a person."""
        contact_id = await self.contact(person)
        query = select(outbox_rows.c.seq, outbox_rows.c.state)
        found = await self.rows(query.where(outbox_rows.c.contact_id == contact_id).order_by("seq"))
        return {row.seq: row.state for row in found}

    def way_to(self, kind: type[model.Step], wanted: Callable[[Any], bool] = lambda _: True) -> str:
        """A choice of the content that leads to a step of this kind."""
        released = self.engawa.library.at_hand
        assert released is not None
        return way_to(released, kind, wanted)


def way_to(released: Released, kind: type[model.Step], wanted: Callable[[Any], bool] = lambda _: True) -> str:
    """A choice that leads to a step of this kind."""
    flows = released.latest.flows
    for flow in flows.values():
        for name, step in flow.steps.items():
            for label, target in step.choices.items():
                to_flow, to_step = model.resolve(target, flow.id)
                found = flows[to_flow].steps[to_step]
                if isinstance(found, kind) and wanted(found):
                    return model.choice_id(flow.id, name, model.choice_key(label))
    raise LookupError(f"nothing leads to {kind.__name__}")


def _is_due(connection: Connection, now: datetime, over: datetime) -> bool:
    queued, lease = due.next_due(connection)
    waits = bool(queued and queued <= now) or bool(lease and lease <= over)
    return waits or bool(inbox.waiting_contacts(connection, 1))


async def everybody(house: House) -> list[str]:
    """The ids of all contacts there are."""
    return [row.contact_id for row in await house.rows(select(talks.c.contact_id).order_by("contact_id"))]


async def everything(house: House) -> dict[str, list[tuple[Any, ...]]]:
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
    desk, member, ticket = house.engawa.desk, await house.member(), await house.ticket(person)
    await desk.reply(member, ticket.id, "読みました", person)
    said = Note(kind=NoteKind.SAID, text="夜のほうが書きやすいとのこと", by="", at=house.clock.now())
    await desk.note(member, ticket.id, said)
    await house.settle()
    await house.engawa.database.write(_schedule, house, ticket.contact_id, member.staff_id)
    await house.says(person, "まだ扱われていない")


def _schedule(connection: Connection, house: House, contact_id: str, staff_id: str) -> None:
    """Words that are to leave tomorrow."""
    loaded = conversations.load(connection, house.engawa.sealer, [contact_id], lock=True)[contact_id]
    at = house.clock.now() + timedelta(days=1)
    scheduled.add(connection, loaded, staff_id, at, Words(text="あすの言葉"))


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

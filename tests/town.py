"""A house with several desks, and people who tap buttons by their words."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from bot.content.codec import Document
from bot.errors import SealError
from bot.handoff.ticket import Ticket
from bot.store import staff
from bot.store.schema import metadata
from bot.store.sealed import ContactKey
from bot.store.staff import Member
from tests.runtime.support import House


class Town(House):
    """Content of a test's own, staff of certain desks, and what a person taps."""

    async def publish(self, *documents: tuple[str, dict[str, Any]]) -> None:
        made = [Document(kind=kind, name=body.get("id", kind), body=body) for kind, body in documents]
        await self.engawa.database.write(self.engawa.library.merge, made, "test", self.clock.now())
        await self.engawa.boards.look()

    async def on_desks(
        self, login: str, desks: str, *, role: str = "counselor", peer: bool = False, most: int = 12
    ) -> Member:
        def add(connection: Any) -> Member:
            staff_id = staff.add(
                connection, self.engawa.operator_id, login, f"{login}さん", role, None,
                desks=desks, peer=peer, most=most,
            )  # fmt: skip
            found = staff.by_id(connection, self.engawa.operator_id, staff_id)
            assert found is not None
            return found

        self.staff[login] = await self.engawa.database.write(add)
        return self.staff[login]

    async def tap(self, person: str, *labels: str) -> None:
        """Taps the newest button with each of these words."""
        for label in labels:
            await self.settle()
            found = [
                choice.id
                for one in self.channel.arrived
                if one.address.key == person
                for choice in one.reply.choices
                if choice.label == label
            ]
            assert found, f"{label} was not shown"
            await self.taps(person, found[-1])
        await self.settle()

    async def asks(self, person: str, *wishes: str) -> Ticket:
        """Somebody asks for a person, with wishes or without."""
        await self.says(person, "はじめ")
        await self.settle()
        if wishes:
            await self.tap(person, "人と話したい", "つづける", *wishes, "送る")
        else:
            await self.tap(person, "人と話したい", "このまま渡す")
        return await self.ticket(person)

    def later(self, **span: float) -> None:
        self.clock.move(timedelta(**span))

    async def opened(self) -> str:
        """Every cell of the database; the sealed ones of people opened, by whatever name their rows have."""
        sealer, told = self.engawa.sealer, list[str]()
        tables = {name: await self.rows(select(table)) for name, table in metadata.tables.items()}
        keys = {
            row.contact_id: sealer.contact_key(row.operator_id, row.contact_id, row.sealed_key)
            for row in tables["contacts"]
        }
        for name, rows in tables.items():
            for row in rows:
                ids = [str(cell) for cell in row if isinstance(cell, str | int)]
                for column, cell in row._mapping.items():
                    told.append(cell.decode(errors="replace") if isinstance(cell, bytes) else str(cell))
                    own = "contact_id" in row._mapping and column.startswith("sealed_")
                    if own and column != "sealed_key" and cell is not None:
                        told.append(_opened(keys[row.contact_id], name, column, ids, cell))
        return "\n".join(told)


def _opened(key: ContactKey, table: str, column: str, ids: list[str], cell: bytes) -> str:
    """A cell, whose name is one of the row's ids, or two of them."""
    for name in (*ids, *(f"{one}/{two}" for one in ids for two in ids)):
        with contextlib.suppress(SealError):
            return key.open(table, column, name, cell).decode()
    raise AssertionError(f"{table}.{column} does not open")

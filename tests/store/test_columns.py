"""What is sealed and what is not: every plain column has its reason, every sealed one holds envelopes only (B5)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary

from bot.content import practice
from bot.flows import model
from bot.store import factors, practices, reach, sittings, staff
from bot.store.reviews import Review
from bot.store.schema import metadata
from bot.store.sealed import BUCKETS, CONTACT_KEY_ID, KEY, NONCE, VERSION, Cell
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import House, everything, forget, live

ALLOWLIST = Path(__file__).with_name("unsealed_columns.txt")
TAG = 16
PLACE = {
    f"{table.name}.{column.name}": place
    for table in metadata.tables.values()
    for place, column in enumerate(table.columns)
}


def allowed() -> dict[str, str]:
    """Reasons by column."""
    lines = ALLOWLIST.read_text("utf-8").splitlines()
    pairs = [line.partition(": ") for line in lines if line and not line.startswith("#")]
    assert len({name for name, _, _ in pairs}) == len(pairs), "a column stands twice"
    return {name: reason for name, _, reason in pairs}


def columns(*, sealed: bool) -> set[str]:
    return {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if column.name.startswith("sealed_") is sealed
    }


def problem(column: str, value: bytes) -> str:
    """What is wrong with an envelope; empty when nothing is."""
    if len(value) < 2 or value[0] != VERSION:
        return "no envelope"
    end = 2 + value[1]
    if value[2:end].decode("ascii", "replace") not in ("k1", CONTACT_KEY_ID):
        return "an unknown key"
    size = len(value) - end - NONCE - TAG
    expected = (KEY,) if column == "contacts.sealed_key" else BUCKETS
    return "" if size in expected or size % BUCKETS[-1] == 0 else f"a size of its own: {size}"


class TestAllowlist:
    def test_every_plain_column_has_its_reason(self) -> None:
        """A new column is sealed, or somebody wrote down why not; a column that is gone leaves the list."""
        named = allowed()
        assert columns(sealed=False) - named.keys() == set(), "not sealed, and not in unsealed_columns.txt"
        assert named.keys() - columns(sealed=False) == set(), (
            "in unsealed_columns.txt, but not there (any more)"
        )
        assert [name for name, reason in named.items() if len(reason) < 5] == []

    def test_sealed_columns_hold_bytes(self) -> None:
        """What is named sealed is a column of bytes; other bytes are hashes of a fixed size."""
        for table in metadata.tables.values():
            for column in table.columns:
                if column.name.startswith("sealed_"):
                    assert isinstance(column.type, LargeBinary)
                    assert column.type.length is None
                elif isinstance(column.type, LargeBinary):
                    assert column.type.length == KEY, f"{table.name}.{column.name}"


class TestBusy:
    @pytest.fixture
    async def house(self, ready_url: str) -> AsyncIterator[House]:
        channel, clock = FakeChannel(), FakeClock()
        async with an_engawa(ready_url, clock=clock, channels=[channel]) as engawa:
            yield House(engawa=engawa, channel=channel, clock=clock)

    async def test_every_cell_is_an_envelope(self, house: House) -> None:
        """After a day with everything in it, what lies in a sealed column is sealed, and every such column is used."""
        await live(house, "a")
        await live(house, "b")
        house.channel.gate.clear()
        event = house.channel.heard("c", "死にたい", token="token")
        await house.engawa.ingress.accept([event])
        await house.engawa.turns.work()
        await house.taps("c", house.way_to(model.Ask, lambda step: step.pause))
        house.clock.move(timedelta(minutes=9))
        await house.engawa.clockwork.wake()
        now = house.clock.now()
        held = [house.channel.heard("c", text, token="token", at=now) for text in ("まだ", "います")]
        await house.engawa.ingress.accept(held)  # the second is for people to read: its token is left
        await house.engawa.turns.work()
        await forget(house, "b")
        await house.engawa.ingress.accept([house.channel.heard("d", "はじめ", token="token")])
        ticket = await house.ticket("c")
        member = await house.member()
        await house.engawa.desk.review(member, ticket.id, Review(verdict="false_alarm"))
        await house.engawa.desk.claim(member, ticket.id)
        await house.engawa.desk.save_draft(member, ticket.id, "書きかけ")
        await house.engawa.desk.break_glass(await house.member("ops", "operator"), ticket.id, "電話があった")
        write, sealer = house.engawa.database.write, house.engawa.sealer
        await write(factors.add, sealer, member, factors.TOTP, b"secret", house.clock.now())
        await write(reach.keep, sealer, member, "mailto:a@example.jp")
        await write(staff.begin_session, member.staff_id, "token", house.clock.now())
        [sitting] = await house.engawa.database.read(sittings.sittings, member.staff_id, house.clock.now())
        await write(factors.keep_pending, sealer, member, sitting.session_id, b"challenge")
        practised = practice.begin(
            practice.Practice(id="p", name="n", nickname="k", about="a", opening=("x",))
        )
        await write(practices.add, sealer, member, practised, house.clock.now())
        wrong, used = {}, set()
        for table, rows in (await everything(house)).items():
            names = [f"{table}.{column.name}" for column in metadata.tables[table].columns]
            for row in rows:
                for name, value in zip(names, row, strict=True):
                    if ".sealed_" in name and value is not None:
                        used.add(name)
                        assert isinstance(value, bytes | memoryview)
                        if found := problem(name, bytes(value)):
                            wrong[name] = found
        assert wrong == {}
        assert used == columns(sealed=True)
        house.channel.gate.set()

    async def test_cells_open_where_they_lie(self, house: House) -> None:
        """The same cells open with the keys at hand, each in its own place: nothing is sealed for another cell."""
        await live(house, "a")
        kept, sealer, opened = await everything(house), house.engawa.sealer, 0
        [contact] = kept["contacts"]
        contact_id, operator_id = str(contact[0]), str(contact[1])
        key = sealer.contact_key(operator_id, contact_id, contact[PLACE["contacts.sealed_key"]])
        for name in ("timeline", "inbox", "outbox"):
            for row in kept[name]:
                for column in (one.name for one in metadata.tables[name].columns if "sealed_" in one.name):
                    value = row[PLACE[f"{name}.{column}"]]
                    if value is not None:
                        assert key.open(name, column, f"{row[0]}/{row[1]}", value)
                        opened += 1
        assert opened > 10
        await forget(house, "a")
        [receipt] = (await everything(house))["receipts"]
        cell = Cell(operator_id, "receipts", "sealed_receipt", str(receipt[0]))
        assert b"fake" in sealer.open(cell, receipt[PLACE["receipts.sealed_receipt"]])

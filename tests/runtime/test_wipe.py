"""SQLite: what is erased is not in the file and not in its log either (B8)."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.messages import Purpose
from bot.runtime import wipe
from bot.store.schema import receipts
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import House, everything, forget, forget_word, live


class TestBytes:
    """SQLite: what is erased is not in the file and not in its log either (B8)."""

    @pytest.fixture
    async def house(self, ready_sqlite_url: str) -> AsyncIterator[House]:
        channel, clock = FakeChannel(), FakeClock()
        async with an_engawa(ready_sqlite_url, clock=clock, channels=[channel]) as engawa:
            yield House(engawa=engawa, channel=channel, clock=clock)

    @staticmethod
    def path(house: House) -> Path:
        return Path(str(house.engawa.database.url.database))

    def found(self, house: House, canaries: list[bytes]) -> set[str]:
        """In which of the database's files any canary is."""
        path = self.path(house)
        files = [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))]
        return {
            file.name.removeprefix(path.name)
            for file in files
            if file.exists() and any(canary in file.read_bytes() for canary in canaries)
        }

    async def canaries(self, house: House, person: str) -> list[bytes]:
        """The contact's id, its key, and the random part of every sealed cell of it."""
        loaded = await house.loaded(person)
        cells = [
            value
            for rows in (await everything(house)).values()
            for row in rows
            if loaded.contact_id in row
            for value in row
            if isinstance(value, bytes)
        ]
        return [loaded.contact_id.encode(), *(cell[-40:] for cell in cells)]

    async def crowd(self, house: House, count: int) -> None:
        """Others write in between, so that pages split and rows move."""
        await asyncio.gather(
            *[house.says(f"other-{number}", "はじめ", "こんにちは") for number in range(count)]
        )
        await house.settle()

    async def test_no_byte(self, house: House) -> None:
        """After the erase, its receipt and the wipe: zero bytes of it, among hundreds of other people's rows."""
        await self.crowd(house, 60)
        await live(house, "a")
        await self.crowd(house, 120)
        await house.says("a", "もうひとつ" * 300)
        await house.settle()
        canaries = await self.canaries(house, "a")
        assert len(canaries) > 15
        assert "" in self.found(house, canaries) or "-wal" in self.found(house, canaries)
        await forget(house, "a")
        await house.settle()
        await house.engawa.wipe.work()
        assert self.found(house, canaries) == set()
        assert self.path(house).with_name(self.path(house).name + "-wal").stat().st_size == 0

    async def test_by_itself(self, house: House) -> None:
        """With the workers running, the log is emptied after the erase and again after the receipt."""
        await live(house, "a")
        canaries = await self.canaries(house, "a")
        emptied = asyncio.Event()
        checkpoint = house.engawa.database.checkpoint
        loop = asyncio.get_running_loop()

        def told() -> bool:
            clean = checkpoint()
            loop.call_soon_threadsafe(emptied.set)
            return clean

        house.engawa.database.checkpoint = told  # type: ignore[method-assign]

        async def gone(canaries: list[bytes]) -> None:
            async with asyncio.timeout(10):
                while True:
                    emptied.clear()
                    if house.engawa.wipe._clean and not self.found(house, canaries):
                        return
                    await emptied.wait()

        house.channel.gate.clear()
        await house.engawa.start()
        await house.says("a", forget_word(house))
        await house.channel.until(lambda: house.channel.tries[-1].purpose is Purpose.RECEIPT)
        await gone(canaries)
        receipt = [row.sealed_receipt[-40:] for row in await house.rows(select(receipts))]
        assert self.found(house, receipt)
        house.channel.gate.set()
        await gone(receipt)
        assert await house.rows(select(receipts)) == []
        assert any(one.purpose is Purpose.RECEIPT for one in house.channel.arrived)

    async def test_while_somebody_reads(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """An open reader keeps the bytes for as long as it reads; the wipe says so, tries again, and then they go."""
        monkeypatch.setattr(wipe, "AGAIN", 0.01)
        await live(house, "a")
        canaries = await self.canaries(house, "a")
        with closing(sqlite3.connect(self.path(house), isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM timeline").fetchone()
            await forget(house, "a")
            await house.settle()
            await house.engawa.wipe.work()
            assert await house.engawa.wipe.idle() == wipe.AGAIN
            assert self.found(house, canaries)
            await house.says("b", "はじめ")
            await house.settle()
            assert house.channel.texts("b")
        await house.engawa.wipe.work()
        assert await house.engawa.wipe.idle() == wipe.SELDOM
        assert self.found(house, canaries) == set()

"""While the database is away events are kept and acknowledged; afterwards each is answered once, in order."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from admin import doctoring
from bot import edge
from bot.app import Engawa
from bot.config import load
from bot.errors import SealError, StoreUnavailable
from bot.messages import Inbound
from bot.runtime import ingress, spooling
from bot.runtime.spooling import Kept
from bot.store import body, conversations, intake, timeline
from bot.testing import A_KEY, SIGNED, FakeChannel, FakeClock, an_engawa
from tests.runtime import spool_victim
from tests.runtime.support import House


def away(*_: Any) -> None:
    raise StoreUnavailable


@pytest.fixture
async def house(ready_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """One process with a spool, on either database."""
    channel, clock = FakeChannel(), FakeClock()
    environ = {"ENGAWA_SPOOL": str(tmp_path / "spool")}
    async with an_engawa(ready_url, clock=clock, channels=[channel], environ=environ) as engawa:
        yield House(engawa=engawa, channel=channel, clock=clock)


def browser() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))  # of a bare address, too


def of(house: House) -> spooling.Spooling:
    found = house.engawa.spooling
    assert found is not None
    return found


async def replayed(house: House) -> None:
    while await of(house).work():
        pass
    await of(house).work()
    await house.settle()


async def words(house: House, person: str) -> list[str]:
    """What a person wrote, as their thread has it."""
    lines = await house.read(timeline.lines, await house.loaded(person))
    return [line.body.texts[0] for line in lines if line.author == "person"]


async def outage(house: House, patch: pytest.MonkeyPatch, events: list[Inbound]) -> None:
    with patch.context() as patched:
        patched.setattr(intake, "take", away)
        for event in events:
            (accepted,) = await house.engawa.ingress.accept([event])
            assert accepted.seq is None


class TestOutage:
    async def test_kept_and_answered_in_order(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each event is acknowledged; what comes after the outage does not overtake; each is answered once."""
        said = [f"その{number}" for number in range(6)]
        events = [house.channel.heard("a", text) for text in said]
        await outage(house, monkeypatch, events[:4])
        assert (await of(house).kept()).waiting > 0
        (late,) = await house.engawa.ingress.accept([events[4]])
        assert late.seq is None, "it must wait behind the others"
        await replayed(house)
        (direct,) = await house.engawa.ingress.accept([events[5]])
        assert direct.seq is not None
        await house.settle()
        assert await words(house, "a") == said
        assert len(house.channel.arrived) == 6
        assert await of(house).kept() == Kept()

    async def test_brought_again_and_in_doubt(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stored although the commit seemed to fail, spooled, brought again by the platform: one answer."""
        event = house.channel.heard("a", "はじめ")
        await house.engawa.ingress.accept([event])
        await outage(house, monkeypatch, [event, event])
        await replayed(house)
        await house.engawa.ingress.accept([event])
        await house.settle()
        assert len(house.channel.arrived) == 1

    async def test_a_database_that_hangs(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nobody waits for a commit beyond patience: the event is kept, and known again when both come through."""
        held = asyncio.Event()
        put = house.engawa.ingress._lane.put

        async def slow(event: Inbound) -> Any:
            await held.wait()
            return await put(event)

        with monkeypatch.context() as patch:
            patch.setattr(ingress, "PATIENCE", 0.01)
            patch.setattr(house.engawa.ingress._lane, "put", slow)
            (accepted,) = await house.engawa.ingress.accept([house.channel.heard("a", "はじめ")])
        assert accepted.seq is None
        held.set()
        await replayed(house)
        assert len(house.channel.arrived) == 1

    async def test_both_fail(self, house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """Only when the spool fails, too, the platform is told to bring it again."""
        (tmp_path / "spool").write_text("in the way")
        with pytest.raises(StoreUnavailable):
            await outage(house, monkeypatch, [house.channel.heard("a", "はじめ")])

    async def test_danger_is_a_ticket_in_the_end(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """A cry for help during an outage is in the queue after it."""
        await outage(house, monkeypatch, [house.channel.heard("a", "死にたい")])
        await replayed(house)
        assert (await house.ticket("a")).hits

    async def test_while_it_replays_the_database_goes_again(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was not stored stays, and its order with it."""
        said = [f"その{number}" for number in range(3)]
        await outage(house, monkeypatch, [house.channel.heard("a", text) for text in said])
        with monkeypatch.context() as patch:
            patch.setattr(intake, "take", away)
            with pytest.raises(StoreUnavailable):
                await of(house).work()
        await replayed(house)
        assert await words(house, "a") == said


class TestNotStorable:
    async def test_what_cannot_be_stored_as_it_is(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is taken as something unreadable, which is answered; the others are stored as they are."""
        await outage(
            house, monkeypatch, [house.channel.heard("a", "odd"), house.channel.heard("b", "はじめ")]
        )
        encode = body.encode

        def picky(value: Any) -> bytes:
            if isinstance(value, body.Body) and value.texts == ("odd",):
                raise ValueError
            return encode(value)

        monkeypatch.setattr(body, "encode", picky)
        await replayed(house)
        assert house.channel.texts("a")
        assert await words(house, "b") == ["はじめ"]
        assert await of(house).kept() == Kept()

    async def test_not_even_that(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """A damaged contact: the event is set aside and told of, not dropped; a restart tries it again."""
        await house.says("a", "はじめ")
        await house.settle()
        event = house.channel.heard("a", "まだ")
        await outage(house, monkeypatch, [event])
        with monkeypatch.context() as patch:

            def broken(*_: Any) -> None:
                raise SealError

            patch.setattr(conversations, "hold", broken)
            await replayed(house)
        kept = await of(house).kept()
        assert kept.aside > 0
        assert kept.waiting == 0
        assert kept.in_words() != "empty"
        of(house)._spool.bring_back()
        await replayed(house)
        assert (await words(house, "a"))[-1] == "まだ"
        assert await of(house).kept() == Kept()

    async def test_an_erase_reaches_what_was_set_aside(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Events of people who are not known are overwritten; those of others stay."""
        await house.says("known", "はじめ")
        people = ("known", "gone")
        await outage(house, monkeypatch, [house.channel.heard(person, "まだ") for person in people])
        with monkeypatch.context() as patch:

            def broken(*_: Any) -> None:
                raise SealError

            patch.setattr(conversations, "hold", broken)
            await replayed(house)
        await house.engawa.wipe.work()
        left = [record.event.address.key for record in of(house)._spool.aside() if record.event]
        assert left == ["known"]


class TestTold:
    async def test_healthz_and_doctor(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """Both say that events wait, and that all is well afterwards."""
        handler = edge.healthy(house.engawa.retention, house.engawa.alerts, of(house))
        await outage(house, monkeypatch, [house.channel.heard("a", "はじめ")])
        settings = house.engawa.settings
        assert "wait" in doctoring.spool(settings).remedy
        request: Any = type("Request", (), {"query": {"detail": ""}})()
        told: Any = await handler(request)
        assert (told.status, "wait for the database" in told.text) == (503, True)
        await replayed(house)
        assert doctoring.spool(settings).remedy == ""
        told = await handler(request)
        assert (told.status, '"spool": "empty"' in told.text) == (200, True)

    async def test_a_webhook_and_a_page(
        self, ready_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Over HTTP: 200 to the platform, 202 without a place to the page; a page that knows its cookie goes on."""
        channel = FakeChannel("line")
        engawa = Engawa(
            load(
                {"ENGAWA_KEYS": A_KEY, "ENGAWA_DATABASE_URL": ready_url, "ENGAWA_SPOOL": str(tmp_path / "s")}
            )
        )
        engawa.channels[channel.account] = channel
        await engawa.prepare()
        async with TestServer(engawa.application()) as server, browser() as session:

            async def post(path: str, **what: Any) -> tuple[int, Any]:
                async with session.post(server.make_url(path), **what) as answer:
                    return answer.status, await answer.json() if path.startswith("/chat") else None

            status, _ = await post("/chat/api/session")
            assert status == 200
            message = {"client_id": "0b0e7b9e2a0c4d0e9c393c1f4d8f9c11", "text": "家族"}
            event = '[{"person": "a", "event": "e1", "text": "家族"}]'.encode()
            with monkeypatch.context() as patch:
                patch.setattr(intake, "take", away)
                patch.setattr(conversations, "find", away)
                assert await post("/webhooks/line", data=event, headers=SIGNED) == (200, None)
                assert await post("/chat/api/messages", json=message) == (202, {"seq": None})
                assert await post("/chat/api/session") == (200, {"seq": None})
            assert engawa.spooling is not None
            async with asyncio.timeout(20):
                while (await engawa.spooling.kept()).waiting:
                    await asyncio.sleep(0.01)
            assert await post("/chat/api/messages", json=message) == (202, {"seq": 3})
            await channel.until(lambda: bool(channel.arrived))


@pytest.mark.parametrize("moment", spool_victim.MOMENTS)
async def test_killed(moment: str, ready_sqlite_url: str, tmp_path: Path) -> None:
    """`kill -9` between append and acknowledge, in the middle of an append, or while replaying: nothing is lost,
    and what the platform brings again is not answered twice."""
    folder = str(tmp_path / "spool")
    command = [sys.executable, "-m", "tests.runtime.spool_victim", moment, ready_sqlite_url, folder]
    victim = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False, timeout=60)
    assert victim.returncode == -signal.SIGKILL, victim.stderr.decode()[-2000:]
    channel, clock = FakeChannel(), FakeClock()
    environ = {"ENGAWA_SPOOL": folder}
    async with an_engawa(ready_sqlite_url, clock=clock, channels=[channel], environ=environ) as engawa:
        house = House(engawa=engawa, channel=channel, clock=clock)
        await replayed(house)
        for event in spool_victim.events(channel):
            await house.engawa.ingress.accept([event])
        await house.settle()
        assert await words(house, "a") == list(spool_victim.SAID)
        assert len(channel.arrived) == len(spool_victim.SAID)
        assert await of(house).kept() == Kept()

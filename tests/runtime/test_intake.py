"""What comes in, and what time brings: durable before it is acknowledged, named, told when it cannot be."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from prometheus_client import generate_latest
from sqlalchemy import func, select

from bot.channels.webchat.sessions import address_of
from bot.clock import SystemClock
from bot.errors import StoreUnavailable
from bot.flows import model
from bot.messages import Inbound, Kind
from bot.runtime import clockwork
from bot.runtime.live import INBOX, OUTBOX
from bot.runtime.metrics import REGISTRY
from bot.store import body, inbox, intake, outbox, staff, timeline, wakeups
from bot.store.schema import daily_counts, dedupe, staff_sessions
from bot.store.schema import outbox as rows
from bot.testing import FakeChannel, a_pack, an_engawa
from tests.runtime.support import House


def away(*_: Any) -> None:
    raise StoreUnavailable


class TestIngress:
    async def test_a_tap_gets_its_words(self, house: House) -> None:
        """A tap is stored with the words on its button, so that people can read the thread; an old one is empty."""
        choice = house.way_to(model.Handoff)
        released = house.engawa.library.at_hand
        assert released is not None
        await house.taps("a", choice)
        await house.taps("a", "F-GONE/step/00000000")
        lines = await house.read(timeline.lines, await house.loaded("a"))
        assert [line.body.texts for line in lines] == [(released.label(choice),), ()]
        assert [line.body.choice_id for line in lines] == [choice, "F-GONE/step/00000000"]

    async def test_all_or_nothing_is_acknowledged(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """When the database is away no event of a webhook counts as taken; brought again they are taken once."""
        events = [house.channel.heard("a", str(number)) for number in range(5)]
        with monkeypatch.context() as patch:
            patch.setattr(intake, "take", away)
            with pytest.raises(StoreUnavailable):
                await house.engawa.ingress.accept(events)
        assert await house.contact("a") is None
        for fresh in (True, False):
            accepted = await house.engawa.ingress.accept(events)
            assert [one.seq for one in accepted] == [1, 2, 3, 4, 5]
            assert {one.fresh for one in accepted} == {fresh}

    async def test_news_ring(self, house: House) -> None:
        """Who waits for events hears of each that was not answered at once."""
        with house.engawa.hub.listen(INBOX) as bell:
            await house.engawa.ingress.accept([house.channel.heard("a", "はじめ")])
            assert await bell.wait(5)

    async def test_counted_by_kind_only(self, house: House) -> None:
        """Metrics count channels and kinds, and know no person."""
        await house.says("U-canary", "canary-text")
        await house.settle()
        shown = generate_latest(REGISTRY)
        assert b'engawa_events_total{channel="fake",kind="text"}' in shown
        assert b"canary" not in shown


class TestOutgoing:
    async def test_read_on_our_own_page(self, house: House) -> None:
        """On the web committed is sent: nothing waits in the outbox, and the person sees it at once."""
        address = address_of("t" * 43)
        event = Inbound(
            address=address,
            dedupe_key="web-1",
            sent_at=house.clock.now(),
            kind=Kind.TEXT,
            text="はじめ",
        )
        with house.engawa.hub.listen(OUTBOX) as bell:
            await house.engawa.ingress.accept([event])
            await house.turn()
            assert not await bell.wait(0.01)
        assert [row.state for row in await house.rows(select(rows.c.state))] == [outbox.SENT]

    async def test_a_free_answer_is_used_once(self, house: House) -> None:
        """The reply token of an event goes with the first thing said to it, sealed, and with no other."""
        await house.engawa.ingress.accept(
            [
                house.channel.heard("a", "はじめ", token="one"),
                house.channel.heard("a", "こんにちは", token="two"),
            ]
        )
        await house.settle()
        assert [one.hint.token if one.hint else "" for one in house.channel.arrived] == ["one", "two"]
        await house.claimed("b")
        await house.engawa.desk.reply(await house.member(), (await house.ticket("b")).id, "返事", "1")
        await house.settle()
        assert house.channel.arrived[-1].hint is None


class TestClockwork:
    async def test_due_and_not_due(self, house: House) -> None:
        """A timer becomes an event when its time has come, once, and rings."""
        await house.says("a", "はじめ")
        await house.settle()
        contact_id = (await house.loaded("a")).contact_id
        at = house.clock.now() + timedelta(seconds=20)
        await house.engawa.database.write(wakeups.set_all, {(contact_id, "pause"): at})
        with house.engawa.hub.listen(INBOX) as bell:
            await house.engawa.clockwork.wake()
            assert not await bell.wait(0.01)
            house.clock.move(timedelta(seconds=20))
            await asyncio.gather(*[house.engawa.clockwork.wake() for _ in range(3)])
            assert await bell.wait(5)
        assert await house.read(inbox.waiting_contacts, 9) == [contact_id]
        await house.turn()
        assert (await house.loaded("a")).last_seq == 3

    async def test_tidying(self, house: House) -> None:
        """Keys and sessions past their time go; those that are still good stay."""
        await house.says("a", "はじめ")
        member, database = await house.member(), house.engawa.database
        await database.write(staff.begin_session, member.staff_id, "token", house.clock.now())
        for days, left in ((0, (1, 1)), (1, (1, 0)), (10, (0, 0))):
            house.clock.move(timedelta(days=days))
            await house.engawa.retention.run()
            counted = [
                (await house.rows(select(func.count()).select_from(table)))[0][0]
                for table in (dedupe, staff_sessions)
            ]
            assert tuple(counted) == left

    async def test_an_outage_is_no_end(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """A tick that finds the database away is followed by the next one."""
        with monkeypatch.context() as patch:
            patch.setattr(house.engawa.database, "read", away)
            patch.setattr(house.engawa.database, "write", away)
            await house.engawa.clockwork.wake()
            await house.engawa.retention.look()
        await house.engawa.clockwork.wake()

    async def test_it_ticks_by_itself(self, ready_sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Started, a timer that is due is handled and answered; stopped, it ticks no more."""
        monkeypatch.setattr(clockwork, "WAKE_EVERY", 0.02)
        channel = FakeChannel()
        async with an_engawa(
            ready_sqlite_url, clock=SystemClock(), channels=[channel], started=True
        ) as engawa:
            house = House(engawa=engawa, channel=channel, clock=SystemClock())  # type: ignore[arg-type]
            await house.taps("a", house.way_to(model.Ask, lambda step: step.pause))
            await house.says("a", "書いておきます")
            await channel.until(lambda: len(channel.arrived) == 1)
            await house.handled()
            contact_id = (await house.loaded("a")).contact_id
            now = engawa.clock.now()
            await engawa.database.write(wakeups.set_all, {(contact_id, "pause"): now})
            await channel.until(lambda: len(channel.arrived) == 2)


class TestPlaceCodes:
    async def test_counted_in_total_only(self, house: House) -> None:
        """R-119: a code that content names counts by its name, any other as other, once each; none is kept anywhere."""
        service = a_pack().service
        released = house.engawa.library.at_hand
        assert released is not None
        named = replace(released.latest, service=msgspec.structs.replace(service, entry_codes=("library-3",)))
        house.engawa.library.released = lambda *_: replace(released, latest=named)  # type: ignore[method-assign]
        for person, code in (
            ("a", "library-3"),
            ("b", "library-3"),
            ("c", "たなか"),
            ("d", "x" * 64),
            ("e", ""),
        ):
            event = house.channel.heard(person, kind=Kind.JOINED, entry=code, event=f"event of {person}")
            await house.engawa.ingress.accept([event])
            await house.engawa.ingress.accept([event])
        counted = {row.name: row.count for row in await house.rows(select(daily_counts))}
        assert {name: number for name, number in counted.items() if name.startswith("entry:")} == {
            "entry:library-3": 2,
            "entry:other": 2,
        }
        loaded = await house.loaded("a")
        lines = await house.read(timeline.lines, loaded)
        assert "library-3" not in repr([body.encode(line.body) for line in lines])

"""Each class of data goes at its limit and not before, by one process, seen from outside (R-074, B11)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import Column as SqlColumn
from sqlalchemy import MetaData, String, Table, func, select, update

from bot import edge
from bot.errors import ConfigError, StoreUnavailable
from bot.store import chores
from bot.store.retention import RULES, Keeping, keeping_from
from bot.store.schema import (
    contacts,
    daily_counts,
    erasures,
    metadata,
    one_time_logins,
    outbox,
    talks,
    tickets,
    timeline,
)
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import House, forget, live

DAY = timedelta(days=1)


async def away(*_arguments: object) -> None:
    raise StoreUnavailable


def without_rule(known: MetaData) -> set[str]:
    return set(known.tables) ^ RULES.keys()


def test_every_table_has_a_rule() -> None:
    """A new table needs a line in `RULES`; one that is gone leaves it. A class it names is one there is."""
    assert without_rule(metadata) == set()
    more = MetaData()
    for table in metadata.tables.values():
        table.to_metadata(more)
    Table("jottings", more, SqlColumn("draft_id", String(32), primary_key=True))
    assert without_rule(more) == {"jottings"}


class TestSettings:
    def test_days_are_read(self) -> None:
        assert keeping_from(" words=3, counts=10 ") == Keeping(words=3, counts=10)
        assert keeping_from("") == Keeping()

    @pytest.mark.parametrize(
        "text",
        ["words", "words=", "words=0", "words=-1", "word=3", "words=1,words=2", "words=99", "sends=１"],
    )
    def test_mistakes_are_told(self, text: str) -> None:
        with pytest.raises(ConfigError, match="ENGAWA_KEEP_DAYS"):
            keeping_from(text)


class TestForgetting:
    @pytest.fixture
    async def house(self, ready_url: str) -> AsyncIterator[House]:
        channel, clock = FakeChannel(), FakeClock()
        async with an_engawa(ready_url, clock=clock, channels=[channel]) as engawa:
            yield House(engawa=engawa, channel=channel, clock=clock)

    async def lines(self, house: House, person: str) -> int:
        contact_id = await house.contact(person)
        query = select(func.count()).select_from(timeline).where(timeline.c.contact_id == contact_id)
        return int((await house.rows(query))[0][0])

    async def test_words_that_nobody_has(self, house: House) -> None:
        """After seven days of rest lines, sends and answers are gone; the person is not."""
        await house.says("a", "はじめ")
        await house.taps("a", house.way_to(_ask(), lambda step: step.pause))
        await house.says("a", "ひみつ")
        await house.settle()
        assert (await house.loaded("a")).talk.session is not None
        house.clock.move(7 * DAY)
        await house.engawa.retention.run()
        assert await self.lines(house, "a") > 0
        house.clock.move(DAY)
        await house.engawa.retention.run()
        assert await self.lines(house, "a") == 0
        talk = (await house.loaded("a")).talk
        assert (talk.session, talk.recent) == (None, ())
        assert await house.states("a") == {}
        await house.says("a", "また来ました")
        await house.settle()
        assert len(house.channel.arrived) > 0

    async def test_words_of_somebody_who_writes_daily(self, house: House) -> None:
        """A talk that never rests loses its old lines as well."""
        for _ in range(12):
            await house.says("a", "はじめ")
            await house.settle()
            house.clock.move(DAY)
        before = await self.lines(house, "a")
        await house.engawa.retention.run()
        left = await self.lines(house, "a")
        assert 0 < left < before
        oldest = (await house.rows(select(func.min(outbox.c.queued_at))))[0][0]
        assert house.clock.now() - oldest <= 7 * DAY

    async def test_what_staff_have(self, house: House) -> None:
        """An open ticket keeps its words; at rest they stay ninety days after the person was last here."""
        ticket = await house.claimed("a")
        house.clock.move(200 * DAY)
        await house.engawa.retention.run()
        assert await self.lines(house, "a") > 0
        await house.engawa.desk.hand_back(await house.member(), ticket.id)
        await house.settle()
        house.clock.move(90 * DAY)
        await house.engawa.retention.run()
        assert await self.lines(house, "a") > 0
        house.clock.move(DAY)
        await house.engawa.retention.run()
        assert await self.lines(house, "a") == 0
        assert await house.rows(select(tickets)) == []
        talk = (await house.loaded("a")).talk
        assert (talk.ticket, talk.mode) == (None, "bot")

    async def test_who_does_not_come_back(self, house: House) -> None:
        await house.says("a", "はじめ")
        await house.settle()
        house.clock.move(365 * DAY)
        await house.says("b", "はじめ")
        await house.settle()
        await house.engawa.retention.run()
        assert await house.contact("a") is not None
        house.clock.move(DAY)
        await house.engawa.retention.run()
        assert await house.contact("a") is None
        assert [row.contact_id for row in await house.rows(select(contacts))] == [await house.contact("b")]

    async def test_what_waits_stays(self, house: House) -> None:
        """Neither an event that was not handled nor a message that was not sent is lost by age."""
        await house.says("a", "はじめ")
        await house.settle()
        house.channel.gate.clear()
        await house.says("a", "はじめ")
        await house.engawa.turns.work()
        await house.says("a", "まだ")
        house.clock.move(30 * DAY)
        before = await self.lines(house, "a")
        await house.engawa.retention.run()
        assert 0 < await self.lines(house, "a") < before
        assert set((await house.states("a")).values()) <= {"queued", "sending"}
        house.channel.gate.set()

    async def test_everything_else(self, house: House) -> None:
        """Counts, journal rows and passwords that nobody used, each at its own limit."""
        await live(house, "a")
        member = await house.member()
        await house.engawa.database.write(
            lambda connection: connection.execute(
                one_time_logins.insert().values(
                    suffices=False,
                    secret_hash=bytes(32),
                    staff_id=member.staff_id,
                    expires_at=house.clock.now() + DAY,
                )
            )
        )
        await forget(house, "a")
        await house.engawa.wipe.work()
        kept = {
            table: len(await house.rows(select(table))) for table in (daily_counts, erasures, one_time_logins)
        }
        assert min(kept.values()) > 0
        for days, table in ((1, one_time_logins), (400, erasures), (1095, daily_counts)):
            house.clock.move(days * DAY - timedelta(hours=1) if days == 1 else timedelta(0))
            await house.engawa.retention.run()
            assert len(await house.rows(select(table))) == kept[table], table.name
            house.clock.move((days + 1) * DAY)
            await house.engawa.retention.run()
            assert await house.rows(select(table)) == [], table.name

    async def test_times_grow_vague(self, house: House) -> None:
        """A day after a send nobody can tell its minute; its reply token went with the send itself."""
        house.clock.move(timedelta(minutes=7, seconds=3))
        event = house.channel.heard("a", "はじめ", token="token", at=house.clock.now())
        await house.engawa.ingress.accept([event])
        await house.settle()
        query = select(outbox.c.queued_at, outbox.c.sending_at, outbox.c.due_at, outbox.c.sealed_hint)
        [exact, *_] = await house.rows(query)
        assert exact.queued_at.minute == 7
        assert exact.sealed_hint is None
        house.clock.move(DAY + timedelta(hours=1))
        await house.engawa.retention.run()
        [vague, *_] = await house.rows(query)
        for time in vague[:3]:
            assert (time.minute % 15, time.second, time.microsecond) == (0, 0, 0)
        assert timedelta(0) <= exact.queued_at - vague.queued_at < timedelta(minutes=15)

    async def test_a_damaged_talk_holds_up_nobody(self, house: House) -> None:
        for person in "ab":
            await house.says(person, "はじめ")
        await house.settle()
        damaged = await house.contact("a")
        await house.write(
            update(talks)
            .where(talks.c.contact_id == damaged)
            .values(sealed_state=b"\x01\x07contact" + bytes(300))
        )
        house.clock.move(8 * DAY)
        await house.engawa.retention.run()
        assert await house.rows(select(timeline)) == []

    async def test_the_heartbeat(self, house: House) -> None:
        """Once an hour, by one process, and late after a day."""
        retention_, clock = house.engawa.retention, house.clock
        assert not retention_.is_late(await retention_.last_run())
        await retention_.look()
        first = await retention_.last_run()
        assert first == clock.now()
        clock.move(timedelta(minutes=59))
        await retention_.look()
        assert await retention_.last_run() == first
        clock.move(timedelta(minutes=1))
        await retention_.look()
        assert await retention_.last_run() == clock.now()
        clock.move(timedelta(hours=25))
        assert retention_.is_late(await retention_.last_run())
        database, now = house.engawa.database, clock.now()
        once = [
            await database.write(chores.claim, "retention", now, timedelta(hours=1), timedelta(minutes=15))
            for _ in range(2)
        ]
        assert once == [True, False]

    async def test_seen_from_outside(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """Plain health stays what it is; in detail a day without a run is red, and so is a database that is away."""
        app = web.Application()
        app.router.add_get("/healthz", edge.healthy(house.engawa.retention, house.engawa.alerts))
        async with TestClient(TestServer(app)) as client:

            async def told(query: str = "?detail") -> tuple[int, str]:
                response = await client.get(f"/healthz{query}")
                return response.status, await response.text()

            await house.engawa.retention.look()
            status, text = await told()
            assert (status, house.clock.now().isoformat() in text) == (200, True)
            house.clock.move(timedelta(hours=25))
            assert (await told())[0] == 503
            assert await told("") == (200, "ok\n")
            monkeypatch.setattr(house.engawa.database, "read", away)
            assert (await told())[0] == 503

    async def test_hints_of_what_was_dropped(self, house: House) -> None:
        """A reply token left on a row that will not be sent goes with the next run."""
        await house.says("a", "はじめ")
        await house.settle()
        sealed = (await house.loaded("a")).key.seal("outbox", "sealed_hint", "x", b"token")
        await house.write(update(outbox).values(sealed_hint=sealed, state="failed"))
        await house.engawa.retention.run()
        assert await house.rows(select(outbox.c.seq).where(outbox.c.sealed_hint.is_not(None))) == []


def _ask() -> type:
    from bot.flows import model

    return model.Ask

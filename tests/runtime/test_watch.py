"""Synthetic rounds: the whole way from a message to an answered alarm, counted nowhere, and telling when it breaks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import func, select

from bot import edge
from bot.errors import SendError, Unreachable
from bot.handoff.escalation import Kind
from bot.messages import Inbound
from bot.messages import Kind as Heard
from bot.runtime.ingress import Ingress
from bot.runtime.watch import PERSON, Watch
from bot.store import watch
from bot.store.schema import alerts, contacts, daily_counts, metadata, tickets
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import House

EVERY = timedelta(minutes=3)


class Outside:
    """A monitor outside: counts what it hears."""

    def __init__(self) -> None:
        self.heard = 0
        self.error: SendError | None = None

    def __call__(self) -> Outside:
        return self

    async def ping(self) -> None:
        if self.error is not None:
            raise self.error
        self.heard += 1

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
async def house(ready_url: str) -> AsyncIterator[House]:
    """A house whose workers run, but for its own rounds."""
    channel, clock = FakeChannel(), FakeClock()
    environ = {"ENGAWA_ROUND_MINUTES": "off"}
    async with an_engawa(ready_url, clock=clock, channels=[channel], environ=environ, started=True) as engawa:
        yield House(engawa=engawa, channel=channel, clock=clock)


@pytest.fixture
def outside() -> Outside:
    return Outside()


def watching(house: House, outside: Outside, within: float = 20.0) -> Watch:
    engawa = house.engawa
    return Watch(
        engawa.database,
        engawa.hub,
        Ingress(engawa.database, engawa.hub, engawa.library, house.clock, engawa.sealer, watch.OPERATOR),
        house.clock,
        engawa.sealer,
        engawa.operator_id,
        EVERY,
        outside,
        within=within,
    )


async def last(house: House) -> watch.Round:
    found = await house.read(watch.last, house.engawa.operator_id)
    assert isinstance(found, watch.Round)
    return found


async def test_a_round_passes_tells_outside_and_is_counted_nowhere(house: House, outside: Outside) -> None:
    """R-124, R-011: no queue, count or report holds the synthetic person, and no channel sends to it."""
    await house.says("real", "はじめ")
    await house.handled()
    before = {
        table.name: await house.rows(select(func.count()).select_from(table))
        for table in metadata.sorted_tables
        if table.name not in ("watch_rounds", "operators", "dedupe", "outbox", "accounts")
    }
    counted = await house.rows(daily_counts.select())
    made = watching(house, outside)
    for number in (1, 2):
        await made.look()
        assert outside.heard == number
        house.clock.move(EVERY)
    after = {
        name: await house.rows(select(func.count()).select_from(metadata.tables[name])) for name in before
    }
    assert after == before
    assert await house.rows(daily_counts.select()) == counted
    assert [one.address.account for one in house.channel.arrived] == ["fake"]
    assert not (await last(house)).is_failing


async def test_a_round_is_made_when_it_is_due_by_one_process(house: House, outside: Outside) -> None:
    first, second = watching(house, outside), watching(house, outside)
    await first.look()
    await second.look()
    assert outside.heard == 1
    house.clock.move(EVERY - timedelta(seconds=1))
    await second.look()
    assert outside.heard == 1
    house.clock.move(-timedelta(days=2))
    await second.look()
    assert outside.heard == 2


async def test_a_round_that_is_not_told_is_an_alert_until_one_passes(house: House, outside: Outside) -> None:
    """R-083: a break anywhere on the way is told; the monitor outside hears nothing meanwhile."""
    engawa = house.engawa
    await engawa.alerts.stop()
    made = watching(house, outside, within=0.3)
    made._ingress.answer = engawa.turns.answer  # the ticket is there once the event is taken in
    await made.look()
    found = await last(house)
    assert (found.is_failing, found.failure_code, outside.heard) == (True, "not_told", 0)
    member = await house.member()
    [one] = await engawa.alerts.open(member)
    assert one.alert.kind is Kind.ROUND
    standing = await engawa.alerts.standing()
    assert standing.watch is not None
    assert standing.watch.is_failing
    engawa.alerts._stopping.clear()
    engawa.alerts.start()
    house.clock.move(EVERY)
    await watching(house, outside).look()
    assert await engawa.alerts.open(member) == []
    assert outside.heard == 1


async def test_a_round_without_a_ticket_says_so(house: House, outside: Outside) -> None:
    """The machine takes in and does not turn: what people write would lie there."""
    await house.engawa.turns.stop()
    made = watching(house, outside, within=0.3)
    await made.look()
    assert (await last(house)).failure_code == "no_ticket"
    assert await house.rows(select(contacts.c.contact_id)) == []


async def test_what_a_dying_process_left_is_cleaned_by_the_next_round(house: House, outside: Outside) -> None:
    made = watching(house, outside)
    await made.look()
    event = Inbound(
        address=PERSON, dedupe_key="dying", sent_at=house.clock.now(), kind=Heard.TEXT, text="死にたい"
    )
    await made._ingress.accept([event])
    assert await made.round()
    assert await house.rows(select(tickets.c.ticket_id)) == []
    assert await house.rows(select(alerts.c.alert_id)) == []


async def test_a_monitor_that_cannot_be_told_is_shown(house: House, outside: Outside) -> None:
    outside.error = Unreachable()
    made = watching(house, outside)
    await made.look()
    assert (await last(house)).ping_code == "unreachable"
    outside.error = None
    house.clock.move(EVERY)
    await made.look()
    found = await last(house)
    assert (found.ping_code, found.pinged_at) == ("", house.clock.now())


async def test_rules_that_miss_the_plainest_call_fail_the_round(
    house: House, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-078: the round stands for people, so it must not pass when they would not be heard."""
    monkeypatch.setattr("bot.runtime.watch.WORDS", "こんにちは")
    await watching(house, outside, within=0.3).look()
    assert (await last(house)).failure_code == "no_ticket"


async def test_a_monitor_may_ask_how_telling_is_and_gets_words_only(house: House, outside: Outside) -> None:
    """`/healthz` stays what it was; its details name neither targets nor numbers."""
    app = web.Application()
    app.router.add_get("/healthz", edge.healthy(house.engawa.retention, house.engawa.alerts))
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        assert await (await client.get("/healthz")).text() == "ok\n"

        async def details() -> dict[str, str]:
            answer = await client.get("/healthz?detail")
            found: dict[str, str] = await answer.json()
            return {name: found[name] for name in ("alerts", "rounds")}

        assert await details() == {"alerts": "nobody is named", "rounds": "none yet"}
        await watching(house, outside).look()
        assert (await details())["rounds"] == "ok"
        await house.engawa.turns.stop()
        house.clock.move(EVERY)
        await watching(house, outside, within=0.2).look()
        assert (await details())["rounds"] == "failing"

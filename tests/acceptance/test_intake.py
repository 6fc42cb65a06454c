"""What comes in: once each, in order, never lost, whatever becomes of the process or the database."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from admin.simulation import Simulation, reply_of
from bot.channels.line import CAPABILITIES
from bot.channels.render import render
from bot.store import database
from bot.testing import A_DAY, a_release
from tests.acceptance.serving import Serving, Visitor, on_line, serving
from tests.kill9.people import OnLine, OnTelegram
from tests.kill9.script import scripts
from tests.provision import postgresql

SOON = 4.0  # seconds: sooner than any worker's slow poll, so that news alone must have woken it
ENTRIES = ("家族", "自分", "さがす", "支援者", "記録", "はじめ")


@pytest.fixture
async def house(ready_url: str) -> AsyncIterator[Serving]:
    async with serving(ready_url) as running:
        yield running


# --- once -----------------------------------------------------------------------------------------


async def test_an_event_brought_many_times_is_answered_once(house: Serving) -> None:
    """Five times at once, five times one by one, and twice after a restart: one answer, on every channel."""
    line, telegram, visitor = house.line, house.telegram, Visitor(house)
    user, person, client_id = line.new_user(), telegram.new_person(), uuid.uuid4().hex
    event, update = line.text(user, "家族"), telegram.text(person, "家族")
    await visitor.begins()

    async def bring() -> tuple[int | None, ...]:
        status, body = await visitor.says("家族", client_id)
        attempts = await line.post(event), await telegram.post(update)
        return (*(attempt.status for attempt in attempts), status, body["seq"])

    brought = await asyncio.gather(*(bring() for _ in range(5)))
    brought += [await bring() for _ in range(5)]
    await house.settled()
    await house.restart()
    brought += [await bring() for _ in range(2)]
    await house.settled()

    assert set(brought) == {(200, 200, 202, brought[0][3])}
    assert len(line.delivered.all) == len(telegram.received(person.id)) == 1
    assert len(await visitor.heard()) == 2  # the greeting and the answer
    assert (await house.stored())["timeline"] == 2 + 2 + 2 + 2


async def test_a_webhook_with_the_same_event_twice_is_answered_once(house: Serving) -> None:
    """One batch may hold an event twice, beside others."""
    line = house.line
    user = line.new_user()
    first, second = line.text(user, "家族"), line.text(user, "さがす")
    await line.deliver(first, second, first, line.redelivered(second))
    await house.settled()
    assert [one.event_id for one in line.delivered.all] == [
        first["webhookEventId"],
        second["webhookEventId"],
    ]


# --- in order -------------------------------------------------------------------------------------


async def test_twenty_messages_in_one_webhook_are_answered_in_order(house: Serving) -> None:
    """All twenty, each with its own answer, without waiting for a slow poll."""
    (script,) = scripts(Random(20), datetime.now(UTC), [20])
    person = OnLine(script, Random(1), house.line)
    events = [house.line.follow(person.key), *(house.line.text(person.key, word) for word in script.words)]
    await house.line.deliver(*events)
    await house.line.until(lambda: len(house.line.delivered.all) == 21, timeout=SOON)
    assert await person.heard() == person.expected
    assert {one.via for one in house.line.delivered.all} == {"reply"}


async def test_twenty_webhooks_at_once_are_answered_in_the_order_they_were_taken(house: Serving) -> None:
    """LINE promises no order: whichever way they come in, the thread and the answers agree."""
    line = house.line
    user = line.new_user()
    events = [line.text(user, ENTRIES[place % len(ENTRIES)]) for place in range(20)]
    await line.deliver_all([event] for event in events)
    await line.until(lambda: len(line.delivered.all) == 20, timeout=SOON)
    taken = [told.body.texts[0] for told in await house.thread(on_line(user)) if told.author == "person"]
    assert sorted(taken) == sorted(event["message"]["text"] for event in events)
    answers = [tuple(message["text"] for message in one.messages) for one in line.delivered.all]
    assert answers == _played(taken)


async def test_many_people_at_once_each_have_their_own_order(house: Serving) -> None:
    """Thirty people on both platforms, eight messages each, all at once."""
    writing = scripts(Random(30), datetime.now(UTC), [7] * 30)
    people = [
        OnLine(script, Random(place), house.line)
        if place % 2
        else OnTelegram(script, Random(place), house.telegram)
        for place, script in enumerate(writing)
    ]
    await asyncio.gather(*(person.live() for person in people))
    await house.settled()
    for person in people:
        assert await person.heard() == person.expected


def _played(words: list[str]) -> list[tuple[str, ...]]:
    """What the pure core says to these words, as LINE shows it."""
    simulation = Simulation(released=a_release(), now=A_DAY)
    effects = [effect for word in words for effect in simulation.text(word)]
    return [render(reply, CAPABILITIES).texts for effect in effects if (reply := reply_of(effect))]


# --- the database is away -------------------------------------------------------------------------


async def test_an_outage_of_postgresql_is_survived(tmp_path: Path) -> None:
    """It crashes amid thirty webhooks: each is acknowledged, and answered once in the end."""
    environ = {"ENGAWA_SPOOL": str(tmp_path / "spool")}
    with postgresql.Server(durable=True) as server, server.databases.fresh() as url:
        async with serving(url, environ=environ) as house:
            line, visitor = house.line, Visitor(house)
            await visitor.begins()
            people = {line.new_user(): "家族" for _ in range(30)}
            events = [line.text(user, word) for user, word in people.items()]
            bringing = asyncio.create_task(line.deliver_all([event] for event in events))
            await line.until(lambda: len(line.acknowledged) >= 5)
            server.crash()
            late = line.new_user()
            assert (await line.post(line.text(late, "さがす"))).status == 200
            assert await visitor.says("家族") == (202, {"seq": None})
            await bringing
            assert len(line.acknowledged) >= 30
            assert [(await house.get(path))[0] for path in ("/healthz", "/readyz")] == [200, 503]
            server.start()
            await house.until(lambda: len(line.delivered.all) >= 31, 30)
            await house.settled()
            assert sorted(one.to for one in line.delivered.all) == sorted([*people, late])
            assert len(await visitor.heard()) == 2
            assert (await house.get("/readyz"))[0] == 200


@pytest.mark.parametrize("spool", ["", "off"])
async def test_a_locked_sqlite_file_is_survived(
    spool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program holds the file's write lock: all is kept (without a spool: told by 503), and goes on."""
    monkeypatch.setattr(database, "PRAGMAS", (*database.PRAGMAS, "PRAGMA busy_timeout=50"))
    path = tmp_path / "engawa.sqlite3"
    async with serving(f"sqlite:///{path}", environ={"ENGAWA_SPOOL": spool}) as house:
        line, visitor = house.line, Visitor(house)
        user = line.new_user()
        await visitor.begins()
        await house.settled()
        event, client_id = line.text(user, "家族"), uuid.uuid4().hex
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        taken = [
            (await line.post(event)).status,
            (await house.telegram.post(house.telegram.start(house.telegram.new_person()))).status,
            (await visitor.says("家族", client_id))[0],
        ]
        assert taken == ([503, 503, 503] if spool else [200, 200, 202])
        other.execute("ROLLBACK")
        other.close()
        await line.deliver(event)
        assert (await visitor.says("家族", client_id))[0] == 202
        await house.until(lambda: len(line.delivered.all) == 1)
        await house.settled()
        assert len(await visitor.heard()) == 2
        assert len(line.delivered.all) == 1


# --- what an operator looks at --------------------------------------------------------------------


async def test_health_readiness_and_metrics(house: Serving) -> None:
    """The process is up, everything behind it is ready, and the numbers hold neither words nor ids."""
    user = house.line.new_user()
    await house.line.says(user, "家族のことで ひみつ")
    await house.settled()
    assert await house.get("/healthz") == (200, "ok\n")
    status, body = await house.get("/readyz")
    assert (status, json.loads(body)) == (200, {"database": "ok", "migrations": "ok", "keys": "ok"})
    status, body = await house.get("/metrics")
    assert status == 200
    assert 'engawa_events_total{channel="line",kind="text"}' in body
    for secret in (user, "ひみつ", "家族", house.line.access_token, house.line.secret):
        assert secret not in body

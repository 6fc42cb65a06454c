"""What comes in: once each, in order, never lost, and nothing at all of what is not signed."""

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

from bot.channels.line import CAPABILITIES
from bot.channels.render import render
from bot.store import database
from bot.testing import A_DAY, a_release
from tests.acceptance.serving import Serving, Visitor, on_line, on_telegram, serving
from tests.kill9.people import OnLine, OnTelegram
from tests.kill9.script import scripts
from tests.platforms import FakeLine
from tests.provision import postgresql

from admin.simulation import Simulation, reply_of

SOON = 4.0  # seconds: sooner than any worker's slow poll, so that news alone must have woken it
ENTRIES = ("家族", "自分", "さがす", "支援者", "記録", "はじめ")


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[Serving]:
    async with serving(database_url) as running:
        yield running


# --- once -----------------------------------------------------------------------------------------------------


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


# --- in order -------------------------------------------------------------------------------------------------


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


# --- signatures and bodies ------------------------------------------------------------------------------------


async def test_what_is_not_signed_is_refused_and_nothing_is_stored(house: Serving) -> None:
    """401 for a missing, wrong, foreign or garbled signature or secret, before anything is read."""
    line, telegram = house.line, house.telegram
    body = line.body([line.text(line.new_user(), "家族")])
    update = json.dumps(telegram.text(telegram.new_person(), "家族")).encode()
    before = await house.stored()
    for signature in (None, "", "x", "====", line.sign(b"{}"), line.sign(body)[:-4], "署名".encode().hex()):
        assert (await line.post_raw(body, signature)).status == 401, signature
    for secret in (None, "", "wrong", telegram.environ()["ENGAWA_TELEGRAM_SECRET_TOKEN"] + "x"):
        assert (await telegram.post_raw(update, secret)).status == 401, secret
    assert (await line.post_raw(b"{", "x")).status == 401  # unsigned comes before unreadable
    assert await house.stored() == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 400, id="empty"),
        pytest.param(b"{", 400, id="cut off"),
        pytest.param(b"[]", 400, id="a list"),
        pytest.param(b"null", 400, id="null"),
        pytest.param(b'{"events": 5, "message": 5}', 400, id="no events"),
        pytest.param(b'{"events": [], "update_id": "5"}', 400, id="update_id is text"),
        pytest.param(b'{"events": "\xff\xfe"}', 400, id="no UTF-8"),
        pytest.param(b'{"events": [], "deep": ' + b"[" * 100_000, 400, id="very deep"),
        pytest.param(b'{"events": [], "deep": ' + b"[" * 200 + b"]" * 200 + b"}", 400, id="deep"),
        pytest.param(b'{"events": [], "number": ' + b"9" * 5_000 + b"}", 400, id="huge number"),
        pytest.param(b'{"events": [], "long": "' + b"x" * (1 << 20) + b'"}', 413, id="too large"),
    ],
)
async def test_a_body_that_cannot_be_read_is_told_so(tmp_path: Path, body: bytes, status: int) -> None:
    """400, or 413 over the size limit, on both platforms and on the web; nothing is stored."""
    async with serving(f"sqlite:///{tmp_path / 'engawa.sqlite3'}") as house:
        visitor = Visitor(house)
        await visitor.begins()
        await house.settled()
        before = await house.stored()
        signed = house.line.sign(body)
        if b'"events": []' not in body or status != 400 or b"deep" in body or b"number" in body:
            assert (await house.line.post_raw(body, signed)).status == status
        secret = house.telegram.environ()["ENGAWA_TELEGRAM_SECRET_TOKEN"]
        assert (await house.telegram.post_raw(body, secret)).status == status
        told, answer = await visitor.call("POST", "/messages", body)
        assert (told, bool(answer["error"])) == (status, True)
        assert await house.stored() == before

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

from admin.simulation import Simulation, reply_of
from bot.channels.line import CAPABILITIES
from bot.channels.render import render
from bot.store import database
from bot.testing import A_DAY, a_release
from tests.acceptance.serving import Serving, Visitor, on_line, on_telegram, serving
from tests.kill9.people import OnLine, OnTelegram
from tests.kill9.script import scripts
from tests.provision import postgresql

SOON = 4.0  # seconds: sooner than any worker's slow poll, so that news alone must have woken it
ENTRIES = ("家族", "自分", "さがす", "支援者", "記録", "はじめ")


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[Serving]:
    async with serving(database_url) as running:
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


# --- signatures and bodies ------------------------------------------------------------------------


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


UNREADABLE = (  # body, then the status on LINE, on Telegram and on the web
    (b"", 400, 400, 400),
    (b"{", 400, 400, 400),
    (b"[]", 400, 400, 400),
    (b"null", 400, 400, 400),
    (b'{"events": 5, "message": 5}', 400, 400, 400),
    (b'{"events": "\xff\xfe"}', 400, 400, 400),
    (b'{"events": [], "update_id": "5", "client_id": 5}', 200, 400, 400),
    (b'{"events": [], "deep": ' + b"[" * 50_000, 400, 400, 400),
    (b'{"events": [], "deep": ' + b"[" * 200 + b"]" * 200 + b"}", 400, 400, 400),
    (b'{"events": [], "number": ' + b"9" * 5_000 + b"}", 400, 400, 400),
    (b'{"events": [], "long": "' + b"x" * 70_000 + b'"}', 200, 400, 413),
    (b'{"events": [], "long": "' + b"x" * (1 << 20) + b'"}', 413, 413, 413),
)


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_a_body_that_cannot_be_read_is_told_so_and_nothing_is_stored(house: Serving) -> None:
    """400, or 413 over the size limit, on both platforms and on the web. An empty list of events is fine."""
    visitor = Visitor(house)
    await visitor.begins()
    await house.settled()
    secret = house.telegram.environ()["ENGAWA_TELEGRAM_SECRET_TOKEN"]
    before = await house.stored()
    for body, on_line_, on_telegram_, on_web in UNREADABLE:
        line = await house.line.post_raw(body, house.line.sign(body))
        telegram = await house.telegram.post_raw(body, secret)
        told, answer = await visitor.call("POST", "/messages", body)
        assert (line.status, telegram.status, told) == (on_line_, on_telegram_, on_web), body[:60]
        assert answer["error"]
    assert (await house.line.post()).status == 200  # the platform's own test of the address
    assert await house.stored() == before


async def test_a_body_that_does_not_say_its_size_is_cut_off_at_the_limit(house: Serving) -> None:
    """A chunked body over the limit is refused while it still comes in."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * (1 << 16)

    async with house.http.post(f"{house.url}/webhooks/line", data=endless()) as response:
        assert response.status == 413
    assert sum((await house.stored()).values()) == 0


# --- what is odd ----------------------------------------------------------------------------------


async def test_unknown_kinds_of_one_person_are_kept_and_answered_gently(house: Serving) -> None:
    """200, stored as unsupported, and one gentle line: kinds newer than any description, and all media."""
    line, telegram = house.line, house.telegram
    user, person = line.new_user(), telegram.new_person()
    events = [line.unknown_message(user), line.image(user), line.audio(user), line.location(user)]
    updates = [telegram.photo(person), telegram.voice(person), telegram.contact(person)]
    await line.deliver(*events, line.text(user, "家族"))
    await telegram.deliver_all([*updates, telegram.text(person, "家族")])
    await house.settled()
    for address, many, texts in (
        (on_line(user), len(events), line.texts(user)),
        (on_telegram(person.id), len(updates), telegram.texts(person.id)),
    ):
        kinds = [told.body.kind for told in await house.thread(address) if told.author == "person"]
        assert kinds == ["unsupported"] * many + ["text"]
        assert sum("写真や音声は開いていません" in text for text in texts) == many
    events = [line.unknown(user), line.unfollow_shaped(user)]
    unknown = [await line.post(*events), await telegram.post(telegram.unknown(person))]
    assert [attempt.status for attempt in unknown] == [200, 200]


async def test_every_kind_of_event_is_acknowledged(house: Serving) -> None:
    """No kind that a platform can bring, in one webhook or alone, is ever answered with anything but 200."""
    line, telegram = house.line, house.telegram
    user, group, person = line.new_user(), line.new_group(), telegram.new_person()
    every = line.every_kind(user, group)
    attempts = {name: await line.post(event) for name, event in every.items()}
    attempts["all"] = await line.post(*line.every_kind(user, group).values())
    for name, update in telegram.every_kind(person, telegram.new_person()).items():
        attempts[f"telegram {name}"] = await telegram.post(update)
    assert {name: attempt.status for name, attempt in attempts.items() if attempt.status != 200} == {}
    await house.settled()


async def test_an_odd_event_takes_none_of_its_batch_along(house: Serving) -> None:
    """Events that are no objects, have no source, or half an emoji: the rest of the webhook is answered."""
    line = house.line
    user, other = line.new_user(), line.new_user()
    halves = line.text(other, "つづきは \ud83d")
    odd = [5, None, {}, {"type": "message"}, {**line.text(user, "家族"), "source": 5}, halves]
    content = {"destination": line.bot_user_id, "events": [*odd, line.text(user, "家族")]}
    body = json.dumps(content).encode()
    assert (await line.post_raw(body, line.sign(body))).status == 200
    await house.settled()
    assert len(line.received(user)) > 0
    assert len(line.received(other)) > 0


async def test_groups_and_standby_are_not_ours(house: Serving) -> None:
    """200, nothing is stored and nobody is answered."""
    line, telegram = house.line, house.telegram
    user, group, person = line.new_user(), line.new_group(), telegram.new_person()
    said = line.text(user, "家族")
    ours = [line.standby(said), line.in_group(said, group), line.join(group), line.member_joined(group, user)]
    assert (await line.post(*ours)).status == 200
    chat = telegram.new_group()
    for update in (
        telegram.group_text(person, chat, "家族"),
        telegram.channel_post("家族"),
        telegram.membership(person, "member", chat),
    ):
        assert (await telegram.post(update)).status == 200
    assert sum((await house.stored()).values()) == 0
    assert line.calls == telegram.calls == []


ODD_TEXTS = {
    "long": "あ" * 5_000,
    "emoji": "😀" * 2_000,
    "families": "👨‍👩‍👧‍👦🏳️‍🌈🇯🇵" * 50,
    "zero width": "\u200b\u200d\ufeff" * 50,
    "right to left": "\u202eabc\u202c שלום مرحبا \u2066x\u2069",
    "NUL inside": "か\x00ぞく",
    "NUL only": "\x00",
    "control": "\x01\x02\x1b[31m\x7f\r\n\t",
    "marks": "か" + "\u3099" * 300,
    "old kanji": "𠮷野家\U000e0100",
    "no character": "\uffff\ufffe",
    "blank": " \u3000\n",
    "slash": "/",
    "empty": "",
}


async def test_any_text_is_handled_or_refused_in_words(house: Serving) -> None:
    """Platforms: 200 and one answer each. Web: taken, or 400 with a sentence to show. Never a 500."""
    line, telegram, visitor = house.line, house.telegram, Visitor(house)
    user, person = line.new_user(), telegram.new_person()
    await visitor.begins()
    taken = 0
    for name, text in ODD_TEXTS.items():
        assert (await line.post(line.text(user, text))).status == 200, name
        assert (await telegram.post(telegram.text(person, text))).status == 200, name
        status, answer = await visitor.says(text)
        assert status == 202 or (status == 400 and "。" in answer["message"]), name
        taken += status == 202
    await house.settled()
    assert len(line.delivered.all) == len(telegram.received(person.id)) == len(ODD_TEXTS)
    assert len(await visitor.heard()) == 1 + taken
    assert taken >= len(ODD_TEXTS) - 3  # empty, blank, NUL only
    status, answer = await visitor.says("あ" * 5_001)
    assert (status, "5,000" in answer["message"]) == (400, True)
    status, answer = await visitor.call("POST", "/messages", HALF_EMOJI)
    assert status == 202
    own = [message["text"] for message in await visitor.thread() if message["from"] == "person"]
    assert ODD_TEXTS["long"] in own
    assert ODD_TEXTS["emoji"] in own


HALF_EMOJI = json.dumps({"client_id": uuid.UUID(int=7).hex, "text": "half \ud83d"}).encode()


# --- the database is away -------------------------------------------------------------------------


async def test_an_outage_of_postgresql_is_told_and_survived() -> None:
    """It crashes amid thirty webhooks: 503, nothing acknowledged is lost, each is answered once in the end."""
    with postgresql.Server(durable=True) as server, server.databases.fresh() as url:
        async with serving(url) as house:
            line, visitor = house.line, Visitor(house)
            await visitor.begins()
            people = {line.new_user(): "家族" for _ in range(30)}
            events = [line.text(user, word) for user, word in people.items()]
            bringing = asyncio.create_task(line.deliver_all([event] for event in events))
            await line.until(lambda: len(line.acknowledged) >= 5)
            server.crash()
            assert (await line.post(line.text(next(iter(people)), "さがす"))).status == 503
            assert (await visitor.says("家族"))[0] == 503
            assert [(await house.get(path))[0] for path in ("/healthz", "/readyz")] == [200, 503]
            server.start()
            await bringing
            await house.settled()
            assert sorted(one.to for one in line.delivered.all) == sorted(people)
            assert (await house.get("/readyz"))[0] == 200


async def test_a_locked_sqlite_file_is_told_and_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program holds the file's write lock: 503 on every channel, and once it is free all goes on."""
    monkeypatch.setattr(database, "PRAGMAS", (*database.PRAGMAS, "PRAGMA busy_timeout=50"))
    path = tmp_path / "engawa.sqlite3"
    async with serving(f"sqlite:///{path}") as house:
        line, visitor = house.line, Visitor(house)
        user = line.new_user()
        await visitor.begins()
        await house.settled()
        event, client_id = line.text(user, "家族"), uuid.uuid4().hex
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert (await line.post(event)).status == 503
        assert (await house.telegram.post(house.telegram.start(house.telegram.new_person()))).status == 503
        assert (await visitor.says("家族", client_id))[0] == 503
        other.execute("ROLLBACK")
        other.close()
        await line.deliver(event)
        assert (await visitor.says("家族", client_id))[0] == 202
        await house.settled()
        assert len(line.delivered.all) == 1
        assert len(await visitor.heard()) == 2


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

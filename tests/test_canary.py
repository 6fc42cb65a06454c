"""What people write, who they are and what we hold as secrets shows nowhere (Must show 8).

A whole house with LINE, Telegram and web chat lives through a bad day: every kind of message, and failures at every
layer. Every string that is somebody's own is then searched for in logs (both forms, every logger at DEBUG), metrics,
error bodies, requested URLs and the database.
"""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError

from bot.channels.telegram.polling import Poller
from bot.conversation import take_turn
from bot.runtime import turns
from bot.store import inbox, intake, outbox, staff
from bot.store.schema import inbox as inbox_rows
from bot.store.schema import talks, timeline
from bot.talk import Heard
from bot.testing import FakeClock
from tests.acceptance.serving import Serving, Visitor, on_line
from tests.platforms import FakeLine, FakeTelegram, cut, refuse
from tests.runtime.canaries import (
    Canaries,
    disguises,
    everything_logged,
    everything_stored,
    noisy_libraries,
    rows_of,
)

DANGER = "死にたい"
SECRETS = ("line secret", "line token", "telegram token", "telegram secret")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    with everything_logged() as stream:
        yield stream


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
async def house(ready_url: str, canaries: Canaries, log: io.StringIO) -> AsyncIterator[Serving]:
    """Every secret the house is given is a canary."""
    clock = FakeClock()
    instant: dict[str, Any] = {"clock": lambda: clock.now().timestamp()}
    token = f"123456789:{canaries.plain('telegram token')}"
    async with (
        FakeLine(
            secret=canaries.plain("line secret"), access_token=canaries.plain("line token"), **instant
        ) as line,
        FakeTelegram(token=token, secret_token=canaries.plain("telegram secret"), **instant) as telegram,
        Serving(ready_url, line, telegram, clock=clock) as serving,
    ):
        yield serving


async def on_the_platforms(house: Serving, canaries: Canaries) -> None:
    """Messages of all kinds, full of names, through every failure of the platforms."""
    line, telegram = house.line, house.telegram
    user = canaries.note("line user", line.new_user())
    words = [canaries.make(f"line text {number}") for number in range(4)]
    for event in (
        line.follow(user),
        line.text(user, words[0]),
        line.sticker(user, text=canaries.make("sticker")),
        line.sticker(user, keywords=(canaries.make("keyword"), "sad")),
        line.location(user, canaries.make("address")),
        line.file(user, canaries.make("file")),
        line.postback(user, canaries.plain("postback")),
        line.message_edited(user, canaries.make("edited")),
        {**line.unknown(user), "displayName": canaries.make("display name")},
        line.in_group(line.text(user, canaries.make("group text")), canaries.note("group", line.new_group())),
    ):
        if "replyToken" in event:
            canaries.note(f"reply token {event['webhookEventId']}", event["replyToken"])
        canaries.note(f"event id {event['webhookEventId']}", event["webhookEventId"])
        if "message" in event:
            canaries.note(f"message id {event['message']['id']}", event["message"]["id"])
        await line.deliver(event)
    await line.until(lambda: bool(line.left))  # out of the group
    await calmed(house)
    line.faults.add(refuse(500), cut(accepted=True), cut(accepted=False), refuse(429), refuse(401))
    line.faults.add(refuse(400, message=canaries.make("words of line")))
    for text in words[1:]:
        await line.says(user, text)
    await line.says(user, f"{DANGER} {canaries.make('danger')}")
    people = [replace(telegram.new_person(), language_code=canaries.plain(f"tongue {n}")) for n in range(3)]
    for number, person in enumerate(people):
        for place, part in enumerate(person.identity):
            canaries.note(f"telegram person {number} {place}", part)
    telegram.faults.add(refuse(400, message=f"Bad Request: {canaries.make('words of telegram')}"))
    telegram.faults.add(refuse(500), cut(accepted=True), refuse(429, retry_after=1))
    await telegram.says(people[0], canaries.make("telegram text"))
    for update in telegram.every_kind(people[0], people[1]).values():
        await telegram.deliver(update)
    for content in telling_content(canaries):
        await telegram.deliver(telegram.update("message", telegram.message(people[1], **content)))
    group = telegram.new_group() | {"title": canaries.make("group title")}
    canaries.note("telegram group", str(group["id"]))
    await telegram.deliver(telegram.group_text(people[1], group, canaries.make("telegram group text")))
    await telegram.deliver(telegram.membership(people[1], "member", group))
    await fetched(house, telegram.text(people[1], canaries.make("fetched")))
    await telegram.deliver(telegram.photo(people[1], canaries.make("caption")))
    telegram.faults.add(refuse(403), call="sendMessage")
    await telegram.says(people[2], canaries.make("blocked"))
    await calmed(house)


def telling_content(canaries: Canaries) -> list[dict[str, Any]]:
    """Messages on Telegram that tell who somebody is, or where."""
    names = {"first_name": canaries.make("contact"), "vcard": f"BEGIN:VCARD\n{canaries.make('vcard')}"}
    numbers = {"phone_number": canaries.plain("phone"), "user_id": 5_123_456_789}
    place = {"latitude": 35.123456, "longitude": 139.654321}
    canaries.note("latitude", "35.123456")
    canaries.note("contact's id", "5123456789")
    venue = {"location": place, "title": canaries.make("venue"), "address": canaries.make("venue address")}
    return [
        {"contact": names | numbers},
        {"location": place},
        {"venue": venue},
        {"text": canaries.make("signed"), "author_signature": canaries.make("signature")},
        {"hologram": {"of": canaries.make("newer kind")}},
    ]


async def fetched(house: Serving, update: dict[str, Any]) -> None:
    """The same update by long polling, through a failure."""
    telegram, channel = house.telegram, house.engawa.channels["telegram"]
    brought_to, telegram.webhook_url = telegram.webhook_url, ""
    telegram.faults.add(refuse(500), call="getUpdates")

    async def mine() -> bool:
        return True

    poller = Poller(channel, house.engawa.ingress.accept_all, mine, house.engawa.clock)  # type: ignore[arg-type]
    poller.start()
    await telegram.deliver(update)
    await poller.stop()
    telegram.webhook_url = brought_to


async def calmed(house: Serving) -> None:
    """Time passes until everything that failed was tried again and has come to an end."""
    delivery = house.engawa.delivery

    async def over() -> bool:
        unsent = await house.engawa.database.read(outbox.unsent_count)
        if unsent and not delivery._sends:
            house.pass_time(61)
        return not unsent and not await house.engawa.database.read(inbox.waiting_contacts, 1)

    await house.until(over, 30)


async def with_a_counselor(house: Serving, canaries: Canaries) -> None:
    """The one in danger is answered by a person."""
    user = next(iter(user for user in house.line.known if user.startswith("U")))
    engawa = house.engawa
    staff_id = await engawa.database.write(staff.add, "default", "mizuno", "みずの", "counselor", None)
    secret, token = canaries.plain("one-time password"), canaries.plain("staff session")
    now = engawa.clock.now()
    await engawa.database.write(staff.offer_one_time_login, staff_id, secret, now)
    await engawa.database.write(staff.begin_session, staff_id, token, now)
    member = await engawa.database.read(staff.by_login, "default", "mizuno")
    assert member is not None
    [waiting] = [one for one in await engawa.desk.queue(member, "waiting") if one.account_id == "line"]  # type: ignore[arg-type]
    await engawa.desk.claim(member, waiting.ticket.id)
    reply = canaries.make("reply")
    await engawa.desk.reply(member, waiting.ticket.id, reply, canaries.plain("form"))
    await calmed(house)
    assert reply in house.line.texts(user)
    await house.line.says(user, canaries.make("after the reply"))
    await engawa.desk.hand_back(member, waiting.ticket.id)
    await calmed(house)


async def on_the_web(house: Serving, canaries: Canaries, bodies: list[bytes]) -> Visitor:
    """Requests of every kind, sound and broken; what is refused is kept."""
    visitor = Visitor(house)
    await visitor.begins()
    canaries.note("cookie", visitor.cookie.partition("=")[2])
    agent = {"User-Agent": canaries.plain("agent"), "Referer": f"http://x/{canaries.plain('referer')}"}
    agent["X-Forwarded-For"] = canaries.plain("forwarded")
    said = canaries.make("web text")
    assert (await visitor.says(said))[0] == 202
    for number, body in enumerate(
        [
            json.dumps({"client_id": "0" * 32, "choice_id": canaries.plain("choice")}),
            json.dumps({"client_id": canaries.plain("client id"), "text": canaries.make("no uuid")}),
            json.dumps({"client_id": "1" * 32, "text": canaries.make("too long") * 500}),
            f'{{"text": "{canaries.make("broken")}',
            f'{{"text": "{canaries.make("far too long") * 4000}"}}',
        ]
    ):
        status, answer = await visitor.call("POST", "/messages", body.encode(), agent)
        assert (status == 202) is (number == 0)
        bodies += [json.dumps(answer, ensure_ascii=False).encode()] if status >= 400 else []
    for headers in ({"Origin": f"http://{canaries.plain('origin')}"}, {"Cookie": canaries.plain("jar")}):
        status, answer = await Visitor(house).call("POST", "/messages", b"{}", {**agent, **headers})
        assert status >= 400
        bodies.append(json.dumps(answer).encode())
    for path in ("/nowhere/", "/chat/static/", "/webhooks/line/", "/chat?lang="):
        status, text = await house.get(path + canaries.plain(f"path {path}"))
        bodies += [text.encode()] if status >= 400 else []
    return visitor


async def broken_inside(
    house: Serving, canaries: Canaries, bodies: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Failures at every layer, each with somebody's words in the error itself."""
    line, engawa = house.line, house.engawa
    poison, fault = canaries.make("poison"), canaries.make("fault")

    def poisoned(content: Any, rules: Any, talk: Any, event: Any, now: Any) -> Any:
        if isinstance(event, Heard) and poison in event.inbound.text:
            raise ValueError(event.inbound.text)
        return take_turn(content, rules, talk, event, now)

    tried: list[object] = []

    async def broken(*arguments: object) -> None:
        tried.extend(arguments)
        raise RuntimeError(fault)

    def away(*_: object) -> None:
        raise OperationalError(f"INSERT {fault}", {"text": fault}, Exception(fault))

    user = canaries.note("unlucky user", line.new_user())
    with monkeypatch.context() as patch:
        patch.setattr(turns, "take_turn", poisoned)
        patch.setattr(engawa.channels["line"], "send", broken)
        await line.says(user, poison)
        parked = select(inbox_rows.c.seq).where(inbox_rows.c.parked.is_(True))
        await house.until(lambda: engawa.database.read(rows_of, parked))
        await house.until(lambda: tried)
    visitor = Visitor(house)
    await visitor.begins()
    with monkeypatch.context() as patch:
        patch.setattr(engawa.webchat._backend, "thread", broken)
        async with house.http.get(
            house.url + "/chat/api/messages", headers={"Cookie": visitor.cookie}
        ) as answer:
            assert answer.status == 500
            bodies.append(await answer.read())
    body = line.body([line.text(user, canaries.make("during the outage"))])
    with monkeypatch.context() as patch:
        patch.setattr(intake, "take", away)
        assert (await line.post_raw(body, line.sign(body))).status == 200
        folder = engawa.settings.spool
        assert folder is not None
        kept = [path for path in folder.rglob("*") if path.is_file()]
        bodies += [path.name.encode() + path.read_bytes() for path in kept]
        assert any(path.stat().st_size for path in kept)
    waits = engawa.spooling
    assert waits is not None
    await house.until(lambda: not waits.is_ahead)
    await calmed(house)
    contact_id = await house.contact_id(on_line(user))
    [talk] = await engawa.database.read(rows_of, select(talks).where(talks.c.contact_id == contact_id))
    row = {
        "contact_id": contact_id,
        "seq": talk.last_seq + 1,
        "author": "bot",
        "sealed_body": b"\x01\x07contact",
    }
    await engawa.database.write(lambda connection: connection.execute(insert(timeline), [row]))
    body = line.body([line.text(user, canaries.make("nowhere to go"))])
    assert (await line.post_raw(body, line.sign(body))).status == 500  # its place in the thread is taken
    for raw in (b'{"events": "' + canaries.make("unreadable").encode(), b"\xff" + poison.encode()):
        assert (await line.post_raw(raw, line.sign(raw))).status == 400
        assert (await line.post_raw(raw, canaries.plain("signature"))).status == 401
    assert (await house.telegram.post_raw(poison.encode(), house.telegram.secret_token)).status == 400
    assert (await house.telegram.post_raw(b"{}", canaries.plain("wrong secret"))).status == 401


async def test_it_shows_nowhere(
    house: Serving,
    canaries: Canaries,
    log: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Not in any log line, metric, error body, URL or plain cell, in the clear or in disguise."""
    bodies: list[bytes] = []
    await on_the_platforms(house, canaries)
    await with_a_counselor(house, canaries)
    visitor = await on_the_web(house, canaries, bodies)
    await broken_inside(house, canaries, bodies, monkeypatch)
    await noisy_libraries(canaries)
    await calmed(house)
    written = log.getvalue()
    for name in ("library_message", "request_failed", "event_parked", "webhook_unsigned", "send_raised"):
        assert name in written, f"{name} was never logged"
    assert written.count("\n") > 100
    assert len(canaries) > 60
    assert any("ひみつ" in message["text"] for message in await visitor.thread())
    metrics = (await house.get("/metrics"))[1]
    assert "engawa_sends_total" in metrics
    # LINE takes the name of a group we go out of in no other place than the address of that call.
    calls = [call for call in house.line.calls if not call.path.endswith("/leave")] + house.telegram.calls
    places = {
        "log": written.encode(),
        "output": "".join(capfd.readouterr()).encode(),
        "metrics": metrics.encode(),
        "health": "".join([(await house.get(path))[1] for path in ("/healthz", "/readyz")]).encode(),
        "error bodies": b"\n".join(bodies),
        "urls": "\n".join(call.path for call in calls).encode(),
        "database": await everything_stored(house.engawa.database),
    }
    assert {place: found for place, content in places.items() if (found := canaries.found_in(content))} == {}


def test_disguises_are_seen_through() -> None:
    """The search finds a canary in each of its disguises, and in none of another's."""
    import base64
    from urllib.parse import quote

    canaries = Canaries()
    text = canaries.make("text")
    raw = text.encode()
    hidden = [
        raw,
        raw.hex().encode(),
        text.encode("utf-16"),
        json.dumps({"a": text}).encode(),
        quote(text).encode(),
    ]
    hidden += [base64.b64encode(b"x" * shift + raw + b"y" * rest) for shift in range(4) for rest in range(4)]
    hidden += [str(raw).encode(), json.dumps([text], ensure_ascii=False).encode()]
    assert [canaries.found_in(b"..." + one + b"...") for one in hidden] == [["text"]] * len(hidden)
    other = Canaries().make("text")
    assert not any(canaries.found_in(disguise) for disguise in disguises(other))

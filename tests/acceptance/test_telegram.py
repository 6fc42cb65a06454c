"""Telegram as its users know it: fetched or brought, paced, in parts, in groups; and what every fault leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Connection, select

from bot.channels import http
from bot.channels.render import Capabilities
from bot.channels.telegram import polling, sender
from bot.channels.telegram.pacing import CHAT_BURST
from bot.store import staff
from bot.store.schema import outbox
from bot.store.staff import Member
from bot.testing import FakeClock
from tests.acceptance.serving import Serving, on_telegram, serving
from tests.platforms import FakeLine, FakeTelegram, Fault, cut, refuse, silence, slow

START, FAMILY, FIND = "ここは自動で答える案内所", "ここまで支えてこられた", "どこから見ますか"
POLLING = {"ENGAWA_TELEGRAM_POLLING": "on"}
FAULTS = {
    "429": refuse(429),
    "429 with retry_after": refuse(429, retry_after=3),
    "500 before": refuse(500),
    "500 after": refuse(500, accepted=True),
    "502": refuse(502),
    "401": refuse(401),
    "no answer before": silence(accepted=False),
    "no answer after": silence(accepted=True),
    "reset before": cut(accepted=False),
    "reset after": cut(accepted=True),
}


@pytest.fixture
async def house(ready_url: str) -> AsyncIterator[Serving]:
    async with serving(ready_url, clock=FakeClock()) as running:
        yield running


async def until_sent(house: Serving) -> None:
    """Time passes until nothing waits any more; never while a call is under way, whose lease would run out."""
    states = select(outbox.c.state).where(outbox.c.state.in_(("queued", "sending")))

    async def over() -> bool:
        found = {row.state for row in await house._rows(states)}
        if found == {"queued"}:
            house.pass_time(1.0)
        return not found

    await house.until(over, 30)


def heads(texts: list[str]) -> list[str]:
    """Which of the known answers these texts begin with."""
    return [head for text in texts for head in (START, FAMILY, FIND) if text.startswith(head)]


async def a_claimed_ticket(house: Serving) -> tuple[Member, str]:
    """A counselor who has taken the thread that waits."""

    def add(connection: Connection) -> Member:
        staff.add(connection, house.engawa.operator_id, "mizuno", "みずの", "counselor", None)
        found = staff.by_login(connection, house.engawa.operator_id, "mizuno")
        assert found is not None
        return found

    member = await house.engawa.database.write(add)
    [waiting] = await house.engawa.desk.queue(member, "waiting")  # type: ignore[arg-type]
    await house.engawa.desk.claim(member, waiting.ticket.id)
    return member, waiting.ticket.id


# --- faults -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAULTS)
async def test_nothing_is_lost_and_nobody_else_waits(
    house: Serving, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One chat's call goes wrong: others are answered at once; then all of it arrives, in order."""
    monkeypatch.setattr(http, "TOTAL_TIMEOUT", 0.3)
    fault, telegram = FAULTS[name], house.telegram
    await house.restart()  # the limits are read at the start
    person, others = telegram.new_person(), [telegram.new_person() for _ in range(10)]
    telegram.faults.add(fault, call="sendMessage", to=str(person.id))
    for word in ("家族", "さがす", "はじめ"):
        await telegram.says(person, word)
    await telegram.deliver_all([telegram.text(other, "家族") for other in others])
    await telegram.until(lambda: all(heads(telegram.texts(one.id)) == [FAMILY] for one in others))
    await until_sent(house)
    expected = [FAMILY, FIND, START]
    assert heads(telegram.texts(person.id)) == [FAMILY] * fault.accepted + expected
    rows = await house.sent_rows(on_telegram(person.id))
    assert {row.state for row in rows} == {"sent"}


@pytest.mark.parametrize("seconds", [0.2, 1.0], ids=["slow", "too slow"])
async def test_slow_answers(house: Serving, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow, or slower than our time (20 s against 10, here a hundredth): in order, nobody else waits."""
    monkeypatch.setattr(http, "TOTAL_TIMEOUT", 0.5)
    await house.restart()
    telegram = house.telegram
    person, other = telegram.new_person(), telegram.new_person()
    telegram.faults.add(slow(seconds), call="sendMessage", to=str(person.id))
    await telegram.says(person, "家族")
    await telegram.says(person, "さがす")
    await telegram.says(other, "はじめ")
    await telegram.until(lambda: heads(telegram.texts(other.id)) == [START])
    await until_sent(house)
    arrived = heads(telegram.texts(person.id))
    assert list(dict.fromkeys(arrived)) == [FAMILY, FIND]
    assert arrived.index(FIND) >= arrived.count(FAMILY) - (seconds > 0.5)  # the slow copy may come last


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        pytest.param(refuse(403), "contact_gone", id="403"),
        pytest.param(refuse(400, message="Bad Request: chat not found"), "contact_gone", id="not found"),
        pytest.param(refuse(400, message="Bad Request: message text is wrong"), "rejected", id="400"),
    ],
)
async def test_what_is_refused_for_good(house: Serving, fault: Fault, state: str) -> None:
    """The row failed, with its reason for staff; nothing is tried again."""
    telegram, person = house.telegram, house.telegram.new_person()
    telegram.faults.add(fault, call="sendMessage")
    await telegram.says(person, "家族")
    await house.settled()
    [row] = await house.sent_rows(on_telegram(person.id))
    assert (row.state, row.error_code, row.attempts) == ("failed", state, 1)


async def test_a_retry_does_not_repeat_parts_that_arrived(
    house: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long message in parts: the second part fails twice, and the first comes once, with the buttons at the end."""
    monkeypatch.setattr(
        sender, "CAPABILITIES", Capabilities(max_text=40, max_messages=1, max_choices=40, max_label=40)
    )
    telegram, person = house.telegram, house.telegram.new_person()
    calls = 0

    def second_part(call: Any) -> Fault | None:
        nonlocal calls
        calls += call.name == "sendMessage"
        return refuse(500) if call.name == "sendMessage" and calls in (2, 3) else None

    with telegram.faults.rule(second_part):
        await telegram.says(person, "家族")
        await until_sent(house)
    texts = telegram.texts(person.id)
    assert len(texts) > 1
    assert len(set(texts)) == len(texts)
    assert "".join(texts).startswith(FAMILY)
    with_buttons = ["reply_markup" in message for message in telegram.received(person.id)]
    assert with_buttons == [False] * (len(texts) - 1) + [True]


async def test_two_refused_chats_pause_the_bot(house: Serving) -> None:
    """429 for two chats in a row is about the bot: a third is not even tried until the time is over."""
    telegram = house.telegram
    people = [telegram.new_person() for _ in range(3)]
    telegram.faults.add(refuse(429, retry_after=9), refuse(429, retry_after=9), call="sendMessage")
    for person in people[:2]:
        await telegram.says(person, "家族")
        await house.until(lambda: not house.engawa.delivery._sends)
    asked = len([call for call in telegram.calls if call.name == "sendMessage"])
    await telegram.says(people[2], "家族")
    await house.until(lambda: _held(house, people[2].id, "throttled"))
    assert len([call for call in telegram.calls if call.name == "sendMessage"]) == asked == 2
    house.pass_time(9.1)
    await house.settled()
    assert all(heads(telegram.texts(person.id)) == [FAMILY] for person in people)


async def _held(house: Serving, chat_id: int, code: str) -> bool:
    rows = await house.sent_rows(on_telegram(chat_id))
    return [(row.state, row.error_code, row.attempts) for row in rows] == [("queued", code, 0)]


async def test_a_chat_has_its_pace(house: Serving) -> None:
    """A burst passes; what comes over it waits a second each, and other chats do not."""
    telegram = house.telegram
    person, other = telegram.new_person(), telegram.new_person()
    for _ in range(CHAT_BURST + 2):
        await telegram.says(person, "家族")
    await house.until(lambda: len(telegram.texts(person.id)) == CHAT_BURST)
    await telegram.says(other, "家族")
    await telegram.until(lambda: len(telegram.texts(other.id)) == 1)
    assert len(telegram.texts(person.id)) == CHAT_BURST
    house.pass_time(1.0)
    await telegram.until(lambda: len(telegram.texts(person.id)) == CHAT_BURST + 1)
    house.pass_time(1.0)
    await house.settled()
    rows = await house.sent_rows(on_telegram(person.id))
    assert {(row.state, row.attempts) for row in rows} == {("sent", 1)}


async def test_danger_does_not_wait_for_the_pace(house: Serving) -> None:
    """The safety card comes at once, also to somebody who has written a great deal."""
    telegram, person = house.telegram, house.telegram.new_person()
    for _ in range(CHAT_BURST):
        await telegram.says(person, "家族")
    await house.settled()
    before = len(telegram.texts(person.id))
    await telegram.says(person, "死にたい")
    await telegram.until(lambda: len(telegram.texts(person.id)) == before + 1)


# --- what people do ---------------------------------------------------------------------------------


async def test_commands(house: Serving) -> None:
    """Those of the menu, in any spelling Telegram sends; one we do not know is answered with what there is."""
    telegram, person = house.telegram, house.telegram.new_person()
    for text, begins in (
        ("/start poster-1", START),
        ("/help@engawa_fake_bot", "ここは自動の案内です"),
        ("/MENU", START),
        ("/tea", "その合図は"),
        ("/stop", "おしまい"),
    ):
        await telegram.says(person, text)
        await house.settled()
        assert telegram.texts(person.id)[-1].startswith(begins), text


async def test_every_tap_is_answered(house: Serving) -> None:
    """Buttons of today, of a message nobody knows, and of a message Telegram forgot: no progress mark stays."""
    telegram, person = house.telegram, house.telegram.new_person()
    await telegram.starts(person)
    await telegram.until(lambda: bool(telegram.texts(person.id)))
    old = {**telegram.message(person, text="昔"), "from": telegram.bot}
    gone = {"chat": person.chat, "message_id": 1, "date": 0}
    taps = [telegram.callback(person, message, "F-OLD/gone/00000000") for message in (old, gone)]
    without = telegram.callback(person, old, "F-OLD/gone/00000000")
    del without["callback_query"]["message"]
    without["callback_query"]["inline_message_id"] = "x"
    for number, update in enumerate((*taps, without)):
        await telegram.deliver(update)
        await house.settled()
        assert telegram.texts(person.id)[-1].startswith("この選択は古くなりました"), number
    await telegram.taps(person, "家族のこと")
    await telegram.until(lambda: all(telegram.queries.values()) and len(telegram.queries) == 4)


async def test_groups_and_channels_are_left(house: Serving) -> None:
    """Taken into a group: one line, and out. A channel: out without a word. Nobody there becomes a contact."""
    telegram, person = house.telegram, house.telegram.new_person()
    group, other, channel = telegram.new_group(), telegram.new_group(), telegram._new_chat("channel", "x")
    await telegram.deliver(telegram.membership(person, "member", group))
    await telegram.deliver(telegram.membership(person, "administrator", channel))
    await telegram.deliver(telegram.group_text(person, other, "みんなへ"))
    await telegram.until(
        lambda: sorted(telegram.left) == sorted(one["id"] for one in (group, other, channel))
    )
    assert telegram.texts(group["id"]) == ["ここは、ひとりで使う場所です。このグループからは出ます。"]
    assert telegram.texts(channel["id"]) == telegram.texts(other["id"]) == []
    await telegram.deliver(telegram.channel_post("おしらせ"))
    assert (await house.stored())["contacts"] == 0


@pytest.mark.parametrize("protect", [False, True])
async def test_counselors_words_may_be_protected(ready_url: str, protect: bool) -> None:
    """By a setting, and only what a person wrote: places and dates can always be passed on."""
    environ = {"ENGAWA_TELEGRAM_PROTECT_CONTENT": "on" if protect else ""}
    async with serving(ready_url, environ=environ) as house:
        telegram, person = house.telegram, house.telegram.new_person()
        await telegram.says(person, "死にたい")
        await house.settled()
        member, ticket_id = await a_claimed_ticket(house)
        await house.engawa.desk.reply(member, ticket_id, "みずのです。", "1")
        await telegram.until(lambda: telegram.texts(person.id)[-1] == "みずのです。")
        ids = {message["message_id"] for message in telegram.received(person.id)[-1:]}
        assert telegram.protected == (ids if protect else set())


async def test_an_erase_receipt_does_not_wait(house: Serving) -> None:
    """A chat over its pace still hears that everything is erased: receipts are tried at once, or never."""
    telegram, person = house.telegram, house.telegram.new_person()
    for _ in range(CHAT_BURST - 1):
        await telegram.says(person, "家族")
    await telegram.says(person, "わたしの記録を消す")
    await house.settled()
    await telegram.taps(person, "消す")
    await telegram.until(lambda: telegram.texts(person.id)[-1].startswith("消しました。"))


# --- fetched ----------------------------------------------------------------------------------------


async def test_the_same_journey_by_polling(ready_url: str) -> None:
    """Without a public address: greeted, answered, taps; a stop and a start in between lose and repeat nothing."""
    async with serving(ready_url, environ=POLLING) as house:
        telegram = house.telegram
        person = telegram.new_person()
        await telegram.starts(person)
        await telegram.until(lambda: heads(telegram.texts(person.id)) == [START])
        await telegram.taps(person, "家族のこと")
        await telegram.until(lambda: heads(telegram.texts(person.id)) == [START, FAMILY])
        await house.stop()
        said = asyncio.create_task(telegram.says(person, "さがす"))
        await asyncio.sleep(0)
        assert not said.done()
        await house.start()
        await said
        await telegram.until(lambda: heads(telegram.texts(person.id)) == [START, FAMILY, FIND])
        await house.settled()
        health = await house.engawa.channels["telegram"].check()
        assert (health.webhook, health.problem) == ("polling", "")


async def test_two_processes_one_polls(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL the first one has the lock; when it goes, the other one takes over."""
    monkeypatch.setattr(polling, "OTHERS_TURN", 0.05)
    async with FakeLine() as line, FakeTelegram() as telegram:
        person = telegram.new_person()
        first = Serving(postgresql_url, line, telegram, environ=POLLING)
        second = Serving(postgresql_url, line, telegram, environ=POLLING)
        async with second:
            async with first:
                for text in ("家族", "さがす"):
                    await telegram.says(person, text)
                await telegram.until(lambda: len(telegram.texts(person.id)) == 2)
                terminated = [
                    call for call in telegram.calls if call.status == 409 and call.name == "getUpdates"
                ]
                assert len(terminated) <= 2  # the webhook that was in the way, never the other process
                await second.stop()
                await telegram.says(person, "はじめ")
                await telegram.until(lambda: len(telegram.texts(person.id)) == 3)
            await second.start()
            await telegram.says(person, "家族")
            await telegram.until(lambda: len(telegram.texts(person.id)) == 4)

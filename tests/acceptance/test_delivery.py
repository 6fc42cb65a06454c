"""What goes out: in order for each person, once on LINE, and nobody waits for somebody else's trouble.

The clock stands until a test moves it, so a retry that comes too early, or that needs no waiting, shows.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.channels import http
from bot.messages import Address
from bot.runtime import delivery
from bot.runtime.retry import FIRST_WAIT, wait_seconds
from bot.store import database
from bot.store.outbox import LEASE, Outcome
from bot.testing import FakeClock
from tests.acceptance.serving import Row, Serving, on_line, on_telegram, serving
from tests.platforms import Fault, cut, held, refuse, silence

FAMILY, FIND, START = "ここまで支えてこられた", "どこから見ますか", "ここは自動で答える案内所"
BACK = "まえのところからも"
SPENT = refuse(400, message="Invalid reply token")
RETRY_KEY = "x-line-retry-key"


@pytest.fixture
async def house(ready_url: str) -> AsyncIterator[Serving]:
    async with serving(ready_url, clock=FakeClock()) as running:
        yield running


async def tried(house: Serving, address: Address, times: int) -> list[Row]:
    """The contact's outbox, once its first row was tried so often and waits again."""
    rows: list[Row] = []

    async def waits() -> bool:
        rows[:] = await house.sent_rows(address)
        return bool(rows) and rows[0].attempts == times and rows[0].state == "queued"

    await house.until(waits)
    return rows


def heads(texts: list[str], *wanted: str) -> bool:
    """Whether the texts begin with these answers' first bubbles, each once, in order, and nothing else."""
    begun = [text for text in texts if text.startswith((FAMILY, FIND, START, BACK))]
    return len(begun) == len(wanted) and all(map(str.startswith, begun, wanted))


# --- LINE -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(refuse(429), id="throttled"),
        pytest.param(refuse(500), id="500 before"),
        pytest.param(refuse(500, accepted=True), id="500 after"),
        pytest.param(cut(accepted=False), id="cut before"),
        pytest.param(cut(accepted=True), id="cut after"),
    ],
)
async def test_a_failed_reply_is_tried_again_with_its_token_and_arrives_once(
    house: Serving, fault: Fault
) -> None:
    """Not before its time, in order with what follows, without a push; others are not held up."""
    line = house.line
    user, other = line.new_user(), line.new_user()
    line.faults.add(fault, call="reply", to=user)
    await line.says(user, "家族")
    rows = await tried(house, on_line(user), 1)
    assert rows[0].error_code in ("throttled", "unreachable")
    await line.says(user, "さがす")
    await line.says(other, "はじめ")
    await line.until(lambda: heads(line.texts(other), START))
    assert heads(line.texts(user), *[FAMILY] * fault.accepted)
    house.pass_time(FIRST_WAIT)
    await house.settled()
    assert heads(line.texts(user), FAMILY, FIND)
    assert {call.name for call in line.calls} == {"reply"}
    assert [row.state for row in await house.sent_rows(on_line(user))] == ["sent", "sent"]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(refuse(429), id="throttled"),
        pytest.param(refuse(500), id="500 before"),
        pytest.param(refuse(500, accepted=True), id="500 after"),
        pytest.param(cut(accepted=False), id="cut before"),
        pytest.param(cut(accepted=True), id="cut after"),
    ],
)
async def test_a_spent_token_becomes_a_push_that_arrives_once(house: Serving, fault: Fault) -> None:
    """At once and with one retry key for all tries, whatever becomes of the first; what follows keeps its order."""
    line = house.line
    user = line.new_user()
    line.faults.add(SPENT, call="reply", to=user)
    line.faults.add(fault, call="push", to=user)
    await line.deliver(line.text(user, "家族"), line.text(user, "さがす"))
    await tried(house, on_line(user), 2)
    house.pass_time(wait_seconds(2))
    await house.settled()
    assert heads(line.texts(user), FAMILY, FIND)
    assert [one.via for one in line.delivered.all] == ["push", "reply"]
    pushes = [call.headers[RETRY_KEY] for call in line.calls if call.name == "push"]
    assert len(pushes) == 2
    assert len(set(pushes)) == 1


@pytest.mark.parametrize("accepted", [False, True])
async def test_a_reply_without_any_answer_arrives_once(
    house: Serving, monkeypatch: pytest.MonkeyPatch, accepted: bool
) -> None:
    """Our own time limit strikes, before or after LINE took it: the same token decides."""
    monkeypatch.setattr(http, "TOTAL_TIMEOUT", 1.5)
    await house.restart()
    line = house.line
    user = line.new_user()
    line.faults.add(silence(accepted=accepted), call="reply")
    await line.deliver(line.text(user, "家族"), line.text(user, "さがす"))
    rows = await tried(house, on_line(user), 1)
    assert rows[0].may_have_arrived
    house.pass_time(FIRST_WAIT)
    await house.settled()
    assert heads(line.texts(user), FAMILY, FIND)


async def test_a_token_that_was_dead_from_the_start_never_passes_for_delivered(house: Serving) -> None:
    """A webhook that comes 25 minutes late: LINE's refusal of its token must not be read as an earlier success."""
    line = house.line
    user = line.new_user()
    event = line.text(user, "家族")
    house.pass_time(25 * 60)
    line.faults.add(cut(accepted=False), to=user)
    await line.deliver(event)
    await tried(house, on_line(user), 1)
    house.pass_time(FIRST_WAIT)
    await house.settled()
    assert heads(line.texts(user), FAMILY)


async def test_a_long_outage_ends_in_order_with_one_try_for_each_wait(house: Serving) -> None:
    """Waits double; nothing is tried in between; in the end all is there, once, in order."""
    line = house.line
    user = line.new_user()
    with line.faults.outage(refuse(503)):
        await line.deliver(line.text(user, "家族"), line.text(user, "さがす"))
        for attempt in range(1, 6):
            await tried(house, on_line(user), attempt)
            assert len(line.calls) == attempt
            if attempt < 5:
                house.pass_time(wait_seconds(attempt))
    house.pass_time(wait_seconds(5))
    await house.settled()
    assert heads(line.texts(user), FAMILY, FIND)


async def test_one_stuck_person_holds_nobody_else_and_keeps_the_order(house: Serving) -> None:
    """LINE hangs on one call: thirty others are answered meanwhile, and then the one, in order."""
    line = house.line
    stuck, gate = line.new_user(), asyncio.Event()
    line.faults.add(held(gate), call="reply", to=stuck)
    for word in ("家族", "さがす", "はじめ"):
        await line.says(stuck, word)
    others = [line.new_user() for _ in range(30)]
    await line.deliver_all([line.text(user, "家族")] for user in others)
    await line.until(lambda: all(heads(line.texts(user), FAMILY) for user in others))
    assert line.received(stuck) == []
    gate.set()
    await house.settled()
    assert heads(line.texts(stuck), FAMILY, FIND, START)


@pytest.mark.parametrize(
    ("later", "states"),
    [
        pytest.param(LEASE.total_seconds(), ["sent", "sent"], id="young token"),
        pytest.param(60.0, ["uncertain", "sent"], id="old token"),
    ],
)
async def test_a_send_that_was_not_marked_is_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, later: float, states: list[str]
) -> None:
    """LINE took it, and who sent it died: its token tells so; when that is too old, it stays uncertain."""

    async def dies(_outcome: Outcome) -> None:
        return None

    async with serving(f"sqlite:///{tmp_path / 'engawa.sqlite3'}", clock=FakeClock()) as house:
        line, user = house.line, house.line.new_user()
        with monkeypatch.context() as patch:
            patch.setattr(house.engawa.delivery, "_marked", dies)
            await line.says(user, "家族")
            await house.until(lambda: line.delivered.all and not house.engawa.delivery._sends)
        await line.says(user, "さがす")
        house.pass_time(later)
        await house.settled()
        assert heads(line.texts(user), FAMILY, FIND)
        assert [row.state for row in await house.sent_rows(on_line(user))] == states


async def test_a_mark_is_made_up_for_when_the_database_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telegram has no key to tell a repeat by: the mark of what arrived is tried again before its lease ends."""
    monkeypatch.setattr(database, "PRAGMAS", (*database.PRAGMAS, "PRAGMA busy_timeout=50"))
    monkeypatch.setattr(delivery, "OUTAGE_WAIT", 0.01)
    path = tmp_path / "engawa.sqlite3"
    async with serving(f"sqlite:///{path}", clock=FakeClock()) as house:
        telegram, gate, lane, tries = house.telegram, asyncio.Event(), house.engawa.delivery._finished, []
        mark = lane.put

        async def counted(outcome: Outcome) -> bool:
            tries.append(outcome)
            return await mark(outcome)

        monkeypatch.setattr(lane, "put", counted)
        person = telegram.new_person()
        telegram.faults.add(held(gate, accepted=True), call="sendMessage")
        await telegram.says(person, "家族")
        await telegram.until(lambda: len(telegram.texts(person.id)) > 0)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        gate.set()
        await house.until(lambda: len(tries) > 1)
        other.execute("ROLLBACK")
        other.close()
        await house.settled()
        assert heads(telegram.texts(person.id), FAMILY)


# --- Telegram -------------------------------------------------------------------------------------


async def test_telegram_is_given_the_time_it_asks_for(house: Serving) -> None:
    """429 with retry_after: not a moment earlier, in order afterwards; other chats go on."""
    telegram = house.telegram
    person, other = telegram.new_person(), telegram.new_person()
    telegram.faults.add(refuse(429, retry_after=7), call="sendMessage", to=str(person.id))
    await telegram.says(person, "家族")
    await tried(house, on_telegram(person.id), 1)
    await telegram.says(person, "さがす")
    house.pass_time(6.9)
    await telegram.says(other, "はじめ")
    await telegram.until(lambda: heads(telegram.texts(other.id), START))
    assert telegram.received(person.id) == []
    house.pass_time(0.1)
    await house.settled()
    assert heads(telegram.texts(person.id), FAMILY, FIND)


@pytest.mark.parametrize(
    ("fault", "copies"),
    [
        pytest.param(refuse(429), 1, id="throttled"),
        pytest.param(refuse(502), 1, id="502 before"),
        pytest.param(cut(accepted=False), 1, id="cut before"),
        pytest.param(refuse(500, accepted=True), 2, id="500 after"),
        pytest.param(cut(accepted=True), 2, id="cut after"),
    ],
)
async def test_telegram_gets_a_message_at_least_once(house: Serving, fault: Fault, copies: int) -> None:
    """It has no key: a send whose answer was lost comes twice, side by side and never out of order."""
    telegram = house.telegram
    person = telegram.new_person()
    telegram.faults.add(fault, call="sendMessage")
    await telegram.says(person, "家族")
    await tried(house, on_telegram(person.id), 1)
    await telegram.says(person, "さがす")
    house.pass_time(FIRST_WAIT)
    await house.settled()
    assert heads(telegram.texts(person.id), *[FAMILY] * copies, FIND)


async def test_who_blocked_us_is_left_alone_until_they_come_back(house: Serving) -> None:
    """403: that row failed, queued ones are cancelled, nothing more is tried; writing or unblocking opens again."""
    telegram = house.telegram
    person, gate = telegram.new_person(), asyncio.Event()
    telegram.faults.add(held(gate), call="sendMessage")
    for word in ("家族", "さがす", "はじめ"):
        await telegram.says(person, word)
    await house.until(lambda: _queued(house, person.id, 2))
    telegram.blocked.add(person.id)
    gate.set()
    await house.settled()
    rows = await house.sent_rows(on_telegram(person.id))
    assert [row.state for row in rows] == ["failed", "cancelled", "cancelled"]
    assert {row.error_code for row in rows} == {"contact_gone"}
    assert len([call for call in telegram.calls if call.name == "sendMessage"]) == 1

    telegram.blocked.discard(person.id)  # the update that tells so is still on its way
    await telegram.says(person, "家族")
    await house.settled()
    assert heads(telegram.texts(person.id), FAMILY)
    await telegram.blocks(person)
    await telegram.unblocks(person)
    await house.settled()
    assert heads(telegram.texts(person.id), FAMILY, BACK)


async def _queued(house: Serving, chat_id: int, wanted: int) -> bool:
    rows = await house.sent_rows(on_telegram(chat_id))
    return sum(row.state == "queued" for row in rows) == wanted

"""When something fails at the desk: what the person is told stays true, and what staff see is complete."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.channels.alerts import Email, Smtp, Webhook
from bot.errors import NotAllowed
from bot.handoff.alerts import Alerts, Bearer
from bot.handoff.desk import Desk
from bot.handoff.escalation import STANDARD
from bot.handoff.hours import TOKYO
from bot.handoff.ticket import GUIDE, Act, Status
from bot.messages import Address
from bot.store import duties, staff
from bot.store.staff import Member
from bot.talk import Mode
from bot.testing import FakeChannel, FakeClock, an_engawa
from bot.thread_view import ThreadView
from tests.town import Town

FRIDAY = datetime(2026, 11, 20, 14, tzinfo=TOKYO)
HOURS = [{"days": "月火水木金", "opens": "10:00", "closes": "18:00"}]


@pytest.fixture
async def town(ready_url: str) -> AsyncIterator[Town]:
    channel, clock = FakeChannel(), FakeClock(FRIDAY)
    async with an_engawa(ready_url, clock=clock, channels=[channel]) as engawa:
        yield Town(engawa=engawa, channel=channel, clock=clock)


@pytest.fixture
def desk(town: Town) -> Desk:
    return town.engawa.desk


async def signs_in(town: Town, member: Member, token: str) -> None:
    await town.engawa.database.write(staff.begin_session, member.staff_id, token, town.clock.now())


def view(town: Town) -> ThreadView:
    house = town.engawa
    return ThreadView(
        house.database, house.hub, house.library, house.ingress, house.clock, house.sealer, house.operator_id
    )


async def state(town: Town, person: str) -> str:
    """The line that is shown about who reads."""
    found = await view(town).thread(Address(account=town.channel.account, key=person), 0)
    return str(found.state["line"])


async def test_a_counselor_whose_browser_is_gone(town: Town, desk: Desk) -> None:
    """Words that nobody reads for half an hour go back to the desk; the person hears of it once, quietly; and the
    line about who reads never says that somebody looks who is away."""
    mizuno, ito = await town.member("mizuno"), await town.member("ito")
    await signs_in(town, mizuno, "a")
    ticket = await town.asks("u")
    await desk.claim(mizuno, ticket.id)
    await desk.reply(mizuno, ticket.id, "こんにちは", "1")
    assert await state(town, "u") == "相談員の mizunoさん が受け持っています。"
    town.later(minutes=31)
    assert await state(town, "u") == "相談員の mizunoさん が受け持っています。いまは見ていません。"
    await town.engawa.relief.look()
    assert (await town.ticket("u")).keeper == mizuno.staff_id  # the last word was hers: silence is an answer
    await town.says("u", "きょうは眠れません")
    await town.settle()
    town.later(minutes=29)
    await town.engawa.relief.look()
    assert (await town.ticket("u")).keeper == mizuno.staff_id
    town.later(minutes=2)
    for _ in range(3):
        await town.engawa.relief.look()
        await town.settle()
    left = await town.ticket("u")
    assert (left.status, left.moves[-1].act, left.moves[-1].by) == (Status.WAITING, Act.RELEASE, GUIDE)
    told = [one for one in town.channel.arrived if "いったん離れました" in "".join(one.reply.texts)]
    assert len(told) == 1
    assert told[0].reply.silent
    found = await desk.next_for(ito)
    assert found is not None
    thread = await desk.thread(ito, ticket.id)
    assert "きょうは眠れません" in [text for line in thread.lines for text in line.body.texts]


async def test_who_is_here_or_has_promised_is_left_in_peace(town: Town, desk: Desk) -> None:
    """A counselor who is signed in keeps it however long; so does who told when the answer comes."""
    mizuno, ito = await town.member("mizuno"), await town.member("ito")
    await signs_in(town, mizuno, "a")
    here, promised = await town.asks("here"), await town.asks("promised")
    await desk.claim(mizuno, here.id)
    await desk.claim(ito, promised.id)
    await desk.read_later(ito, promised.id, town.clock.now() + timedelta(hours=3))
    for number in range(4):
        town.later(minutes=25)
        await signs_in(town, mizuno, f"b{number}")
        await town.engawa.relief.look()
    assert (await town.ticket("here")).keeper == mizuno.staff_id
    assert (await town.ticket("promised")).keeper == ito.staff_id
    assert "いまは見ていません。返事は きょう 17時" in await state(town, "promised")


async def test_at_the_end_of_a_shift_who_stands_in_goes_on(town: Town, desk: Desk) -> None:
    """R-106, R-112: the shift is over and the keeper gone: unread words go to the stand-in who is here, and the person
    reads who writes from now on; without one they wait for whoever is next."""
    mizuno, ito = await town.member("mizuno"), await town.member("ito")
    begin = town.clock.now() - timedelta(hours=1)
    await town.engawa.database.write(duties.add, mizuno.staff_id, begin, begin + timedelta(hours=2))
    for person in ("with", "without", "silent"):
        ticket = await town.asks(person)
        await desk.claim(mizuno, ticket.id)
        await desk.reply(mizuno, ticket.id, "こんにちは", person)
    await desk.stand_in(mizuno, (await town.ticket("with")).id, ito.staff_id)
    await town.says("with", "まだいますか")
    await town.says("without", "まだいますか")
    await town.settle()
    town.later(minutes=20)
    await town.engawa.relief.look()
    assert (await town.ticket("with")).keeper == mizuno.staff_id  # on duty: half an hour
    await town.says("with", "いますか")
    await town.says("without", "いますか")
    await town.settle()
    town.later(minutes=45)
    await signs_in(town, ito, "a")
    await town.engawa.relief.look()
    await town.settle()
    taken, left, silent = [await town.ticket(person) for person in ("with", "without", "silent")]
    assert (taken.status, taken.keeper, taken.moves[-1].act) == (Status.ACTIVE, ito.staff_id, Act.PASS_ON)
    assert "このあとは itoさん が書きます。" in town.channel.texts("with")[-1]
    assert left.status is Status.WAITING
    assert silent.keeper == mizuno.staff_id  # the last word was hers: silence is an answer


async def test_a_shift_that_is_over_is_not_waited_for(town: Town, desk: Desk) -> None:
    """Five minutes after words that nobody reads, not thirty, once who had it is off duty and gone."""
    mizuno = await town.member("mizuno")
    begin = town.clock.now() - timedelta(hours=1)
    await town.engawa.database.write(duties.add, mizuno.staff_id, begin, begin + timedelta(minutes=65))
    ticket = await town.asks("u")
    await desk.claim(mizuno, ticket.id)
    town.later(minutes=10)
    await town.says("u", "きょうは眠れません")
    await town.settle()
    town.later(minutes=4)
    await town.engawa.relief.look()
    assert (await town.ticket("u")).keeper == mizuno.staff_id
    town.later(minutes=2)
    await town.engawa.relief.look()
    assert (await town.ticket("u")).status is Status.WAITING


async def test_killed_between_claim_and_reply(ready_url: str) -> None:
    """The claim is durable: after a new start its keeper has it, the machine is silent, the reply goes out once."""
    channel, clock = FakeChannel(), FakeClock(FRIDAY)
    async with an_engawa(ready_url, clock=clock, channels=[channel]) as engawa:
        first = Town(engawa=engawa, channel=channel, clock=clock)
        ticket, mizuno = await first.asks("u"), await first.member("mizuno")
        await engawa.desk.claim(mizuno, ticket.id)
    async with an_engawa(ready_url, clock=clock, channels=[channel]) as engawa:
        again = Town(engawa=engawa, channel=channel, clock=clock)
        before = len(channel.arrived)
        await again.says("u", "だれかいますか")
        await again.settle()
        assert len(channel.arrived) == before
        for _ in range(2):
            await engawa.desk.reply(mizuno, ticket.id, "います", "1")
        await again.settle()
        assert channel.texts("u")[-1] == "います"
        assert len(channel.arrived) == before + 1


async def test_a_desk_without_anybody(town: Town) -> None:
    """Hours stand in the content and nobody in the shift table: nobody is told that people read (R-083)."""
    await town.publish(("desk", {"id": "main", "name": "窓口", "shifts": HOURS, "shift_table": True}))
    ticket = await town.asks("u")
    said = town.channel.texts("u")
    assert any("人がいつ読むかは、まだ決まっていません。" in text for text in said)
    assert not [text for text in said if "いまは人が読む時間です" in text]
    assert (ticket.status, ticket.desk_id, ticket.promised_at) == (Status.WAITING, "main", None)
    assert (await town.loaded("u")).talk.mode is Mode.WAITING


async def test_hours_that_nobody_can_read(town: Town) -> None:
    """A desk whose hours were left out tells none, and promises none; it is handed over all the same."""
    await town.publish(("desk", {"id": "main", "name": "窓口", "shifts": []}))
    ticket = await town.asks("u")
    assert ticket.promised_at is None
    assert any("人がいつ読むかは、まだ決まっていません。" in text for text in town.channel.texts("u"))
    assert await state(town, "u") == "人に渡しました。返事を待たずに閉じて大丈夫です。"


async def test_the_clock_goes_back(town: Town, desk: Desk) -> None:
    """A clock set right by an hour opens no second message to somebody silent, and loses nobody's turn."""
    mizuno = await town.member("mizuno")
    ticket, other = await town.asks("u"), await town.asks("v")
    await desk.claim(mizuno, ticket.id)
    await desk.reply(mizuno, ticket.id, "ひとつめ", "1")
    town.clock.move(timedelta(hours=-1))
    with pytest.raises(NotAllowed):
        await desk.reply(mizuno, ticket.id, "ふたつめ", "2")
    found = await desk.next_for(mizuno)
    assert found is not None
    assert found[0] == other.id


async def test_nobody_of_the_staff_can_be_told(town: Town, desk: Desk) -> None:
    """The mail server is down and the webhook answers 500: what the person was told stays true and nothing is added
    to it; staff see who waits, and that nobody was reached and by which ways."""
    await town.publish(("desk", {"id": "main", "name": "窓口", "shifts": HOURS, "year_end": "none"}))
    refuses = web.Application()
    refuses.router.add_post("/hook", _answers_500)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        down = Smtp(
            host="127.0.0.1", port=free.getsockname()[1], tls=False, starttls=False, sender="e@example.jp"
        )
    async with TestServer(refuses, host="127.0.0.1") as server:
        ways: dict[str, Bearer] = {
            "desk/1": Email(down, "desk@example.jp"),
            "lead/1": Webhook(str(server.make_url("/hook"))),
        }
        house = town.engawa
        alerts = Alerts(
            house.database, house.hub, house.clock, house.operator_id, STANDARD, ways,
            lambda: house.library.at_hand, "https://engawa.example.jp",
        )  # fmt: skip
        ticket = await town.asks("u")
        await town.says("u", "もう死にたい")
        await town.settle()
        before = len(town.channel.arrived)
        for _ in range(3):
            await alerts.work()
            town.later(seconds=20)
        await town.settle()
        member = await town.member()
        [alert] = await alerts.open(member)
        standing = await alerts.standing()
        await alerts.close()
    assert len(town.channel.arrived) == before
    assert "までの見込みです" in await state(town, "u")
    assert alert.undelivered
    assert {name for name, _ in standing.not_working} == {"desk/1", "lead/1"}
    assert [one.ticket.id for one in await desk.queue(member, Status.WAITING)] == [ticket.id]
    assert (await desk.next_for(member) or ("",))[0] == ticket.id


async def _answers_500(_request: web.Request) -> web.Response:
    return web.Response(status=500)


async def test_the_clock_jumps_ahead(town: Town, desk: Desk) -> None:
    """A day at once: no time is told from a board of yesterday; the promise that passed is told once; who waits still
    does, and is the next."""
    await town.publish(("desk", {"id": "main", "name": "窓口", "shifts": HOURS, "year_end": "none"}))
    ticket = await town.asks("u")
    before = len(town.channel.arrived)
    town.later(hours=24)
    for _ in range(3):
        await town.engawa.clockwork.wake()
        await town.settle()
    said = [one.reply.texts for one in town.channel.arrived[before:]]
    assert said == [("お伝えした時間をすぎました。ごめんなさい。渡したものは残っています。",)]
    await town.asks("v")
    assert not [text for text in town.channel.texts("v") if "見込み" in text or "待ち時間" in text]
    found = await desk.next_for(await town.member())
    assert found is not None
    assert found[0] == ticket.id


async def test_taking_it_back_again_and_again_costs_nothing(town: Town, desk: Desk) -> None:
    """R-022, R-023, R-091: five times asked and taken back, with sharp words: the turn is as anybody's, nothing is
    closed, counted or said about it, and who writes rudely is neither shut out nor told off."""
    first = await town.asks("u")
    for _ in range(5):
        await town.tap("u", "取り消す")
        await town.says("u", "うるさいなあ")
        await town.settle()
        assert (await town.ticket("u")).status is Status.RESTING
        await town.asks("u")
    again = await town.ticket("u")
    town.later(minutes=1)
    other = await town.asks("v")
    assert (again.id, again.status, again.priority) == (first.id, Status.WAITING, other.priority)
    found = await desk.next_for(await town.member())
    assert found is not None
    assert found[0] == again.id
    for text in town.channel.texts("u"):
        assert not [
            word for word in ("回目", "また取り消", "失礼", "やめましょう", "使えません") if word in text
        ]


async def test_nobody_looks_past_the_deadline_in_silence(town: Town) -> None:
    """The time that was told passes: one quiet line with what is known then, and no second one (R-070)."""
    await town.publish(("desk", {"id": "main", "name": "窓口", "shifts": HOURS, "year_end": "none"}))
    ticket = await town.asks("u")
    assert ticket.promised_at is not None
    assert "見込みです" in await state(town, "u")
    before = len(town.channel.arrived)
    for _ in range(3):
        town.later(hours=2)
        await town.engawa.boards.look()
        await town.engawa.clockwork.wake()
        await town.settle()
    said = [one.reply for one in town.channel.arrived[before:]]
    assert [reply.silent for reply in said] == [True]
    assert said[0].texts[0].startswith("お伝えした時間をすぎました。")

"""Words that leave later: taken back, sent once, and never over somebody else's hands or words of danger."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import Connection, select

from bot.errors import BadInput, NotAllowed, NotFound
from bot.handoff.desk import How
from bot.store import scheduled, staff
from bot.store.schema import scheduled_replies
from bot.store.staff import Member, Settings
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import DANGER
from tests.town import Town

HOUR = timedelta(hours=1)


@pytest.fixture
async def town(ready_url: str) -> AsyncIterator[Town]:
    channel, clock = FakeChannel(), FakeClock()
    async with an_engawa(ready_url, clock=clock, channels=[channel]) as engawa:
        yield Town(engawa=engawa, channel=channel, clock=clock)


async def kept(town: Town, undo: int = 0) -> tuple[Member, str]:
    """A conversation with a member whose words wait this many seconds."""
    member = await town.member("mizuno")
    ticket = await town.asks("a")
    await town.engawa.desk.claim(member, ticket.id)
    await town.engawa.database.write(staff.set_settings, member.staff_id, Settings(undo_seconds=undo))
    await town.settle()
    return member, ticket.id


async def due(town: Town) -> list[str]:
    """What has reached the person when everything that may leave has left."""
    await town.engawa.desk.send_due()
    await town.settle()
    return town.channel.texts("a")


def rows(connection: Connection) -> list[tuple[int, bool]]:
    columns = (scheduled_replies.c.number, scheduled_replies.c.stopped)
    return [(row.number, row.stopped) for row in connection.execute(select(*columns))]


async def test_words_go_at_once_unless_somebody_asked_for_a_moment(town: Town) -> None:
    member, ticket = await kept(town)
    await town.engawa.desk.reply(member, ticket, "すぐの言葉", "r1")
    await town.settle()
    assert "すぐの言葉" in town.channel.texts("a")
    for seconds in (3, -1, 60):
        with pytest.raises(BadInput):
            await town.engawa.database.write(
                staff.set_settings, member.staff_id, Settings(undo_seconds=seconds)
            )


async def test_taken_back_in_time_they_are_a_draft_again_and_nobody_read_them(town: Town) -> None:
    member, ticket = await kept(town, undo=10)
    desk = town.engawa.desk
    await desk.reply(member, ticket, "取り消す言葉", "r1")
    await desk.reply(member, ticket, "取り消す言葉", "r1")  # pressed twice
    thread = await desk.thread(member, ticket)
    assert [(one.number, one.words.text) for one in thread.scheduled] == [(1, "取り消す言葉")]
    town.later(seconds=9)
    assert "取り消す言葉" not in await due(town)
    await desk.save_draft(member, ticket, "つぎの下書き")
    await desk.take_back(member, ticket, 1)
    town.later(minutes=5)
    assert "取り消す言葉" not in await due(town)
    assert (await desk.thread(member, ticket)).draft == "取り消す言葉\n\nつぎの下書き"
    with pytest.raises(NotFound):
        await desk.take_back(member, ticket, 1)


async def test_held_they_wait_until_nobody_holds_them(town: Town) -> None:
    """While the way to take them back has the focus they stay; then they leave ten seconds after the last hold."""
    member, ticket = await kept(town, undo=5)
    desk = town.engawa.desk
    await desk.reply(member, ticket, "待つ言葉", "r1")
    for _ in range(5):
        town.later(seconds=4)
        await desk.hold(member, ticket, 1)
        assert "待つ言葉" not in await due(town)
    town.later(seconds=9)
    assert "待つ言葉" not in await due(town)
    town.later(seconds=1)
    assert "待つ言葉" in await due(town)
    with pytest.raises(NotFound):
        await desk.hold(member, ticket, 1)


async def test_left_they_go_once_in_their_order_however_many_look(town: Town) -> None:
    member, ticket = await kept(town, undo=5)
    desk = town.engawa.desk
    await desk.reply(member, ticket, "ひとつめ", "r1")
    town.later(seconds=1)
    await desk.reply(member, ticket, "ふたつめ", "r2", How(no_answer=True, quiet=True))
    town.later(seconds=6)
    await asyncio.gather(*(desk.send_due() for _ in range(4)))
    said = await due(town)
    assert [said.count(text) for text in ("ひとつめ", "ふたつめ")] == [1, 1]
    assert said.index("ひとつめ") < said.index("ふたつめ")
    assert "返事は、なくて大丈夫です。" in said
    with pytest.raises(NotFound):
        await desk.take_back(member, ticket, 1)
    assert await town.engawa.database.read(rows) == []


async def test_nothing_is_lost_when_the_process_dies(town: Town, ready_url: str) -> None:
    """It lies in the database: another process sends it, once. After long nothing goes by itself."""
    member, ticket = await kept(town)
    at = town.clock.now() + HOUR
    await town.engawa.desk.reply(member, ticket, "一時間あとの言葉", "r1", How(at=at))
    await town.engawa.desk.reply(member, ticket, "そのあとの言葉", "r2", How(at=at + 3 * HOUR))
    town.later(minutes=61)
    async with contextlib.AsyncExitStack() as stack:
        other = town.engawa
        if not other.database.is_sqlite:  # where there can be a second process
            another = an_engawa(ready_url, clock=town.clock, channels=[town.channel])
            other = await stack.enter_async_context(another)
        await other.desk.send_due()
        await town.settle()
        assert town.channel.texts("a").count("一時間あとの言葉") == 1
        town.later(hours=8)  # nothing ran
        await other.desk.send_due()
    await town.settle()
    assert "そのあとの言葉" not in town.channel.texts("a")
    left = (await town.engawa.desk.thread(member, ticket)).scheduled
    assert [(one.words.text, one.stopped) for one in left] == [("そのあとの言葉", True)]
    assert len(await town.engawa.database.read(scheduled.stopped, member.staff_id)) == 1


async def test_with_somebody_in_danger_nothing_waits(town: Town) -> None:
    """Written to them it goes at once; written before the cry it does not go at all: nobody had read that yet."""
    member, ticket = await kept(town, undo=20)
    desk = town.engawa.desk
    await desk.reply(member, ticket, "また来週に", "r1")
    await desk.reply(member, ticket, "あすの言葉", "r2", How(at=town.clock.now() + HOUR))
    await town.says("a", DANGER)
    await town.settle()
    await desk.reply(member, ticket, "読みました", "r3")
    await town.settle()
    assert town.channel.texts("a").count("読みました") == 1
    with pytest.raises(NotAllowed):
        await desk.reply(member, ticket, "x", "r4", How(at=town.clock.now() + HOUR))
    town.later(minutes=90)
    said = await due(town)
    assert "また来週に" not in said
    assert "あすの言葉" not in said
    assert await town.engawa.database.read(rows) == [(1, True), (2, True)]
    await desk.take_back(member, ticket, 1)
    assert (await desk.thread(member, ticket)).draft == "また来週に"


async def _back(town: Town, member: Member, ticket: str) -> None:
    await town.engawa.desk.hand_back(member, ticket)


async def _released(town: Town, member: Member, ticket: str) -> None:
    await town.engawa.desk.release(member, ticket, "休みに入る")


async def _passed(town: Town, member: Member, ticket: str) -> None:
    other = await town.member("sakurai")
    await town.engawa.desk.pass_on(member, ticket, other.staff_id, "交代")


@pytest.mark.parametrize("ends", [_back, _released, _passed])
async def test_in_other_hands_they_are_gone(
    town: Town, ends: Callable[[Town, Member, str], Awaitable[None]]
) -> None:
    member, ticket = await kept(town)
    await town.engawa.desk.reply(member, ticket, "残さない言葉", "r1", How(at=town.clock.now() + HOUR))
    await ends(town, member, ticket)
    assert await town.engawa.database.read(rows) == []
    town.later(hours=2)
    assert "残さない言葉" not in await due(town)


async def test_quiet_and_unanswered_hold_when_the_time_has_come(town: Town) -> None:
    """R-090: whoever tapped やめる meanwhile is left alone; the words are kept for who wrote them."""
    member, ticket = await kept(town)
    desk = town.engawa.desk
    await desk.reply(member, ticket, "あとの言葉", "r1", How(at=town.clock.now() + HOUR))
    await town.says("a", "やめる")
    await town.settle()
    town.later(minutes=61)
    assert "あとの言葉" not in await due(town)
    assert await town.engawa.database.read(rows) == [(1, True)]


async def test_times_that_cannot_be_and_more_than_ten_are_told(town: Town) -> None:
    member, ticket = await kept(town)
    now, desk = town.clock.now(), town.engawa.desk
    for at in (now, now - HOUR, now + timedelta(days=8)):
        with pytest.raises(BadInput):
            await desk.reply(member, ticket, "x", f"r{at}", How(at=at))
    with pytest.raises(BadInput):
        await desk.reply(member, ticket, "x", "gone", How(at=now + HOUR, entry_id="no-such-place"))
    for number in range(10):
        await desk.reply(member, ticket, f"x{number}", f"n{number}", How(at=now + HOUR))
    with pytest.raises(BadInput):
        await desk.reply(member, ticket, "x", "n11", How(at=now + HOUR))
    other = await town.member("sakurai")
    with pytest.raises(NotFound):
        await desk.take_back(other, ticket, 1)


async def test_erased_they_are_gone(town: Town) -> None:
    member, ticket = await kept(town)
    await town.engawa.desk.reply(member, ticket, "残さない言葉", "r1", How(at=town.clock.now() + HOUR))
    await town.says("a", "わたしの記録を消す")
    await town.settle()
    assert await town.engawa.database.read(rows) == []

"""Words of a message that a counselor hides: gone from all that was made of it, and from the files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.errors import NotAllowed
from bot.store.schema import timeline
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.test_desk_journeys import EVENING
from tests.town import Town

TOLD = "お名前などがあったので、こちらでは見えないようにしました。"


@pytest.fixture
async def town(ready_url: str) -> AsyncIterator[Town]:
    channel, clock = FakeChannel(), FakeClock(EVENING)
    async with an_engawa(ready_url, clock=clock, channels=[channel]) as engawa:
        yield Town(engawa=engawa, channel=channel, clock=clock)


async def test_what_was_written_to_nobody_and_handed_over(town: Town) -> None:
    """How a text begins is told in a preview and kept with what is theirs; there, it may end within the name."""
    for words in ("書いておくだけ", "きのうもまた兄の 佐久間健一 が来ました", "佐久間健一は兄です"):
        await town.says("u", words)
        await town.settle()
    await town.tap("u", "書き終わった", "人に渡す", "つづける", "ゆっくり", "とくにない")
    assert any("佐久" in text for text in town.channel.texts("u"))
    await town.tap("u", "送る")
    ticket, counselor, desk = await town.ticket("u"), await town.member(), town.engawa.desk
    await desk.claim(counselor, ticket.id)
    handed = (await desk.thread(counselor, ticket.id)).handed
    with pytest.raises(NotAllowed):  # first the wishes, for the person is told
        await desk.hide(counselor, ticket.id, handed[0].seq, "佐久間健一")
    await desk.confirm(counselor, ticket.id)
    note = "佐久間さんのことは、staffが書いたもの"
    await desk.save_draft(counselor, ticket.id, note)
    for line in handed:
        await desk.hide(counselor, ticket.id, line.seq, "佐久間健一")
    await town.settle()
    thread = await desk.thread(counselor, ticket.id)
    assert [line.body.texts for line in thread.handed] == [
        ("きのうもまた兄の ○○ が来ました",),
        ("○○は兄です",),
    ]
    assert thread.draft == note  # what staff wrote stays as it is
    assert [text for text in town.channel.texts("u") if text == TOLD] == [TOLD] * 2  # one a message
    await desk.save_draft(counselor, ticket.id, "")
    left = await town.opened()
    assert "きのうもまた兄の ○○ …" in left
    assert not [part for part in ("佐久", "久間", "健一") if part in left]


async def test_who_asked_to_be_left_alone_is_told_nothing(town: Town) -> None:
    """R-090: the words go, and no message comes."""
    ticket, counselor = await town.asks("u"), await town.member()
    desk = town.engawa.desk
    await desk.claim(counselor, ticket.id)
    await town.says("u", "佐久間健一です")
    await town.settle()
    seq = (await desk.thread(counselor, ticket.id)).lines[-1].seq
    await town.says("u", "やめる")
    await town.settle()
    assert (await town.loaded("u")).talk.quiet
    before = list(town.channel.texts("u"))
    await desk.hide(counselor, ticket.id, seq, "佐久間健一")
    await town.settle()
    assert town.channel.texts("u") == before
    assert "佐久間" not in await town.opened()


async def test_no_byte_is_left(ready_sqlite_url: str) -> None:
    """SQLite: the old cell is in no file any more, once the wipe this rings for has run."""
    channel, clock = FakeChannel(), FakeClock(EVENING)
    async with an_engawa(ready_sqlite_url, clock=clock, channels=[channel]) as engawa:
        town = Town(engawa=engawa, channel=channel, clock=clock)
        ticket, counselor = await town.asks("u"), await town.member()
        await engawa.desk.claim(counselor, ticket.id)
        await town.says("u", "佐久間健一です" * 40)
        await town.settle()
        seq = (await engawa.desk.thread(counselor, ticket.id)).lines[-1].seq
        [row] = await town.rows(select(timeline.c.sealed_body).where(timeline.c.seq == seq))
        path = Path(str(engawa.database.url.database))
        files, needle = [path, path.with_name(path.name + "-wal")], row.sealed_body[-40:]
        assert any(needle in file.read_bytes() for file in files)
        await engawa.desk.hide(counselor, ticket.id, seq, "佐久間健一")
        await engawa.wipe.work()
        assert not any(needle in file.read_bytes() for file in files if file.exists())

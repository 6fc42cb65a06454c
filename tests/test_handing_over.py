"""What was written to nobody: handed over by the person's own choice, seen by the counselor, or gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.flows.reminders import LOOSE_FOR
from bot.handoff.desk import Thread
from bot.store import schema
from bot.store.inbox import PERSON
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import House

WORDS = ("きのうの夜のことです", "うまく書けません")


@pytest.fixture
async def house(ready_url: str) -> AsyncIterator[House]:
    channel, clock = FakeChannel(), FakeClock()
    async with an_engawa(ready_url, clock=clock, channels=[channel]) as engawa:
        yield House(engawa=engawa, channel=channel, clock=clock)


async def says(house: House, *texts: str) -> None:
    for text in texts:
        await house.says("a", text)
        await house.settle()


async def thread(house: House) -> Thread:
    ticket = await house.ticket("a")
    return await house.engawa.desk.thread(await house.member(), ticket.id)


async def counted(house: House) -> dict[str, int]:
    rows = await house.rows(select(schema.daily_counts))
    return {row.name: row.count for row in rows}


def of_person(lines: object) -> list[str]:
    return [line.body.texts[0] for line in lines if line.author == PERSON]  # type: ignore[attr-defined]


async def written_rows(house: House) -> list[str]:
    rows = await house.rows(select(schema.timeline.c.author))
    return [row.author for row in rows if row.author == PERSON]


async def test_what_was_handed_over_is_what_the_counselor_reads(house: House) -> None:
    """R-033: both texts, in their order, and nothing else of what came before the handoff; wishes pinned beside."""
    await says(house, "さがす", *WORDS, "人に渡す", "つづける", "ゆっくり", "とくにない", "送る", "そのあと")
    seen = await thread(house)
    assert of_person(seen.handed) == list(WORDS)
    assert of_person(seen.lines) == ["送る", "そのあと"]
    assert seen.ticket.wishes == (("進め方", "ゆっくり"),)


async def test_nothing_is_handed_over_unasked(house: House) -> None:
    """R-033: who asks for a person without saying so hands over nothing written before."""
    await says(house, *WORDS, "人と話したい", "このまま渡す")
    assert (await thread(house)).handed == []


async def test_it_can_be_left_out_again(house: House) -> None:
    """R-033: 書いたものは渡さない, and it is not."""
    await says(house, *WORDS, "人に渡す", "書いたものは渡さない", "送る")
    assert (await thread(house)).handed == []


async def test_it_can_follow_later(house: House) -> None:
    """まえに書いたものも渡す, while waiting already: the counselor reads it from then on."""
    await says(house, *WORDS, "人と話したい", "このまま渡す")
    await house.taps("a", "nav/bring")
    await house.settle()
    assert of_person((await thread(house)).handed) == list(WORDS)


async def test_what_is_withdrawn_is_nobodys_again(house: House) -> None:
    """R-022: after 取り消す neither texts nor wishes stand in the ticket."""
    await says(house, *WORDS, "人に渡す", "つづける", "ゆっくり", "とくにない", "送る", "取り消す")
    ticket = await house.ticket("a")
    assert (ticket.handed, ticket.wishes) == ((), ())


async def test_words_are_erased_where_the_person_says_so(house: House) -> None:
    """R-034: 書いたものを消す deletes the rows, and leaves what else was said."""
    await says(house, "さがす", *WORDS)
    assert len(await written_rows(house)) == 3
    await says(house, "書いたものを消す")
    assert len(await written_rows(house)) == 2  # さがす, and the button's words


async def test_stopping_deletes_what_was_not_put_away(house: House) -> None:
    """R-018, R-074: やめる deletes what was not put away, at once."""
    await says(house, WORDS[0], "しまっておく", WORDS[1], "やめる")
    loaded = await house.loaded("a")
    assert [one.head for one in loaded.talk.mine.written] == [WORDS[0]]
    assert len(await written_rows(house)) == 3


async def test_what_nobody_was_given_goes_after_a_week(house: House) -> None:
    """R-074: words that were neither put away nor handed over are deleted by themselves, without a message."""
    await says(house, *WORDS)
    before = await house.states("a")
    house.clock.move(LOOSE_FOR + timedelta(seconds=1))
    await house.engawa.clockwork.wake()
    await house.settle()
    assert await written_rows(house) == []
    assert await house.states("a") == before


async def test_counts_are_of_paths_and_places_and_name_nobody(house: House) -> None:
    """R-118, R-121, R-122, R-124: what was entered, listed, opened, missed and wished for, as numbers of a day."""
    await says(
        house,
        "さがす",
        "まだわからない",
        "1を見る",
        "条件をかえる",
        "さがす",
        "まだわからない",
        "合うものがない",
    )
    await says(house, "人と話したい", "このまま渡す")
    found = await counted(house)
    assert found["entered/F-FIND"] >= 1
    assert sum(number for name, number in found.items() if name.startswith("opened/")) == 1
    assert sum(number for name, number in found.items() if name.startswith("listed/")) == 6
    assert (found["no_match"], found["handoffs_wished"]) == (1, 1)
    assert {column.name for column in schema.daily_counts.columns} == {"operator_id", "day", "name", "count"}

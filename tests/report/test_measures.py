"""What is measured, what it becomes, and what is never measured."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin import reporting
from bot.clock import Clock
from bot.errors import BadInput
from bot.handoff.risk import Level
from bot.report import measures, periods
from bot.report.measures import BOUNDS, MORE, Counts
from bot.store import counts
from bot.store.schema import metadata
from bot.testing import FakeChannel, FakeClock, a_pack, an_engawa
from tests.runtime.support import House

QUARTER = periods.parse("2026-Q3")
DAY = date(2026, 9, 30)


def built(counted: Counts) -> measures.Report:
    places = measures.places(a_pack().resources.values(), DAY)
    return measures.report(QUARTER, counted, places, None)


@given(minutes=st.floats(0, 10_000))
def test_a_wait_is_counted_at_its_bound(minutes: float) -> None:
    name = measures.first_reply(Level.HIGH, timedelta(minutes=minutes)).name
    assert re.fullmatch(r"first_reply/high/(\d+|more)", name)
    assert len(name) <= 64
    bound = name.rpartition("/")[2]
    if bound == MORE:
        assert timedelta(minutes=minutes) > timedelta(minutes=BOUNDS[-1])
    else:
        assert timedelta(minutes=minutes) <= timedelta(minutes=int(bound))


@given(spread=st.dictionaries(st.sampled_from(BOUNDS), st.integers(1, 50), min_size=1))
def test_a_quantile_is_a_bound_that_so_many_waited_at_most(spread: dict[int, int]) -> None:
    for share in (Fraction(1, 10), Fraction(1, 2), Fraction(9, 10)):
        found = measures.quantile(spread, share)
        all_of_them = sum(spread.values())
        assert sum(n for bound, n in spread.items() if bound <= found) >= all_of_them * share
        assert sum(n for bound, n in spread.items() if bound < found) < all_of_them * share


def test_the_measures_asked_for_are_there() -> None:
    """R-121: places by kind and area, kept fresh, groups, dates, uses, handoffs and waits, gaps."""
    month = date(2026, 8, 1)
    counted = {
        month: {
            "entered/F-FIND": 30,
            "entered/F-HUMAN": 12,
            "opened/kita": 41,
            "handoffs_wished": 12,
            "handoffs_answered": 11,
            "claimed/high": 6,
            "claimed/none": 5,
            "first_reply/high/5": 4,
            "first_reply/high/10": 6,
            "searches_without_entry": 9,
        }
    }
    found = built(counted)
    assert (
        sum(found.places.by_kind.values()) == sum(found.places.by_area.values()) == found.places.listed > 50
    )
    assert (found.uses.number, found.opened.number) == (42, 41)
    assert (found.wished.number, found.answered.number) == (12, 11)
    high = next(wait for wait in found.waits if wait.level is Level.HIGH)
    assert (high.median, high.low, high.high) == (10, 5, 10)
    assert found.load.number == 6 * 3 + 5
    assert found.load.at_least
    assert found.gaps[""].number == 9


def test_few_waits_tell_no_wait() -> None:
    """R-124: under five nothing, under ten no band: its ends would be single people."""
    month = date(2026, 8, 1)
    few = built({month: {"first_reply/high/5": 4}}).waits[1]
    assert (few.answered.number, few.median) == (None, None)
    some = built({month: {"first_reply/high/5": 6}}).waits[1]
    assert (some.median, some.low) == (5, None)
    split = built({month: {"first_reply/high/5": 6}, date(2026, 9, 1): {"first_reply/high/480": 3}}).waits[1]
    assert (split.median, split.answered.number, split.answered.at_least) == (5, 6, True)


FORBIDDEN = re.compile(
    r"employ|job|work_|school|diagnos|solved|cured|success|conver|days_since|last_seen|per_staff|rank|score|assignee"
)


def test_measures_that_must_not_exist_do_not() -> None:
    """R-122, R-109: no counter and no field is of work, school, illness, being solved, a person or a counselor."""
    names = [*measures.READ, *measures.Report.__slots__, *measures.Places.__slots__, *measures.Wait.__slots__]
    source = "\n".join(path.read_text("utf-8") for path in Path("bot").rglob("*.py"))
    counted = re.findall(r'Record\(count="([^"]+)"', source) + re.findall(
        r'counted\[[^]]+\]\["([^"]+)"\]', source
    )
    assert len(counted) > 10
    assert [name for name in (*names, *counted) if FORBIDDEN.search(name)] == []


async def test_nobody_is_graded_and_a_call_leaves_no_level_behind(house: House) -> None:
    """R-005: what is urgent is a call, not a person; once it rests, no level of it is left, nor any in the counts."""
    ticket = await house.claimed("a")
    assert ticket.priority is Level.HIGH
    await house.engawa.desk.hand_back(await house.member(), ticket.id)
    assert (await house.ticket("a")).priority is Level.NONE
    of_people = ("contacts", "talks", "timeline")
    columns = [column.name for name in of_people for column in metadata.tables[name].columns]
    assert [name for name in columns if re.search("level|grade|score|severity|priority|label", name)] == []
    contact = await house.loaded("a")
    assert not [
        name for name in await counted_in(house) if contact.contact_id in name or contact.nickname in name
    ]


@pytest.fixture
async def house(ready_sqlite_url: str) -> AsyncIterator[House]:
    channel, clock = FakeChannel(), FakeClock()
    async with an_engawa(ready_sqlite_url, clock=clock, channels=[channel]) as engawa:
        yield House(engawa=engawa, channel=channel, clock=clock)


async def counted_in(house: House) -> dict[str, int]:
    first, last = date(2026, 1, 1), date(2027, 12, 31)
    found = await house.read(counts.by_month, house.engawa.operator_id, measures.READ, first, last)
    return {name: number for month in found.values() for name, number in month.items()}


async def test_a_wait_is_from_the_call_to_the_first_human_word_and_is_counted_once(house: House) -> None:
    """R-121: whatever the guide says in between, and however much is written after."""
    ticket = await house.waiting("a")
    house.clock.move(timedelta(minutes=6))
    member = await house.member()
    await house.engawa.desk.claim(member, ticket.id)
    house.clock.move(timedelta(minutes=2))
    for number in range(3):
        await house.engawa.desk.reply(member, ticket.id, f"読みました。{number}", f"r{number}")
        house.clock.move(timedelta(minutes=20))
        await house.says("a", "ありがとうございます")
        await house.settle()
    found = await counted_in(house)
    assert {name: n for name, n in found.items() if "/high" in name} == {
        "claimed/high": 1,
        "first_reply/high/10": 1,
    }
    await house.engawa.desk.hand_back(member, ticket.id)
    house.clock.move(timedelta(days=1))
    again = await house.waiting("a")
    await house.engawa.desk.claim(member, again.id)
    await house.engawa.desk.reply(member, again.id, "また読みました。", "again")
    found = await counted_in(house)
    assert found["claimed/high"] == 2
    assert found["first_reply/high/1"] == 1


async def test_a_report_is_of_what_is_over_and_of_what_was_public_then(house: House) -> None:
    """R-125, R-124: no report of a running period; the command tells it in lines."""
    reports = house.engawa.reports
    with pytest.raises(BadInput):
        await reports.of(periods.parse("2026-11"))
    with pytest.raises(BadInput):
        await reports.of(periods.parse("2025-Q1"))
    for number in range(6):
        await house.waiting(f"p{number}")
    clock: Clock = house.clock
    assert isinstance(clock, FakeClock)
    clock.move(timedelta(days=60))
    found = await reports.of(periods.parse("2026-11"))
    said = "\n".join(reporting.lines(found))
    for line in ("Report of 2026-11", "talks with a person wished: under 5", "Numbers under 5 are not told"):
        assert line in said
    assert found.places.listed > 50

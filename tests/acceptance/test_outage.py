"""A platform that hangs, or is away for two hours: nobody else waits for it, and its people get what they are owed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from bot.messages import Address, Purpose
from bot.runtime.budget import Budget
from bot.store import due, staff
from bot.store.outbox import STALE_AFTER
from bot.store.schema import daily_counts, outbox
from bot.store.staff import Member
from bot.testing import FakeClock
from tests.acceptance.serving import Serving, on_line, on_telegram, serving
from tests.platforms import Call, Fault, held, refuse

DANGER = "死にたい"
LATE = "まえの返事が、届いていないかもしれません"
MOST, LEAST = 8, 2
STEP = 300.0  # seconds


@pytest.fixture
async def house(ready_url: str) -> AsyncIterator[Serving]:
    async with serving(ready_url, clock=FakeClock()) as running:
        yield running


@dataclass(frozen=True, kw_only=True)
class Platform:
    """One of the two, as these tests need it."""

    fake: Any
    person: Callable[[], Any]
    address: Callable[[Any], Address]

    async def says(self, person: Any, text: str) -> None:
        await self.fake.says(person, text)

    def texts(self, person: Any) -> list[str]:
        found: list[str] = self.fake.texts(getattr(person, "id", person))
        return found

    @property
    def open_calls(self) -> int:
        """Calls to send that are under way at this moment."""
        return sum(
            call.status is None and call.name in ("reply", "push", "sendMessage") for call in self.fake.calls
        )


def line_of(house: Serving) -> Platform:
    return Platform(fake=house.line, person=house.line.new_user, address=on_line)


def telegram_of(house: Serving) -> Platform:
    return Platform(
        fake=house.telegram, person=house.telegram.new_person, address=lambda person: on_telegram(person.id)
    )


PLATFORMS = pytest.mark.parametrize("platform_of", [line_of, telegram_of], ids=["line", "telegram"])


@PLATFORMS
async def test_a_platform_that_hangs_takes_nothing_from_the_other(
    house: Serving, platform_of: Callable[[Serving], Platform]
) -> None:
    """As many calls as there may be hang on one; on the other everybody is answered at once."""
    slow = platform_of(house)
    quick = line_of(house) if platform_of is telegram_of else telegram_of(house)
    house.engawa.delivery._budget = Budget(most=MOST)
    gate = asyncio.Event()
    many = [slow.person() for _ in range(3 * MOST)]
    with slow.fake.faults.outage(held(gate)):
        await _all(slow.says(person, "家族") for person in many)
        await slow.fake.until(lambda: slow.open_calls >= MOST)
        others = [quick.person() for _ in range(3 * MOST)]
        await _all(quick.says(person, "家族") for person in others)
        await quick.fake.until(lambda: all(quick.texts(person) for person in others))
        assert not any(slow.texts(person) for person in many)
        gate.set()
        await house.settled()
    assert all(slow.texts(person) for person in many)


@PLATFORMS
async def test_two_hours_away(house: Serving, platform_of: Callable[[Serving], Platform]) -> None:
    """Cards and counselors' words come in order, stale menus do not, who got nothing is told so, and nobody storms."""
    platform, member = platform_of(house), await _member(house)
    house.engawa.delivery._budget = Budget(most=MOST, least=LEAST)
    crowd = [platform.person() for _ in range(3 * MOST)]
    browsing, in_danger, with_person, fresh = (platform.person() for _ in range(4))
    await platform.says(with_person, DANGER)
    await house.settled()
    ticket = (await house.engawa.desk.queue(member, "waiting"))[0].ticket  # type: ignore[arg-type]
    await house.engawa.desk.claim(member, ticket.id)
    said = [f"{number}つめの返事です。" for number in range(3)]
    before = platform.texts(with_person)
    with platform.fake.faults.outage(refuse(500)):
        await _all(platform.says(person, "家族") for person in crowd)
        for text in ("家族", "さがす", "家族"):
            await platform.says(browsing, text)
        await platform.says(in_danger, DANGER)
        for place, text in enumerate(said):
            await house.engawa.desk.reply(member, ticket.id, text, f"{place:032x}")
        for _ in range(18):
            await _passes(house, platform, STEP)
        await platform.says(fresh, "家族")
        for _ in range(6):
            await _passes(house, platform, STEP)
    assert platform.texts(with_person) == before
    peak = _watch(platform)
    await _passes(house, platform, STEP)
    await house.settled()
    assert platform.texts(with_person) == [*before, *said]
    assert "119" in "".join(platform.texts(in_danger))
    assert len(platform.texts(fresh)) == len(set(platform.texts(fresh))) > 0
    for person in (browsing, *crowd):
        assert platform.texts(person)[0].startswith(LATE)
        states = [row.state for row in await house.sent_rows(platform.address(person))]
        assert states.pop() == "sent"
        assert set(states) <= {"uncertain", "cancelled"}
    assert len(await house.sent_rows(platform.address(browsing))) == 4
    assert 0 < peak() <= MOST
    assert await _counted(house) == await _dropped(house)


async def test_stale_words_are_not_said_over_a_counselor(house: Serving) -> None:
    """Who has a counselor by the time the answers became stale hears nothing of the machine."""
    platform, member = telegram_of(house), await _member(house)
    person = platform.person()
    with platform.fake.faults.outage(refuse(500)):
        await platform.says(person, "家族")
        await platform.says(person, DANGER)
        await _passes(house, platform, STEP)
        ticket = (await house.engawa.desk.queue(member, "waiting"))[0].ticket  # type: ignore[arg-type]
        await house.engawa.desk.claim(member, ticket.id)
        await _passes(house, platform, STALE_AFTER.total_seconds())
    await _passes(house, platform, STEP)
    await house.settled()
    assert LATE not in "".join(platform.texts(person))
    purposes = await house._rows(select(outbox.c.purpose).where(outbox.c.state == "sent"))
    assert {row.purpose for row in purposes} == {Purpose.SAFETY}


# --- what the tests stand on ----------------------------------------------------------------------


async def _all(doings: Any) -> None:
    async with asyncio.TaskGroup() as group:
        for doing in doings:
            group.create_task(doing)


async def _member(house: Serving) -> Member:
    database, operator_id = house.engawa.database, house.engawa.operator_id
    await database.write(staff.add, operator_id, "mizuno", "水野", "counselor", None)
    member = await database.read(staff.by_login, operator_id, "mizuno")
    assert member is not None
    return member


async def _passes(house: Serving, platform: Platform, seconds: float) -> None:
    """Time passes; returns when everything that was due has been tried, and due wake-ups have become events."""
    house.pass_time(seconds)
    now = house.engawa.clock.now()

    async def tried() -> bool:
        await house.engawa.clockwork.wake()
        queued, lease = await house.engawa.database.read(due.next_due)
        return not house.engawa.delivery._sends and lease is None and (queued is None or queued > now)

    await house.until(tried)


def _watch(platform: Platform) -> Callable[[], int]:
    """From now on: the most calls under way at once."""
    seen = [0]

    def look(_call: Call) -> Fault | None:
        seen[0] = max(seen[0], platform.open_calls)
        return None

    platform.fake.faults._rules.append(look)
    return lambda: seen[0]


async def _counted(house: Serving) -> dict[str, int]:
    rows = await house._rows(select(daily_counts).where(daily_counts.c.name.like("stale%")))
    return {row.name: row.count for row in rows}


async def _dropped(house: Serving) -> dict[str, int]:
    dropped = select(outbox.c.state).where(outbox.c.error_code == "stale")
    states = [row.state for row in await house._rows(dropped)]
    return {"stale": states.count("cancelled"), "stale_uncertain": states.count("uncertain")}

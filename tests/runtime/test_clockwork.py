"""Ticks by a clock that is set now and then."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.runtime import clockwork
from bot.runtime.clockwork import Clockwork
from tests.runtime.support import House


@pytest.mark.parametrize("by", [-3600.0, 3600.0], ids=["back", "forth"])
async def test_a_clock_that_is_set_stops_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, by: float
) -> None:
    """What would have to wait for an hour by the clock as it is now is done soon, and goes on from there."""
    ahead, done = 0.0, asyncio.Event()
    monkeypatch.setattr(clockwork, "COMPARE_EVERY", 0.01)
    monkeypatch.setattr(clockwork, "_ahead", lambda: ahead)

    async def job() -> None:
        done.set()

    ticking = Clockwork(house.engawa.database, house.engawa.hub, house.clock)
    ticking.every(3600, job)
    ticking.start(works=False)
    try:
        await asyncio.sleep(0.05)
        assert not done.is_set()
        ahead = by
        async with asyncio.timeout(10):
            await done.wait()
        done.clear()
        await asyncio.sleep(0.05)
        assert not done.is_set()
    finally:
        await ticking.stop()


async def test_what_is_late_is_done_all_the_same(house: House) -> None:
    """A process that was busy, or stood still, when something was to be done does it afterwards, once."""
    done = 0

    async def job() -> None:
        nonlocal done
        done += 1

    ticking = Clockwork(house.engawa.database, house.engawa.hub, house.clock)
    ticking.every(3600, job)
    ticking.start(works=False)
    try:
        (one,) = ticking._scheduler.get_jobs()
        one.modify(next_run_time=datetime.now(UTC) - timedelta(hours=2, minutes=30))
        async with asyncio.timeout(10):
            while not done:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert done == 1
    finally:
        await ticking.stop()

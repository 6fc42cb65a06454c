"""Workers: busy while there is work, woken by news, unharmed by errors, ended cleanly."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

import pytest

from bot.errors import StoreUnavailable
from bot.runtime import loop
from bot.runtime.live import Hub, News
from bot.runtime.loop import Worker

NEVER = 3600.0


class Scripted(Worker):
    """Does what its script says, one step a call; tells how many it did."""

    name = "scripted"

    def __init__(self, hub: Hub, *steps: bool | Exception) -> None:
        super().__init__(hub, "topic", poll=NEVER)
        self.steps = deque(steps)
        self.done = 0
        self.idled = 0
        self._stirred = asyncio.Event()

    async def work(self) -> bool:
        self.done += 1
        step = self.steps.popleft() if self.steps else False
        self._stirred.set()
        if isinstance(step, Exception):
            raise step
        return step

    async def idle(self) -> float:
        self.idled += 1
        self._stirred.set()
        return await super().idle()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._stirred.clear()
                await self._stirred.wait()


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    made = Hub()
    yield made
    assert made._ears == {}, "somebody still listens"


async def test_busy_while_there_is_work(hub: Hub) -> None:
    """As long as it finds something it asks again at once; then it rests."""
    worker = Scripted(hub, True, True, True, False)
    worker.start()
    await worker.until(lambda: worker.idled == 1)
    assert worker.done == 4
    await worker.stop()


async def test_news_wake_it(hub: Hub) -> None:
    """News on its topic end the rest, also news that came while it worked."""
    worker = Scripted(hub)
    worker.start()
    await worker.until(lambda: worker.idled == 1)
    hub.spread(News({"other"}))
    hub.spread(News({"topic"}))
    await worker.until(lambda: worker.idled == 2)
    assert worker.done == 2
    await worker.stop()


@pytest.mark.parametrize("error", [StoreUnavailable(), RuntimeError("x")], ids=["outage", "fault"])
async def test_errors_do_not_end_it(hub: Hub, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """An outage or a fault of ours costs a pause, not the worker."""
    monkeypatch.setattr(loop, "OUTAGE_WAIT", 0.001)
    worker = Scripted(hub, error, error, True)
    worker.start()
    await worker.until(lambda: worker.idled == 1)
    assert worker.done == 4
    await worker.stop()


async def test_stop_while_resting(hub: Hub) -> None:
    """A resting worker ends at once; nothing of it keeps running."""
    worker = Scripted(hub)
    worker.start()
    await worker.until(lambda: worker.idled == 1)
    async with asyncio.timeout(5):
        await worker.stop()
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def test_stop_in_the_middle(hub: Hub) -> None:
    """What is at hand is finished; nothing new is begun."""

    class Slow(Scripted):
        async def work(self) -> bool:
            self.done += 1
            self._stirred.set()
            await gate.wait()
            finished.append(self.done)
            return True

    gate, finished = asyncio.Event(), list[int]()
    worker = Slow(hub)
    worker.start()
    await worker.until(lambda: worker.done == 1)
    stopping = asyncio.ensure_future(worker.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    gate.set()
    async with asyncio.timeout(5):
        await stopping
    assert finished == [1]


async def test_stop_without_start(hub: Hub) -> None:
    """A worker that never ran stops as well."""
    await Scripted(hub).stop()

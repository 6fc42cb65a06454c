"""Workers: named loops that wake on news, poll slowly, survive outages and stop cleanly."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

import structlog

from bot.errors import StoreUnavailable
from bot.runtime.live import Bell, Hub

OUTAGE_WAIT = 1.0

log = structlog.get_logger("loop")


class Worker(ABC):
    """Calls `work` while it finds something to do; then waits for news on its topic, or for its poll."""

    name: str

    def __init__(self, hub: Hub, topic: str, *, poll: float) -> None:
        self._listening, self._topic, self._poll = hub, topic, poll
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """Ends after the batch at hand; what is left stays pending in the database."""
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        with self._listening.listen(self._topic) as bell:
            while not self._stopping.is_set():
                try:
                    busy = await self.work()
                    wait = 0.0 if busy else await self.idle()
                except StoreUnavailable:
                    log.warning("store_unavailable", worker=self.name)
                    wait = OUTAGE_WAIT
                except Exception as error:  # noqa: BLE001 - a worker never dies of a batch
                    log.error("worker_failed", worker=self.name, error=type(error).__name__)
                    wait = OUTAGE_WAIT
                if wait > 0:
                    await self._rest(bell, wait)

    async def _rest(self, bell: Bell, seconds: float) -> None:
        """Until news, the poll or the stop, whichever is first."""
        ring = asyncio.ensure_future(bell.wait(seconds))
        stop = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({ring, stop}, return_when=asyncio.FIRST_COMPLETED)
        for task in (ring, stop):
            task.cancel()
        await asyncio.gather(ring, stop, return_exceptions=True)

    async def idle(self) -> float:
        """How many seconds to wait for news when there is nothing to do."""
        return self._poll

    @abstractmethod
    async def work(self) -> bool:
        """One batch; whether there was anything to do."""

"""Group commit: everything that waits for one kind of write shares one transaction.

A batch is taken when its turn to be written comes, not when it is asked for, and the next is asked for as soon as one
is committed, before anybody hears of it: the database never waits for the event loop, and what comes while one batch
is being written goes with the next one, together with whatever else waits there.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bot.errors import Conflict, StoreUnavailable
from bot.frozen import dataclass
from bot.store.database import Database, as_told
from bot.store.dialect import attempt

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_BATCH = 64

log = structlog.get_logger("lane")


@dataclass(frozen=True, slots=True)
class Failed:
    """What became of an item that was not written."""

    error: Exception


_Outcomes = Future[list[Result | Failed]]


@dataclass(slots=True)
class _Waiting(Generic[Item, Result]):
    item: Item
    done: asyncio.Future[Result]


class Lane(Generic[Item, Result]):
    """One batch of a lane at a time, in the order of arrival: `function(connection, items)` gives one result an item.

    A batch that fails for a reason of its own is written one by one, so that one bad item harms no other. When the
    database is away, all who wait are told: what is tried again elsewhere must not be overtaken.
    """

    def __init__(
        self,
        database: Database,
        function: Callable[[Connection, Sequence[Item]], Sequence[Result]],
        max_batch: int = MAX_BATCH,
        linger: float = 0.0,
        committed: Callable[[Sequence[Result]], None] | None = None,
    ) -> None:
        """`linger` seconds let a batch fill first: for writes that nobody waits for.

        `committed` hears of what every batch committed, also when those who put the items do not wait any more.
        """
        self._database = database
        self._function = function
        self._max_batch, self._linger, self._committed = max_batch, linger, committed
        self._door = threading.Lock()
        self._waiting: list[_Waiting[Item, Result]] = []
        self._busy = False  # a batch is asked for, being written, or not yet told of

    async def put(self, item: Item) -> Result:
        """Waits until the item's transaction is committed. Raises what its write raised."""
        loop = asyncio.get_running_loop()
        waiting: _Waiting[Item, Result] = _Waiting(item, loop.create_future())
        with self._door:
            self._waiting.append(waiting)
            begin, self._busy = not self._busy, True
        if begin:
            self._begin(loop)
        return await waiting.done

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._linger:
            loop.call_later(self._linger, self._ask, loop)
        else:
            loop.call_soon(self._ask, loop)

    def _ask(self, loop: asyncio.AbstractEventLoop) -> None:
        """Asks for a turn; on the event loop for the first batch, where the one before was written for the next."""
        batch: list[_Waiting[Item, Result]] = []
        try:
            future = self._database.submit(self._write, batch)
        except Exception as error:  # noqa: BLE001 - closed: told to who waits
            future = Future()
            future.set_exception(error)
        future.add_done_callback(lambda future: self._written(loop, batch, future))

    def _write(self, connection: Connection, batch: list[_Waiting[Item, Result]]) -> list[Result | Failed]:
        if not batch:  # else it is tried once more, over a new connection
            with self._door:
                batch += self._waiting[: self._max_batch]
                del self._waiting[: self._max_batch]
        return _each(connection, self._function, [waiting.item for waiting in batch])

    def _written(
        self, loop: asyncio.AbstractEventLoop, batch: list[_Waiting[Item, Result]], future: _Outcomes[Result]
    ) -> None:
        with self._door:
            more = bool(self._waiting) and not self._linger and future.exception() is None
        if more:
            self._ask(loop)
        with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits
            loop.call_soon_threadsafe(self._tell, loop, batch, future, more)

    def _tell(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: list[_Waiting[Item, Result]],
        future: _Outcomes[Result],
        more: bool,
    ) -> None:
        if error := future.exception():
            with self._door:
                batch, self._waiting = batch + self._waiting, []
            outcomes: list[Result | Failed] = [Failed(_away(error))] * len(batch)
        else:
            outcomes = future.result()
            results = [outcome for outcome in outcomes if not isinstance(outcome, Failed)]
            if self._committed is not None and results:
                loop.call_soon(self._committed, results)  # what it raises keeps nobody waiting
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if waiting.done.done():
                continue
            if isinstance(outcome, Failed):
                waiting.done.set_exception(outcome.error)
            else:
                waiting.done.set_result(outcome)
        if not more:
            with self._door:
                self._busy = bool(self._waiting)
            if self._busy:
                self._begin(loop)


def _away(error: BaseException) -> StoreUnavailable:
    """A commit that failed, for whatever reason: nothing is durable, and whoever waits keeps it to try it again."""
    if not isinstance(as_told(error), StoreUnavailable):
        log.error("commit_failed", error=type(error).__name__)
    return StoreUnavailable()


def _each(
    connection: Connection,
    function: Callable[[Connection, Sequence[Item]], Sequence[Result]],
    items: Sequence[Item],
    *,
    again: bool = True,
) -> list[Result | Failed]:
    """What became of each item. Raises when the database is away."""
    if not items:
        return []
    results, error = attempt(connection, lambda connection: function(connection, items))
    if error is None:
        if results is None or len(results) != len(items):
            raise ValueError("the function of a lane gives one result an item")
        return list(results)
    if isinstance(as_told(error), StoreUnavailable):
        raise error
    if len(items) > 1:
        return [outcome for item in items for outcome in _each(connection, function, [item])]
    if again and isinstance(as_told(error), IntegrityError | Conflict):
        # another process stored (or erased) the same at the same moment; now it can be seen
        return _each(connection, function, items, again=False)
    return [Failed(error)]

"""SQLite's one writer: a thread that takes everything waiting and commits it together.

Each call runs in a savepoint of its own, so a failing one takes nothing along; one commit (one fsync) makes all of
them durable, and only then does any caller hear of it.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from sqlalchemy import Connection, Engine

from bot.errors import StoreUnavailable
from bot.store.dialect import attempt

MAX_GROUP = 64
LARGE_CACHE = "PRAGMA cache_size=-16000"
"""16 MB for who writes: digests and ids lie all over their tables. Readers keep SQLite's own 2 MB."""

Job = tuple[Callable[[Connection], Any], "Future[Any]"]


class GroupWriter:
    """Runs calls over one connection, in groups. Futures fail with what the call, or the commit, raised."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._door, self._closed = threading.Lock(), False
        self._thread = threading.Thread(target=self._work, name="store-write", daemon=True)
        self._thread.start()

    def submit(self, call: Callable[[Connection], Any]) -> Future[Any]:
        """Raises StoreUnavailable once it is closed: nobody would come back to the call."""
        future: Future[Any] = Future()
        with self._door:
            if self._closed:
                raise StoreUnavailable
            self._jobs.put((call, future))
        return future

    def close(self) -> None:
        """Finishes what was handed in, then ends."""
        with self._door:
            self._closed = True
            self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        group: list[Job] = []
        last = False
        while not last:
            try:
                last = self._gather(group)
                self._commit(group)
            except BaseException as error:  # nobody else writes: it dies of nothing, not of memory  # noqa: BLE001
                self._disconnect()
                for _, future in group:
                    if not future.done():
                        future.set_exception(error)
            group.clear()
        self._disconnect()

    def _gather(self, group: list[Job]) -> bool:
        """Waits for a job and takes what waits behind it; whether the end was told."""
        while len(group) < MAX_GROUP and not (group and self._jobs.empty()):
            if (job := self._jobs.get()) is None:
                return True
            group.append(job)
        return False

    def _commit(self, group: list[Job]) -> None:
        group = [job for job in group if job[1].set_running_or_notify_cancel()]
        results: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            connection = self._connect()
            with connection.begin():
                for call, future in group:
                    results.append((future, *attempt(connection, call)))
        except BaseException as error:  # begin or commit failed: nothing of the group is durable  # noqa: BLE001
            self._disconnect()
            for _, future in group:
                future.set_exception(error)
            return
        for future, result, failure in results:
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
            raw: Any = self._connection.connection.driver_connection
            raw.execute(LARGE_CACHE)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):  # a damaged one is let go of all the same
                connection.close()

"""Group commit: who waits shares one transaction, and no one pays for another's mistake."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from bot.errors import Conflict, StoreUnavailable
from bot.store.database import Database
from bot.store.lane import Lane
from bot.store.schema import operators


class Broken(Exception):
    """Something of the item's own."""


class Ledger:
    """Writes names into a table, in the groups it was given; `bad` ones raise."""

    def __init__(self, *bad: str, error: Exception | None = None) -> None:
        self.groups: list[list[str]] = []
        self.bad, self.error = set(bad), error or Broken()

    def write(self, connection: Connection, names: Sequence[str]) -> list[str]:
        self.groups.append(list(names))
        connection.execute(insert(operators), [{"operator_id": name} for name in names])
        if self.bad & set(names):
            raise self.error
        return [f"{name}!" for name in names]


@pytest.fixture
async def database(ready_url: str) -> AsyncIterator[Database]:
    made = Database.open(ready_url)
    yield made
    await made.close()


async def names(database: Database) -> set[str]:
    query = select(operators.c.operator_id).where(operators.c.operator_id != "default")
    return set(await database.read(lambda connection: connection.scalars(query).all()))


async def put(lane: Lane[str, str], *items: str) -> list[Any]:
    return await asyncio.gather(*map(lane.put, items), return_exceptions=True)


async def test_one_transaction_for_all_who_wait(database: Database) -> None:
    """Everything handed in before the first write begins is written at once, each item with its own answer."""
    ledger = Ledger()
    items = [f"n{number}" for number in range(50)]
    assert await put(Lane(database, ledger.write), *items) == [f"{item}!" for item in items]
    assert ledger.groups == [items]
    assert await names(database) == set(items)


async def test_never_more_than_the_most(database: Database) -> None:
    """A group has a bound; what is over goes next, in order."""
    ledger = Ledger()
    await put(Lane(database, ledger.write, max_batch=4), *"abcdefghij")
    assert ledger.groups == [list("abcd"), list("efgh"), list("ij")]


async def test_one_bad_item_harms_no_other(database: Database) -> None:
    """A group that fails is written one by one: only the bad item hears of it, and only it is missing."""
    ledger = Ledger("c")
    a, b, c, d = await put(Lane(database, ledger.write), *"abcd")
    assert (a, b, d) == ("a!", "b!", "d!")
    assert isinstance(c, Broken)
    assert await names(database) == {"a", "b", "d"}


@pytest.mark.parametrize("error", [IntegrityError("", None, Exception()), Conflict()], ids=["key", "race"])
async def test_a_collision_is_tried_once_more(database: Database, error: Exception) -> None:
    """Who collides with another process looks again; if it still does not fit, it is told."""
    ledger = Ledger("a", error=error)
    lane: Lane[str, str] = Lane(database, ledger.write)
    assert await put(lane, "a") == [error]
    assert ledger.groups == [["a"], ["a"]]

    def once(connection: Connection, items: Sequence[str]) -> list[str]:
        ledger.bad.clear() if len(ledger.groups) > 2 else None
        return ledger.write(connection, items)

    assert await put(Lane(database, once), "a") == ["a!"]


async def test_an_outage_fails_all(database: Database) -> None:
    """When the database is away nobody is told that anything is durable, and nothing is tried item by item."""

    def away(_connection: Connection, items: Sequence[str]) -> list[str]:
        tried.append(list(items))
        raise StoreUnavailable

    tried: list[list[str]] = []
    outcomes = await put(Lane(database, away), *"abc")
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 3
    assert tried == [["a", "b", "c"]]
    assert await names(database) == set()


async def behind(database: Database, error: Exception | None) -> tuple[list[list[str]], list[Any]]:
    """The groups written and what became of each item, when b, c and d come one by one while a is being written."""
    writing, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    groups: list[list[str]] = []

    def write(_connection: Connection, items: Sequence[str]) -> Sequence[str]:
        groups.append(list(items))
        loop.call_soon_threadsafe(writing.set)
        assert go_on.wait(10)
        if error is not None:
            raise error
        return items

    lane: Lane[str, str] = Lane(database, write)
    tasks = [asyncio.ensure_future(lane.put("a"))]
    await writing.wait()
    for name in "bcd":
        tasks.append(asyncio.ensure_future(lane.put(name)))
        await asyncio.sleep(0)
    go_on.set()
    async with asyncio.timeout(10):
        return groups, await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_comes_while_one_is_written(database: Database) -> None:
    """It goes together, with the next: a batch is taken when its turn comes."""
    groups, outcomes = await behind(database, None)
    assert groups == [["a"], ["b", "c", "d"]]
    assert outcomes == ["a", "b", "c", "d"]


async def test_nothing_overtakes_what_failed(database: Database) -> None:
    """Who came after something that an outage hit is told so, too: it is tried again elsewhere, and would be late."""
    groups, outcomes = await behind(database, StoreUnavailable())
    assert groups == [["a"]]
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 4


async def test_a_commit_that_fails_is_tried_elsewhere(database: Database) -> None:
    """For whatever reason: who waits is told as in an outage, and so keeps what is not durable; the next one works."""

    def rolled_back(connection: Connection, items: Sequence[str]) -> Sequence[str]:
        if not broken:
            return items
        broken.clear()
        connection.exec_driver_sql("ROLLBACK")
        raise MemoryError

    broken = [True]
    lane: Lane[str, str] = Lane(database, rolled_back)
    first = await put(lane, "a", "b")
    assert [type(outcome) for outcome in first] == [StoreUnavailable] * 2
    assert await put(lane, "c") == ["c"]


async def test_nothing_is_left_behind(database: Database) -> None:
    """Items that come while groups are being written are all written, each once, whatever fails in between."""
    ledger = Ledger("7-3")
    lane: Lane[str, str] = Lane(database, ledger.write, max_batch=8)

    async def one(task: int) -> list[Any]:
        found = []
        for number in range(10):
            found += await put(lane, f"{task}-{number}")
        return found

    async with asyncio.timeout(30):
        outcomes = await asyncio.gather(*map(one, range(12)))
    assert sum(isinstance(outcome, Broken) for found in outcomes for outcome in found) == 1
    assert len(await names(database)) == 119
    assert await put(lane, "last") == ["last!"]


async def test_who_gave_up_waiting(database: Database) -> None:
    """An item whose caller was cancelled is written or not, but it never holds up the ones behind it."""
    lane: Lane[str, str] = Lane(database, Ledger().write, max_batch=1)
    first, gone, last = (asyncio.ensure_future(lane.put(name)) for name in "abc")
    await asyncio.sleep(0)
    gone.cancel()
    assert (await first, await last) == ("a!", "c!")
    assert gone.cancelled()
    assert {"a", "c"} <= await names(database)


async def test_after_the_end(ready_url: str) -> None:
    """A write to a closed database fails instead of waiting for ever."""
    database = Database.open(ready_url)
    lane: Lane[str, str] = Lane(database, Ledger().write)
    assert await put(lane, "a") == ["a!"]
    await database.close()
    async with asyncio.timeout(5):
        [outcome] = await put(lane, "b")
    assert isinstance(outcome, Exception)

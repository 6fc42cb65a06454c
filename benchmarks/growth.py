"""What a message costs as an installation grows: `python -m benchmarks.growth [--million] [--svg FOLDER]`.

A whole house on SQLite in this process, its platform a fake that takes everything. A thousand people write, 32 at
a time; the others wrote before (`filling.py`). All databases are made first, then rounds alternate between them. Cost
is processor time of this process for a message, from the event to the mark that its answer was sent. Also: the queue's
page beside the bare query, a person's page, due times that are all due at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from random import Random

import msgspec
from sqlalchemy import Connection, select

from bot.app import Engawa
from bot.clock import SystemClock, random_id
from bot.content.codec import Document
from bot.handoff.ticket import Status
from bot.store import conversations, queue, staff, wakeups
from bot.store.schema import contacts
from bot.testing import FakeChannel, an_engawa

from . import search
from .filling import Filling, fill
from .growth_report import Size, draw, table
from .report import machine

AT_ONCE = 32
WORDS = ("はじめ", "家族", "さがす", "自分", "うまく言えません")
WAITING = 100
DUE = 10_000
WARM = 200  # messages before each round that are not measured
LOOKS = 100
QUIET = 2.0  # seconds until the alerts for those who just came are dealt with
# The rows that a page shows, fifty of them with two sealed cells each, which the page also opens.
BARE = (
    "SELECT tickets.*, nickname, account_id, reachable, sealed_key FROM tickets JOIN contacts USING (contact_id) "
    "WHERE tickets.operator_id = ? AND status = ? ORDER BY priority DESC, opened_at, ticket_id LIMIT ?"
)


def sizes(million: bool) -> list[Size]:
    """The smallest first; the last ones only when asked for."""
    small = [Size(contacts=100), Size(contacts=10_000), Size(contacts=10_000, places=10_000)]
    return [*small, Size(contacts=10_000, messages_each=100), Size(contacts=1_000_000)] if million else small


@asynccontextmanager
async def house(path: Path) -> AsyncIterator[tuple[Engawa, FakeChannel]]:
    """Engawa on a database, at work."""
    channel = FakeChannel("line")
    url = f"sqlite:///{path}"
    async with an_engawa(url, clock=SystemClock(), channels=[channel], started=True) as engawa:
        yield engawa, channel


async def make(size: Size, path: Path) -> None:
    """The database of a size: those who will write did so once, and everybody else is there."""
    began = time.perf_counter()
    async with house(path) as (engawa, channel):
        if size.places:
            made = search.entries(size.places, Random(size.places))
            documents = [
                Document(kind="resource", name=one.id, body=msgspec.to_builtins(one)) for one in made
            ]
            await engawa.database.write(engawa.library.merge, documents, "", engawa.clock.now())
        for person in size.people:
            await write(engawa, channel, [person], 1)
        first = (await engawa.database.read(_ids))[0]
        like = (await engawa.database.read(conversations.load, engawa.sealer, [first], lock=False))[first]
        sealer, now = engawa.sealer, engawa.clock.now()
    others = size.contacts - len(size.people)
    if others:
        fill(f"sqlite:///{path}", sealer, Filling("line", others, size.messages_each, like, now))
    size.made_in = time.perf_counter() - began
    size.megabytes = path.stat().st_size >> 20


async def one_round(size: Size, path: Path, messages: int) -> None:
    """One more figure of what a message costs."""
    async with house(path) as (engawa, channel):
        await write(engawa, channel, size.people, WARM)
        cpu, clock = time.process_time(), time.perf_counter()
        await write(engawa, channel, size.people, messages)
        size.cost.append((time.process_time() - cpu) / messages * 1000)
        size.wall.append((time.perf_counter() - clock) / messages * 1000)


async def look(size: Size, path: Path) -> None:
    """Pages, the bare query, and due times."""
    async with house(path) as (engawa, channel):
        real = (await engawa.database.read(_ids))[:DUE]
        await ask_for_help(engawa, channel, min(WAITING, size.contacts))
        await asyncio.sleep(QUIET)
        size.queue_page, size.thread_page = await pages(engawa, channel)
        size.bare_query = bare(path, engawa.operator_id)
        size.wake_seconds, size.woken = await wake_all(engawa, real)


async def write(engawa: Engawa, channel: FakeChannel, people: list[str], messages: int) -> None:
    """So many messages, each person one at a time; returns when all were answered."""
    wanted = len(channel.arrived) + messages
    now = engawa.clock.now()

    async def slot(first: int) -> None:
        for number in range(first, messages, AT_ONCE):
            word = WORDS[number % len(WORDS)]
            await engawa.ingress.accept(
                [channel.heard(people[number % len(people)], word, at=now, event=random_id())]
            )

    await asyncio.gather(*(slot(first) for first in range(min(AT_ONCE, messages))))
    await channel.until(lambda: len(channel.arrived) >= wanted, 600)
    while engawa.delivery._sends:
        await asyncio.sleep(0.001)
    channel.arrived.clear()
    channel.tries.clear()


async def ask_for_help(engawa: Engawa, channel: FakeChannel, count: int) -> None:
    now = engawa.clock.now()
    for number in range(count):
        await engawa.ingress.accept(
            [channel.heard(f"W{number}", "相談員と話したい 死にたい", at=now, event=random_id())]
        )
    await channel.until(lambda: len(channel.arrived) >= count, 60)


async def pages(engawa: Engawa, channel: FakeChannel) -> tuple[float, float]:
    """Ms for the queue's first page and for a person's newest lines, the medians of some looks."""
    await engawa.database.write(staff.add, engawa.operator_id, "bench", "ベンチ", "counselor", None)
    member = await engawa.database.read(staff.by_login, engawa.operator_id, "bench")
    assert member is not None
    address = channel.heard("W0", "x").address
    view = engawa.webchat._backend
    return (
        await timed(lambda: engawa.desk.page(member, Status.WAITING)),
        await timed(lambda: view.thread(address, 0, newest=True)),
    )


async def timed(look: Callable[[], Awaitable[object]]) -> float:
    found = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        await look()
        found.append((time.perf_counter() - began) * 1000)
    return statistics.median(found)


def bare(path: Path, operator_id: str) -> float:
    """Ms of the query alone, in this thread."""
    found = []
    with closing(sqlite3.connect(path)) as connection:
        for _ in range(LOOKS):
            began = time.perf_counter()
            rows = connection.execute(BARE, (operator_id, Status.WAITING, queue.PAGE)).fetchall()
            found.append((time.perf_counter() - began) * 1000)
            assert rows, "nobody waits"
    return statistics.median(found)


async def wake_all(engawa: Engawa, ids: list[str]) -> tuple[float, int]:
    """Due times of these people, all due at once: seconds until each is handled."""
    due, each = engawa.clock.now() - timedelta(seconds=1), max(1, DUE // len(ids))
    times = {(one, f"bench{number}"): due for one in ids for number in range(each)}
    before, began = engawa.turns.handled, time.perf_counter()
    await engawa.database.write(wakeups.set_all, times)
    while engawa.turns.handled - before < len(times):
        await engawa.clockwork.wake()
        await asyncio.sleep(0.005)
    return time.perf_counter() - began, len(times)


def _ids(connection: Connection) -> list[str]:
    return list(connection.scalars(select(contacts.c.contact_id).order_by(contacts.c.contact_id)))


async def measure(found: list[Size], folder: Path, rounds: int, messages: int) -> None:
    """Everything, into the sizes."""
    places = {size.name: folder / f"{number}.sqlite3" for number, size in enumerate(found)}
    for size in found:
        _say(f"making {size.name}")
        await make(size, places[size.name])
        _say(f"  {size.made_in:.0f} s, {size.megabytes:,} MB")
    for number in range(rounds):
        for size in found if number % 2 == 0 else found[::-1]:
            _say(f"round {number + 1} of {rounds}: {size.name}")
            await one_round(size, places[size.name], messages)
    for size in found:
        _say(f"pages and due times: {size.name}")
        await look(size, places[size.name])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument(
        "--million", action="store_true", help="also a million contacts, and a million messages"
    )
    parser.add_argument("--messages", type=int, default=2_000, help="measured messages in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dir", type=Path, help="where the databases go; 10 GB for --million")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--svg", type=Path, metavar="FOLDER", help="growth.svg and growth-pages.svg go there")
    options = parser.parse_args()
    load_before, found = os.getloadavg()[0], sizes(options.million)
    with tempfile.TemporaryDirectory(prefix="engawa-growth-", dir=options.dir) as folder:
        asyncio.run(measure(found, Path(folder), options.rounds, options.messages))
    print(table(found, load_before))
    if options.json:
        told = {"machine": machine(), "load_before": load_before, "sizes": [asdict(one) for one in found]}
        options.json.write_text(json.dumps(told, indent=2) + "\n")
    if options.svg:
        draw(found, options.svg)
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

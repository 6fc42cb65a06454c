"""What a message costs as an installation grows: `python -m benchmarks.growth [--million] [--json FILE] [--svg FILE]`.

A whole house on SQLite in this process, its platform a fake that takes everything. A thousand people write, 32 at
a time; the rest are rows of the true shape and size, with lines of theirs. Cost is processor time of this process for a
message, from the event to the mark that its answer was sent. Also: due times that are all due at once, the queue's
page, a person's page.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, insert, select

from bot.app import Engawa
from bot.clock import SystemClock, random_id
from bot.handoff.ticket import Status
from bot.store import staff, wakeups
from bot.store.schema import contacts, talks, timeline
from bot.testing import FakeChannel, an_engawa

from .growth_svg import drawing
from .report import machine

SIZES = (100, 10_000)
MILLION = 1_000_000
WRITERS = 1_000
AT_ONCE = 32
WORDS = ("はじめ", "家族", "さがす", "自分", "うまく言えません")
LINES_EACH = 1  # filler lines of a contact who does not write now
CHUNK = 10_000
WAITING = 200
DUE = 10_000
ROUNDS = 5
LOOKS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What was measured at one size; times in ms, cost of a message one figure a round."""

    contacts: int
    messages: int
    cost: list[float]
    wall: list[float]
    queue_page: float
    thread_page: float
    wake_seconds: float
    woken: int

    @property
    def median(self) -> float:
        return statistics.median(self.cost)


async def measured(contacts_wanted: int, messages: int, rounds: int) -> Size:
    """Grows a database to a size and measures it."""
    with tempfile.TemporaryDirectory(prefix="engawa-growth-") as folder:
        channel = FakeChannel("line")
        url = f"sqlite:///{folder}/engawa.sqlite3"
        async with an_engawa(url, clock=SystemClock(), channels=[channel], started=True) as engawa:
            people = [f"U{number:032x}" for number in range(min(WRITERS, contacts_wanted))]
            for person in people:  # so that their first message, which is dearer, is not measured
                await write(engawa, channel, [person], 1)
            real = await engawa.database.read(_ids)
            await fill(engawa, contacts_wanted - len(people))
            cost, wall = [], []
            for _ in range(rounds + 1):
                cpu, clock = time.process_time(), time.perf_counter()
                await write(engawa, channel, people, messages)
                cost.append((time.process_time() - cpu) / messages * 1000)
                wall.append((time.perf_counter() - clock) / messages * 1000)
            await ask_for_help(engawa, channel, min(WAITING, contacts_wanted))
            queue, thread = await pages(engawa, channel)
            seconds, woken = await wake_all(engawa, real)
            return Size(
                contacts=contacts_wanted,
                messages=messages * (rounds + 1) + max(0, contacts_wanted - len(people)) * LINES_EACH,
                cost=cost[1:],
                wall=wall[1:],
                queue_page=queue,
                thread_page=thread,
                wake_seconds=seconds,
                woken=woken,
            )


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


async def fill(engawa: Engawa, count: int) -> None:
    """So many contacts who wrote once and do not write now, by copying the shape of one who did."""
    for begin in range(0, count, CHUNK):
        await engawa.database.write(_copies, min(CHUNK, count - begin))


def _copies(connection: Connection, count: int) -> None:
    contact, talk, line = (
        connection.execute(select(table).limit(1)).one()._asdict() for table in (contacts, talks, timeline)
    )
    ids = [random_id() for _ in range(count)]
    connection.execute(
        insert(contacts), [{**contact, "contact_id": one, "address_key": os.urandom(32)} for one in ids]
    )
    connection.execute(insert(talks), [{**talk, "contact_id": one} for one in ids])
    lines = [{**line, "contact_id": one, "seq": seq + 1} for one in ids for seq in range(LINES_EACH)]
    connection.execute(insert(timeline), lines)


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


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument(
        "--million", action="store_true", help="a third size: a million contacts (some minutes)"
    )
    parser.add_argument("--messages", type=int, default=2_000, help="measured messages in each round")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--svg", type=Path, metavar="FILE")
    options = parser.parse_args()
    load_before = os.getloadavg()[0]
    found = []
    for size in (*SIZES, *([MILLION] if options.million else [])):
        print(f"{size:,} contacts", file=sys.stderr, flush=True)
        found.append(asyncio.run(measured(size, options.messages, options.rounds)))
    print(table(found, load_before))
    if options.json:
        told = {"machine": machine(), "load_before": load_before, "sizes": [asdict(one) for one in found]}
        options.json.write_text(json.dumps(told, indent=2) + "\n")
    if options.svg:
        options.svg.write_text(drawing([(one.contacts, one.cost) for one in found]))
    return 0


def table(found: list[Size], load: float) -> str:
    """Markdown, as docs/benchmarks.md has it."""
    busy = f" (busy machine: load {load:.1f} before the run)" if load > 0.5 else ""
    lines = [
        f"{machine()['system']}, {os.cpu_count()} cores, Python {machine()['python']}{busy}",
        "",
        "| contacts | ms of processor a message | to the smallest | queue page | thread page | wake-ups due at once |",
        "|---|---|---|---|---|---|",
    ]
    for one in found:
        spread = f"{one.median:.2f} ({min(one.cost):.2f}–{max(one.cost):.2f})"
        ratio = f"{one.median / found[0].median:.2f}×"
        woken = f"{one.woken:,} in {one.wake_seconds:.1f} s"
        lines.append(
            f"| {one.contacts:,} | {spread} | {ratio} | {one.queue_page:.1f} ms | {one.thread_page:.1f} ms | {woken} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

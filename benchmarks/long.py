"""A long run at a given pace: does anything grow? `python -m benchmarks.long [--minutes 30] [--per-second 300]`.

A whole house on SQLite in this process, people who write and go, people who come anew. Each minute: memory, open
files, rows of every table. At the end the slope of memory over the second half, and which tables grew. Set the pace
to half of what `make bench` tells. Exit 1 when files grew, or memory by more than the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from bot.app import Engawa
from bot.clock import SystemClock, random_id
from bot.store.schema import metadata
from bot.testing import FakeChannel, an_engawa

PEOPLE = 500
NEWCOMERS = 0.01  # of the messages are by somebody new
MOST_SLOPE = 0.5  # MiB a minute, over the second half
MORE_FILES = 8
FEW = 50  # rows: one for each of our jobs, accounts and the like
KEPT_BY_DESIGN = frozenset({"contacts", "talks", "timeline", "outbox", "dedupe", "daily_counts"})
"""They grow with what people write, until retention takes it away (ENGAWA_KEEP_DAYS)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look from outside: minutes since the start, MiB resident, open files, rows by table."""

    minutes: float
    memory: float
    files: int
    rows: dict[str, int]
    answered: int


async def run(minutes: float, per_second: float, every: float) -> list[Look]:
    """Lets people write for so long; looks `every` so many seconds."""
    looks: list[Look] = []
    with tempfile.TemporaryDirectory(prefix="engawa-long-") as folder:
        channel = FakeChannel("line")
        async with an_engawa(
            f"sqlite:///{folder}/engawa.sqlite3", clock=SystemClock(), channels=[channel], started=True
        ) as engawa:
            began, sent, answered = time.monotonic(), 0, 0
            next_look = began
            while (now := time.monotonic()) - began < minutes * 60:
                if now >= next_look:
                    answered += len(channel.arrived)
                    channel.arrived.clear()
                    channel.tries.clear()
                    looks.append(await look(engawa, (now - began) / 60, answered))
                    next_look += every
                due = int((now - began) * per_second) - sent
                await asyncio.gather(*(say(engawa, channel, sent + number) for number in range(min(due, 64))))
                sent += min(due, 64)
                await asyncio.sleep(0.005)
            looks.append(await look(engawa, minutes, answered + len(channel.arrived)))
    return looks


async def say(engawa: Engawa, channel: FakeChannel, number: int) -> None:
    new = number % int(1 / NEWCOMERS) == 0
    person = f"N{number}" if new else f"U{number % PEOPLE}"
    words = ("はじめ", "家族", "さがす", "自分")
    event = channel.heard(person, words[number % 4], at=engawa.clock.now(), event=random_id())
    await engawa.ingress.accept([event])


async def look(engawa: Engawa, minutes: float, answered: int) -> Look:
    status = Path("/proc/self/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return Look(
        minutes=minutes,
        memory=int(resident.split()[1]) / 1024,
        files=len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - only their number
        rows=await engawa.database.read(_rows),
        answered=answered,
    )


def _rows(connection: Connection) -> dict[str, int]:
    return {
        table.name: connection.scalar(select(func.count()).select_from(table)) or 0
        for table in metadata.sorted_tables
    }


def slope(looks: Sequence[Look]) -> float:
    """MiB a minute by least squares."""
    mean_x = sum(one.minutes for one in looks) / len(looks)
    mean_y = sum(one.memory for one in looks) / len(looks)
    across = sum((one.minutes - mean_x) ** 2 for one in looks)
    return sum((one.minutes - mean_x) * (one.memory - mean_y) for one in looks) / across if across else 0.0


def main() -> int:
    """1 when something grew that must not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.long", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--per-second", type=float, default=300.0, help="messages a second")
    parser.add_argument(
        "--every", type=float, default=0.0, help="seconds between looks; a thirtieth of the run"
    )
    options = parser.parse_args()
    looks = asyncio.run(run(options.minutes, options.per_second, options.every or options.minutes * 2))
    for one in looks:
        print(
            f"{one.minutes:6.1f} min  {one.memory:7.1f} MiB  {one.files:4} files  {one.answered:9,} answered"
        )
    half = looks[len(looks) // 2 :]
    grown = {
        name: (looks[len(looks) // 2].rows[name], count)
        for name, count in looks[-1].rows.items()
        if count > looks[len(looks) // 2].rows[name]
    }
    files = looks[-1].files - looks[len(looks) // 2].files
    print(f"second half: {slope(half):+.2f} MiB a minute, {files:+} files")
    print("tables that grew: " + ", ".join(f"{name} {a:,} → {b:,}" for name, (a, b) in sorted(grown.items())))
    odd = sorted(name for name in grown.keys() - KEPT_BY_DESIGN if grown[name][1] > FEW)
    if odd:
        print(f"not kept by design: {', '.join(odd)}")
    return int(bool(odd) or files > MORE_FILES or slope(half) > MOST_SLOPE)


if __name__ == "__main__":
    sys.exit(main())

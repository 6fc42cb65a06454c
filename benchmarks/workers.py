"""Workers side by side on one PostgreSQL: `python -m benchmarks.workers [--workers 1 2 4] [--messages 6000]`.

Messages are taken in first, by a process without workers; then worker processes answer them, and it is measured from
outside how many are sent a second (between the first and the last tenth), what processor time each worker used, and
how long the person who waited longest waited, beside the middle one. LINE is played in this process.

Two workers need two cores besides those of PostgreSQL, LINE and this program: on fewer it shows only what they lose.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from bot import config
from bot.app import Engawa, Roles
from bot.messages import Address, Inbound, Kind, ReplyHint
from tests.provision.postgresql import Server as PostgreSQL

from .fake_line import FakePlatform
from .server import ROOT, environment

WORDS = ("はじめ", "家族", "さがす", "自分")
EACH = 2  # messages of one person
BATCH = 64
WITHIN = 120.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Messages/s, processor seconds of each worker, seconds of waiting in the middle and at most, sent in order."""

    workers: int
    per_second: float
    processor: list[float]
    middle: float
    longest: float
    sent: int
    in_order: bool


class Platform:
    """What reached LINE: tokens tell whose message it was, and which of theirs."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.tokens: list[str] = []

    def replied(self, token: str) -> bool:
        self.at.append(time.monotonic())
        self.tokens.append(token)
        return True

    def pushed(self, _user: str) -> None:
        self.replied("")

    def in_order(self) -> bool:
        """Whether each person's came once, and one after the other."""
        last: dict[str, int] = {}
        for token in self.tokens:
            person, _, number = token.partition("-")
            if int(number or -1) != last.get(person, -1) + 1:
                return False
            last[person] = int(number)
        return True


async def measure(workers: int, messages: int, folder: Path, url: str) -> Result:
    """Takes the messages in, starts the workers and waits until everything is sent."""
    platform = Platform()
    line = FakePlatform(platform.replied, platform.pushed)
    environ = environment(folder, 0, await line.start(), url)
    environ |= {"ENGAWA_SPOOL": "off", "ENGAWA_ROUND_MINUTES": "off"}
    await take_in(messages, {name: value for name, value in environ.items() if name.startswith("ENGAWA_")})
    command = (sys.executable, "-m", "admin.cli", "serve", "--role", "worker")
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(running(command, environ)) for _ in range(workers)]
        async with asyncio.timeout(WITHIN):
            while len(platform.at) < messages:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        processor = [sum(process.cpu_times()[:2]) for process in processes]
    await line.stop()
    began, tenth = platform.at[0], messages // 10
    waits = [at - began for at in platform.at]
    return Result(
        workers=workers,
        per_second=(messages - 2 * tenth) / (platform.at[-tenth - 1] - platform.at[tenth]),
        processor=processor,
        middle=statistics.median(waits),
        longest=max(waits),
        sent=len(platform.at),
        in_order=platform.in_order(),
    )


async def take_in(messages: int, environ: dict[str, str]) -> None:
    """Stores the messages as a web process does: durable, and left for the workers."""
    engawa = Engawa(config.load(environ), roles=Roles(web=True, worker=False))
    await engawa.prepare()
    now, people = engawa.clock.now(), messages // EACH
    events = [
        Inbound(
            address=Address(account="line", key=f"U{number % people:032x}"),
            dedupe_key=f"event-{number}",
            sent_at=now,
            kind=Kind.TEXT,
            text=WORDS[number // people % len(WORDS)],
            reply_hint=ReplyHint(token=f"{number % people}-{number // people}", received_at=now),
        )
        for number in range(messages)
    ]
    for start in range(0, messages, BATCH):
        await engawa.ingress.accept(events[start : start + BATCH])
    await engawa.database.close()


@contextlib.contextmanager
def running(command: tuple[str, ...], environ: dict[str, str]) -> Iterator[psutil.Popen]:
    """A worker process, until the block ends."""
    process = psutil.Popen(
        command,
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--messages", type=int, default=6_000)
    parser.add_argument("--rounds", type=int, default=3, help="alternated")
    options = parser.parse_args()
    found: dict[int, list[Result]] = {}
    with tempfile.TemporaryDirectory(prefix="engawa-workers-") as folder, PostgreSQL(durable=True) as server:
        for _ in range(options.rounds):
            for workers in options.workers:
                with server.databases.fresh() as url:
                    result = asyncio.run(measure(workers, options.messages, Path(folder), url))
                found.setdefault(workers, []).append(result)
                used = " + ".join(f"{one:.1f}" for one in result.processor)
                order = "in order" if result.in_order else "OUT OF ORDER OR REPEATED"
                print(
                    f"{workers} workers: {result.per_second:6.0f}/s, processor {used} s, waited {result.middle:.1f} s"
                    f" in the middle, {result.longest:.1f} s at most, {result.sent} sent, {order}",
                    flush=True,
                )
    base = statistics.median(result.per_second for result in found[options.workers[0]])
    for workers, results in found.items():
        middle = statistics.median(result.per_second for result in results)
        print(f"median of {workers}: {middle:.0f}/s, {middle / base:.2f} × {options.workers[0]}")
    print(f"on {os.cpu_count()} cores, shared by workers, PostgreSQL and the platform")
    return int(not all(result.in_order for results in found.values() for result in results))


if __name__ == "__main__":
    sys.exit(main())

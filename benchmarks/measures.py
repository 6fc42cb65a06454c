"""`python -m benchmarks.measures [--rounds N] [--seconds S]`: what the measures of security cost a message.

The server as it is and the same without them (`benchmarks.unguarded`), in turns, on SQLite. On a busy machine the
processor time of 1,000 messages is the figure to look at. The exit code is 1 when they cost more than a tenth.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from .load import Load
from .rounds import Bench, Round, Wanted
from .server import ENGAWA
from .unguarded import MARK
from .wire import loop_factory

MOST = 1.10
UNGUARDED = replace(
    ENGAWA,
    name="without the measures",
    command=(sys.executable, "-m", "benchmarks.unguarded", "serve"),
    environ=((MARK, "yes"),),
)


async def played(rounds: int, seconds: float) -> dict[str, list[Round]]:
    """Rounds of both, in turns; who is first changes."""
    load = Load()
    api_base = await load.platform.start()
    found: dict[str, list[Round]] = {ENGAWA.name: [], UNGUARDED.name: []}
    try:
        with tempfile.TemporaryDirectory(prefix="engawa-bench-") as folder:
            bench = Bench(load, api_base, Path(folder))
            for number in range(rounds):
                pair = (ENGAWA, UNGUARDED) if number % 2 == 0 else (UNGUARDED, ENGAWA)
                for bot in pair:
                    one = await bench.play_round(bot, Wanted(seconds=seconds))
                    found[bot.name].append(one)
                    print(f"round {number + 1}: {told(bot.name, [one])}", flush=True)
    finally:
        await load.platform.stop()
    return found


def told(name: str, rounds: list[Round]) -> str:
    return f"{name:22} {cpu(rounds):6.3f} s of processor time for 1,000 messages, {speed(rounds):6.0f} messages/s"


def cpu(rounds: list[Round]) -> float:
    return statistics.median(one.cpu_per_1000 for one in rounds)


def speed(rounds: list[Round]) -> float:
    return statistics.median(one.together.per_second for one in rounds)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measures", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        found = runner.run(played(options.rounds, options.seconds))
    ours, bare = found[ENGAWA.name], found[UNGUARDED.name]
    for name, rounds in found.items():
        print(told(name, rounds))
    ratios = sorted(a.cpu_per_1000 / b.cpu_per_1000 for a, b in zip(ours, bare, strict=True))
    more = statistics.median(ratios)
    print(f"processor time: {more:.3f} times (by round {ratios[0]:.3f} to {ratios[-1]:.3f})")
    print(f"messages/s: {speed(ours) / speed(bare):.3f} times; by processor time {1 / more:.3f} times")
    return int(more > MOST)


if __name__ == "__main__":
    sys.exit(main())

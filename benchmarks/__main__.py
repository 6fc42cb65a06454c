"""The benchmark command: `python -m benchmarks [--quick] [--json FILE] [--profile FILE]`."""

from __future__ import annotations

import argparse
import asyncio
import json
import pstats
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from .load import USERS, Load
from .report import Results, print_report
from .rounds import STARTS, TOGETHER, Bench, time_fsync, time_imports
from .server import BOTS, ENGAWA, FLOOR, NULL, Bot, ServerFailed
from .wire import loop_factory

QUICK_ROUNDS, FULL_ROUNDS = 2, 5
SECONDS = 3.0
CEILING_SECONDS = 2.0
PROFILE_LINES = 40


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 rounds instead of 5; at most 2 minutes")
    parser.add_argument("--rounds", type=int, help="how many rounds")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="length of each measured stretch")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE")
    parser.add_argument("--dir", type=Path, help="where the databases go; its disk is measured, too")
    parser.add_argument(
        "--candidate",
        choices=sorted(BOTS),
        default=ENGAWA.name,
        help="what is put beside the floor; the floor itself shows the noise of the machine",
    )
    parser.add_argument("--profile", type=_absolute, metavar="FILE", help="profile the candidate instead")
    return parser.parse_args(arguments)


def _absolute(name: str) -> Path:
    return Path(name).resolve()


async def compare(bench: Bench, candidate: Bot, options: argparse.Namespace) -> Results:
    """Alternate the floor and the candidate and return everything measured."""
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else FULL_ROUNDS)
    pair = [FLOOR, candidate]
    _say("ceiling of the harness")
    ceiling = await bench.play_round(NULL, CEILING_SECONDS, alone=False)
    results = Results(
        settings={"rounds": rounds, "seconds": options.seconds, "users": USERS, "slots": TOGETHER},
        fsync_ms=time_fsync(bench.folder),
        import_ms=time_imports(),
        ceiling=ceiling.together,
        rounds={bot.name: [] for bot in pair},
        starts={bot.name: [] for bot in pair},
    )
    for number in range(rounds):
        # The second of a pair never profits from always being the second.
        for bot in pair if number % 2 == 0 else reversed(pair):
            _say(f"round {number + 1} of {rounds}: {bot.name}")
            one = await bench.play_round(bot, options.seconds, alone=not (options.quick and number))
            results.rounds[bot.name].append(one)
    for number in range(STARTS):
        _say(f"start {number + 1} of {STARTS}")
        for bot in pair:
            results.starts[bot.name].append(await bench.time_start(bot))
    return results


async def run(options: argparse.Namespace) -> Results | None:
    """Do what the options say; None when it was a profile."""
    candidate = BOTS[options.candidate]
    if candidate is FLOOR:
        candidate = replace(FLOOR, name="floor again")
    load = Load()
    api_base = await load.platform.start()
    try:
        with tempfile.TemporaryDirectory(prefix="engawa-bench-", dir=options.dir) as folder:
            bench = Bench(load, api_base, Path(folder))
            if not options.profile:
                return await compare(bench, candidate, options)
            phase = await bench.profile(candidate, options.seconds, options.profile)
            _say(f"{phase.per_second:,.0f} messages/s under the profiler, main thread only")
            return None
    finally:
        await load.platform.stop()


def main() -> int:
    """Return 0 if everything ran, whatever the figures are."""
    options = parse()
    if not Path("/proc/self/stat").exists():
        _say("The benchmark reads sizes and times from /proc, so it needs Linux.")
        return 1
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            results = runner.run(run(options))
    except ServerFailed as error:
        _say(f"Not measured. {error}")
        return 1
    if results is None:
        pstats.Stats(str(options.profile)).sort_stats("tottime").print_stats(PROFILE_LINES)
        return 0
    print_report(results)
    if options.json:
        options.json.write_text(json.dumps(results.as_json(), indent=2) + "\n")
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

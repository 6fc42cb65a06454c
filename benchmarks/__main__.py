"""The benchmark command: `python -m benchmarks [--quick] [--json FILE] [--markdown FILE] [--profile FILE]`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import pstats
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.provision import Unavailable
from tests.provision.postgresql import Databases, Server

from . import peers, report, slow_disk, targets
from .load import USERS, Load
from .report import Results
from .rounds import STARTS, TOGETHER, Bench, Wanted, time_fsync, time_imports
from .server import (
    ACK_EACH,
    ACK_ENGAWA,
    ACK_ENGAWA_PG,
    ACK_GROUP,
    ACK_NONE,
    ENGAWA,
    ENGAWA_BARE,
    FLOOR,
    FLOOR_AGAIN,
    NULL,
    OURS,
    Bot,
    ServerFailed,
    compiled,
)
from .wire import loop_factory

QUICK_ROUNDS, FULL_ROUNDS = 2, 5
QUICK_SECONDS, SECONDS = 2.0, 3.0
CEILING_SECONDS = 2.0
PROFILE_LINES = 40
ACKS = (ACK_NONE, ACK_GROUP, ACK_EACH, ACK_ENGAWA, ACK_ENGAWA_PG)
SLOWED = (ACK_EACH, ACK_GROUP, ACK_ENGAWA, ACK_ENGAWA_PG)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="floor and SQLite, 2 rounds; at most 2 minutes")
    parser.add_argument("--rounds", type=int, help="how many rounds")
    parser.add_argument("--seconds", type=float, help="length of each measured stretch")
    parser.add_argument(
        "--only", nargs="+", metavar="BOT", help="only these bots, by their names in the tables"
    )
    parser.add_argument("--no-peers", action="store_true", help="install and run no other bots")
    parser.add_argument("--no-turns", action="store_true", help="only acknowledgements and starts")
    parser.add_argument("--no-acks", action="store_true")
    parser.add_argument("--no-starts", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables to FILE, too")
    parser.add_argument("--dir", type=Path, help="where the databases go; its disk is measured, too")
    parser.add_argument("--profile", type=_absolute, metavar="FILE", help="profile Engawa on SQLite instead")
    return parser.parse_args(arguments)


def _absolute(name: str) -> Path:
    return Path(name).resolve()


@dataclass(slots=True)
class Plan:
    """What is run."""

    bots: list[Bot]
    acks: list[Bot]
    rounds: int
    seconds: float
    quick: bool
    starts: int


def planned(options: argparse.Namespace, absent: dict[str, str]) -> Plan:
    """Which bots and how long; installs the peers."""
    bots: list[Bot] = [FLOOR, ENGAWA] if options.quick else list(OURS)
    if not (options.quick or options.no_peers or options.profile):
        others, missing = peers.all_installed()
        bots += others
        absent |= missing
    if options.only:
        known = {bot.name: bot for bot in (*bots, FLOOR_AGAIN)}
        if unknown := set(options.only) - set(known):
            raise ServerFailed(f"There is no {', '.join(sorted(unknown))}. There are: {', '.join(known)}.")
        bots = [known[name] for name in options.only]
    acks = [] if options.no_acks else [ACK_NONE, ACK_EACH, ACK_ENGAWA] if options.quick else list(ACKS)
    return Plan(
        bots=bots,
        acks=acks,
        rounds=options.rounds or (QUICK_ROUNDS if options.quick else FULL_ROUNDS),
        seconds=options.seconds or (QUICK_SECONDS if options.quick else SECONDS),
        quick=options.quick,
        starts=0 if options.no_starts else 2 if options.quick else STARTS,
    )


@dataclass(slots=True)
class Session:
    """One run of the command: the bench, the same with a slow disk if there is one, what was found."""

    plan: Plan
    bench: Bench
    slow: Bench | None
    slow_environ: dict[str, str]
    results: Results

    async def turns(self) -> None:
        """Alternate all bots; who goes first changes, since the second may profit from being that."""
        plan, bots = self.plan, list(self.plan.bots)
        self.results.rounds |= {bot.name: [] for bot in bots}
        for number in range(plan.rounds):
            order = bots if number % 2 == 0 else bots[::-1]
            for bot in order:
                if bot.name in self.results.absent:
                    continue
                _say(f"round {number + 1} of {plan.rounds}: {bot.name}")
                wanted = Wanted(
                    seconds=plan.seconds,
                    alone=not (plan.quick and number),
                    remote=not plan.quick,
                    half=not bot.peer,
                )
                await self._play(bot, wanted)

    async def _play(self, bot: Bot, wanted: Wanted) -> None:
        """A round of one bot. A peer gets a second try; if that fails, too, it is named and left out."""
        for last_try in (False, True):
            try:
                self.results.rounds[bot.name].append(await self.bench.play_round(bot, wanted))
                return
            except ServerFailed as error:
                _say(str(error))
                if not bot.peer:  # ours have to run
                    raise
                if last_try:
                    self.results.absent[bot.name] = str(error).splitlines()[0]
                    self.results.rounds[bot.name].clear()

    async def acks(self) -> None:
        plan = self.plan
        for number in range(1 if plan.quick else plan.rounds):
            for bot in plan.acks if number % 2 == 0 else plan.acks[::-1]:
                _say(f"acknowledging, round {number + 1} of {plan.rounds}: {bot.name}")
                found = self.results.acks.setdefault(bot.name, [])
                found.append(await self.bench.acks(bot, plan.seconds))
            for bot in SLOWED if self.slow and not plan.quick else ():
                _say(f"acknowledging, slow disk, round {number + 1} of {plan.rounds}: {bot.name}")
                assert self.slow is not None
                found = self.results.acks.setdefault(bot.name + targets.SLOW, [])
                # On PostgreSQL the server's disk is slow, not the bot's.
                environ = {} if bot.database else self.slow_environ
                found.append(await self.slow.acks(bot, plan.seconds, environ))

    async def starts(self) -> None:
        for number in range(self.plan.starts):
            _say(f"start {number + 1} of {self.plan.starts}")
            for bot in (*self.plan.bots, ENGAWA_BARE):
                if bot.name not in self.results.absent:
                    found = self.results.starts.setdefault(bot.name, [])
                    found.append(await self.bench.time_start(bot))


@contextlib.contextmanager
def postgresql(*, preload: str = "") -> Iterator[Databases]:
    """A server that waits for its disk; `preload` is put before its C library."""
    with contextlib.ExitStack() as stack:
        if preload:
            os.environ["LD_PRELOAD"] = preload
        try:
            server = stack.enter_context(Server(durable=True))
        finally:
            os.environ.pop("LD_PRELOAD", None)
        yield server.databases


async def run(options: argparse.Namespace, found: list[Results]) -> None:
    """Do what the options say. What was measured stands in `found` from its beginning; nothing after a profile."""
    load_before = os.getloadavg()[0]
    compiled()
    absent: dict[str, str] = {}
    plan = planned(options, absent)
    load = Load()
    api_base = await load.platform.start()
    try:
        with contextlib.ExitStack() as stack:
            folder = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="engawa-bench-", dir=options.dir))
            )
            folder.chmod(
                0o711
            )  # PostgreSQL runs as another user where we are root, and loads a library from here
            if options.profile:
                phase = await Bench(load, api_base, folder).profile(ENGAWA, plan.seconds, options.profile)
                _say(f"{phase.per_second:,.0f} messages/s under the profiler, main thread only")
                return
            databases = slow_databases = None
            library = None if plan.quick or not plan.acks else slow_disk.library(folder)
            if any(bot.database for bot in (*plan.bots, *plan.acks)):
                databases = stack.enter_context(postgresql())
                if library:
                    slow_databases = stack.enter_context(postgresql(preload=str(library)))
            if library is None and plan.acks and not plan.quick:
                absent["a slow disk"] = "there is no C compiler"
            bench = Bench(load, api_base, folder, databases)
            slow = Bench(load, api_base, folder / "slow", slow_databases) if library else None
            if slow:
                slow.folder.mkdir()
            _say("ceiling of the harness")
            ceiling = await bench.play_round(NULL, Wanted(seconds=CEILING_SECONDS))
            results = Results(
                settings={"rounds": plan.rounds, "seconds": plan.seconds, "users": USERS, "slots": TOGETHER},
                fsync_ms=time_fsync(folder),
                import_ms=time_imports(),
                ceiling=ceiling.together,
                load_before=load_before,
                absent=absent,
            )
            found.append(results)
            session = Session(plan, bench, slow, {"LD_PRELOAD": str(library)}, results)
            if not options.no_turns:
                await session.turns()
            await session.acks()
            await session.starts()
    finally:
        await load.platform.stop()


def main() -> int:
    """Return 0 if everything ran, whatever the figures are."""
    options = parse()
    if not Path("/proc/self/stat").exists():
        _say("The benchmark reads sizes and times from /proc, so it needs Linux.")
        return 1
    found: list[Results] = []
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(run(options, found))
    except (ServerFailed, Unavailable) as error:
        _say(f"Not measured. {error}")
        return 1
    except KeyboardInterrupt:
        _say("Broken off; this is what was measured.")
    if options.profile:
        pstats.Stats(str(options.profile)).sort_stats("tottime").print_stats(PROFILE_LINES)
    for results in found:
        tell(results, options)
    return 0


def tell(results: Results, options: argparse.Namespace) -> None:
    """Print the tables, and write what the options ask for."""
    text = f"{report.markdown(results)}\n\n{targets.markdown(results)}\n"
    print(text)
    if options.markdown:
        options.markdown.write_text(text)
    if options.json:
        options.json.write_text(json.dumps(results.as_json(), indent=2) + "\n")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

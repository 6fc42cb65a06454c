"""What is run in which order: rounds, starts, acknowledgements, the harness's own ceiling, the profile."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from tests.provision.postgresql import Databases

from .load import PACED_SLOTS, Load, LoadFailed, Manner, Phase
from .server import ROOT, Bot, Server, ServerFailed, running

ALONE, TOGETHER, ACKS = 1, 32, 64  # messages in flight
REMOTE_USERS, REMOTE_SECONDS, REMOTE_PATIENCE = 128, 0.05, 30.0
STARTS = 5
IDLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Round:
    """One fresh start of one bot with its phases; sizes in MiB."""

    bot: str
    idle_mib: float
    loaded_mib: float
    cpu_per_1000: float
    together: Phase
    alone: Phase | None
    remote: Phase | None
    """With a platform whose calls take `REMOTE_SECONDS`, and `REMOTE_USERS` at once."""
    half: Phase | None
    """At half of what `together` took a second, messages falling due by chance."""


@dataclass(frozen=True, slots=True)
class Start:
    """Start to ready in ms: with no database yet, and again on the database of the first start; MiB when idle."""

    empty_ms: float
    again_ms: float
    idle_mib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which phases a round has besides the one with many at once."""

    seconds: float
    alone: bool = False
    remote: bool = False
    half: bool = False


class Bench:
    """What all measurements share: the load, the fake platform's address, places for databases."""

    def __init__(self, load: Load, api_base: str, folder: Path, databases: Databases | None = None) -> None:
        self._load = load
        self._api_base = api_base
        self._databases = databases
        self.folder = folder
        self._homes = 0

    @asynccontextmanager
    async def _home(self, bot: Bot) -> AsyncIterator[tuple[Path, str]]:
        """A new folder and, for who needs one, the URL of a new database."""
        self._homes += 1
        home = self.folder / f"run{self._homes}"
        home.mkdir()
        if bot.database and self._databases is None:
            raise ServerFailed(f"{bot.name} needs PostgreSQL")
        fresh = self._databases.fresh() if bot.database and self._databases else nullcontext("")
        with fresh as url:
            yield home, url

    @asynccontextmanager
    async def _running(self, bot: Bot) -> AsyncIterator[Server]:
        async with self._home(bot) as (home, url), running(bot, home, self._api_base, url) as server:
            try:
                yield server
            except LoadFailed as error:
                problem = f"{bot.name}: {error}; its last lines:\n{server.log_tail()}"
                raise ServerFailed(problem) from error
            finally:
                self._load.platform.takes = 0.0

    async def play_round(self, bot: Bot, wanted: Wanted) -> Round:
        """Start the bot on an empty database; measure it idle, then in each phase that is wanted."""
        many = Manner(slots=TOGETHER, seconds=wanted.seconds)
        measure = self._load.measure
        async with self._running(bot) as server:
            await asyncio.sleep(IDLE_SECONDS)
            idle_mib = server.memory_mib()
            await self._load.meet(server.target, TOGETHER)
            alone = await measure(server.target, replace(many, slots=ALONE)) if wanted.alone else None
            before = server.cpu_seconds()
            together = await measure(server.target, many)
            cpu = server.cpu_seconds() - before
            half = remote = None
            if wanted.half:
                pace = together.per_second / 2
                half = await measure(server.target, replace(many, slots=PACED_SLOTS, pace=pace))
            if wanted.remote:
                self._load.platform.takes = REMOTE_SECONDS
                far = replace(many, slots=REMOTE_USERS, patience=REMOTE_PATIENCE)
                remote = await measure(server.target, far)
            return Round(
                bot=bot.name,
                idle_mib=round(idle_mib, 1),
                loaded_mib=round(server.memory_mib(), 1),
                cpu_per_1000=round(cpu / together.finished * 1000, 3),
                together=together,
                alone=alone,
                remote=remote,
                half=half,
            )

    async def acks(self, bot: Bot, seconds: float, environ: Mapping[str, str] | None = None) -> Phase:
        """How fast and how soon a bot acknowledges; no reply is waited for."""
        slowed = replace(bot, environ=(*bot.environ, *(environ or {}).items()))
        async with self._running(slowed) as server:
            manner = Manner(slots=ACKS, seconds=seconds, only_acks=True)
            await self._load.measure(server.target, replace(manner, seconds=0.5))
            return await self._load.measure(server.target, manner)

    async def time_start(self, bot: Bot) -> Start:
        """Start the bot twice on one new database."""
        async with self._home(bot) as (home, url):
            async with running(bot, home, self._api_base, url) as server:
                empty_ms = server.ready_ms
            async with running(bot, home, self._api_base, url) as server:
                await asyncio.sleep(IDLE_SECONDS)
                return Start(round(empty_ms, 1), round(server.ready_ms, 1), round(server.memory_mib(), 1))

    async def profile(self, bot: Bot, seconds: float, file: Path) -> Phase:
        """Run one stretch with many messages under cProfile, which writes `file` when the bot stops."""
        python, *arguments = bot.command
        slowed = replace(bot, command=(python, "-m", "cProfile", "-o", str(file), *arguments))
        return (await self.play_round(slowed, Wanted(seconds=seconds))).together


def time_imports() -> list[float]:
    """Return the ms that fresh processes take to import what an HTTP bot with SQLite needs."""
    times = []
    for _ in range(STARTS):
        begin = perf_counter()
        subprocess.run([sys.executable, "-c", "import aiohttp.web, sqlite3"], cwd=ROOT, check=True)
        times.append(round((perf_counter() - begin) * 1000, 1))
    return times


def time_fsync(folder: Path, times: int = 200) -> float:
    """Return the median ms of one small write with fsync, which tells how far the disk flatters commits."""
    taken = []
    with (folder / "fsync").open("wb", buffering=0) as file:
        for _ in range(times):
            begin = perf_counter()
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            taken.append(perf_counter() - begin)
    return round(statistics.median(taken) * 1000, 3)

"""What is run in which order: rounds, starts, the harness's own ceiling, the profile."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from .load import Load, LoadFailed, Phase
from .server import ROOT, Bot, ServerFailed, running

ALONE, TOGETHER = 1, 32  # messages in flight
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


@dataclass(frozen=True, slots=True)
class Start:
    """Start to ready in ms: with no database yet, and again on the database of the first start."""

    empty_ms: float
    again_ms: float


class Bench:
    """What all measurements share: the load, the fake platform's address, a folder for databases."""

    def __init__(self, load: Load, api_base: str, folder: Path) -> None:
        self._load = load
        self._api_base = api_base
        self.folder = folder
        self._homes = 0

    def _new_home(self) -> Path:
        self._homes += 1
        home = self.folder / f"run{self._homes}"
        home.mkdir()
        return home

    async def play_round(self, bot: Bot, seconds: float, *, alone: bool) -> Round:
        """Start the bot on an empty database; measure it idle, with one message at a time, with many."""
        async with running(bot, self._new_home(), self._api_base) as server:
            try:
                await asyncio.sleep(IDLE_SECONDS)
                idle_mib = server.memory_mib()
                await self._load.meet(server.port, TOGETHER)
                lonely = await self._load.measure(server.port, ALONE, seconds) if alone else None
                before = server.cpu_seconds()
                together = await self._load.measure(server.port, TOGETHER, seconds)
                cpu = server.cpu_seconds() - before
            except LoadFailed as error:
                problem = f"{bot.name}: {error}; its last lines:\n{server.log_tail()}"
                raise ServerFailed(problem) from error
            return Round(
                bot=bot.name,
                idle_mib=round(idle_mib, 1),
                loaded_mib=round(server.memory_mib(), 1),
                cpu_per_1000=round(cpu / together.finished * 1000, 3),
                together=together,
                alone=lonely,
            )

    async def time_start(self, bot: Bot) -> Start:
        """Start the bot twice on one new database."""
        home = self._new_home()
        async with running(bot, home, self._api_base) as server:
            empty_ms = server.ready_ms
        async with running(bot, home, self._api_base) as server:
            return Start(round(empty_ms, 1), round(server.ready_ms, 1))

    async def profile(self, bot: Bot, seconds: float, file: Path) -> Phase:
        """Run one stretch with many messages under cProfile, which writes `file` when the bot stops."""
        arguments = ("-m", "cProfile", "-o", str(file), *bot.arguments)
        slowed = Bot(f"{bot.name} under cProfile", arguments)
        return (await self.play_round(slowed, seconds, alone=False)).together


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

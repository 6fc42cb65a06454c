"""Starts a bot as a process of its own, asks the kernel what it uses, and stops it for certain.

Knows how each bot is started, nothing of how it is loaded. Sizes and times are of the process and its children.
"""

from __future__ import annotations

import asyncio
import base64
import compileall
import contextlib
import functools
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import psutil

from .fake_line import ACCESS_TOKEN
from .load import Target
from .people import CHANNEL_SECRET, TELEGRAM_SECRET

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN = 60.0
STOPPED_WITHIN, PEER_STOPPED_WITHIN = 15.0, 3.0
POLL = 0.004
LOG_TAIL = 30
TELEGRAM_TOKEN = "123456:benchmark-benchmark-benchmark-abcde"


class ServerFailed(Exception):
    """A bot did not start."""


@dataclass(frozen=True, slots=True)
class Bot:
    """A program under test: its name in the tables, how it is started, where it takes whose webhooks."""

    name: str
    command: tuple[str, ...]
    path: str = "/webhooks/line"
    platform: str = "line"
    health: str = "/healthz"
    database: str = ""
    """`postgresql` when it gets a database of the server that the benchmark starts; else a file of its own."""
    environ: tuple[tuple[str, str], ...] = ()
    cwd: Path = ROOT
    peer: bool = False
    """Of others: it keeps nothing durable, and is ready when it takes a connection."""


def _ours(name: str, *arguments: str, **more: str) -> Bot:
    return Bot(name, (sys.executable, "-m", *arguments), **more)  # type: ignore[arg-type]


NULL = _ours("null", "benchmarks.null_bot")
FLOOR = _ours("floor", "benchmarks.floor")
FLOOR_AGAIN = replace(FLOOR, name="floor again")
ENGAWA = _ours("engawa sqlite", "admin.cli", "serve")
ENGAWA_PG = _ours("engawa postgresql", "admin.cli", "serve", database="postgresql")
OURS = (FLOOR, ENGAWA, ENGAWA_PG)

# The dictionary is an option of installing; here it is kept from being found.
_WITHOUT = "import sys; sys.modules['sudachipy'] = None; sys.argv[1:] = ['serve']; from admin.cli import main; main()"
ENGAWA_BARE = Bot("engawa, no dictionary", (sys.executable, "-c", _WITHOUT))

ACK_NONE = _ours("aiohttp, no store", "benchmarks.acks", "none")
ACK_EACH = _ours("transaction each", "benchmarks.acks", "each")
ACK_GROUP = _ours("grouped, bare", "benchmarks.acks", "group")
ACK_ENGAWA = replace(ENGAWA, command=(sys.executable, "-m", "benchmarks.accepting"))
ACK_ENGAWA_PG = replace(ENGAWA_PG, command=(*ENGAWA_PG.command, "--role", "web"))


@dataclass(slots=True)
class Server:
    """A bot that is ready; `ready_ms` is the time from its start to the first healthy answer."""

    bot: Bot
    port: int
    process: psutil.Popen
    log: Path
    ready_ms: float = 0.0

    @property
    def target(self) -> Target:
        return Target(self.port, self.bot.path, self.bot.platform)

    def _family(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]

    def memory_mib(self) -> float:
        """Return the resident memory."""
        return sum(one.memory_info().rss for one in self._family()) / (1 << 20)

    def cpu_seconds(self) -> float:
        """Return the processor time used so far, in user and kernel mode."""
        return sum(sum(one.cpu_times()[:2]) for one in self._family())

    def log_tail(self) -> str:
        """Return the last lines the bot printed."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-LOG_TAIL:]) or "(it printed nothing)"


def compiled() -> None:
    """Compiles our modules once, as installing does with everybody else's: a start is not to pay for that."""
    for package in ("bot", "admin", "benchmarks"):
        compileall.compile_dir(ROOT / package, quiet=2)


@asynccontextmanager
async def running(bot: Bot, folder: Path, api_base: str, database_url: str = "") -> AsyncIterator[Server]:
    """Run a bot on this database, or on a file in `folder`, which is made if it is missing, until the block ends."""
    port, log = _free_port(), folder / "log.txt"
    with log.open("ab") as output:
        begin = perf_counter()
        process = psutil.Popen(
            bot.command,
            cwd=bot.cwd,
            env=environment(folder, port, api_base, database_url) | dict(bot.environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    server = Server(bot, port, process, log)
    try:
        await _wait_until_ready(server, begin + READY_WITHIN)
        server.ready_ms = (perf_counter() - begin) * 1000
        yield server
    finally:
        await _stop(server)


def environment(folder: Path, port: int, api_base: str, database_url: str = "") -> dict[str, str]:
    """Return what a bot is started with; the keys are the same for the whole run."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("ENGAWA_")}
    return outer | {
        "ENGAWA_DATABASE_URL": database_url or f"sqlite:///{folder / 'bench.db'}",
        "ENGAWA_KEYS": _keys(),
        "ENGAWA_PORT": str(port),
        "ENGAWA_LINE_CHANNEL_SECRET": CHANNEL_SECRET,
        "ENGAWA_LINE_CHANNEL_ACCESS_TOKEN": ACCESS_TOKEN,
        "ENGAWA_LINE_API_BASE": api_base,
        "ENGAWA_TELEGRAM_BOT_TOKEN": TELEGRAM_TOKEN,
        "ENGAWA_TELEGRAM_API_BASE": api_base,
        "ENGAWA_TELEGRAM_SECRET_TOKEN": TELEGRAM_SECRET,
    }


@functools.cache
def _keys() -> str:
    """Return one key for the whole run, so that a second start reads the first one's database."""
    return f"k1:{base64.b64encode(os.urandom(32)).decode()}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _wait_until_ready(server: Server, deadline: float) -> None:
    """Ask for /healthz until it answers 200."""
    while True:
        if server.process.poll() is not None:
            how = f"ended with code {server.process.returncode} before it was ready"
        elif perf_counter() > deadline:
            how = f"was not ready within {READY_WITHIN:.0f} s"
        elif await _is_healthy(server):
            return
        else:
            await asyncio.sleep(POLL)
            continue
        raise ServerFailed(f"{server.bot.name} {how}; its last lines:\n{server.log_tail()}")


async def _is_healthy(server: Server) -> bool:
    try:
        stream, sink = await asyncio.open_connection("127.0.0.1", server.port)
    except OSError:
        return False
    try:
        if server.bot.peer:
            return True
        head = f"GET {server.bot.health} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        sink.write(head.encode())
        answer = await asyncio.wait_for(stream.readline(), 5)
        return answer.startswith(b"HTTP/1.1 200")
    except (OSError, TimeoutError):
        return False
    finally:
        sink.close()


async def _stop(server: Server) -> None:
    """End the bot politely, or after a while by force."""
    family = server._family() if server.process.is_running() else []
    for one in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.terminate()
    patience = PEER_STOPPED_WITHIN if server.bot.peer else STOPPED_WITHIN
    try:
        await asyncio.to_thread(server.process.wait, patience)
    except psutil.TimeoutExpired:
        if not server.bot.peer:
            print(f"{server.bot.name} did not stop within {patience:.0f} s: killed", file=sys.stderr)
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        server.process.wait()

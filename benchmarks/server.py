"""Starts a bot as a process of its own, asks the kernel what it uses, and stops it for certain.

Knows how each bot is started, nothing of how it is loaded. Sizes and times come from /proc (Linux).
"""

from __future__ import annotations

import asyncio
import base64
import functools
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from .fake_line import ACCESS_TOKEN
from .people import CHANNEL_SECRET
from .wire import Message, Reader

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN = 60.0
STOPPED_WITHIN = 15.0
POLL = 0.004
LOG_TAIL = 30


class ServerFailed(Exception):
    """A bot did not start."""


@dataclass(frozen=True, slots=True)
class Bot:
    """A program under test: its name in the tables and its arguments to Python."""

    name: str
    arguments: tuple[str, ...]


NULL = Bot("null", ("-m", "benchmarks.null_bot"))
FLOOR = Bot("floor", ("-m", "benchmarks.floor"))
ENGAWA = Bot("engawa", ("-m", "admin.cli", "serve"))
BOTS = {bot.name: bot for bot in (NULL, FLOOR, ENGAWA)}


@dataclass(slots=True)
class Server:
    """A bot that is ready; `ready_ms` is the time from its start to the first healthy answer."""

    bot: Bot
    port: int
    process: subprocess.Popen[bytes]
    log: Path
    ready_ms: float = 0.0

    def memory_mib(self) -> float:
        """Return the resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def cpu_seconds(self) -> float:
        """Return the processor time used so far, in user and kernel mode."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        after_name = stat.rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")

    def log_tail(self) -> str:
        """Return the last lines the bot printed."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-LOG_TAIL:]) or "(it printed nothing)"


@asynccontextmanager
async def running(bot: Bot, folder: Path, api_base: str) -> AsyncIterator[Server]:
    """Run a bot on the database in `folder`, which is made if it is missing, until the block ends."""
    port, log = _free_port(), folder / "log.txt"
    with log.open("ab") as output:
        begin = perf_counter()
        process = subprocess.Popen(
            [sys.executable, *bot.arguments],
            cwd=ROOT,
            env=environment(folder, port, api_base),
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


def environment(folder: Path, port: int, api_base: str) -> dict[str, str]:
    """Return what a bot is started with; the keys are the same for the whole run."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("ENGAWA_")}
    return outer | {
        "ENGAWA_DATABASE_URL": f"sqlite:///{folder / 'bench.db'}",
        "ENGAWA_KEYS": _keys(),
        "ENGAWA_PORT": str(port),
        "ENGAWA_LINE_CHANNEL_SECRET": CHANNEL_SECRET,
        "ENGAWA_LINE_CHANNEL_ACCESS_TOKEN": ACCESS_TOKEN,
        "ENGAWA_LINE_API_BASE": api_base,
        "ENGAWA_TELEGRAM_BOT_TOKEN": "123456:benchmark-benchmark-benchmark-abcde",
        "ENGAWA_TELEGRAM_API_BASE": api_base,
        "ENGAWA_TELEGRAM_SECRET_TOKEN": "bench-secret-token",
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
        elif await _is_healthy(server.port):
            return
        else:
            await asyncio.sleep(POLL)
            continue
        raise ServerFailed(f"{server.bot.name} {how}; its last lines:\n{server.log_tail()}")


async def _is_healthy(port: int) -> bool:
    try:
        stream, sink = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        sink.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        reader = Reader()
        answers: list[Message] = []
        while not answers and (data := await asyncio.wait_for(stream.read(65536), 5)):
            answers = reader.feed(data)
        return bool(answers) and answers[0].status == 200
    except (OSError, TimeoutError):
        return False
    finally:
        sink.close()


async def _stop(server: Server) -> None:
    """End the bot politely, or after a while by force."""
    server.process.terminate()
    try:
        await asyncio.to_thread(server.process.wait, STOPPED_WITHIN)
    except subprocess.TimeoutExpired:
        print(f"{server.bot.name} did not stop within {STOPPED_WITHIN:.0f} s: killed", file=sys.stderr)
        server.process.kill()
        server.process.wait()

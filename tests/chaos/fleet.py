"""The processes of one installation: one that does all, or web and worker processes that share a PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from random import Random

from tests.kill9.server import Server

COMMAND = (sys.executable, "-m", "tests.chaos.serve", "serve")


class Fleet:
    """Starts, strikes and stops them. Who brings events asks `url`, which goes from one door to the next."""

    def __init__(
        self, folder: Path, environ: Mapping[str, str], random: Random, *, webs: int, workers: int
    ) -> None:
        self._random = random
        given = {**environ, "ENGAWA_TEST_CLOCK": str(folder / "clock"), "ENGAWA_SPOOL": str(folder / "spool")}
        (folder / "clock").write_text("0")
        roles = ["all"] if webs + workers == 1 else ["web"] * webs + ["worker"] * workers
        self.servers = [
            Server(folder, given, command=(*COMMAND, "--role", role), name=f"{role}-{number}")
            for number, role in enumerate(roles)
        ]
        self._doors = [server for server, role in zip(self.servers, roles, strict=True) if role != "worker"]
        self._turn = 0
        self.kills = self.rolls = 0

    @property
    def url(self) -> str:
        self._turn += 1
        return self._doors[self._turn % len(self._doors)].url

    def has_door(self, server: Server) -> bool:
        """Whether people can come to it."""
        return server in self._doors

    def start(self) -> None:
        for server in self.servers:
            server.start()

    def assert_alive(self) -> None:
        for server in self.servers:
            server.assert_alive()

    def remove(self) -> None:
        for server in self.servers:
            server.remove()

    def kill_one(self) -> Server:
        """SIGKILL for one of them."""
        server = self._random.choice(self.servers)
        server.kill()
        self.kills += 1
        return server

    async def roll(self) -> list[int]:
        """A rolling restart: SIGTERM, wait, start, one after another. The exit codes."""
        codes = []
        for server in self.servers:
            codes.append(await _stopped(server))
            server.start()
            await asyncio.sleep(0.2)
        self.rolls += 1
        return codes

    async def stop(self) -> list[int]:
        return [await _stopped(server) for server in self.servers]

    async def freeze_one(self, seconds: float) -> None:
        """One of them stands still, as on a machine that is busy elsewhere."""
        pid = self._random.choice(self.servers).pid
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)

    def complaints(self) -> Counter[str]:
        """What was logged above the level of information: by event, error and worker."""
        found = Counter[str]()
        for line in self.logs().splitlines():
            with contextlib.suppress(ValueError):
                entry = json.loads(line)
                if entry.get("level") not in ("info", "debug"):
                    found[
                        " ".join(str(entry.get(name, "")) for name in ("event", "error", "worker", "code"))
                    ] += 1
        return found

    def logs(self) -> str:
        return "\n".join(server.log.read_text(errors="replace") for server in self.servers)


async def _stopped(server: Server) -> int:
    """The exit code of a clean stop. Who had not started yet has begun nothing, and may end by the signal itself."""
    started = server.has_started
    code = await asyncio.to_thread(server.stop)
    return 0 if code == -signal.SIGTERM and not started else code

"""The real command as a process that can be killed, and a look into its database from outside."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, Select, func, inspect, select

from bot.store.database import make_engine, parse_url
from bot.store.outbox import SENDING
from bot.store.schema import contacts, inbox, outbox

ROOT: Final = Path(__file__).resolve().parents[2]
COMMAND: Final = (sys.executable, "-m", "admin.cli", "serve")
STOP_WITHIN: Final = 30.0


class Server:
    """`engawa serve` on one port and one database, over as many lives as it takes."""

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str],
        *,
        command: Sequence[str] = COMMAND,
        name: str = "server",
    ) -> None:
        self._command = command
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"{name}.log"
        ours = {name: value for name, value in os.environ.items() if not name.startswith("ENGAWA_")}
        self._environ = {
            **ours,
            "ENGAWA_ROUND_MINUTES": "off",
            "ENGAWA_SPOOL": str(folder / "spool"),
            **environ,
            "ENGAWA_PORT": str(self.port),
            "ENGAWA_LOG_FORMAT": "json",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._said = 0

    def tell(self, environ: Mapping[str, str]) -> None:
        """What else it is told from its next start on."""
        self._environ |= environ

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self) -> None:
        assert self._process is None, "it lives"
        self._said = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    @property
    def has_started(self) -> bool:
        """Whether it told so since it was started."""
        return b'"started"' in self.log.read_bytes()[self._said :]

    @property
    def has_ended(self) -> bool:
        """Whether it ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def assert_alive(self) -> None:
        """Fails with the end of the log when the process ended by itself."""
        assert self._process is not None, "not started"
        code = self._process.poll()
        assert code is None, f"the server ended by itself with {code}: {self.last_words()}"

    def kill(self) -> None:
        """SIGKILL: no handler, no clean-up, no flush."""
        self.assert_alive()
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """A clean stop; the exit code."""
        self.assert_alive()
        return self._end(signal.SIGTERM)

    def remove(self) -> None:
        """Leaves no process behind, whatever state it is in."""
        if self._process is not None:
            self._end(signal.SIGKILL)

    def last_words(self) -> str:
        return " | ".join(self.log.read_text(errors="replace").splitlines()[-5:])

    def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        assert process is not None
        process.send_signal(number)
        try:
            return process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One try to send one outbox row to one contact."""

    address_key: bytes
    seq: int
    attempt: int


class Books:
    """Rows of the database, read from outside without leaving a trace.

    A killed process leaves SQLite's write-ahead log for the next one to recover. So the files are copied,
    and the copy is read.
    """

    def __init__(self, database_url: str, folder: Path) -> None:
        self._url = parse_url(database_url)
        self._folder = folder / "copy"

    def sending(self) -> set[Send]:
        """Tries that were begun and not marked as done."""
        columns = select(contacts.c.address_key, outbox.c.seq, outbox.c.attempts)
        query = columns.join(contacts, contacts.c.contact_id == outbox.c.contact_id)
        rows = self.rows(query.where(outbox.c.state == SENDING))
        return {Send(address_key=bytes(row[0]), seq=row[1], attempt=row[2]) for row in rows}

    def states(self) -> Counter[tuple[str, str]]:
        """How many outbox rows of each (channel, state)."""
        columns = contacts.c.account_id, outbox.c.state
        query = select(*columns, func.count()).join(contacts, contacts.c.contact_id == outbox.c.contact_id)
        return Counter({(row[0], row[1]): row[2] for row in self.rows(query.group_by(*columns))})

    def unhandled(self) -> Counter[str]:
        """How many inbox rows of each channel: not handled yet, or parked."""
        query = select(contacts.c.account_id, func.count()).select_from(inbox)
        query = query.join(contacts, contacts.c.contact_id == inbox.c.contact_id)
        return Counter({row[0]: row[1] for row in self.rows(query.group_by(contacts.c.account_id))})

    def rows(self, query: Select[Any]) -> Sequence[Any]:
        engine = self._engine()
        try:
            if not inspect(engine).has_table("outbox"):
                return []
            with engine.connect() as connection:
                return connection.execute(query).all()
        finally:
            engine.dispose()

    def _engine(self) -> Engine:
        if self._url.get_backend_name() != "sqlite":
            return make_engine(self._url, pool_size=1)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        source = Path(self._url.database or "")
        for suffix in ("", "-wal"):
            file = source.with_name(source.name + suffix)
            if file.exists():
                shutil.copy(file, self._folder)
        return make_engine(self._url.set(database=str(self._folder / source.name)), writes=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

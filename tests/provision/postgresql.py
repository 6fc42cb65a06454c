"""A private PostgreSQL for tests and benchmarks, started from the programs in a wheel.

One server serves a whole test process; each test gets a database of its own on it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

import psycopg
from psycopg import conninfo, sql

from tests.provision import Unavailable, wheel

ENVIRONMENT = "ENGAWA_TEST_POSTGRESQL"
USER = "engawa"
PREFIX = "engawa-postgresql-"
START_SECONDS = 30.0

# A time zone that is not UTC, as on any server in Japan: naive instants show up as nine hours.
SETTINGS = ("timezone=Asia/Tokyo", "max_connections=100", "unix_socket_directories=")
FORGETFUL = (
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "shared_buffers=32MB",
    "max_wal_size=128MB",
)
SMALL = ("max_wal_size=64MB", "min_wal_size=32MB")  # what lies on a small disk
# A new database is some 300 files: 20 ms in memory, up to 250 ms on a disk.
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 1 << 30

# Waits on a pipe that only the parent holds. A line means that all is well; an end means that the parent died
# without cleaning up, even of `kill -9`. Then the server is stopped and its folders removed.
REAPER = """
read -r line && exit 0
kill -INT "$1" 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$1" 2>/dev/null || break; sleep 0.3; done
rm -rf "$2" "$3"
"""


class Databases:
    """Makes and drops databases on a server; `url` names a role that may create them."""

    def __init__(self, url: str) -> None:
        self.url = url

    @contextlib.contextmanager
    def fresh(self, *, template: str | None = None) -> Iterator[str]:
        """The URL of a new database, gone afterwards. `template`: the URL of one to copy, idle by now."""
        name = f"engawa_test_{secrets.token_hex(6)}"
        source = database_of(template) if template else "template1"
        self._do("CREATE DATABASE {} TEMPLATE {}", name, source)
        try:
            yield _with_database(self.url, name)
        finally:
            self._do("DROP DATABASE {} WITH (FORCE)", name)

    def _do(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.url, autocommit=True, connect_timeout=10) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


class Server:
    """One server in a folder of its own on a loopback port. Stop, crash and start it as a test needs.

    By default it never waits for a disk and works in memory where it can. Benchmarks ask for `durable=True`.
    `disk`: a folder for its data, on a disk that may be small.
    """

    def __init__(self, *, durable: bool = False, disk: Path | None = None) -> None:
        self._settings = (*SETTINGS, *(() if durable else FORGETFUL), *(SMALL if disk else ()))
        self._user = wheel.run_as()
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        place = disk or (self._folder if durable else _memory())
        self._data = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        self._log = self._folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._reaper: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._password = secrets.token_urlsafe(18)
        try:
            self._programs = wheel.programs(self._folder, self._user)
            self._initialise()
            self._start_somewhere()
        except BaseException:
            self.remove()
            raise

    @property
    def url(self) -> str:
        """`postgresql://…` of the maintenance database."""
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self._port}/postgres"

    @property
    def data(self) -> Path:
        """The folder of its files, as a thief of the disk would have them."""
        return self._data

    @property
    def databases(self) -> Databases:
        return Databases(self.url)

    def start(self) -> None:
        """Start (again) on the same data and port; returns once connections are taken."""
        assert self._process is None, "already started"
        options = [f"-c{setting}" for setting in self._settings]
        command = [str(self._programs / "postgres"), f"-D{self._data}", "-h127.0.0.1", f"-p{self._port}"]
        with self._log.open("ab") as log:
            self._process = self._popen([*command, *options], output=log)
        self._reaper = subprocess.Popen(
            ["/bin/sh", "-c", REAPER, "reaper", str(self._process.pid), str(self._folder), str(self._data)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """A clean stop: open connections are ended, nothing is lost."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Every connection breaks at once and nothing is tidied up; the next start recovers from the log."""
        self._end(signal.SIGQUIT)

    def revive(self) -> None:
        """Returns once it takes connections; starts it when it ended by itself, as without room for its log."""
        assert self._process is not None, "stopped"
        try:
            self._wait_until_ready(self._process)
        except Unavailable:
            self.crash()
            self.start()

    def remove(self) -> None:
        """Stop and leave nothing behind."""
        try:
            self.stop()
        finally:
            for folder in (self._data, self._folder):
                shutil.rmtree(folder, ignore_errors=True)

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def _initialise(self) -> None:
        secret = self._folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(self._password)
        if self._user:
            for path in (self._folder, self._data, secret):
                os.chown(path, self._user["user"], self._user["group"])
        options = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
        command = [
            str(self._programs / "initdb"),
            f"-D{self._data}",
            f"-U{USER}",
            f"--pwfile={secret}",
            *options,
        ]
        reply = subprocess.run(
            command, cwd="/", capture_output=True, text=True, timeout=120, check=False, **self._user
        )
        secret.unlink()
        if reply.returncode:
            hint = "set TMPDIR to a folder that other users may enter"
            msg = f"initdb failed in {self._folder} ({hint}): {reply.stderr}"
            raise Unavailable(msg)

    def _start_somewhere(self) -> None:
        """A free port can be taken between asking for it and using it, so try a few."""
        for attempt in range(5):
            self._port = _free_port()
            try:
                return self.start()
            except Unavailable:
                self.stop()
                if attempt == 4:
                    raise
        return None

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.03)
            else:
                return
        lines = self._log.read_text(errors="replace").splitlines()[-5:]
        msg = f"PostgreSQL did not start on port {self._port}: {' | '.join(lines)}"
        raise Unavailable(msg)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait(timeout=60)
        reaper, self._reaper = self._reaper, None
        if reaper is not None:
            reaper.communicate(b"stopped\n", timeout=60)

    def _popen(self, command: Sequence[str], *, output: IO[bytes]) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C is for the tests, which then stop the server in order.
        return subprocess.Popen(
            command, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            **self._user,
        )  # fmt: skip


@contextlib.contextmanager
def databases() -> Iterator[Databases]:
    """The server named by `ENGAWA_TEST_POSTGRESQL`, else a private one for as long as the context lasts."""
    existing = os.environ.get(ENVIRONMENT)
    if existing:
        yield Databases(existing)
        return
    with Server() as server:
        yield server.databases


def ensure() -> str:
    """Prove that a database can be made, so that a broken machine is told of before 500 tests fail."""
    began = time.monotonic()
    try:
        with databases() as made, made.fresh() as url, psycopg.connect(url) as connection:
            row = connection.execute("SELECT current_setting('server_version')").fetchone()
    except psycopg.Error as problem:
        msg = f"{problem} (set {ENVIRONMENT} to the URL of a role that may create databases, or unset it)"
        raise Unavailable(msg) from problem
    assert row is not None
    where = f"the server in {ENVIRONMENT}" if os.environ.get(ENVIRONMENT) else "from a wheel, private"
    return f"{row[0]} ({where}; ready in {time.monotonic() - began:.1f} s)"


def database_of(url: str) -> str:
    """The database a URL names."""
    return str(conninfo.conninfo_to_dict(url)["dbname"])


def _with_database(url: str, name: str) -> str:
    """The same URL for another database; query parameters stay."""
    before, _, query = url.partition("?")
    return before.rpartition("/")[0] + f"/{name}" + (f"?{query}" if query else "")


def _memory() -> str | None:
    """Where files are kept in memory, if there is room; None is the usual place for temporary files."""
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_BYTES
    return str(MEMORY) if roomy else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

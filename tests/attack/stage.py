"""The stage: `engawa serve` as its own process, platforms around it, people, staff of every role, and its files."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
from sqlalchemy import Connection, Engine, func, select, text

from admin.auth import hash_password
from bot import config
from bot.app import Engawa
from bot.store import staff
from bot.store.database import make_engine, parse_url
from bot.store.migrate import DEFAULT_OPERATOR
from bot.store.schema import inbox as inbox_rows
from bot.store.schema import metadata, outbox
from tests.kill9.server import Server
from tests.platforms import FakeLine, FakeTelegram
from tests.provision.postgresql import Server as PostgreSQL
from tests.runtime.canaries import Canaries

ROLES: Final = ("counselor", "lead", "editor", "operator")
PASSWORD: Final = "きたまどの しおり 12"
UP_WITHIN: Final = 60.0  # seconds
AT_REST: Final = frozenset({"accounts", "alert_sends", "alerts", "chores", "staff_sessions", "watch_rounds"})
"""Tables that change by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclass(slots=True)
class Person:
    """Somebody on the web chat, in a browser without script."""

    stage: Stage
    cookie: str = ""

    async def begins(self) -> None:
        answer = await self.stage.ask("POST", "/chat/api/session", body=b"{}")
        self.cookie = answer.headers.get("Set-Cookie", "").partition(";")[0]
        check_status(answer, 200)

    async def says(self, text: str) -> Answer:
        body = json.dumps({"client_id": uuid.uuid4().hex, "text": text}).encode()
        return await self.stage.ask("POST", "/chat/api/messages", cookie=self.cookie, body=body)

    async def taps(self, choice: str) -> Answer:
        body = json.dumps({"client_id": uuid.uuid4().hex, "choice_id": choice}).encode()
        return await self.stage.ask("POST", "/chat/api/messages", cookie=self.cookie, body=body)

    async def thread(self) -> list[dict[str, Any]]:
        answer = await self.stage.ask("GET", "/chat/api/messages?after=0", cookie=self.cookie)
        check_status(answer, 200)
        found: list[dict[str, Any]] = json.loads(answer.body)["messages"]
        return found


@dataclass(slots=True)
class Stage:
    """Everything an attack may touch."""

    folder: Path
    environ: dict[str, str]
    server: Server
    line: FakeLine
    telegram: FakeTelegram
    http: aiohttp.ClientSession
    engine: Engine
    postgresql: PostgreSQL | None = None
    canaries: Canaries = field(default_factory=Canaries)
    sessions: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def database(self) -> Path:
        return self.folder / "data" / "engawa.db"

    def files(self) -> list[Path]:
        """Every file that holds the database: of PostgreSQL its tables, all written out of memory."""
        if self.postgresql is None:
            return [path for path in sorted(self.database.parent.rglob("*")) if path.is_file()]
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("CHECKPOINT"))
            number = connection.scalar(text("SELECT oid FROM pg_database WHERE datname = current_database()"))
        folder = self.postgresql.data / "base" / str(number)
        return [path for path in sorted(folder.iterdir()) if path.is_file()]

    def logs(self) -> list[Path]:
        """PostgreSQL's write-ahead log and own log."""
        if self.postgresql is None:
            return []
        folders = (self.postgresql.data / "pg_wal", self.postgresql.data.parent)
        return [path for folder in folders for path in folder.glob("*") if path.is_file()]

    def stored(self) -> bytes:
        """All bytes of those files. One that goes meanwhile holds nothing any more.

        Our own connections are closed before: who closes a file drops all locks of its process on it (fcntl(2)).
        """
        self.engine.dispose()
        return b"\x00".join(map(content, self.files()))

    @property
    def settings(self) -> config.Settings:
        return config.load(self.environ)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        cookie: str = "",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request on a connection of its own pool; no redirect is followed."""
        sent = {"Content-Type": "application/json"} if body is not None else {}
        sent |= {"Cookie": cookie} if cookie else {}
        began = time.monotonic()
        async with self.http.request(
            method, self.url + path, data=body, headers={**sent, **(headers or {})}, allow_redirects=False
        ) as got:
            raw = await got.read()
            return Answer(status=got.status, headers=got.headers, body=raw, seconds=time.monotonic() - began)

    async def raw(self, sent: bytes, *, wait: float = 5.0) -> bytes:
        """Bytes as they are on a connection of their own; what comes back until it is closed or time is up."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        found = b""
        try:
            writer.write(sent)
            async with asyncio.timeout(wait):
                while piece := await reader.read(65536):
                    found += piece
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.transport.abort()
        return found

    async def person(self) -> Person:
        found = Person(self)
        await found.begins()
        return found

    def member(self, role: str) -> str:
        """The cookie of a signed-in member."""
        return f"engawa_staff={self.sessions[role]}"

    async def until(self, condition: Any, seconds: float = 30.0) -> None:
        """Returns when it holds. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():
                self.server.assert_alive()
                await asyncio.sleep(0.02)

    async def settled(self) -> None:
        """Until everything that came is handled and answered."""

        def still() -> bool:
            with self.engine.connect() as connection:
                waiting = connection.scalar(select(func.count()).select_from(inbox_rows))
                open_sends = outbox.c.state.in_(("queued", "sending"))
                return not waiting and not connection.scalar(
                    select(func.count()).select_from(outbox).where(open_sends)
                )

        await self.until(still, 60)

    def rows(self, query: Any) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(query))

    def counted(self) -> dict[str, int]:
        """How many rows each table has that changes only when somebody does something."""
        with self.engine.connect() as connection:
            return {
                table.name: connection.scalar(select(func.count()).select_from(table)) or 0
                for table in metadata.sorted_tables
                if table.name not in AT_REST
            }

    def resident(self) -> float:
        """Resident memory of the server, in MB."""
        pid = self.server.pid
        for told in Path(f"/proc/{pid}/status").read_text().splitlines():
            if told.startswith("VmRSS:"):
                return int(told.split()[1]) / 1024
        return 0.0


def check_status(answer: Answer, wanted: int) -> None:
    if answer.status != wanted:
        raise AssertionError(f"answered {answer.status} instead of {wanted}")


def content(path: Path) -> bytes:
    """All bytes of a file; of one that went meanwhile, none."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    return b""


@asynccontextmanager
async def stage(folder: Path, database: PostgreSQL | None = None) -> AsyncIterator[Stage]:
    """A server with LINE, Telegram, web chat and console, with staff of every role, on an empty database: a SQLite
    file, or one of this PostgreSQL's."""
    canaries, url = Canaries(), f"sqlite:///{folder / 'data' / 'engawa.db'}"
    for name in ("data", "tmp"):
        (folder / name).mkdir()
    async with (
        contextlib.AsyncExitStack() as places,
        FakeLine(secret=canaries.plain("line secret"), access_token=canaries.plain("line token")) as line,
        FakeTelegram(secret_token=canaries.plain("telegram secret")) as telegram,
        aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            timeout=aiohttp.ClientTimeout(total=90),
        ) as http,
    ):
        if database is not None:
            url = places.enter_context(database.databases.fresh())
        environ = {
            **line.environ(),
            **telegram.environ(),
            "ENGAWA_KEYS": "k1:" + base64.b64encode(os.urandom(32)).decode(),
            "ENGAWA_DATABASE_URL": url,
            "ENGAWA_ERASURES": str(folder / "data" / "engawa.erasures"),
            "ENGAWA_TRUSTED_PROXIES": "127.0.0.1",
            "TMPDIR": str(folder / "tmp"),
        }
        sessions = await staffed(environ)
        server = Server(folder, environ)
        engine = make_engine(parse_url(environ["ENGAWA_DATABASE_URL"]), writes=False)
        made = Stage(folder, environ, server, line, telegram, http, engine, database, canaries, sessions)
        server.start()
        try:
            await up(made)
            line.aim(made.url)
            telegram.aim(made.url)
            yield made
        finally:
            server.remove()
            engine.dispose()


async def staffed(environ: Mapping[str, str]) -> dict[str, str]:
    """Members of every role, each with a session that is open: how one signs in is not what is attacked here."""
    engawa = Engawa(config.load(environ))
    await engawa.prepare()
    hashed, sessions = hash_password(PASSWORD), {}

    def add(connection: Connection, role: str, token: str) -> None:
        known = staff.add(connection, DEFAULT_OPERATOR, role, f"{role}さん", role, hashed)
        staff.begin_session(connection, known, token, datetime.now(UTC))

    for role in ROLES:
        sessions[role] = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
        await engawa.database.write(add, role, sessions[role])
    await engawa.stop()
    return sessions


async def up(made: Stage) -> None:
    """Returns when the server is ready."""
    async with asyncio.timeout(UP_WITHIN):
        while True:
            made.server.assert_alive()
            try:
                if (await made.ask("GET", "/readyz")).status == 200:
                    return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)

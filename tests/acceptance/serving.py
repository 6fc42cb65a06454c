"""A house for acceptance tests: channels, web chat and workers on a real port, fake platforms around it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Self

import aiohttp
from aiohttp import web
from sqlalchemy import Connection, Select, func, select

from admin.serving import application, bound
from bot.app import Engawa
from bot.clock import Clock
from bot.config import load
from bot.connections import Runner
from bot.messages import Address
from bot.runtime.live import EVERYTHING, News
from bot.store import conversations, timeline
from bot.store.schema import contacts, dedupe, inbox, outbox, talks
from bot.store.schema import timeline as timeline_table
from bot.testing import A_KEY, FakeClock
from tests.platforms import FakeLine, FakeTelegram

LOOK_EVERY: Final = 0.005  # seconds
IN_TIME: Final = 10.0  # seconds: more than anything here may take
STORED: Final = (contacts, talks, dedupe, inbox, outbox, timeline_table)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of one thing we said."""

    seq: int
    state: str
    attempts: int
    via: str | None
    error_code: str | None
    may_have_arrived: bool


class Serving:
    """One process of Engawa on one port and one database; `restart` is a clean stop and a new start."""

    def __init__(
        self,
        database_url: str,
        line: FakeLine,
        telegram: FakeTelegram,
        *,
        clock: Clock | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.line, self.telegram = line, telegram
        given = {"ENGAWA_KEYS": A_KEY, "ENGAWA_DATABASE_URL": database_url, **(environ or {})}
        self._settings = load({**line.environ(), **telegram.environ(), **given})
        self._clock = clock
        self._port = 0
        self._runner: Runner | None = None
        self.engawa: Engawa
        self.http: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await self.http.close()

    async def start(self) -> None:
        self.engawa = Engawa(self._settings, clock=self._clock)
        await self.engawa.prepare()
        listening = bound("127.0.0.1", self._port)
        self._port = listening.getsockname()[1]
        self._runner = Runner(application(self.engawa, console=False), access_log=None, handle_signals=False)
        await self._runner.setup()
        await web.SockSite(self._runner, listening).start()
        self.line.aim(self.url)
        if not any(account.polling for account in self._settings.telegram):
            self.telegram.aim(self.url)

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    # -- time --------------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        """The standing clock moves on, and every worker looks at what is due now."""
        assert isinstance(self._clock, FakeClock)
        self._clock.move(timedelta(seconds=seconds))
        self.engawa.hub.spread(News({EVERYTHING}))

    async def until(self, condition: Callable[[], Any], seconds: float = IN_TIME) -> None:
        """Returns when the condition holds; it may be a coroutine function. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while True:
                found = condition()
                if await found if asyncio.iscoroutine(found) else found:
                    return
                await asyncio.sleep(LOOK_EVERY)

    async def settled(self) -> None:
        """Until every event is handled and everything said has come to an end."""

        async def still() -> bool:
            if await self._rows(select(inbox.c.seq)):  # first: what leaves the inbox is in the outbox by then
                return False
            return not await self._rows(select(outbox.c.seq).where(outbox.c.state.in_(("queued", "sending"))))

        await self.until(still)

    # -- what is stored ----------------------------------------------------------------------

    async def stored(self) -> dict[str, int]:
        """How many rows every table of people and their messages has."""

        def count(connection: Connection) -> dict[str, int]:
            return {
                table.name: connection.scalar(select(func.count()).select_from(table)) or 0
                for table in STORED
            }

        return await self.engawa.database.read(count)

    async def sent_rows(self, address: Address) -> list[Row]:
        """The outbox of one contact, in order."""
        columns = [outbox.c[name] for name in Row.__dataclass_fields__]
        contact_id = await self.contact_id(address)
        rows = await self._rows(
            select(*columns).where(outbox.c.contact_id == contact_id).order_by(outbox.c.seq)
        )
        return [Row(**row._mapping) for row in rows]

    async def contact_id(self, address: Address) -> str | None:
        engawa = self.engawa
        return await engawa.database.read(conversations.find, engawa.sealer, engawa.operator_id, address)

    async def thread(self, address: Address) -> list[timeline.Line]:
        """The whole thread of one contact, both directions."""
        contact_id = await self.contact_id(address)
        assert contact_id is not None, "nobody is known there"

        def lines(connection: Connection) -> list[timeline.Line]:
            loaded = conversations.load(connection, self.engawa.sealer, [contact_id], lock=False)
            return timeline.lines(connection, loaded[contact_id])

        return await self.engawa.database.read(lines)

    async def _rows(self, query: Select[Any]) -> list[Any]:
        return await self.engawa.database.read(lambda connection: list(connection.execute(query)))

    # -- the web -----------------------------------------------------------------------------

    async def get(self, path: str) -> tuple[int, str]:
        async with self.http.get(self.url + path) as response:
            return response.status, await response.text()


class Visitor:
    """Somebody on the web chat: keeps the cookie of the session."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self.cookie = ""

    async def begins(self) -> int:
        status, _ = await self.call("POST", "/session", b"{}")
        return status

    async def says(self, text: str, client_id: str = "") -> tuple[int, Any]:
        """Status and body."""
        message = {"client_id": client_id or uuid.uuid4().hex, "text": text}
        return await self.call("POST", "/messages", json.dumps(message).encode())

    async def heard(self) -> list[str]:
        """What the bot said, oldest first."""
        return [message["text"] for message in await self.thread() if message["from"] == "bot"]

    async def thread(self, after: int = 0) -> list[dict[str, Any]]:
        status, body = await self.call("GET", f"/messages?after={after}")
        assert status == 200, status
        messages: list[dict[str, Any]] = body["messages"]
        return messages

    async def call(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and decoded body of any call to the chat's API."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        if self.cookie:
            sent["Cookie"] = self.cookie
        url = f"{self._serving.url}/chat/api{path}"
        async with self._serving.http.request(method, url, data=body, headers=sent) as response:
            self.cookie = response.headers.get("Set-Cookie", "").partition(";")[0] or self.cookie
            raw = await response.read()
            return response.status, json.loads(raw) if raw else None


def on_line(user: str) -> Address:
    return Address(account="line", key=user)


def on_telegram(chat_id: int) -> Address:
    return Address(account="telegram", key=str(chat_id))


@contextlib.asynccontextmanager
async def serving(
    database_url: str, *, clock: FakeClock | None = None, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Serving]:
    """A house on an empty database, both platforms around it. At the end no call may have been invalid."""
    time = {} if clock is None else {"clock": lambda: clock.now().timestamp()}
    async with FakeLine(**time) as line, FakeTelegram(**time) as telegram:  # type: ignore[arg-type]
        async with Serving(database_url, line, telegram, clock=clock, environ=environ) as house:
            yield house
        line.assert_no_invalid()
        telegram.assert_no_invalid()

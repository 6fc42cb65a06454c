"""A whole house with its console, people who write, and browsers that sign in."""

from __future__ import annotations

import contextlib
import hashlib
import html
import io
import itertools
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar, web
from aiohttp.test_utils import BaseTestServer, TestServer, unused_port
from argon2 import PasswordHasher
from playwright.async_api import Page

from admin.app import Console, attach
from admin.second import SLOWER
from bot.app import Engawa
from bot.channels.patience import LONGEST_DELAY, Delays
from bot.edge import headers as set_headers
from bot.handoff.ticket import Status
from bot.messages import Inbound
from bot.store import factors, staff
from bot.store.staff import Member
from bot.testing import FakeChannel, FakeClock, an_engawa

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
FORM = "application/x-www-form-urlencoded"
PASSWORD = "きたまどの しおり 12"
APP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
CSRF = re.compile(r'name="csrf" value="([^"]+)"')
REPLY_ID = re.compile(r'name="reply_id" value="([^"]+)"')


_USED = itertools.count()


def codes_of(login: str) -> list[str]:
    """The recovery codes of a member of these houses: short ones, enough for a long test."""
    mark = hashlib.sha256(login.encode()).hexdigest()[:5]
    return [f"{mark}x{number:03}" for number in range(60)]


def next_code(login: str) -> str:
    """One that was not used yet."""
    return codes_of(login)[next(_USED) % 60]


async def enter(page: Page, login: str = "mizuno", secret: str = PASSWORD) -> None:
    """Signs a member in, in a real browser, up to the first page of the console."""
    await page.fill("#login", login)
    await page.fill("#secret", secret)
    await page.click("text=つづける")
    await page.fill("#code", next_code(login))
    await page.click("text=つづける")
    await page.wait_for_url(re.compile(r"/admin(?!/second)"))


class Browser:
    """One person's browser: cookies, and the marks of the form on the page it looked at last."""

    def __init__(self, server: BaseTestServer) -> None:
        self._home = server.make_url("/")
        self._session = ClientSession(self._home, cookie_jar=CookieJar(unsafe=True))
        self.page = ""
        self.status = 0
        self.location = ""

    async def close(self) -> None:
        await self._session.close()

    async def get(
        self, path: str, headers: Mapping[str, str] | None = None, *, follow: bool = True
    ) -> ClientResponse:
        async with self._session.get(path, allow_redirects=follow, headers=headers) as response:
            self.page, self.status = await response.text(errors="replace"), response.status
            self.location = response.headers.get("Location", "")
        return response

    async def post(
        self,
        path: str,
        fields: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        follow: bool = True,
    ) -> ClientResponse:
        """Posts the form of the page at hand; fields given stand before the ones found there."""
        sent = {"Content-Type": FORM, **(headers or {})}
        data = (
            io.BytesIO(fields) if isinstance(fields, bytes) else urlencode({**self.marks, **(fields or {})})
        )
        async with self._session.post(path, data=data, allow_redirects=follow, headers=sent) as response:
            self.page, self.status = await response.text(errors="replace"), response.status
            self.location = response.headers.get("Location", "")
        return response

    def stream(self, query: str) -> AbstractAsyncContextManager[ClientResponse]:
        """The live stream, as an EventSource would open it."""
        return self._session.get(f"/admin/stream?{query}", headers={"Accept": "text/event-stream"})

    def plant(self, **cookies: str) -> None:
        """Puts cookies in, as somebody else might."""
        self._session.cookie_jar.update_cookies(cookies, self._home)

    @property
    def marks(self) -> dict[str, str]:
        """What the forms of the page carry unseen."""
        found = {"csrf": CSRF.search(self.page), "reply_id": REPLY_ID.search(self.page)}
        return {name: match[1] for name, match in found.items() if match}

    @property
    def text(self) -> str:
        """What can be read on the page."""
        body = re.sub(r"(?s)<(head|script|style)\b.*?</\1>|<[^>]*>", " ", self.page)
        return re.sub(r"\s+", " ", html.unescape(body)).strip()

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.key: cookie.value for cookie in self._session.cookie_jar}

    async def sign_in(self, login: str, secret: str = PASSWORD) -> ClientResponse:
        """Both steps; only the first when it was refused."""
        await self.get("/admin/login")
        response = await self.post("/admin/login", {"login": login, "secret": secret})
        return await self.show_code(login) if 'action="/admin/second"' in self.page else response

    async def show_code(self, login: str) -> ClientResponse:
        """The second step, by a recovery code that was not used yet."""
        return await self.post("/admin/second", {"code": next_code(login)})


class House:
    """An installation with its console on a port, a counselor's view of it, and somebody at the other end."""

    def __init__(self, engawa: Engawa, server: BaseTestServer, clock: FakeClock, waits: list[float]) -> None:
        self.engawa, self.server, self.clock, self.waits = engawa, server, clock, waits
        self.line = FakeChannel("line")
        assert isinstance(server, TestServer)
        self.app = server.app
        self._browsers: list[Browser] = []

    async def staff(self, login: str, name: str, role: str = "counselor") -> Member:
        write, read = self.engawa.database.write, self.engawa.database.read
        operator = self.engawa.operator_id
        await write(staff.add, operator, login, name, role, QUICK.hash(PASSWORD))
        member = await read(staff.by_login, operator, login)
        assert member is not None
        await write(
            factors.add, self.engawa.sealer, member, factors.TOTP, APP_SECRET.encode(), self.clock.now()
        )
        await write(factors.offer_codes, member.staff_id, codes_of(login))
        return member

    def browser(self) -> Browser:
        made = Browser(self.server)
        self._browsers.append(made)
        return made

    async def signed_in(
        self, login: str = "mizuno", name: str = "みずの", role: str = "counselor"
    ) -> Browser:
        await self.staff(login, name, role)
        browser = self.browser()
        await browser.sign_in(login)
        assert browser.status == 200, browser.text
        return browser

    async def hear(self, *events: Inbound) -> None:
        """Takes events in and lets the machine answer."""
        await self.engawa.ingress.accept(events)
        while await self.engawa.turns.work():
            pass

    async def risk(self, person: str = "u1", text: str = "もう死にたい") -> str:
        """Somebody is in danger; returns the ticket."""
        await self.hear(self.line.heard(person, text, at=self.clock.now()))
        return await self.newest()

    async def request(self, person: str = "u2", how: str = "ゆっくり", care: str = "文字だけ") -> str:
        """Somebody wants to talk with a person; returns the ticket."""
        await self.hear(self.line.heard(person, choice_id="exit/person", at=self.clock.now()))
        for text in ("つづける", how, care, "送る"):
            await self.hear(self.line.heard(person, text, at=self.clock.now()))
        return await self.newest()

    async def newest(self) -> str:
        everybody = Member(
            staff_id="", operator_id=self.engawa.operator_id, login="", display_name="", role="lead"
        )
        waiting = await self.engawa.desk.queue(everybody, Status.WAITING)
        return max(waiting, key=lambda row: row.ticket.opened_at).ticket.id

    def later(self, minutes: float) -> None:
        self.clock.move(timedelta(minutes=minutes))

    async def close(self) -> None:
        for browser in self._browsers:
            await browser.close()


@contextlib.asynccontextmanager
async def a_house(url: str) -> AsyncIterator[House]:
    """A house with its console on a port of this machine."""
    clock, waits = FakeClock(), list[float]()
    async with an_engawa(url, clock=clock) as engawa:

        async def no_sleep(seconds: float) -> None:
            waits.append(seconds)

        port = unused_port()
        console = Console(
            database=engawa.database,
            desk=engawa.desk,
            alerts=engawa.alerts,
            trail=engawa.trail,
            reports=engawa.reports,
            hub=engawa.hub,
            clock=clock,
            operator_id=engawa.operator_id,
            secure_cookies=False,
            sealer=engawa.sealer,
            origin=f"http://localhost:{port}",
            studio=engawa.studio,
            slips=engawa.slips,
            recalls=engawa.recalls,
            flow_editor=engawa.flow_editor,
            service_name=lambda: "みどり市 ことばの案内所",
            desk_name=engawa.desk_name,
            desks=engawa.desks,
            content=lambda: engawa.library.at_hand,
            accounts=engawa.vitals.known,
            late=engawa.retention.stands_still,
            kind_name=engawa.kind_name,
        )
        app = web.Application()  # the house's own would set its workers going
        app.on_response_prepare.append(set_headers)
        app.add_routes([web.get("/chat/static/{name}", engawa.webchat.pages.static)])  # the shared tokens
        delays, slower = (
            Delays(now=lambda: 0.0, sleep=no_sleep, longest=longest) for longest in (LONGEST_DELAY, SLOWER)
        )
        attach(app, console, delays=delays, second_delays=slower, hasher=QUICK)
        async with TestServer(app, host="127.0.0.1", port=port) as server:
            made = House(engawa, server, clock, waits)
            try:
                yield made
            finally:
                await made.close()


@pytest.fixture
async def house(ready_sqlite_url: str) -> AsyncIterator[House]:
    async with a_house(ready_sqlite_url) as made:
        yield made

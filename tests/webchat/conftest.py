"""The web chat of a running house, people's browsers, and a counselor."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar
from aiohttp.test_utils import BaseTestServer, TestServer
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from bot.app import Engawa
from bot.channels.webchat.sessions import address_of
from bot.config import load
from bot.messages import Address
from bot.store import conversations, staff
from bot.store.staff import Member
from bot.testing import A_KEY, FakeChannel
from tests.provision import chromium

PHONE, DESK = (390, 844), (1280, 860)
WATCH = "addEventListener('securitypolicyviolation', (e) => console.error('csp', e.violatedDirective))"
BASE = "http://engawa.example.jp"

expect.set_options(timeout=15_000)


class Chat:
    """A house on a port: what people write is answered by it, and a counselor may take it."""

    def __init__(self, engawa: Engawa, server: BaseTestServer, platform: FakeChannel) -> None:
        self.engawa, self.server, self.platform = engawa, server, platform
        self.member: Member | None = None

    @property
    def url(self) -> str:
        return str(self.server.make_url("/chat"))

    def visitor(self) -> Visitor:
        return Visitor(self)

    async def counselor(self) -> Member:
        if self.member is None:
            database, operator = self.engawa.database, self.engawa.operator_id
            await database.write(staff.add, operator, "mizuno", "みずの", "counselor", None)
            self.member = await database.read(staff.by_login, operator, "mizuno")
        assert self.member is not None
        return self.member

    async def ticket(self, address: Address) -> str:
        engawa = self.engawa
        contact_id = await engawa.database.read(
            conversations.find, engawa.sealer, engawa.operator_id, address
        )
        assert contact_id is not None
        loaded = await engawa.database.read(conversations.load, engawa.sealer, [contact_id], lock=False)
        ticket = loaded[contact_id].talk.ticket
        assert ticket is not None
        return ticket.id

    async def claim(self, address: Address) -> str:
        ticket = await self.ticket(address)
        await self.engawa.desk.claim(await self.counselor(), ticket)
        return ticket

    def cut_streams(self) -> None:
        """All live streams end, as they do when a line breaks."""
        for ends in self.engawa.webchat.streams._open.values():
            for end in ends:
                end.set()

    async def reply(self, ticket: str, text: str) -> None:
        await self.engawa.desk.reply(await self.counselor(), ticket, text, uuid.uuid4().hex)


class Visitor:
    """A browser without script: cookies, forms, and the API."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self.http = ClientSession(chat.server.make_url("/"), cookie_jar=CookieJar(unsafe=True))
        self.page, self.status = "", 0

    async def __aenter__(self) -> Visitor:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    @property
    def cookie(self) -> str:
        return next((one.value for one in self.http.cookie_jar if one.key == "engawa_chat"), "")

    @property
    def address(self) -> Address:
        return address_of(self.cookie)

    async def get(self, path: str, *, follow: bool = True, **headers: str) -> ClientResponse:
        async with self.http.get(path, allow_redirects=follow, headers=_names(headers)) as response:
            self.page, self.status = await response.text(), response.status
        return response

    async def post(
        self, path: str, fields: dict[str, str], *, follow: bool = True, **headers: str
    ) -> ClientResponse:
        sent = _names(headers)
        async with self.http.post(path, data=fields, allow_redirects=follow, headers=sent) as response:
            self.page, self.status = await response.text(), response.status
        return response

    async def api(self, path: str, body: Any = None) -> tuple[int, Any]:
        """GET without a body, POST with one."""
        method = "GET" if body is None else "POST"
        data = None if body is None else json.dumps(body)
        async with self.http.request(method, f"/chat/api{path}", data=data) as response:
            return response.status, await response.json()

    async def begins(self, **body: str) -> None:
        assert (await self.api("/session", body))[0] == 200

    async def says(self, text: str) -> tuple[int, Any]:
        return await self.api("/messages", {"client_id": uuid.uuid4().hex, "text": text})

    async def texts(self) -> list[str]:
        status, body = await self.api("/messages?after=0")
        assert status == 200
        return [message["text"] for message in body["messages"]]

    @property
    def words(self) -> list[str]:
        """The passphrase on the page."""
        found = re.search(r'<ol class="phrase".*?</ol>', self.page, re.DOTALL)
        return re.findall(r"<li>(.*?)</li>", found[0]) if found else []


def _names(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
async def chat(ready_sqlite_url: str) -> AsyncIterator[Chat]:
    platform = FakeChannel("line")
    environ = {"ENGAWA_BASE_URL": BASE, "ENGAWA_KEYS": A_KEY, "ENGAWA_DATABASE_URL": ready_sqlite_url}
    engawa = Engawa(load(environ))
    engawa.channels["line"] = platform
    await engawa.prepare()
    async with TestServer(engawa.application(), host="127.0.0.1") as server:  # starts and stops the house
        yield Chat(engawa, server, platform)


@pytest.fixture
async def chrome(chromium_path: Path) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**chromium.launch_options(chromium_path))
        yield browser
        await browser.close()


class Window:
    """A page of the chat, and all it complained about or asked of anybody else."""

    def __init__(self, chat: Chat, context: BrowserContext, page: Page) -> None:
        self.chat, self.context, self.page = chat, context, page
        self.wrong: list[str] = []
        home = f"http://127.0.0.1:{chat.server.port}/"
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", lambda told: self.wrong.append(told.text) if told.type == "error" else None)
        page.on(
            "request",
            lambda asked: None if asked.url.startswith((home, "data:")) else self.wrong.append(asked.url),
        )

    async def address(self) -> Address:
        [cookie] = [one for one in await self.context.cookies() if one["name"] == "engawa_chat"]
        return address_of(cookie["value"])

    async def open(self, query: str = "") -> None:
        await self.page.goto(self.chat.url + query)
        await expect(self.page.locator("#log")).to_contain_text("ここは自動で答える案内所です")

    async def says(self, text: str) -> None:
        await self.page.fill("#text", text)
        await self.page.click("#say .act")

    async def seqs(self) -> list[int]:
        """The places of the messages shown, in the order they stand."""
        found: list[int] = await self.page.eval_on_selector_all(
            "#log [data-seq]", "all => all.map(one => Number(one.dataset.seq))"
        )
        return found


async def window(
    chat: Chat,
    chrome: Browser,
    size: tuple[int, int] = PHONE,
    scheme: Literal["dark", "light"] = "light",
    **options: Any,
) -> Window:
    context = await chrome.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, locale="ja-JP", **options
    )
    page = await context.new_page()
    await page.add_init_script(WATCH)
    return Window(chat, context, page)

"""From a person's message to the counselor's screen, with many consoles open.

Every console is a real one on the wire: the page, its stream, and the same page asked for anew whenever the stream says
so, one at a time, as console.js does it. One of them is Chromium with the script itself; its time is that at which
the words stand in the document. Half of the consoles show the queue, half a conversation. A time begins when the
signed webhook is sent and ends when the words are there.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import ClientSession, ClientTimeout, TCPConnector
from playwright.async_api import Page, async_playwright

from tests.provision import chromium

from .people import Postbox, Webhook
from .wire import Message, Reader

BETWEEN = 0.5  # seconds between two messages
PATIENCE = 5.0
DANGER = "これから死にます。薬をたくさん飲みました"
COOKIE = "engawa_staff"
# Tells when words of a message are in the document, in ms since 1970.
SEEN = """
const told = {}, seen = {};
window.seenAt = (mark) => seen[mark] ?? new Promise((tell) => { told[mark] = tell; });
new MutationObserver(() => {
  const now = performance.timeOrigin + performance.now();
  for (const [mark] of document.body?.textContent.matchAll(/mark[a-j]+x/g) ?? []) {
    if (mark in seen) continue;
    seen[mark] = now;
    told[mark]?.(now);
  }
}).observe(document, { childList: true, subtree: true, characterData: true });
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counselor:
    """Somebody signed in, with somebody they answer; `person` is that one's id at the platform."""

    token: str = field(repr=False)
    person: str = field(repr=False)
    ticket: str

    @property
    def path(self) -> str:
        return f"/admin/tickets/{self.ticket}"

    def session(self, port: int) -> ClientSession:
        return ClientSession(
            f"http://localhost:{port}",
            cookies={COOKIE: self.token},
            connector=TCPConnector(limit=0),
            timeout=ClientTimeout(total=None, sock_read=60),
        )


class Console:
    """One open window: what it shows now, and who waits for something to be shown."""

    def __init__(self, session: ClientSession, path: str, stream: str) -> None:
        self._session, self._path, self._stream = session, path, stream
        self.page = ""
        self.shown = asyncio.Condition()
        self.looks = 0

    async def run(self) -> None:
        """Until cancelled: told to look again, it looks; told while it looks, it looks once more afterwards."""
        rang = asyncio.Event()
        looking = asyncio.create_task(self._look(rang))
        try:
            async with self._session.get(f"/admin/stream?{self._stream}") as response:
                assert response.status == 200, response.status
                rang.set()
                async for line in response.content:
                    if line.startswith(b"event: changed"):
                        rang.set()
        finally:
            looking.cancel()

    async def _look(self, rang: asyncio.Event) -> None:
        while True:
            await rang.wait()
            rang.clear()
            async with self._session.get(self._path, headers={"X-Fragment": "1"}) as response:
                assert response.status == 200, response.status
                page = await response.text()
            async with self.shown:
                self.page, self.looks = page, self.looks + 1
                self.shown.notify_all()

    async def looked(self) -> None:
        """Until it shows its page. Raises TimeoutError."""
        async with asyncio.timeout(60), self.shown:
            await self.shown.wait_for(lambda: self.looks > 0)

    async def shows(self, wanted: str, since: float) -> float:
        """Milliseconds from `since` until the words are on the page. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE), self.shown:
            await self.shown.wait_for(lambda: wanted in self.page)
        return (time.perf_counter() - since) * 1000


@contextlib.asynccontextmanager
async def consoles(port: int, counselors: list[Counselor], count: int) -> AsyncIterator[list[Console]]:
    """So many windows: of each counselor their conversation, then the queue."""
    async with contextlib.AsyncExitStack() as stack:
        opened = []
        for number in range(count):
            one = counselors[number % len(counselors)]
            session = await stack.enter_async_context(one.session(port))
            queue = number >= len(counselors)
            stream = "topic=queue" if queue else f"topic=thread&ticket={one.ticket}"
            opened.append(Console(session, "/admin" if queue else one.path, stream))
        tasks = [asyncio.create_task(console.run()) for console in opened]
        try:
            for console in opened:
                await console.looked()
            yield opened
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            for error in ended:
                if isinstance(error, Exception):
                    raise error


@contextlib.asynccontextmanager
async def in_chromium(port: int, one: Counselor) -> AsyncIterator[Page]:
    """The conversation in a browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**chromium.launch_options(chromium.require().path))
        home = f"http://localhost:{port}"
        context = await browser.new_context(base_url=home, locale="ja-JP")
        await context.add_cookies([{"name": COOKIE, "value": one.token, "url": home}])
        page = await context.new_page()
        await page.add_init_script(SEEN)
        await page.goto(one.path)
        await page.locator("#th-log").wait_for()
        yield page
        await browser.close()


async def measured(
    port: int, postbox: Postbox, counselors: list[Counselor], count: int, events: int, newcomer_every: int
) -> dict[str, list[float]]:
    """Milliseconds from event to screen: in a conversation, in Chromium, and of somebody new in all queues."""
    found: dict[str, list[float]] = defaultdict(list)
    chromes = counselors[0]
    async with (
        in_chromium(port, chromes) as page,
        consoles(port, counselors[1:], count - 1) as opened,
        Sender(port) as sender,
    ):
        for number in range(events):
            mark, began = marked(number), time.perf_counter()
            if newcomer_every and number % newcomer_every == newcomer_every - 1:
                newcomer = f"U{time.time_ns():032x}"
                await sender.send(postbox.says(newcomer, DANGER))
                found["somebody new, all queues"] += await on_all_queues(opened, began)
            elif number % 2:
                stamp = time.time() * 1000
                await sender.send(postbox.says(chromes.person, mark))
                async with asyncio.timeout(PATIENCE):
                    seen = await page.evaluate("(mark) => window.seenAt(mark)", mark)
                found["a message, in Chromium"].append(seen - stamp)
            else:
                at = number // 2 % (len(counselors) - 1)
                await sender.send(postbox.says(counselors[1:][at].person, mark))
                found["a message, in its conversation"].append(await opened[at].shows(mark, began))
            await asyncio.sleep(max(0.0, BETWEEN - (time.perf_counter() - began)))
    return found


async def on_all_queues(opened: list[Console], began: float) -> list[float]:
    """Milliseconds until each queue tells of one more who waits."""
    queues = [console for console in opened if 'id="q-lead"' in console.page]
    before = {id(console): waiting(console.page) for console in queues}

    async def grown(console: Console) -> float:
        async with asyncio.timeout(PATIENCE), console.shown:
            await console.shown.wait_for(lambda: waiting(console.page) > before[id(console)])
        return (time.perf_counter() - began) * 1000

    return list(await asyncio.gather(*map(grown, queues)))


def marked(number: int) -> str:
    """Words that stand nowhere else; no digits, which might be somebody's telephone."""
    said = f"{time.time_ns()}{number}".translate(str.maketrans("0123456789", "abcdefghij"))
    return f"mark{said}x"


def waiting(page: str) -> int:
    """The number at the group of those who wait."""
    return int(page.partition('id="g-waiting"')[2].partition('class="n">')[2].partition("<")[0])


class Sender:
    """The platform's one connection to our webhook."""

    def __init__(self, port: int) -> None:
        self._port, self._reader = port, Reader()

    async def __aenter__(self) -> Sender:
        self._stream, self._sink = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._sink.close()

    async def send(self, webhook: Webhook) -> None:
        """Posts it; returns when it was acknowledged."""
        self._sink.write(webhook.request)
        answers: list[Message] = []
        while not answers:
            answers = self._reader.feed(await self._stream.read(65536))
        assert answers[0].status == 200, answers[0].status

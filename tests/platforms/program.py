"""A program under the webhooks of the fakes: notes what it gets and answers as told."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Self

from aiohttp import web

Heard = Callable[[str, bytes, Mapping[str, str]], Awaitable[None]]


async def _ignore(_: str, __: bytes, ___: Mapping[str, str]) -> None:
    """Does nothing with what came."""


class Program:
    """An HTTP server on loopback. `statuses` answer the next requests, then 200; 0 cuts the connection."""

    def __init__(self, heard: Heard = _ignore) -> None:
        self.requests: list[tuple[str, bytes, dict[str, str]]] = []
        self.statuses: deque[int] = deque()
        self.open_now = self.open_most = 0
        self.url = ""
        self._heard = heard
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        self.open_now += 1
        self.open_most = max(self.open_most, self.open_now)
        try:
            raw = await request.read()
            headers = {name.lower(): value for name, value in request.headers.items()}
            self.requests.append((request.path, raw, headers))
            status = self.statuses.popleft() if self.statuses else 200
            if status == 0 and request.transport is not None:
                request.transport.abort()
            if status == 200:
                await self._heard(request.path, raw, headers)
            return web.Response(status=status or 500)
        finally:
            self.open_now -= 1

"""Connections of clients: dropped when they do not say what they want, or do not read what they asked for.

aiohttp itself waits for both without end; what it refuses before there is a route goes out without our headers.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from aiohttp import hdrs, web

from bot.edge import HEADERS

HEADERS_WITHIN = 10.0
"""Seconds for the headers of the first request; those of later ones have as long as a connection may be idle."""
READ_WITHIN = 25.0
"""Seconds a client may leave what is sent unread (B35)."""
LINGER = 2.0
"""Seconds the rest of a refused body is read, so that who sends it gets to hear so."""


class ClientConnection(web.RequestHandler):
    """One connection, with an end to its patience."""

    def __init__(self, manager: web.Server, **settings: Any) -> None:
        # Nobody who means well compresses what they send us: half a megabyte could be half a gigabyte.
        super().__init__(manager, auto_decompress=False, lingering_time=LINGER, **settings)
        self._wire: asyncio.Transport | None = None
        self._silent: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._wire = cast("asyncio.Transport", transport)
        self._silent = self._loop.call_later(HEADERS_WITHIN, self._wire.abort)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._silent is not None and self._request_count:
            self._silent.cancel()
            self._silent = None

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._wire is not None:  # a clean end would wait for who does not read
            self._unread = self._loop.call_later(READ_WITHIN, self._wire.abort)

    def resume_writing(self) -> None:
        self._stop_waiting()
        super().resume_writing()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._stop_waiting()
        if self._silent is not None:
            self._silent.cancel()
        super().connection_lost(exc)

    def _stop_waiting(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """A request that cannot be read: its status with our headers, and nothing of what was in it."""
        told = super().handle_error(request, status, exc, message)
        answer = web.Response(status=told.status, headers={**HEADERS, hdrs.CACHE_CONTROL: "no-store"})
        answer.force_close()
        return answer


class Server(web.Server):
    """Makes a `ClientConnection` for each client."""

    def __init__(self, handler: Any, request_factory: Any, settings: dict[str, Any]) -> None:
        super().__init__(handler, request_factory=request_factory)
        self._settings = settings

    def __call__(self) -> ClientConnection:
        return ClientConnection(self, loop=self._loop, **self._settings)


class Runner(web.AppRunner):
    """Runs an application on such connections."""

    async def _make_server(self) -> Server:
        made = await super()._make_server()
        return Server(made.request_handler, made.request_factory, self._kwargs)

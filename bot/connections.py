"""Connections of clients: dropped when they do not say what they want, or do not read what they asked for.

There are at most so many that descriptors are left for the database, the platforms and files. When all places are
taken, a newcomer, which may be a webhook, gets that of who has wanted nothing for longest.

aiohttp itself waits for both without end; what it refuses before there is a route goes out without our headers.
"""

from __future__ import annotations

import asyncio
import resource
from typing import Any, cast

from aiohttp import hdrs, web

from bot.edge import HEADERS

HEADERS_WITHIN = 10.0
"""Seconds for the headers of the first request; those of later ones have as long as a connection may be idle."""
READ_WITHIN = 25.0
"""Seconds a client may leave what is sent unread (B35)."""
LINGER = 2.0
"""Seconds the rest of a refused body is read, so that who sends it gets to hear so."""
MOST_FILES = 1 << 16
RESERVED = 1_536
"""Descriptors that no client gets: 512 for our own work, the rest for connections taken in one go (BACKLOG)."""


def places() -> int:
    """How many clients may be connected; raises the process's limit of open files as far as it may itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return files - min(RESERVED, files // 2)


class Guests:
    """All connections of clients, who wanted something last at the end."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[ClientConnection, None] = {}

    def come(self, guest: ClientConnection) -> None:
        """Lets a newcomer in; somebody may have to go for that: who waits for nothing, else who waits longest."""
        if len(self._known) >= self._most:
            known = iter(self._known)
            longest = next(known)
            gone = longest if longest.is_idle else next((one for one in known if one.is_idle), longest)
            self.go(gone)
            gone.drop()
        self._known[guest] = None

    def ask(self, guest: ClientConnection) -> None:
        """It wants something."""
        if guest in self._known:
            del self._known[guest]
            self._known[guest] = None

    def go(self, guest: ClientConnection) -> None:
        self._known.pop(guest, None)


class ClientConnection(web.RequestHandler):
    """One connection, with an end to its patience."""

    def __init__(self, manager: web.Server, guests: Guests, **settings: Any) -> None:
        # Nobody who means well compresses what they send us: half a megabyte could be half a gigabyte.
        super().__init__(manager, auto_decompress=False, lingering_time=LINGER, **settings)
        self._guests, self._asked = guests, 0
        self._wire: asyncio.Transport | None = None
        self._silent: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._wire = cast("asyncio.Transport", transport)
        self._guests.come(self)
        self._silent = self._loop.call_later(HEADERS_WITHIN, self._wire.abort)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._silent is not None and self._request_count:
            self._silent.cancel()
            self._silent = None
        if self._asked != self._request_count:
            self._asked = self._request_count
            self._guests.ask(self)

    @property
    def is_idle(self) -> bool:
        """Whether no request of it is being answered; a part of one is none."""
        return self._current_request is None

    def drop(self) -> None:
        """Ends it at once."""
        if self._wire is not None:
            self._wire.abort()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._wire is not None:  # a clean end would wait for who does not read
            self._unread = self._loop.call_later(READ_WITHIN, self._wire.abort)

    def resume_writing(self) -> None:
        self._stop_waiting()
        super().resume_writing()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._guests.go(self)
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

    def __init__(self, handler: Any, request_factory: Any, guests: Guests, settings: dict[str, Any]) -> None:
        super().__init__(handler, request_factory=request_factory)
        self._guests, self._settings = guests, settings

    def __call__(self) -> ClientConnection:
        return ClientConnection(self, self._guests, loop=self._loop, **self._settings)


class Runner(web.AppRunner):
    """Runs an application on such connections, at most `most` of them at once."""

    def __init__(self, app: web.Application, *, most: int = MOST_FILES, **settings: Any) -> None:
        super().__init__(app, **settings)
        self._guests = Guests(most)

    async def _make_server(self) -> Server:
        made = await super()._make_server()
        return Server(made.request_handler, made.request_factory, self._guests, self._kwargs)

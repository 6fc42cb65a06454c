"""A platform's HTTP side on loopback: takes requests, lets faults strike, keeps a record of every call."""

from __future__ import annotations

import abc
import asyncio
import itertools
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from aiohttp import ClientPayloadError, web

from tests.platforms.faults import Call, Fault, Faults

_BODY_LIMIT: Final = 16 * 1024 * 1024
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)  # SO_LINGER with no time: closing sends RST


@dataclass(frozen=True, slots=True)
class Answer:
    """What a platform answers."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Invalid:
    """A request that the platform would never take: the client has a bug."""

    call: Call
    problems: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.call.method} {self.call.path}: " + "; ".join(self.problems)


Work = Callable[[], Answer | Awaitable[Answer]]


class Loopback(abc.ABC):
    """One server on 127.0.0.1. Its port stays the same over `down` and `up`."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.calls: list[Call] = []
        self.invalid: list[Invalid] = []
        self._numbers = itertools.count(1)
        self._runner: web.AppRunner | None = None
        self._closing = asyncio.Event()
        self._stirred = asyncio.Event()
        self._port = 0

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.down()

    @property
    def url(self) -> str:
        """The base address of the API."""
        return f"http://127.0.0.1:{self._port}"

    async def up(self) -> None:
        """Listens. Called by the context manager, and after `down`."""
        app = web.Application(client_max_size=_BODY_LIMIT)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._closing.clear()
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()
        self._port = self._runner.addresses[0][1]

    async def down(self) -> None:
        """Refuses connections from now on; open ones are cut. The state is kept."""
        self._closing.set()
        self.stir()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def until(self, condition: Callable[[], bool], timeout: float = 10.0) -> None:
        """Returns when the condition holds; looked at after every call. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while not condition():
                self._stirred.clear()
                await self._stirred.wait()

    def stir(self) -> None:
        """Something happened: those who wait in `until` look again."""
        self._stirred.set()

    def assert_no_invalid(self) -> None:
        """Fails with every request that the platform would never take."""
        assert not self.invalid, "\n".join(map(str, self.invalid))

    # -- for the platform --------------------------------------------------------------------

    @abc.abstractmethod
    async def read(self, request: web.Request, number: int) -> Call:
        """The request as a call; its body is decoded, or kept as bytes if that fails."""

    @abc.abstractmethod
    def receive(self, call: Call) -> Answer | Work:
        """A refusal (token, shape), or the work that accepts the call."""

    @abc.abstractmethod
    def failure(self, fault: Fault, call: Call) -> Answer:
        """The platform's answer for a fault's status."""

    def reject(self, call: Call, problems: list[str], answer: Answer) -> Answer:
        """Notes an invalid request; returns the refusal."""
        self.invalid.append(Invalid(call, tuple(problems)))
        return answer

    # -- one request -------------------------------------------------------------------------

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        try:
            call = await self.read(request, next(self._numbers))
        except (ConnectionError, ClientPayloadError, web.RequestPayloadError):
            return web.Response(status=400)  # the client went away amid its request; nobody reads this
        self.calls.append(call)
        self.stir()
        work = self.receive(call)
        try:
            answer = work if isinstance(work, Answer) else await self._performed(call, work)
            if answer is None:
                _reset(request)
                return web.Response(status=500)  # never leaves: the connection is gone
        finally:
            self.stir()
        call.status = answer.status
        return web.Response(
            status=answer.status,
            headers=dict(answer.headers),
            content_type="application/json",
            body=json.dumps(answer.body, ensure_ascii=False).encode(errors="surrogatepass"),
        )

    async def _performed(self, call: Call, work: Work) -> Answer | None:
        """The work, with the fault that strikes it. None: the connection is to be cut."""
        fault = call.fault = self.faults.pick(call)
        if fault is None:
            return await _done(work)
        if fault.delay and not await self._open_after(asyncio.sleep(fault.delay)):
            return None
        answer = None
        if fault.accepted or not fault.fails:
            hold_first = fault.gate if not fault.accepted else None
            if hold_first is not None and not await self._open_after(hold_first.wait()):
                return None
            answer = await _done(work)
            self.stir()
        if fault.gate is not None and not await self._open_after(fault.gate.wait()):
            return None
        if fault.silent:
            await self._closing.wait()
        if fault.silent or fault.cut:
            return None
        return self.failure(fault, call) if fault.status is not None else answer

    async def _open_after(self, wait: Awaitable[object]) -> bool:
        """Waits; False if the server goes down meanwhile."""
        tasks = [asyncio.ensure_future(wait), asyncio.ensure_future(self._closing.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return not self._closing.is_set()


async def _done(work: Work) -> Answer:
    result = work()
    return result if isinstance(result, Answer) else await result


def _reset(request: web.Request) -> None:
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()

"""The HTTP edge of the platforms: verify, store, then 200. Nothing is answered before it is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog
from aiohttp import web

from bot.channels.base import Channel
from bot.clock import Clock
from bot.errors import BadInput, BadSignature, StoreUnavailable, TooLarge
from bot.messages import Inbound

MAX_BODY = 1 << 20
BODY_TIMEOUT = 10.0

Accept = Callable[[Sequence[Inbound]], Awaitable[None]]
"""Stores events durably; returns after the commit. Raises StoreUnavailable."""

log = structlog.get_logger("webhook")


async def read_body(request: web.Request, limit: int = MAX_BODY) -> bytes:
    """The whole body. Raises TooLarge over `limit` bytes, BadInput when it does not come in time."""
    if request.content_length is not None and request.content_length > limit:
        raise TooLarge
    if request.content.is_eof() and (request.content_length or 0) > 0:
        return request.content.read_nowait()  # a small body comes along with its headers
    chunks, size = [], 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > limit:
                    raise TooLarge
                chunks.append(chunk)
    except TimeoutError as error:
        raise BadInput("The body did not arrive in time.") from error
    return b"".join(chunks)


class Afterwards:
    """What is done once events are stored, and may fail."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, calls: Sequence[Callable[[], Awaitable[None]]]) -> None:
        for call in calls:
            task = asyncio.ensure_future(call())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Lets what is under way finish."""
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Webhooks:
    """`POST /webhooks/{platform}[/{account}]` for every channel that has webhooks."""

    def __init__(self, channels: Mapping[str, Channel], accept: Accept, clock: Clock) -> None:
        self._channels, self._accept, self._clock = channels, accept, clock
        self._afterwards = Afterwards()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/webhooks/{platform:line|telegram}", self.receive),
            web.post("/webhooks/{platform:line|telegram}/{account}", self.receive),
        ]

    async def receive(self, request: web.Request) -> web.Response:
        platform = request.match_info["platform"]
        name = request.match_info.get("account")
        channel = self._channels.get(f"{platform}/{name}" if name else platform)
        if channel is None:
            return web.Response(status=404)
        try:
            raw = await read_body(request)
            parsed = channel.parse(request.headers, raw, self._clock.now())
            if parsed.events:
                await self._accept(parsed.events)
        except BadSignature:
            log.warning("webhook_unsigned", platform=platform)
            return web.Response(status=401)
        except TooLarge:
            return web.Response(status=413)
        except BadInput:
            log.warning("webhook_unreadable", platform=platform)
            return web.Response(status=400)
        except StoreUnavailable:
            return web.Response(status=503, headers={"Retry-After": "1"})
        self._afterwards.run(parsed.afterwards)
        return web.Response(status=200)

    async def close(self) -> None:
        """Lets what runs after an answer finish."""
        await self._afterwards.close()

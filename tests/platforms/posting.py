"""How platforms bring webhooks: bounded concurrency, a time limit, again and again until acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp

_LONGEST_PAUSE: Final = 1.0

Webhook = tuple[bytes, Mapping[str, str]]  # body, headers
Pause = Callable[["Attempt", int], Awaitable[None]]


class NotAcknowledged(Exception):
    """The webhook was not answered with 2xx as often as it was tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try to bring a webhook: the status answered, or why there was none."""

    status: int | None = None
    error: str = ""
    retry_after: str | None = None

    @property
    def acknowledged(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


async def backoff(_: Attempt, number: int) -> None:
    """At once the first time, then a delay that doubles, as Telegram does [platforms.md], but far shorter."""
    await asyncio.sleep(0 if number == 1 else min(_LONGEST_PAUSE, 0.02 * 2 ** min(number, 10)))


class Poster:
    """Brings bodies to a URL."""

    def __init__(
        self, *, time_limit: float, connections: int = 40, attempts: int = 60, pause: Pause = backoff
    ) -> None:
        self._time_limit = aiohttp.ClientTimeout(total=time_limit)
        self._slots = asyncio.Semaphore(connections)
        self._attempts = attempts
        self._pause = pause
        self._session: aiohttp.ClientSession | None = None

    async def once(self, url: str, body: bytes, headers: Mapping[str, str]) -> Attempt:
        """One try; connection errors and time-outs are part of the result."""
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        sent = {"Content-Type": "application/json", **headers}
        async with self._slots:
            try:
                async with self._session.post(
                    url, data=body, headers=sent, timeout=self._time_limit, allow_redirects=False
                ) as response:
                    await response.read()
                    after = response.headers.get("Retry-After")
                    return Attempt(status=response.status, error=response.reason or "", retry_after=after)
            except TimeoutError:
                return Attempt(error="request_timeout")
            except (aiohttp.ClientError, ConnectionError) as error:
                return Attempt(error=type(error).__name__)

    async def until_acknowledged(
        self, url: str, made: Callable[[int], Webhook], each: Callable[[Attempt], None]
    ) -> None:
        """Tries until 2xx. `made` gives body and headers of a try (0, 1, ...); `each` is told its outcome."""
        attempt = Attempt()
        for number in range(self._attempts):
            if number:
                await self._pause(attempt, number)
            attempt = await self.once(url, *made(number))
            each(attempt)
            if attempt.acknowledged:
                return
        raise NotAcknowledged(f"{url}: {self._attempts} tries, the last one {attempt}")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

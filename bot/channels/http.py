"""The outgoing HTTP client all channels share: short timeouts, no proxies from the environment, no redirects.

It encrypts, writes and reads in threads of its own, beside the interpreter (docs/decisions/021).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import DetailedPyreqwestError, PyreqwestError

from bot.errors import Unreachable
from bot.frozen import dataclass

CONNECT_TIMEOUT = 4.0
TOTAL_TIMEOUT = 10.0  # shorter than the outbox lease
CONNECTIONS = 100
KEPT_FOR = 30.0  # seconds an idle connection is kept

CONNECTING = "client error (Connect)"
"""What is among an error's causes while there was no connection yet. Its class tells less: a connection that broke
after the request was written is a `ConnectError`, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered; the body is kept out of every `repr`. Headers are found by any case."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


class Session:
    """Connections of one channel, kept open for the next call. Close it."""

    def __init__(self) -> None:
        self._client: Client = (
            ClientBuilder()
            .timeout(timedelta(seconds=TOTAL_TIMEOUT))
            .connect_timeout(timedelta(seconds=CONNECT_TIMEOUT))
            .pool_idle_timeout(timedelta(seconds=KEPT_FOR))
            .max_connections(CONNECTIONS)
            .http1_only()
            .no_proxy()
            .follow_redirects(False)
            .build()
        )

    async def ask(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - the client's own, which knows what had left by then
    ) -> Answer:
        """The answer, whatever its status. `timeout`: seconds for this call, where it may take longer than others.

        Raises Unreachable, which knows whether the call may have arrived, and names no address.
        """
        try:
            request = self._client.request(method, url)
            if headers:
                request = request.headers(headers)
            if body is not None:
                request = request.body_bytes(body)
            if timeout is not None:
                request = request.timeout(timedelta(seconds=timeout))
            response = await request.build().send()
            return Answer(
                status=response.status, body=bytes(await response.bytes()), headers=response.headers
            )
        except (PyreqwestError, ValueError, OSError) as error:
            raise Unreachable(type(error).__name__, may_have_arrived=not _was_connecting(error)) from None

    async def close(self) -> None:
        await self._client.close()


def _was_connecting(error: Exception) -> bool:
    """Whether it is certain that nothing had left yet."""
    if not isinstance(error, DetailedPyreqwestError) or not isinstance(error.details, dict):
        return False
    return any(cause["message"] == CONNECTING for cause in error.details["causes"] or ())

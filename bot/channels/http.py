"""The outgoing HTTP client all channels share: short timeouts, no proxies from the environment, no redirects."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

from bot.errors import Unreachable

CONNECT_TIMEOUT = 4.0
TOTAL_TIMEOUT = 10.0  # shorter than the outbox lease
CONNECTIONS = 100


def new_session() -> aiohttp.ClientSession:
    """A session for one channel. Close it."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=30),
        timeout=aiohttp.ClientTimeout(total=TOTAL_TIMEOUT, connect=CONNECT_TIMEOUT),
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=True,
    )


async def post(
    session: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str]
) -> tuple[int, bytes, Mapping[str, str]]:
    """Status, body and headers (lower case) of a POST. Raises Unreachable, which knows whether it may have arrived."""
    return await ask(session, "POST", url, body, headers)


async def ask(
    session: aiohttp.ClientSession, method: str, url: str, body: bytes | None, headers: dict[str, str]
) -> tuple[int, bytes, Mapping[str, str]]:
    """As `post`, by any method."""
    try:
        async with session.request(
            method, url, data=body, headers=headers, allow_redirects=False
        ) as response:
            answer = await response.read()
            return response.status, answer, response.headers
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise Unreachable(type(error).__name__, may_have_arrived=False) from None
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise Unreachable(type(error).__name__) from None

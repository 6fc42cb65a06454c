"""Whose address a request has, behind proxies that are known, and by forged headers (B38)."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot import edge

OURS = tuple(ip_network(one) for one in ("127.0.0.1", "10.1.0.0/16", "fd00::/8"))


async def asked(headers: list[tuple[str, str]], *, trusted: bool = True) -> str:
    """The caller's address as a handler sees it."""

    async def tell(request: web.Request) -> web.Response:
        return web.Response(text=request.remote)

    app = web.Application(middlewares=[edge.behind(OURS if trusted else ())])
    app.router.add_get("/", tell)
    async with TestClient(TestServer(app)) as client:
        return await (await client.get("/", headers=headers)).text()


@pytest.mark.parametrize(
    ("forwarded", "caller"),
    [
        ([], "127.0.0.1"),
        (["192.0.2.7"], "192.0.2.7"),
        (["198.51.100.9, 192.0.2.7"], "192.0.2.7"),
        (["198.51.100.9", "192.0.2.7"], "192.0.2.7"),
        (["192.0.2.7, 10.1.2.3"], "192.0.2.7"),
        (["192.0.2.7, 10.1.2.3, fd00::5"], "192.0.2.7"),
        (["10.1.2.3"], "10.1.2.3"),
        (["192.0.2.7, ::ffff:10.1.2.3"], "192.0.2.7"),
        (["2001:db8::1"], "2001:db8::1"),
        (["192.0.2.7, unknown"], "127.0.0.1"),
        (["192.0.2.7, <script>, 10.1.2.3"], "10.1.2.3"),
        (["10.2.0.1"], "10.2.0.1"),
        (["198.51.100.9, 10.2.0.1"], "10.2.0.1"),
    ],
)
async def test_the_nearest_that_is_not_ours(forwarded: list[str], caller: str) -> None:
    assert await asked([("X-Forwarded-For", value) for value in forwarded]) == caller


async def test_nobody_is_believed_unasked() -> None:
    """Without a trusted proxy, and by other headers, an address cannot be claimed."""
    assert await asked([("X-Forwarded-For", "192.0.2.7")], trusted=False) == "127.0.0.1"
    for name in ("Forwarded", "X-Real-IP", "True-Client-IP"):
        assert await asked([(name, "for=192.0.2.7")]) == "127.0.0.1"

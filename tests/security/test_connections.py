"""Connections that do not say what they want, or do not read (B24, B34, B35), on a real socket."""

from __future__ import annotations

import asyncio
import gzip
import resource
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from bot import connections
from bot.connections import Runner
from bot.edge import HEADERS, headers

SOON = 0.3  # seconds
MOST = 12


@pytest.fixture
async def runner(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runner]:
    """A server with a page that is larger than every buffer."""
    monkeypatch.setattr(connections, "HEADERS_WITHIN", SOON)
    monkeypatch.setattr(connections, "READ_WITHIN", SOON)

    async def large(_request: web.Request) -> web.Response:
        return web.Response(body=b"x" * (32 << 20))

    async def slow(_request: web.Request) -> web.Response:
        await asyncio.sleep(SOON * 2)
        return web.Response(text="late")

    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.Event().wait()
        return response

    app = web.Application()
    app.router.add_post("/echo", echo)
    app.on_response_prepare.append(headers)
    app.router.add_get("/large", large)
    app.router.add_get("/slow", slow)
    app.router.add_get("/stream", stream)
    runner = Runner(app, most=MOST, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner
    await runner.cleanup()


@pytest.fixture
def port(runner: Runner) -> int:
    return int(runner.addresses[0][1])


async def sent(port: int, raw: bytes) -> bytes:
    """Everything that comes back until the server closes. Raises TimeoutError when it does not."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    try:
        async with asyncio.timeout(10):
            return await reader.read(-1)
    except ConnectionResetError:
        return b""
    finally:
        writer.transport.abort()


async def test_who_says_nothing_is_dropped(port: int) -> None:
    for silence in (b"", b"GET /slow HTTP/1.1\r\nHost: x\r\n"):
        assert await sent(port, silence) == b""


async def test_an_answer_may_take_longer_than_the_headers(port: int) -> None:
    got = await sent(port, b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert got.endswith(b"late")


async def test_who_does_not_read_is_dropped(runner: Runner, port: int) -> None:
    """The server keeps nothing of them, although the rest was never fetched."""
    assert runner.server is not None
    with socket.create_connection(("127.0.0.1", port)) as silent:
        silent.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(10):
            while not runner.server.requests_count or runner.server.connections:
                await asyncio.sleep(0.02)
        got = 0
        while piece := silent.recv(1 << 20):
            got += len(piece)
        assert 0 < got < 32 << 20


async def test_who_reads_gets_everything(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "READ_WITHIN", 60.0)
    whole = await sent(port, b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert len(whole) > 32 << 20


async def test_nothing_is_unpacked(port: int) -> None:
    """A body of half a megabyte stays half a megabyte, whatever it says it is (B29)."""
    packed = gzip.compress(b"0" * (8 << 20))
    head = f"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n"
    got = await sent(port, head.encode() + b"Connection: close\r\n\r\n" + packed)
    assert got.endswith(packed)


@pytest.mark.parametrize(
    "raw",
    [
        b"secret\x00 words\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"secret" * 2_000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +4\r\n\r\nsecret",
    ],
)
async def test_what_cannot_be_read_is_refused_with_our_headers(port: int, raw: bytes) -> None:
    """400, all headers, no version of anything, none of what was sent."""
    got = await sent(port, raw)
    assert got.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    for name, value in HEADERS.items():
        assert f"{name}: {value}\r\n".encode() in got
    assert b"Cache-Control: no-store\r\n" in got
    assert b"secret" not in got
    assert b"aiohttp" not in got


async def opened(
    port: int, raw: bytes, number: int
) -> list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """So many connections, one after the other, each with its first words."""
    found = []
    for _ in range(number):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(raw)
        if raw.endswith(b"\r\n\r\n"):
            await reader.readuntil(b"\r\n\r\n")
        found.append((reader, writer))
    return found


async def test_a_newcomer_always_has_a_place(
    runner: Runner, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many wait, half-say something or listen: who brings a request now is answered (B34)."""
    monkeypatch.setattr(connections, "HEADERS_WITHIN", 60.0)
    assert runner.server is not None
    listening = await opened(port, b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n", 6)
    waiting = await opened(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n", 20)
    halves = await opened(port, b"POST /echo HTTP/1.1\r\nHo", 40)
    brought = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\n12345"
    for _ in range(20):
        assert (await sent(port, brought)).endswith(b"12345")
        assert len(runner.server.connections) <= MOST
    assert not any(reader.at_eof() for reader, _ in listening), "who listens goes last"
    more = await opened(port, b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n", MOST)
    assert (await sent(port, brought)).endswith(b"12345")
    for _, writer in (*listening, *waiting, *halves, *more):
        writer.transport.abort()


def test_places_leave_descriptors_for_our_own_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine allows: the limit is raised as far as it may be, and some of it no client gets."""
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: raised.append(limits))
    for soft, hard, most in ((1024, 4096, 2560), (1024, 1024, 512), (20000, 20000, 18464), (256, -1, 64_000)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, found=(soft, hard): found)
        assert connections.places() == most
    assert raised == [(4096, 4096), (65536, -1)]

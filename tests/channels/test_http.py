"""The outgoing client: what may have arrived is never taken for what has not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from bot.channels import http
from bot.channels.http import Session
from bot.errors import Unreachable

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
SECRET = "a-token-in-the-path"


@pytest.fixture
async def session() -> AsyncIterator[Session]:
    session = Session()
    yield session
    await session.close()


@asynccontextmanager
async def platform(handle: Handle) -> AsyncIterator[str]:
    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/{SECRET}"


def says(answer: bytes) -> Handle:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    return handle


async def test_an_answer_has_its_status_its_body_and_its_headers_by_any_case(session: Session) -> None:
    async with platform(says(b"HTTP/1.1 429 No\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}")) as url:
        answer = await session.ask("POST", url, b"x", {"Authorization": "Bearer y"})
    assert (answer.status, answer.body) == (429, b"{}")
    assert answer.headers.get("retry-after") == "7"
    assert "{}" not in repr(answer)


async def test_nothing_left_while_nobody_listens(session: Session) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(Unreachable) as caught:
            await session.ask("POST", f"http://127.0.0.1:{port}/{SECRET}", b"x")
    assert not caught.value.may_have_arrived
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_nothing_left_where_no_tls_is_spoken(session: Session) -> None:
    async with platform(says(b"")) as url:
        with pytest.raises(Unreachable) as caught:
            await session.ask("POST", url.replace("http://", "https://"), b"x")
    assert not caught.value.may_have_arrived


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", b"nonsense\r\n\r\n"],
    ids=["closed", "half", "unreadable"],
)
async def test_it_may_have_arrived_when_the_answer_fails(session: Session, answer: bytes) -> None:
    async with platform(says(answer)) as url:
        with pytest.raises(Unreachable) as caught:
            await session.ask("POST", url, b"x")
    assert caught.value.may_have_arrived
    assert SECRET not in str(caught.value)


async def test_it_may_have_arrived_when_the_connection_breaks_amid_the_request(session: Session) -> None:
    async def abort(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.transport.abort()

    async with platform(abort) as url:
        with pytest.raises(Unreachable) as caught:
            await session.ask("POST", url, b"x" * 5_000_000)
    assert caught.value.may_have_arrived


async def test_it_may_have_arrived_when_no_answer_comes_in_time(session: Session) -> None:
    silent = asyncio.Event()

    async def wait(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await silent.wait()

    async with platform(wait) as url:
        with pytest.raises(Unreachable) as caught:
            await session.ask("POST", url, b"x", timeout=0.05)
        silent.set()
    assert caught.value.may_have_arrived


async def test_no_redirect_is_followed(session: Session) -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    async with platform(says(redirect)) as url:
        assert (await session.ask("GET", url)).status == 302


async def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    session = Session()
    async with platform(says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as url:
        assert (await session.ask("GET", url)).status == 200
    await session.close()


async def test_an_address_nobody_can_read_is_told_as_unreachable(session: Session) -> None:
    with pytest.raises(Unreachable):
        await session.ask("GET", "no address")


async def test_after_close_nothing_leaves(session: Session) -> None:
    await session.close()
    with pytest.raises(Unreachable):
        await session.ask("GET", "http://127.0.0.1:1/")


def test_no_call_lasts_longer_than_the_lease_of_its_row() -> None:
    assert http.CONNECT_TIMEOUT < http.TOTAL_TIMEOUT < 15

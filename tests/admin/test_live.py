"""The live stream: when it rings, and when it ends."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import ClientResponse

from admin import live
from tests.admin.conftest import House


async def event(response: ClientResponse) -> str:
    """The name of the next event; empty at the end of the stream."""
    async with asyncio.timeout(5):
        async for raw in response.content:
            line = raw.decode().strip()
            if line.startswith("event: "):
                return line.removeprefix("event: ")
    return ""


async def opened(response: ClientResponse) -> None:
    """Once the first line is there, the stream hears everything."""
    async with asyncio.timeout(5):
        assert (await response.content.readline()).startswith(b"retry:")


async def test_the_queue_rings_when_somebody_comes(house: House) -> None:
    browser = await house.signed_in()
    async with browser.stream("topic=queue") as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert "no-store" in response.headers["Cache-Control"]
        await opened(response)
        await house.risk()
        assert await event(response) == "changed"


async def test_a_conversation_rings_for_who_may_see_it(house: House) -> None:
    ticket = await house.request("u1")
    browser, other = await house.signed_in(), await house.signed_in("sakurai", "さくらい")
    await browser.post(f"/admin/tickets/{ticket}/claim")
    async with other.stream(f"topic=thread&ticket={ticket}") as response:
        assert response.status == 404
    async with browser.stream("topic=thread&ticket=%00") as response:
        assert response.status == 404
    async with browser.stream(f"topic=thread&ticket={ticket}") as response:
        await opened(response)
        await house.hear(house.line.heard("u1", "ことば"))
        assert await event(response) == "changed"


async def test_leaving_ends_the_stream_at_once(house: House) -> None:
    browser = await house.signed_in()
    async with browser.stream("topic=queue") as response:
        await opened(response)
        await browser.get("/admin")
        await browser.post("/admin/logout")
        assert await event(response) == ""


async def test_a_session_that_ran_out_ends_its_stream(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = await house.signed_in()
    monkeypatch.setattr(live, "RECHECK", 0.0)
    async with browser.stream("topic=queue") as response:
        await opened(response)
        house.later(31)
        await house.risk()
        assert await event(response) == ""


async def test_quiet_times_have_a_heartbeat(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = await house.signed_in()
    monkeypatch.setattr(live, "HEARTBEAT", 0.01)
    async with browser.stream("topic=queue") as response:
        await opened(response)
        assert await event(response) == "heartbeat"


async def test_streams_of_a_session_are_bounded_and_left_ones_make_room(house: House) -> None:
    browser = await house.signed_in()
    held = []
    for _ in range(live.PER_SESSION):
        response = await browser.stream("topic=queue").__aenter__()
        await opened(response)
        held.append(response)
    async with browser.stream("topic=queue") as response:
        assert response.status == 503
    held.pop().close()
    async with asyncio.timeout(5):
        while True:
            async with browser.stream("topic=queue") as response:
                if response.status == 200:
                    break
    for response in held:
        response.close()

"""The live stream of a talk: what rings it, and that nothing waits for its heartbeat."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientResponse

from bot.channels.webchat import stream
from tests.webchat.conftest import Chat, Visitor


async def messages(response: ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """The messages of an open stream, as they come."""
    kind = ""
    async for raw in response.content:
        name, _, value = raw.decode().strip().partition(": ")
        if name == "event":
            kind = value
        elif name == "data" and kind == "message":
            yield json.loads(value)


async def until(told: AsyncIterator[dict[str, Any]], words: str) -> None:
    async with asyncio.timeout(30):
        async for message in told:
            if words in message["text"]:
                return
    raise AssertionError("the stream ended")


async def test_a_talk_begun_after_erasing_arrives_in_the_stream_that_is_open(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is known at this address for a while: the first message of the new talk rings."""
    monkeypatch.setattr(stream, "HEARTBEAT", 600.0)
    async with chat.visitor() as visitor:
        await visitor.begins()
        async with visitor.http.get("/chat/api/stream?after=0") as response:
            told = messages(response)
            await until(told, "ここは自動で答える案内所です")
            await erase(visitor)
            await until(told, "消しました")
            await visitor.says("家族")
            await until(told, "ここまで支えてこられたこと")


async def erase(visitor: Visitor) -> None:
    await visitor.says("わたしの記録を消す")
    _, body = await visitor.api("/messages?after=0")
    choice = next(one["id"] for one in body["messages"][-1]["choices"] if one["label"] == "消す")
    status, _ = await visitor.api(
        "/messages", {"client_id": "00000000-0000-4000-8000-000000000001", "choice_id": choice}
    )
    assert status == 202

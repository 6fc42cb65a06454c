"""C-10 in the web chat: violence at home on a phone others read. Distance first, hidden by a tap, resumed by a word."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.handoff.risk import Level
from bot.handoff.ticket import Status
from bot.store import tickets as ticket_store
from tests.acceptance.serving import Serving, Visitor, serving

NEUTRAL = "本日のお知らせはありません。"
TOPIC = ("暴力", "DV", "通報", "けが", "投げられ")


@pytest.fixture
async def house(ready_url: str) -> AsyncIterator[Serving]:
    async with serving(ready_url) as running:
        yield running


async def said(visitor: Visitor, house: Serving, text: str) -> list[dict[str, Any]]:
    """What the bot answers to a text."""
    return await _answer(visitor, house, {"text": text})


async def tapped(visitor: Visitor, house: Serving, label: str) -> list[dict[str, Any]]:
    """What the bot answers to a tap on the latest button of that label."""
    choices = [choice for message in await visitor.thread() for choice in message["choices"]]
    choice_id = next(choice["id"] for choice in reversed(choices) if choice["label"] == label)
    return await _answer(visitor, house, {"choice_id": choice_id})


async def _answer(visitor: Visitor, house: Serving, sent: dict[str, str]) -> list[dict[str, Any]]:
    known = {message["seq"] for message in await visitor.thread()}
    message = json.dumps({"client_id": uuid.uuid4().hex, **sent}).encode()
    status, _ = await visitor.call("POST", "/messages", message)
    assert status == 202
    await house.settled()
    return [m for m in await visitor.thread() if m["seq"] not in known and m["from"] == "bot"]


async def test_violence_at_home_on_a_shared_phone(house: Serving) -> None:
    visitor = Visitor(house)
    await visitor.begins()

    opened = await said(visitor, house, "きのう物を投げられて、手にけがをしました")
    words = "\n".join(message["text"] for message in opened)
    assert "離れる" in words
    assert "110" in words
    assert "119" in words
    assert "話し合" not in words
    assert "？" not in words

    hidden = await tapped(visitor, house, "画面をかくす")
    assert [message["text"] for message in hidden] == [NEUTRAL]
    last = (await visitor.thread())[-1]
    assert last["text"] == NEUTRAL
    assert not any(topic in last["text"] for topic in TOPIC)

    await said(visitor, house, "つづき")
    places = await tapped(visitor, house, "いま話せる所")
    assert "110" in "".join(message["text"] for message in places)


async def test_people_are_called_with_rule_and_level(house: Serving) -> None:
    """The ticket holds rule, level and place; the queue shows them, and no words."""
    visitor = Visitor(house)
    await visitor.begins()
    await said(visitor, house, "きのう物を投げられて、手にけがをしました")
    engawa = house.engawa
    (waiting,) = await engawa.database.read(
        ticket_store.queue, engawa.sealer, engawa.operator_id, Status.WAITING, None
    )
    assert waiting.ticket.priority >= Level.HIGH
    assert {hit.category for hit in waiting.ticket.hits} >= {"abuse"}
    assert "けが" not in repr(waiting)

"""Fakes with a clock that stands, and the real SDKs pointed at them."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import telegram
from telegram.request import HTTPXRequest

from tests.platforms import FakeLine, FakeTelegram
from tests.platforms.measure import described

messaging: Any = importlib.import_module("linebot.v3.messaging")  # the SDK ships no types


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests hold the fakes against the platforms' own descriptions; without those there is nothing to hold."""
    if not described():
        reason = "the platforms' descriptions are absent; see ENGAWA_TEST_OPENAPI in CONTRIBUTING.md"
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=reason))


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 1_750_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def line(clock: Clock) -> AsyncIterator[FakeLine]:
    async with FakeLine(clock=clock) as fake:
        yield fake


@pytest.fixture
async def line_sdk(line: FakeLine) -> AsyncIterator[Any]:
    """The real SDK, pointed at the fake."""
    configuration = messaging.Configuration(host=line.url, access_token=line.access_token)
    async with messaging.AsyncApiClient(configuration) as client:
        yield messaging.AsyncMessagingApi(client)


@pytest.fixture
async def bot_api(clock: Clock) -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram(clock=clock) as fake:
        yield fake


@pytest.fixture
async def bot(bot_api: FakeTelegram) -> AsyncIterator[telegram.Bot]:
    """The real SDK, pointed at the fake."""
    requests = [HTTPXRequest(httpx_kwargs={"trust_env": False}) for _ in range(2)]
    made = telegram.Bot(
        bot_api.token, base_url=bot_api.url + "/bot", request=requests[0], get_updates_request=requests[1]
    )
    yield made
    await made.shutdown()
    for request in requests:
        await request.shutdown()

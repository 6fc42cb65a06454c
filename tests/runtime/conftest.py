"""A whole house on a ready database, driven step by step: nothing runs by itself unless a test starts it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import House

__all__ = ["house"]


@pytest.fixture
async def house(ready_url: str) -> AsyncIterator[House]:
    """One process, on either database."""
    channel, clock = FakeChannel(), FakeClock()
    async with an_engawa(ready_url, clock=clock, channels=[channel]) as engawa:
        yield House(engawa=engawa, channel=channel, clock=clock)

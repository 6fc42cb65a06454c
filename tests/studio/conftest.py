"""Every test here may ask for `office`: it then runs on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.testing import FakeClock, an_engawa
from tests.studio.office import Office, an_office


@pytest.fixture
async def office(ready_url: str) -> AsyncIterator[Office]:
    """An installation with two editors and two reviewers."""
    clock = FakeClock()
    async with an_engawa(ready_url, clock=clock) as engawa:
        yield await an_office(engawa, clock)

"""Every test here may ask for `office`: it then runs on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.testing import FakeClock, an_engawa
from tests.store.ready import (
    filled_postgresql,
    filled_sqlite,
    ready_postgresql_url,
    ready_sqlite_url,
    ready_url,
)
from tests.studio.office import Office, an_office

__all__ = ["filled_postgresql", "filled_sqlite", "ready_postgresql_url", "ready_sqlite_url", "ready_url"]


@pytest.fixture
async def office(ready_url: str) -> AsyncIterator[Office]:
    """An installation with two editors and two reviewers."""
    clock = FakeClock()
    async with an_engawa(ready_url, clock=clock) as engawa:
        yield await an_office(engawa, clock)

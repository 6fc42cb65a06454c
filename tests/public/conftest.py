"""A running house, and browsers, as the web chat's tests have them."""

from __future__ import annotations

from tests.store.ready import filled_sqlite, ready_sqlite_url
from tests.webchat.conftest import chat, chrome

__all__ = ["chat", "chrome", "filled_sqlite", "ready_sqlite_url"]

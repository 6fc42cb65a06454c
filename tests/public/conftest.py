"""A running house, and browsers, as the web chat's tests have them."""

from __future__ import annotations

from tests.webchat.conftest import chat, chrome

__all__ = ["chat", "chrome"]

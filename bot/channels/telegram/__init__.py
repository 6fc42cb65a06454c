"""Telegram: webhooks or long polling in, one message a turn out. `python-telegram-bot` over our own client.

Telegram has no idempotency key, so a send whose outcome is unknown is tried again: at least once, and said so.
"""

from __future__ import annotations

from bot.channels.telegram.channel import Telegram
from bot.channels.telegram.sender import CAPABILITIES
from bot.channels.telegram.updates import SECRET_HEADER

__all__ = ["CAPABILITIES", "SECRET_HEADER", "Telegram"]

"""What follows from one event of a conversation. Pure: `policy.take_turn` is where the order of policy is written."""

from __future__ import annotations

from bot.conversation.danger import MOST_CHOICES, RISK_UNANSWERED
from bot.conversation.policy import take_turn
from bot.conversation.waking import LATE, UNDELIVERED

__all__ = ["LATE", "MOST_CHOICES", "RISK_UNANSWERED", "UNDELIVERED", "take_turn"]

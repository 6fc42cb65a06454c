"""What LINE keeps count of: reply tokens, retry keys, and what was delivered to whom."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

RETRY_KEY_LIFE: Final = 24 * 3600.0  # [platforms.md, Retry key]
REPLY_TOKEN_LIFE: Final = 60.0  # after each delivery of the webhook [platforms.md, Reply]
REPLY_TOKEN_END: Final = 20 * 60.0  # after the event, whatever was redelivered [platforms.md, Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What one accepted call brought to one user, group or room."""

    to: str
    via: str  # reply or push
    messages: tuple[dict[str, Any], ...]
    key: str  # the reply token, or the retry key (empty without)
    event_id: str  # the webhook event that gave the reply token; empty for a push
    silent: bool
    at: float


@dataclass(slots=True, kw_only=True)
class ReplyToken:
    """Works once, and not for long."""

    to: str
    event_id: str
    event_at: float
    delivered_at: float
    used: bool = False

    def works(self, now: float) -> bool:
        ends_at = min(self.delivered_at + REPLY_TOKEN_LIFE, self.event_at + REPLY_TOKEN_END)
        return not self.used and now <= ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedKey:
    """A retry key that was accepted; a repeat is answered with this for 24 hours."""

    at: float
    request_id: str
    sent: list[dict[str, str]]

    def holds(self, now: float) -> bool:
        return now < self.at + RETRY_KEY_LIFE


@dataclass(slots=True)
class Deliveries:
    """Everything that was delivered, in order: by call, and the messages by receiver."""

    all: list[Delivered] = field(default_factory=list)
    by_receiver: defaultdict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, one: Delivered) -> None:
        self.all.append(one)
        self.by_receiver[one.to].extend(one.messages)

    def free_share(self) -> float:
        """The share of messages that went out by the free reply call."""
        free = sum(len(one.messages) for one in self.all if one.via == "reply")
        total = sum(len(one.messages) for one in self.all)
        return free / total if total else 1.0

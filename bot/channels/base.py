"""What a channel is, to the rest of the house."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.frozen import dataclass
from bot.messages import Hold, Inbound, Outgoing


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A webhook's events; `afterwards` runs once they are stored, and may fail (e.g. a button's progress mark)."""

    events: Sequence[Inbound]
    afterwards: Sequence[Callable[[], Awaitable[None]]] = ()
    ignored: int = 0


class WebhookState(StrEnum):
    """What a platform says of the address it brings events to. `ELSEWHERE`: it is not ours."""

    OK = "ok"
    POLLING = "polling"
    UNSET = "unset"
    ELSEWHERE = "elsewhere"
    FAILING = "failing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What an account's platform tells of it: no text, no ids. `problem` is a short code, never the platform's words.

    `pending`: updates the platform still holds. `quota_left`: pushes left this month, None where there is no limit.
    `clock_skew`: seconds our clock is ahead of the platform's.
    """

    webhook: WebhookState
    problem: str = ""
    pending: int | None = None
    quota_left: int | None = None
    clock_skew: float | None = None


class Channel(Protocol):
    """One account on one platform."""

    @property
    def account(self) -> str: ...

    async def open(self) -> None:
        """Gets ready to send; must not depend on the platform being up."""
        ...

    async def close(self) -> None: ...

    def parse(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> Parsed:
        """Verifies and reads a webhook. Raises BadSignature or BadInput; one odd event never drops its batch."""
        ...

    def route(self, outgoing: Outgoing, now: datetime) -> str | Hold | None:
        """How this send leaves now, or until when it waits; None when it must not be tried any more."""
        ...

    async def send(self, outgoing: Outgoing) -> None:
        """Sends by `outgoing.via`. Returns when it is known to have arrived; raises a SendError otherwise."""
        ...

    async def check(self) -> Health:
        """Asks the platform how the account is. Raises a SendError when it cannot be asked."""
        ...

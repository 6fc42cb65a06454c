"""What a channel is, to the rest of the house."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.messages import Inbound, Outgoing


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A webhook's events; `afterwards` runs once they are stored, and may fail (e.g. a button's progress mark)."""

    events: Sequence[Inbound]
    afterwards: Sequence[Callable[[], Awaitable[None]]] = ()
    ignored: int = 0


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

    def route(self, outgoing: Outgoing, now: datetime) -> str | None:
        """How this send leaves now; None when it must not be tried any more."""
        ...

    async def send(self, outgoing: Outgoing) -> None:
        """Sends by `outgoing.via`. Returns when it is known to have arrived; raises a SendError otherwise."""
        ...

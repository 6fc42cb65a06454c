"""Time and fresh ids, the two things the pure core must be given. Instants are aware UTC."""

from __future__ import annotations

import secrets
import time
import uuid
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where `now` comes from."""

    def now(self) -> datetime: ...

    def steady(self) -> float:
        """Seconds since some moment, which go on evenly when the machine's clock is set."""


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def steady(self) -> float:
        return time.monotonic()


def new_id() -> str:
    """A time-ordered UUID (RFC 9562 version 7) as 32 hex digits: for tickets, staff, releases."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | secrets.randbits(80)
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return f"{value:032x}"


def random_id() -> str:
    """A random UUID (version 4) as 32 hex digits: for contacts, whose ids must leak no times."""
    return uuid.uuid4().hex

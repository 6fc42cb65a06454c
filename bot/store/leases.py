"""Time by which processes tell each other's leases: the database's clock, counted on by a clock nobody sets.

A machine's clock may be set by a minute at any time. By it a send that is under way would look like that of a dead
process, and be sent again beside itself, or after the next message. On SQLite there is no other process.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, select

from bot.clock import Clock
from bot.store.dialect import has_row_locks

LEARN_EVERY = 60.0  # seconds; two quartzes drift apart by seconds a day
TOO_LONG = 1.0  # seconds; an answer that took longer tells nothing of when it was given
PATIENCE = 5.0  # seconds after an outage for everybody to mark what they sent


class Leases:
    """One process's view of that time; safe to read from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = clock.now() - self._steady()
        self._learned: float | None = None
        self._outage: tuple[datetime, float] | None = None

    def _steady(self) -> datetime:
        return datetime.fromtimestamp(0, UTC) + timedelta(seconds=self._clock.steady())

    def now(self) -> datetime:
        """From when a lease that is taken now counts."""
        return self._steady() + self._ahead

    def over(self) -> datetime:
        """Leases that end by then are over. Soon after an outage none is that ended in it: its holder may live, and
        could not mark what it sent."""
        if self._outage is not None:
            began, until = self._outage
            if time.monotonic() < until:
                return began
            self._outage = None
        return self.now()

    def outage(self) -> None:
        """The database is away."""
        began = self.over()
        self._outage = (began, time.monotonic() + PATIENCE)

    def learn(self, connection: Connection) -> None:
        """Asks the database for its time, once a minute."""
        at, began = self._clock.steady(), time.monotonic()
        if not has_row_locks(connection) or (self._learned is not None and at - self._learned < LEARN_EVERY):
            return
        found = connection.scalar(select(func.clock_timestamp()))
        if found is not None and time.monotonic() - began < TOO_LONG:
            self._ahead, self._learned = found - self._steady(), at

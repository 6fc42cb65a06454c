"""A counselor in the middle of it all: takes everybody in danger, and it is noted what was on its way then."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bot.app import Engawa
from bot.clock import Clock
from bot.config import Settings
from bot.errors import Conflict
from bot.handoff.ticket import Status
from bot.messages import SILENCED_BY_CLAIM
from bot.store import staff
from bot.store.migrate import DEFAULT_OPERATOR
from bot.store.schema import outbox

LOGIN = "mizuno"


class _MovedClock:
    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(self._file.read_text() or 0))

    def steady(self) -> float:
        return time.monotonic()


class Claims:
    """Who was taken, and which sends had begun by then."""

    def __init__(self) -> None:
        self._begun: dict[str, set[int]] = {}

    async def claim_all(self, settings: Settings, clock_file: Path) -> None:
        """One more process of the same installation, for as long as it takes."""
        clock: Clock = _MovedClock(clock_file)
        engawa = Engawa(settings, clock=clock)
        await engawa.prepare()
        await engawa.start()
        try:
            database = engawa.database
            if await database.read(staff.by_login, DEFAULT_OPERATOR, LOGIN) is None:
                await database.write(staff.add, DEFAULT_OPERATOR, LOGIN, "水野", "counselor", None)
            member = await database.read(staff.by_login, DEFAULT_OPERATOR, LOGIN)
            assert member is not None
            for one in await engawa.desk.queue(member, Status.WAITING):
                with contextlib.suppress(Conflict):
                    await engawa.desk.claim(member, one.ticket.id)
                    contact_id = one.ticket.contact_id
                    rows = await database.read(_rows_of, contact_id)
                    self._begun[contact_id] = {row.seq for row in rows if row.state != "queued"}
        finally:
            await engawa.stop()

    def broken(self, rows: Iterable[Any]) -> int:
        """How many of the machine's sends began after the claim."""
        return sum(
            row.contact_id in self._begun
            and row.seq not in self._begun[row.contact_id]
            and row.purpose in SILENCED_BY_CLAIM
            and row.state in ("sending", "sent", "uncertain")
            for row in rows
        )

    def __len__(self) -> int:
        return len(self._begun)


def _rows_of(connection: Any, contact_id: str) -> list[Any]:
    return list(connection.execute(select(outbox).where(outbox.c.contact_id == contact_id)).all())

"""The audit chain's head, kept elsewhere once a day: a line of a file, a line of the log, and a webhook."""

from __future__ import annotations

import asyncio
import os
from datetime import date
from pathlib import Path

import structlog

from bot.alerting import Alerting
from bot.clock import Clock
from bot.errors import SendError, StoreUnavailable
from bot.store import audit
from bot.store.audit import Head
from bot.store.database import Database

LOOK_EVERY = 3600  # seconds

log = structlog.get_logger("audit")


class Heads:
    """Keeps the head of each day on which anything was noted."""

    def __init__(self, database: Database, clock: Clock, alerting: Alerting) -> None:
        self._database, self._clock, self._alerting = database, clock, alerting
        self._kept: tuple[date, int] | None = None

    async def look(self) -> None:
        """Keeps the head if this process has not kept one today. A place that fails is told, and tried again."""
        try:
            head = await self._database.read(audit.head)
        except StoreUnavailable:
            log.warning("store_unavailable", worker="audit")
            return
        today = self._clock.now().date()
        if head is None or self._kept == (today, head.seq) or (self._kept or (None,))[0] == today:
            return
        log.info("audit_head", day=today.isoformat(), seq=head.seq, mac=head.mac)
        if await self._kept_in_file(head) and await self._told(head):
            self._kept = (today, head.seq)

    async def _kept_in_file(self, head: Head) -> bool:
        if not self._alerting.heads_file:
            return True
        line = f"{self._clock.now().isoformat(timespec='seconds')} {head.seq} {head.mac}\n"
        try:
            await asyncio.to_thread(_append, Path(self._alerting.heads_file), line)
        except OSError as error:
            log.error("audit_head_not_kept", error=type(error).__name__)
            return False
        return True

    async def _told(self, head: Head) -> bool:
        if not self._alerting.heads_url:
            return True
        from bot.channels.alerts import Webhook

        webhook = Webhook(self._alerting.heads_url)
        try:
            await webhook.post({"audit_head": {"seq": head.seq, "mac": head.mac}})
        except SendError as error:
            log.error("audit_head_not_kept", error=error.code)
            return False
        finally:
            await webhook.close()
        return True


def _append(path: Path, line: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, line.encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: Path) -> list[Head]:
    """The heads of a file. Raises OSError, or ValueError with the number of the line that is none."""
    found = []
    for number, line in enumerate(path.read_text("ascii").splitlines(), start=1):
        parts = line.split()
        if len(parts) != 3 or not parts[1].isdigit() or len(parts[2]) != 64:
            raise ValueError(f"line {number} is no head")
        found.append(Head(int(parts[1]), parts[2]))
    return found

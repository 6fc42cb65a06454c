"""`engawa audit`: is the chain whole, and who read what."""

from __future__ import annotations

import csv
import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path

from admin.cells import cell
from bot.audit_heads import read
from bot.config import Settings
from bot.errors import BadInput
from bot.handoff.hours import TOKYO
from bot.store import audit
from bot.store.database import Database, transact
from bot.store.migrate import DEFAULT_OPERATOR

COLUMNS = ("seq", "at", "staff", "action", "purpose", "ref")


def verify(settings: Settings, heads: Path | None) -> list[str]:
    """What is wrong with the chain. Raises BadInput for a file of heads that cannot be read."""
    path = heads or (Path(settings.alerting.heads_file) if settings.alerting.heads_file else None)
    try:
        known = read(path) if path is not None else []
    except (OSError, ValueError) as error:
        raise BadInput(f"The file of heads cannot be read: {error}.") from error
    database = Database.open(settings.database_url)
    problems: list[str] = transact(
        database.engine, lambda connection: audit.verify(audit.events(connection), settings.keyring, known)
    )
    return problems


def export(settings: Settings, since: date | None, until: date | None) -> int:
    """Writes events as CSV to standard output, the newest first; how many."""
    database = Database.open(settings.database_url)
    found: list[audit.Entry] = transact(
        database.engine,
        lambda connection: audit.entries(
            connection,
            DEFAULT_OPERATOR,
            since=_midnight(since) if since else None,
            until=_midnight(until) + timedelta(days=1) if until else None,
            limit=1_000_000,
        ),
    )
    writer = csv.writer(sys.stdout)
    writer.writerow(COLUMNS)
    for one in found:
        event = one.event
        words = (one.login, event.action, event.purpose, event.ref)
        writer.writerow([event.seq, event.at.isoformat(), *map(cell, words)])
    return len(found)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), TOKYO)


def day(text: str) -> date | None:
    """A day of the command line. Raises BadInput."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadInput("A day is written like 2026-11-21.") from error

"""Replies that are to leave later: sealed with the person's key, gone when they leave, or with who wrote them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from bot.errors import SealError
from bot.frozen import dataclass
from bot.store.conversations import Loaded
from bot.store.inbox import cell_row
from bot.store.schema import scheduled_replies as rows
from bot.store.schema import tickets


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What is to be sent: a text, the card of a place or date, a line that no answer is needed, without a sound."""

    text: str = field(repr=False)
    quiet: bool = False
    no_answer: bool = False
    entry_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """One reply that has not left. `stopped`: its time came, and it could not go as it stands."""

    number: int
    staff_id: str
    due_at: datetime
    words: Words
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """Where a reply lies whose time has come."""

    contact_id: str
    number: int
    staff_id: str
    ticket_id: str
    operator_id: str


def add(connection: Connection, loaded: Loaded, staff_id: str, due_at: datetime, words: Words) -> None:
    """Keeps it until then. The caller holds the contact's lock."""
    newest = connection.scalar(select(func.max(rows.c.number)).where(rows.c.contact_id == loaded.contact_id))
    number = (newest or 0) + 1
    connection.execute(
        insert(rows).values(
            contact_id=loaded.contact_id,
            number=number,
            staff_id=staff_id,
            due_at=due_at,
            stopped=False,
            sealed_words=loaded.key.seal(
                "scheduled_replies",
                "sealed_words",
                cell_row(loaded.contact_id, number),
                msgspec.json.encode(words),
            ),
        )
    )


def of(connection: Connection, loaded: Loaded) -> list[Scheduled]:
    """What is still to leave for this contact, in its order; a damaged one is left out."""
    query = select(rows).where(rows.c.contact_id == loaded.contact_id)
    found = []
    for row in connection.execute(query.order_by(rows.c.due_at, rows.c.number)):
        place = cell_row(loaded.contact_id, row.number)
        try:
            plain = loaded.key.open("scheduled_replies", "sealed_words", place, row.sealed_words)
        except SealError:
            continue
        found.append(
            Scheduled(
                number=row.number,
                staff_id=row.staff_id,
                due_at=row.due_at,
                stopped=row.stopped,
                words=msgspec.json.decode(plain, type=Words),
            )
        )
    return found


def next_due(connection: Connection) -> datetime | None:
    found: datetime | None = connection.scalar(
        select(func.min(rows.c.due_at)).where(rows.c.stopped.is_(False))
    )
    return found


def due(connection: Connection, now: datetime, limit: int = 100) -> Sequence[Due]:
    """Replies whose time has come, the oldest first."""
    query = (
        select(rows.c.contact_id, rows.c.number, rows.c.staff_id, tickets.c.ticket_id, tickets.c.operator_id)
        .join(tickets, tickets.c.contact_id == rows.c.contact_id)
        .where(rows.c.stopped.is_(False), rows.c.due_at <= now)
        .order_by(rows.c.due_at, rows.c.contact_id, rows.c.number)
        .limit(limit)
    )
    return [Due(*row) for row in connection.execute(query)]


def drop(connection: Connection, contact_id: str, number: int | None = None) -> None:
    """Forgets one, or all of a contact: it left, was taken back, or somebody else has the conversation now."""
    here = rows.c.contact_id == contact_id
    connection.execute(delete(rows).where(here if number is None else here & (rows.c.number == number)))


def put_off(connection: Connection, contact_id: str, number: int, due_at: datetime) -> None:
    """It leaves later than it was to."""
    here = (rows.c.contact_id == contact_id, rows.c.number == number)
    connection.execute(update(rows).where(*here).values(due_at=due_at))


def stop(connection: Connection, contact_id: str, number: int) -> None:
    """Its time came, and it could not go as it stands: whoever wrote it decides."""
    here = (rows.c.contact_id == contact_id, rows.c.number == number)
    connection.execute(update(rows).where(*here).values(stopped=True))


def stopped(connection: Connection, staff_id: str) -> set[str]:
    """The contacts for whom words of this member were stopped."""
    query = select(rows.c.contact_id).where(rows.c.staff_id == staff_id, rows.c.stopped.is_(True))
    return set(connection.scalars(query))

"""That somebody went through something hard, for the lead; apart from every person's record (R-110)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from bot.clock import random_id
from bot.frozen import dataclass
from bot.store.schema import debriefs, staff


@dataclass(frozen=True, slots=True, kw_only=True)
class Debrief:
    debrief_id: str
    staff_id: str
    display_name: str
    asked_at: datetime


def ask(connection: Connection, operator_id: str, staff_id: str, now: datetime) -> None:
    connection.execute(
        insert(debriefs).values(
            debrief_id=random_id(), operator_id=operator_id, staff_id=staff_id, asked_at=now, done_at=None
        )
    )


def open_ones(connection: Connection, operator_id: str) -> list[Debrief]:
    query = (
        select(debriefs.c.debrief_id, debriefs.c.staff_id, staff.c.display_name, debriefs.c.asked_at)
        .join(staff, staff.c.staff_id == debriefs.c.staff_id)
        .where(debriefs.c.operator_id == operator_id, debriefs.c.done_at.is_(None))
        .order_by(debriefs.c.asked_at, debriefs.c.debrief_id)
    )
    return [Debrief(**row._mapping) for row in connection.execute(query)]


def done(connection: Connection, operator_id: str, debrief_id: str, now: datetime) -> bool:
    """Whether there was one to be done."""
    found = connection.execute(
        update(debriefs)
        .where(debriefs.c.operator_id == operator_id, debriefs.c.debrief_id == debrief_id)
        .where(debriefs.c.done_at.is_(None))
        .values(done_at=now)
    )
    return found.rowcount == 1

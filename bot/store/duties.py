"""The shift table: who is on duty when; and who is here now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, exists, insert, select

from bot.errors import BadInput
from bot.store.schema import duties, staff, staff_sessions
from bot.store.staff import ANSWERING, FULL, IDLE, MEMBER, Member


def add(connection: Connection, staff_id: str, begins_at: datetime, ends_at: datetime) -> None:
    """One shift of one member. Raises BadInput for one that ends before it begins, or overlaps another of theirs."""
    if ends_at <= begins_at:
        raise BadInput("A shift ends after it begins.")
    theirs = duties.c.staff_id == staff_id
    overlapping = select(duties.c.staff_id).where(
        theirs, duties.c.begins_at < ends_at, duties.c.ends_at > begins_at
    )
    if connection.execute(overlapping.limit(1)).first() is not None:
        raise BadInput("They are on duty at that time already.")
    connection.execute(insert(duties).values(staff_id=staff_id, begins_at=begins_at, ends_at=ends_at))


def drop(connection: Connection, staff_id: str, begins_at: datetime) -> None:
    connection.execute(delete(duties).where(duties.c.staff_id == staff_id, duties.c.begins_at == begins_at))


def coming(
    connection: Connection, operator_id: str, now: datetime, until: datetime
) -> list[tuple[Member, datetime, datetime]]:
    """Shifts that run or begin in this time, of members who may sign in, in their order."""
    query = (
        MEMBER.add_columns(duties.c.begins_at, duties.c.ends_at)
        .join(duties, duties.c.staff_id == staff.c.staff_id)
        .where(staff.c.operator_id == operator_id, duties.c.ends_at > now, duties.c.begins_at < until)
        .order_by(duties.c.begins_at, staff.c.staff_id)
    )
    found = []
    for row in connection.execute(query):
        values = dict(row._mapping)
        begins_at, ends_at = values.pop("begins_at"), values.pop("ends_at")
        found.append((Member(**values), begins_at, ends_at))
    return found


def ended(connection: Connection, operator_id: str, now: datetime, since: datetime) -> set[str]:
    """Ids of members whose shift was over since then, and who have none that runs now."""
    of_ours = select(duties.c.staff_id).join(staff, staff.c.staff_id == duties.c.staff_id)
    of_ours = of_ours.where(staff.c.operator_id == operator_id)
    over = set(connection.scalars(of_ours.where(duties.c.ends_at > since, duties.c.ends_at <= now)))
    running = connection.scalars(of_ours.where(duties.c.begins_at <= now, duties.c.ends_at > now))
    return over - set(running)


def is_here(connection: Connection, staff_id: str | None, now: datetime) -> bool:
    """Whether a member is signed in now."""
    session = select(staff_sessions.c.staff_id).where(
        staff_sessions.c.staff_id == staff_id,
        staff_sessions.c.stage == FULL,
        staff_sessions.c.seen_at > now - IDLE,
    )
    return connection.execute(session.limit(1)).first() is not None


def here(connection: Connection, operator_id: str, now: datetime) -> Sequence[Member]:
    """Members who answer and are signed in now."""
    session = exists().where(
        staff_sessions.c.staff_id == staff.c.staff_id,
        staff_sessions.c.stage == FULL,
        staff_sessions.c.seen_at > now - IDLE,
    )
    answering = staff.c.role.in_(ANSWERING)
    query = MEMBER.where(staff.c.operator_id == operator_id, answering, session).order_by(staff.c.staff_id)
    return [Member(**row._mapping) for row in connection.execute(query)]

"""Sessions of staff: whose each is and how far they came, the list a member sees, and how they end."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, select, update

from bot.frozen import dataclass
from bot.store.schema import staff, staff_sessions
from bot.store.staff import ABSOLUTE, FULL, HALF_WAY, IDLE, MEMBER, ONE_TIME, PROVEN, Member, hashed


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """A session as it lies in the database: whose it is, how far they came and by which `way`, and when."""

    member: Member
    session_id: str
    stage: str
    way: str
    created_at: datetime
    seen_at: datetime
    proved_at: datetime

    def has_just_proven(self, now: datetime) -> bool:
        """Whether they showed who they are so lately that no one need ask again (ASVS 7.5.3).

        Who came by the demo's one-time login has nothing to show again.
        """
        return self.way == ONE_TIME or now - self.proved_at < PROVEN


_SESSION = (
    staff_sessions.c.session_id,
    staff_sessions.c.stage,
    staff_sessions.c.way,
    staff_sessions.c.created_at,
    staff_sessions.c.seen_at,
    staff_sessions.c.proved_at,
)


def _sittings(connection: Connection, now: datetime, *where: ColumnElement[bool]) -> list[Sitting]:
    rows = connection.execute(
        MEMBER.add_columns(*_SESSION)
        .join(staff_sessions, staff_sessions.c.staff_id == staff.c.staff_id)
        .where(
            *where,
            staff_sessions.c.seen_at > now - IDLE,
            staff_sessions.c.created_at > now - ABSOLUTE,
            (staff_sessions.c.stage == FULL) | (staff_sessions.c.created_at > now - HALF_WAY),
        )
        .order_by(staff_sessions.c.created_at)
    )
    found = []
    for row in rows:
        values = dict(row._mapping)
        own = {column.name: values.pop(column.name) for column in _SESSION}
        found.append(Sitting(member=Member(**values), **own))
    return found


def sitting(connection: Connection, token: str, now: datetime) -> Sitting | None:
    """The session of a token; None when it is over."""
    return next(iter(_sittings(connection, now, staff_sessions.c.token_hash == hashed(token))), None)


def sittings(connection: Connection, staff_id: str, now: datetime) -> list[Sitting]:
    """All sessions of a member that are not over."""
    return _sittings(connection, now, staff_sessions.c.staff_id == staff_id, staff_sessions.c.stage == FULL)


def promote(connection: Connection, token: str, new_token: str, now: datetime, way: str) -> bool:
    """Who came by this token has shown the second factor: a session under a new token (ASVS 7.2.4)."""
    changed = connection.execute(
        update(staff_sessions)
        .where(staff_sessions.c.token_hash == hashed(token))
        .values(
            token_hash=hashed(new_token),
            stage=FULL,
            way=way,
            seen_at=now,
            proved_at=now,
            sealed_pending=None,
        )
    )
    return changed.rowcount == 1


def end_other_sessions(connection: Connection, staff_id: str, kept: str) -> list[str]:
    """Ends all sessions of a member but this one; which they were."""
    return end_sessions(connection, staff_id, staff_sessions.c.session_id != kept)


def end_one_session(connection: Connection, staff_id: str, session_id: str) -> list[str]:
    return end_sessions(connection, staff_id, staff_sessions.c.session_id == session_id)


def end_sessions(connection: Connection, staff_id: str, *where: ColumnElement[bool]) -> list[str]:
    """Ends sessions of a member; which they were."""
    chosen = (staff_sessions.c.staff_id == staff_id, *where)
    ended = list(connection.scalars(select(staff_sessions.c.session_id).where(*chosen)))
    connection.execute(delete(staff_sessions).where(*chosen))
    return ended

"""Staff, their sessions (stored as hashes only) and one-time logins."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import field
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update

from bot.clock import new_id, random_id
from bot.errors import BadInput, Conflict
from bot.frozen import dataclass
from bot.store.schema import (
    duties,
    one_time_logins,
    recovery_codes,
    staff,
    staff_factors,
    staff_sessions,
    staff_settings,
    staff_targets,
)

IDLE = timedelta(minutes=30)  # ASVS 7.3.1
ABSOLUTE = timedelta(hours=12)  # ASVS 7.3.2
ANSWERING = ("counselor", "peer", "lead")
"""Roles that talk with people. Operators look after the machine and see no text; editors and reviewers see none."""
PROVEN = timedelta(minutes=10)
"""For how long a member counts as having just shown who they are."""
HALF_WAY = timedelta(minutes=10)
"""How long the way from the first factor to the second may take."""
ROLES = (*ANSWERING, "editor", "reviewer", "operator")
FULL, SECOND, ENROL = "full", "second", "enrol"
"""How far a session is: through; the second factor is still to be shown; it is still to be set up."""
ONE_TIME = "one_time"

EVERY_DESK = "*"
MOST = 12
"""How much a member carries at once unless they say otherwise, in the weights of `handoff.routing` (R-108)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One of the staff. `desks`: ids of desks, or `*`. `peer`: knows such a life from their own (R-102)."""

    staff_id: str
    operator_id: str
    login: str
    display_name: str
    role: str
    password_hash: str | None = field(default=None, repr=False)
    desks: str = EVERY_DESK
    peer: bool = False
    most: int = MOST
    paused_until: datetime | None = None

    @property
    def desk_ids(self) -> list[str] | None:
        """The desks this member serves; None for all."""
        return None if self.desks == EVERY_DESK else self.desks.split()

    def serves(self, desk_id: str) -> bool:
        """Whether this member sees the conversations of a desk (R-077)."""
        return self.desks == EVERY_DESK or desk_id in self.desks.split()


def hashed(secret: str) -> bytes:
    """How a random secret of at least 128 bits lies in the database."""
    return hashlib.sha256(secret.encode()).digest()


MEMBER = select(
    staff.c.staff_id,
    staff.c.operator_id,
    staff.c.login,
    staff.c.display_name,
    staff.c.role,
    staff.c.password_hash,
    staff.c.desks,
    staff.c.peer,
    staff.c.most,
    staff.c.paused_until,
).where(staff.c.disabled_at.is_(None))


def add(
    connection: Connection,
    operator_id: str,
    login: str,
    display_name: str,
    role: str,
    password_hash: str | None,
    *,
    desks: str = EVERY_DESK,
    peer: bool = False,
    most: int = MOST,
) -> str:
    """A new member. Raises Conflict when the login is taken."""
    taken = connection.scalar(
        select(func.count())
        .select_from(staff)
        .where(staff.c.operator_id == operator_id, staff.c.login == login)
    )
    if taken:
        raise Conflict(f"The login {login!r} is taken.")
    staff_id = new_id()
    connection.execute(
        insert(staff).values(
            staff_id=staff_id,
            operator_id=operator_id,
            login=login,
            display_name=display_name,
            role=role,
            password_hash=password_hash,
            desks=desks,
            peer=peer or role == "peer",
            most=most,
        )
    )
    return staff_id


def by_login(connection: Connection, operator_id: str, login: str) -> Member | None:
    row = connection.execute(MEMBER.where(staff.c.operator_id == operator_id, staff.c.login == login)).first()
    return Member(**row._mapping) if row else None


def set_password(connection: Connection, staff_id: str, password_hash: str | None) -> None:
    """From now on this one, or none; who is signed in, or holds a one-time password, is not any more (ASVS 7.4.3)."""
    connection.execute(update(staff).where(staff.c.staff_id == staff_id).values(password_hash=password_hash))
    for table in (staff_sessions, one_time_logins):
        connection.execute(delete(table).where(table.c.staff_id == staff_id))


def pause(connection: Connection, staff_id: str, until: datetime | None) -> None:
    """Nothing new is given to a member until then. No reason is kept (R-109)."""
    connection.execute(update(staff).where(staff.c.staff_id == staff_id).values(paused_until=until))


def disable(connection: Connection, staff_id: str, now: datetime) -> None:
    """A member may not sign in any more; their sessions end, their shifts are nobody's."""
    connection.execute(update(staff).where(staff.c.staff_id == staff_id).values(disabled_at=now))
    for table in (staff_sessions, one_time_logins, staff_factors, recovery_codes, staff_targets):
        connection.execute(delete(table).where(table.c.staff_id == staff_id))
    connection.execute(delete(duties).where(duties.c.staff_id == staff_id, duties.c.ends_at > now))


def change(connection: Connection, staff_id: str, *, role: str, desks: str, most: int, peer: bool) -> None:
    """What a member does from now on; open sessions see it with their next page."""
    values = {"role": role, "desks": desks, "most": most, "peer": peer or role == "peer"}
    connection.execute(update(staff).where(staff.c.staff_id == staff_id).values(values))


def by_id(connection: Connection, operator_id: str, staff_id: str) -> Member | None:
    row = connection.execute(
        MEMBER.where(staff.c.operator_id == operator_id, staff.c.staff_id == staff_id)
    ).first()
    return Member(**row._mapping) if row else None


def answering(connection: Connection, operator_id: str) -> list[Member]:
    """Everybody who answers people and may sign in."""
    query = MEMBER.where(staff.c.operator_id == operator_id, staff.c.role.in_(ANSWERING))
    return [Member(**row._mapping) for row in connection.execute(query.order_by(staff.c.staff_id))]


def names(connection: Connection, staff_ids: Sequence[str]) -> dict[str, str]:
    """Display names by id, also of who left: what they noted stays theirs."""
    query = select(staff.c.staff_id, staff.c.display_name).where(staff.c.staff_id.in_(staff_ids))
    return {row.staff_id: row.display_name for row in connection.execute(query)}


def members(connection: Connection, operator_id: str) -> list[Member]:
    """Everybody who may sign in, in the order of their names."""
    query = MEMBER.where(staff.c.operator_id == operator_id)
    rows = connection.execute(query.order_by(staff.c.display_name, staff.c.staff_id))
    return [Member(**row._mapping) for row in rows]


def count(connection: Connection, operator_id: str) -> int:
    query = select(func.count()).select_from(staff)
    return (
        connection.scalar(query.where(staff.c.operator_id == operator_id, staff.c.disabled_at.is_(None))) or 0
    )


def offer_one_time_login(
    connection: Connection, staff_id: str, secret: str, expires_at: datetime, *, suffices: bool = False
) -> None:
    """A password that works once. `suffices`: it counts as both factors, which is for the demo alone."""
    connection.execute(delete(one_time_logins).where(one_time_logins.c.staff_id == staff_id))
    connection.execute(
        insert(one_time_logins).values(
            secret_hash=hashed(secret), staff_id=staff_id, expires_at=expires_at, suffices=suffices
        )
    )


def use_one_time_login(connection: Connection, staff_id: str, secret: str, now: datetime) -> str:
    """FULL when this secret lets this member in and is enough, SECOND when it is the first factor, else nothing.

    It never does so again.
    """
    where = (
        one_time_logins.c.secret_hash == hashed(secret),
        one_time_logins.c.staff_id == staff_id,
        one_time_logins.c.expires_at > now,
    )
    suffices = connection.scalar(select(one_time_logins.c.suffices).where(*where))
    if connection.execute(delete(one_time_logins).where(*where)).rowcount != 1:
        return ""
    return FULL if suffices else SECOND


def begin_session(
    connection: Connection,
    staff_id: str,
    token: str,
    now: datetime,
    stage: str = FULL,
    way: str = ONE_TIME,
) -> None:
    connection.execute(
        insert(staff_sessions).values(
            token_hash=hashed(token),
            session_id=random_id(),
            staff_id=staff_id,
            stage=stage,
            way=way,
            created_at=now,
            seen_at=now,
            proved_at=now,
        )
    )


def touch_session(connection: Connection, token: str, now: datetime) -> None:
    connection.execute(
        update(staff_sessions).where(staff_sessions.c.token_hash == hashed(token)).values(seen_at=now)
    )


def end_session(connection: Connection, token: str) -> None:
    connection.execute(delete(staff_sessions).where(staff_sessions.c.token_hash == hashed(token)))


def drop_ended_logins(connection: Connection, now: datetime) -> None:
    connection.execute(delete(one_time_logins).where(one_time_logins.c.expires_at <= now))


def drop_ended_sessions(connection: Connection, now: datetime) -> int:
    return connection.execute(
        delete(staff_sessions).where(
            (staff_sessions.c.seen_at <= now - IDLE) | (staff_sessions.c.created_at <= now - ABSOLUTE)
        )
    ).rowcount


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a member wants the console. `covers`: hard words are covered until they are opened; `undo_seconds`: how long
    their words wait before they leave, so that they can be taken back."""

    covers: bool = True
    undo_seconds: int = 0


UNDO = (0, 5, 10, 20)
"""Seconds that can be chosen; none unless a member asks for it."""


def settings(connection: Connection, staff_id: str) -> Settings:
    """What a member chose; as they are when they chose nothing."""
    columns = (staff_settings.c.covers, staff_settings.c.undo_seconds)
    row = connection.execute(select(*columns).where(staff_settings.c.staff_id == staff_id)).first()
    return Settings(**row._mapping) if row else Settings()


def set_settings(connection: Connection, staff_id: str, chosen: Settings) -> None:
    """Raises BadInput for seconds that cannot be chosen."""
    if chosen.undo_seconds not in UNDO:
        raise BadInput(f"Words wait for one of {', '.join(map(str, UNDO))} seconds.")
    connection.execute(delete(staff_settings).where(staff_settings.c.staff_id == staff_id))
    values = {"covers": chosen.covers, "undo_seconds": chosen.undo_seconds}
    connection.execute(insert(staff_settings).values(staff_id=staff_id, **values))

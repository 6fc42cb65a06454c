"""Practices of staff with simulated people: rows of their own, sealed by the installation's key, of no contact."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from bot.clock import new_id
from bot.content.practice import Practised
from bot.errors import NotFound, SealError
from bot.store.schema import practices
from bot.store.sealed import Cell, Sealer
from bot.store.staff import Member

KEPT = timedelta(days=30)
MOST = 20  # of a member; the one that was left longest goes for a new one

_DECODER = msgspec.json.Decoder(Practised)


def add(connection: Connection, sealer: Sealer, member: Member, session: Practised, now: datetime) -> str:
    """Begins one; returns its id."""
    mine = select(practices.c.practice_id).where(practices.c.staff_id == member.staff_id)
    kept = connection.scalars(mine.order_by(practices.c.touched_at.desc(), practices.c.practice_id)).all()
    connection.execute(delete(practices).where(practices.c.practice_id.in_(kept[MOST - 1 :])))
    practice_id = new_id()
    connection.execute(
        insert(practices).values(
            practice_id=practice_id,
            operator_id=member.operator_id,
            staff_id=member.staff_id,
            touched_at=now,
            sealed_practice=_sealed(sealer, member, practice_id, session),
        )
    )
    return practice_id


def of(connection: Connection, sealer: Sealer, member: Member) -> list[tuple[str, Practised]]:
    """A member's own practices, the newest first; what does not open any more is left out."""
    rows = connection.execute(
        select(practices.c.practice_id, practices.c.sealed_practice)
        .where(practices.c.staff_id == member.staff_id)
        .order_by(practices.c.touched_at.desc(), practices.c.practice_id)
    )
    found = []
    for row in rows:
        try:
            found.append((row.practice_id, _opened(sealer, member, row.practice_id, row.sealed_practice)))
        except SealError:
            continue
    return found


def read(connection: Connection, sealer: Sealer, member: Member, practice_id: str) -> Practised:
    """One of this member's own, under lock. Raises NotFound for any other."""
    sealed = connection.scalar(
        select(practices.c.sealed_practice)
        .where(practices.c.practice_id == practice_id, practices.c.staff_id == member.staff_id)
        .with_for_update()
    )
    if sealed is None:
        raise NotFound
    return _opened(sealer, member, practice_id, sealed)


def save(
    connection: Connection,
    sealer: Sealer,
    member: Member,
    practice_id: str,
    session: Practised,
    now: datetime,
) -> None:
    connection.execute(
        update(practices)
        .where(practices.c.practice_id == practice_id, practices.c.staff_id == member.staff_id)
        .values(touched_at=now, sealed_practice=_sealed(sealer, member, practice_id, session))
    )


def drop(connection: Connection, member: Member, practice_id: str) -> None:
    """Puts one away for good."""
    own = practices.c.practice_id == practice_id, practices.c.staff_id == member.staff_id
    connection.execute(delete(practices).where(*own))


def drop_old(connection: Connection, now: datetime) -> None:
    """What was left for a month goes."""
    connection.execute(delete(practices).where(practices.c.touched_at < now - KEPT))


def _sealed(sealer: Sealer, member: Member, practice_id: str, session: Practised) -> bytes:
    return sealer.seal(_cell(member, practice_id), msgspec.json.encode(session))


def _opened(sealer: Sealer, member: Member, practice_id: str, sealed: bytes) -> Practised:
    return _DECODER.decode(sealer.open(_cell(member, practice_id), sealed))


def _cell(member: Member, practice_id: str) -> Cell:
    return Cell(member.operator_id, "practices", "sealed_practice", practice_id)

"""Second factors of staff: apps that show six figures, passkeys, and recovery codes (hashes only)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from bot.clock import random_id
from bot.errors import Conflict, NotFound, SealError
from bot.frozen import dataclass
from bot.store.schema import recovery_codes, staff_factors, staff_sessions
from bot.store.sealed import Cell, Sealer
from bot.store.staff import Member, hashed

TOTP, PASSKEY, RECOVERY = "totp", "passkey", "recovery"
FACTOR, PENDING = "sealed_factor", "sealed_pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """Something a member has. `counter`: the last time step (app) or signature (passkey) that was taken."""

    factor_id: str
    kind: str
    counter: int
    created_at: datetime
    used_at: datetime | None
    secret: bytes = field(repr=False)


def of(connection: Connection, sealer: Sealer, member: Member) -> list[Factor]:
    """What a member has, the oldest first. What does not open is left out: it would let nobody in."""
    rows = connection.execute(
        select(staff_factors)
        .where(staff_factors.c.staff_id == member.staff_id)
        .order_by(staff_factors.c.created_at, staff_factors.c.factor_id)
    )
    found = []
    for row in rows:
        cell = Cell(member.operator_id, "staff_factors", FACTOR, row.factor_id)
        try:
            secret = sealer.open(cell, row.sealed_factor)
        except SealError:
            continue
        found.append(
            Factor(
                factor_id=row.factor_id,
                kind=row.kind,
                counter=row.counter,
                created_at=row.created_at,
                used_at=row.used_at,
                secret=secret,
            )
        )
    return found


def has_any(connection: Connection, staff_id: str) -> bool:
    """Whether a member has set up a second factor, readable or not."""
    query = select(staff_factors.c.factor_id).where(staff_factors.c.staff_id == staff_id)
    return connection.execute(query.limit(1)).first() is not None


def add(
    connection: Connection,
    sealer: Sealer,
    member: Member,
    kind: str,
    secret: bytes,
    now: datetime,
    *,
    counter: int = 0,
    credential_id: str = "",
) -> None:
    """One more factor. Raises Conflict for a passkey that is known already."""
    handle = hashed(credential_id) if credential_id else None
    known = select(staff_factors.c.factor_id).where(staff_factors.c.handle == handle)
    if handle is not None and connection.execute(known).first() is not None:
        raise Conflict("This passkey is known already.")
    factor_id = random_id()
    connection.execute(
        insert(staff_factors).values(
            factor_id=factor_id,
            operator_id=member.operator_id,
            staff_id=member.staff_id,
            kind=kind,
            handle=handle,
            counter=counter,
            created_at=now,
            sealed_factor=sealer.seal(Cell(member.operator_id, "staff_factors", FACTOR, factor_id), secret),
        )
    )


def advance(connection: Connection, factor: Factor, counter: int, now: datetime) -> bool:
    """Takes a code or signature; False when it, or a later one, was taken before (ASVS 6.5.1).

    Passkeys that count nothing send 0 each time: theirs is the challenge, which is spent.
    """
    later = staff_factors.c.counter < counter
    if factor.kind == PASSKEY and counter == 0:
        later = staff_factors.c.counter == 0
    taken = connection.execute(
        update(staff_factors)
        .where(staff_factors.c.factor_id == factor.factor_id, later)
        .values(counter=counter, used_at=now)
    )
    return taken.rowcount == 1


def drop(connection: Connection, staff_id: str, factor_id: str) -> None:
    """Takes one away. Raises NotFound, and Conflict for the last one: nobody is without."""
    theirs = select(func.count()).select_from(staff_factors).where(staff_factors.c.staff_id == staff_id)
    chosen = (staff_factors.c.staff_id == staff_id, staff_factors.c.factor_id == factor_id)
    if not connection.scalar(theirs.where(*chosen)):
        raise NotFound
    if connection.scalar(theirs) == 1:
        raise Conflict("Set up another one first: nobody signs in with a passphrase alone.")
    connection.execute(delete(staff_factors).where(*chosen))


def reset(connection: Connection, staff_id: str) -> None:
    """Takes all away: the member sets a second factor up anew when they sign in next; who is signed in is not."""
    for table in (staff_factors, recovery_codes, staff_sessions):
        connection.execute(delete(table).where(table.c.staff_id == staff_id))


# --- recovery codes ---


def offer_codes(connection: Connection, staff_id: str, codes: Iterable[str]) -> None:
    """These codes in place of those before; each works once."""
    connection.execute(delete(recovery_codes).where(recovery_codes.c.staff_id == staff_id))
    rows = [{"code_hash": hashed(code), "staff_id": staff_id} for code in codes]
    connection.execute(insert(recovery_codes), rows)


def use_code(connection: Connection, staff_id: str, code: str) -> bool:
    """Whether this was one of their codes; it never is again."""
    used = connection.execute(
        delete(recovery_codes).where(
            recovery_codes.c.code_hash == hashed(code), recovery_codes.c.staff_id == staff_id
        )
    )
    return used.rowcount == 1


def codes_left(connection: Connection, staff_id: str) -> int:
    query = select(func.count()).select_from(recovery_codes)
    return connection.scalar(query.where(recovery_codes.c.staff_id == staff_id)) or 0


# --- what a session is in the middle of ---


def pending(connection: Connection, sealer: Sealer, member: Member, session_id: str) -> bytes:
    """The challenge or new secret that this session was given; empty when there is none."""
    found = connection.scalar(
        select(staff_sessions.c.sealed_pending).where(staff_sessions.c.session_id == session_id)
    )
    try:
        return sealer.open(_cell(member, session_id), found) if found else b""
    except SealError:
        return b""


def keep_pending(
    connection: Connection, sealer: Sealer, member: Member, session_id: str, what: bytes
) -> None:
    sealed = sealer.seal(_cell(member, session_id), what)
    connection.execute(
        update(staff_sessions).where(staff_sessions.c.session_id == session_id).values(sealed_pending=sealed)
    )


def spend_pending(connection: Connection, sealer: Sealer, member: Member, session_id: str) -> bytes:
    """The same, once: of two who ask, one gets it."""
    query = select(staff_sessions.c.sealed_pending).where(staff_sessions.c.session_id == session_id)
    found = connection.scalar(query)
    if not found:
        return b""
    spent = connection.execute(
        update(staff_sessions)
        .where(staff_sessions.c.session_id == session_id, staff_sessions.c.sealed_pending == found)
        .values(sealed_pending=None)
    )
    if spent.rowcount != 1:
        return b""
    try:
        return sealer.open(_cell(member, session_id), found)
    except SealError:
        return b""


def _cell(member: Member, session_id: str) -> Cell:
    return Cell(member.operator_id, "staff_sessions", PENDING, session_id)

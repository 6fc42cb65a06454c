"""Requests to read a conversation that is not one's own, in an emergency, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from bot.clock import random_id
from bot.errors import SealError
from bot.frozen import dataclass
from bot.store.conversations import Loaded
from bot.store.schema import break_glass, contacts, staff, tickets
from bot.store.sealed import ContactKey, Sealer

ASKED, OPEN, REFUSED, ENDED = "asked", "open", "refused", "ended"
KEPT = timedelta(days=30)
MOST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Glass:
    """A request and what became of it. `until`: when the request lapses, or the reading ends."""

    access_id: str
    contact_id: str
    ticket_id: str
    desk_id: str
    nickname: str
    asked_by: str
    asker: str
    asker_role: str
    asked_at: datetime
    state: str
    decided_by: str | None
    decider: str | None
    until: datetime
    reason: str = field(repr=False)

    def waits(self, now: datetime) -> bool:
        return self.state == ASKED and now < self.until

    def is_open(self, now: datetime) -> bool:
        return self.state == OPEN and now < self.until


def add(
    connection: Connection,
    loaded: Loaded,
    ticket_id: str,
    staff_id: str,
    reason: str,
    now: datetime,
    until: datetime,
) -> str:
    """A new request; its id."""
    access_id = random_id()
    connection.execute(
        insert(break_glass).values(
            access_id=access_id,
            operator_id=loaded.operator_id,
            contact_id=loaded.contact_id,
            ticket_id=ticket_id,
            asked_by=staff_id,
            asked_at=now,
            state=ASKED,
            decided_by=None,
            until=until,
            sealed_reason=loaded.key.seal("break_glass", "sealed_reason", access_id, reason.encode()),
        )
    )
    return access_id


_asker, _decider = staff.alias("asker"), staff.alias("decider")
_SELECT = (
    select(
        *(column for column in break_glass.c if column.name != "sealed_reason"),
        break_glass.c.sealed_reason,
        tickets.c.desk_id,
        contacts.c.nickname,
        contacts.c.sealed_key,
        _asker.c.display_name.label("asker"),
        _asker.c.role.label("asker_role"),
        _decider.c.display_name.label("decider"),
    )
    .join(contacts, contacts.c.contact_id == break_glass.c.contact_id)
    .join(tickets, tickets.c.ticket_id == break_glass.c.ticket_id)
    .join(_asker, _asker.c.staff_id == break_glass.c.asked_by)
    .outerjoin(_decider, _decider.c.staff_id == break_glass.c.decided_by)
)


def _found(connection: Connection, sealer: Sealer, *where: ColumnElement[bool]) -> list[Glass]:
    rows = connection.execute(_SELECT.where(*where).order_by(break_glass.c.asked_at.desc()).limit(MOST))
    found = []
    for row in rows:
        values = dict(row._mapping)
        operator_id, sealed = values.pop("operator_id"), values.pop("sealed_reason")
        key: ContactKey = sealer.contact_key(operator_id, row.contact_id, values.pop("sealed_key"))
        try:
            reason = key.open("break_glass", "sealed_reason", row.access_id, sealed).decode()
        except SealError:  # a damaged one must not close the page on the others
            reason = ""
        found.append(Glass(**values, reason=reason))
    return found


def one(connection: Connection, sealer: Sealer, operator_id: str, access_id: str) -> Glass | None:
    here = break_glass.c.operator_id == operator_id, break_glass.c.access_id == access_id
    return next(iter(_found(connection, sealer, *here)), None)


def latest(connection: Connection, sealer: Sealer, operator_id: str, since: datetime) -> list[Glass]:
    """What was asked for since then, the newest first."""
    return _found(
        connection, sealer, break_glass.c.operator_id == operator_id, break_glass.c.asked_at >= since
    )


def turn(
    connection: Connection, glass: Glass, state: str, until: datetime, decided_by: str | None = None
) -> bool:
    """Moves a request on, once: False when somebody else was first."""
    values = {"state": state, "until": until} | ({"decided_by": decided_by} if decided_by else {})
    here = break_glass.c.access_id == glass.access_id, break_glass.c.state == glass.state
    return connection.execute(update(break_glass).where(*here).values(**values)).rowcount == 1


def named(connection: Connection, operator_id: str, name: str) -> Sequence[str]:
    """Conversations by their id, or by what staff call the person; two at most, as no more is asked."""
    query = (
        select(tickets.c.ticket_id)
        .join(contacts, contacts.c.contact_id == tickets.c.contact_id)
        .where(tickets.c.operator_id == operator_id)
        .where((tickets.c.ticket_id == name) | (contacts.c.nickname == name))
    )
    return list(connection.scalars(query.limit(2)))


def forget_old(connection: Connection, now: datetime) -> None:
    """The audit keeps that it was; the words of the reason go."""
    connection.execute(delete(break_glass).where(break_glass.c.asked_at < now - KEPT))


def forget(connection: Connection, contact_id: str) -> None:
    """The conversation goes, and with it what was asked about it."""
    connection.execute(delete(break_glass).where(break_glass.c.contact_id == contact_id))

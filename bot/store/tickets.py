"""Tickets and the queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from bot.errors import SealError
from bot.frozen import dataclass
from bot.handoff.risk import Level
from bot.handoff.routing import WEIGHTS
from bot.handoff.ticket import Status, Ticket
from bot.store import body
from bot.store.conversations import Loaded, ticket_of, ticket_with
from bot.store.schema import contacts, staff, tickets
from bot.store.sealed import Sealer


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A row of the queue: no word of the person in it. `keeper` and `stand_in` are names."""

    ticket: Ticket
    nickname: str
    account_id: str
    reachable: bool
    keeper: str | None
    stand_in: str | None = None


_UPDATE = (
    update(tickets)
    .where(tickets.c.ticket_id == bindparam("b_ticket_id"))
    .values(
        desk_id=bindparam("desk_id"),
        status=bindparam("status"),
        reason=bindparam("reason"),
        priority=bindparam("priority"),
        assignee=bindparam("assignee"),
        opened_at=bindparam("opened_at"),
        opened_seq=bindparam("opened_seq"),
        claimed_at=bindparam("claimed_at"),
        promised_at=bindparam("promised_at"),
        stand_in=bindparam("stand_in"),
        sealed_detail=bindparam("sealed_detail"),
    )
)


def save(connection: Connection, changed: Sequence[tuple[Loaded, Ticket]]) -> None:
    """Writes new and changed tickets. The contact's lock is held by the caller."""
    fresh, known = [], []
    for loaded, ticket in changed:
        detail = body.detail_of(ticket)
        values = {
            "desk_id": ticket.desk_id,
            "status": ticket.status,
            "reason": ticket.reason,
            "priority": int(ticket.priority),
            "assignee": ticket.assignee,
            "opened_at": ticket.opened_at,
            "opened_seq": ticket.opened_seq,
            "claimed_at": ticket.claimed_at,
            "promised_at": ticket.promised_at,
            "stand_in": ticket.stand_in,
            "sealed_detail": loaded.key.seal("tickets", "sealed_detail", ticket.id, body.encode(detail)),
        }
        if loaded.talk.ticket is not None and loaded.talk.ticket.id == ticket.id:
            known.append({**values, "b_ticket_id": ticket.id})
        else:
            identity = {
                "ticket_id": ticket.id,
                "operator_id": loaded.operator_id,
                "contact_id": loaded.contact_id,
            }
            fresh.append({**values, **identity})
    if fresh:
        connection.execute(insert(tickets), fresh)
    if known:
        connection.execute(_UPDATE, known)


def queue(
    connection: Connection,
    sealer: Sealer,
    operator_id: str,
    status: Status,
    assignee: str | None = None,
    desks: Sequence[str] | None = None,
) -> list[Waiting]:
    """Tickets of a status (at some desks only), the most urgent and then the longest waiting first."""
    query = (
        select(
            tickets,
            contacts.c.nickname,
            contacts.c.account_id,
            contacts.c.reachable,
            contacts.c.sealed_key,
            staff.c.display_name,
        )
        .join(contacts, contacts.c.contact_id == tickets.c.contact_id)
        .outerjoin(staff, staff.c.staff_id == tickets.c.assignee)
        .where(tickets.c.operator_id == operator_id, tickets.c.status == status)
        .order_by(tickets.c.priority.desc(), tickets.c.opened_at, tickets.c.ticket_id)
        .limit(200)
    )
    if assignee is not None:
        query = query.where(tickets.c.assignee == assignee)
    if desks is not None:
        query = query.where(tickets.c.desk_id.in_(desks))
    return [
        Waiting(
            ticket=shown(sealer, row),
            nickname=row.nickname,
            account_id=row.account_id,
            reachable=row.reachable,
            keeper=row.display_name,
        )
        for row in connection.execute(query)
    ]


def shown(sealer: Sealer, row: Any) -> Ticket:
    """A ticket whose cells do not open is shown without them: somebody waits there, and so do the others."""
    try:
        key = sealer.contact_key(row.operator_id, row.contact_id, row.sealed_key)
        return ticket_of(row, key)
    except SealError:
        return ticket_with(row, body.TicketDetail())


def counts(connection: Connection, operator_id: str, desks: Sequence[str] | None = None) -> dict[str, int]:
    """How many tickets there are of each status, at some desks or all."""
    query = select(tickets.c.status, func.count().label("number")).where(tickets.c.operator_id == operator_id)
    if desks is not None:
        query = query.where(tickets.c.desk_id.in_(desks))
    query = query.group_by(tickets.c.status)
    return {row.status: row.number for row in connection.execute(query)}


def contact_of(connection: Connection, operator_id: str, ticket_id: str) -> str | None:
    """The contact of a ticket of this operator."""
    return connection.scalar(
        select(tickets.c.contact_id).where(
            tickets.c.ticket_id == ticket_id, tickets.c.operator_id == operator_id
        )
    )


def desk_of(connection: Connection, operator_id: str, ticket_id: str) -> str | None:
    """The desk of a ticket of this operator."""
    return connection.scalar(
        select(tickets.c.desk_id).where(
            tickets.c.ticket_id == ticket_id, tickets.c.operator_id == operator_id
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """An open ticket, as far as nothing of it is sealed."""

    ticket_id: str
    contact_id: str
    desk_id: str
    status: Status
    priority: Level
    assignee: str | None
    opened_at: datetime
    claimed_at: datetime | None
    promised_at: datetime | None = None
    stand_in: str | None = None


def open_ones(connection: Connection, operator_id: str, assignee: str | None = None) -> list[Open]:
    """Everything open, or what a member has or had: for the board, and when somebody leaves."""
    query = select(
        tickets.c.ticket_id,
        tickets.c.contact_id,
        tickets.c.desk_id,
        tickets.c.status,
        tickets.c.priority,
        tickets.c.assignee,
        tickets.c.opened_at,
        tickets.c.claimed_at,
        tickets.c.promised_at,
        tickets.c.stand_in,
    ).where(tickets.c.operator_id == operator_id, tickets.c.status != Status.RESTING)
    if assignee is not None:
        query = query.where(tickets.c.assignee == assignee)
    return [
        Open(**{**row._mapping, "status": Status(row.status), "priority": Level(row.priority)})
        for row in connection.execute(query.order_by(tickets.c.contact_id))
    ]


def asked_since(connection: Connection, operator_id: str, since: datetime) -> dict[str, int]:
    """How many wanted somebody since then, by desk, whatever became of it."""
    query = (
        select(tickets.c.desk_id, func.count())
        .where(tickets.c.operator_id == operator_id, tickets.c.opened_at >= since)
        .group_by(tickets.c.desk_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def loads(connection: Connection, operator_id: str) -> dict[str, int]:
    """What each member carries now, in the weights of routing."""
    carried: Counter[str] = Counter()
    for one in open_ones(connection, operator_id):
        if one.status is Status.ACTIVE and one.assignee is not None:
            carried[one.assignee] += WEIGHTS[one.priority]
    return dict(carried)


def of_staff(connection: Connection, operator_id: str, staff_id: str) -> list[str]:
    """The contacts of whom a member is keeper, was the last one, or stands in."""
    part = (tickets.c.assignee == staff_id) | (tickets.c.stand_in == staff_id)
    query = select(tickets.c.contact_id).where(tickets.c.operator_id == operator_id, part)
    return list(connection.scalars(query.order_by(tickets.c.contact_id)))


def keeper(connection: Connection, staff_id: str | None) -> str | None:
    """The name under which a member of staff is shown."""
    if staff_id is None:
        return None
    return connection.scalar(select(staff.c.display_name).where(staff.c.staff_id == staff_id))

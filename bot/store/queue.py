"""The queue as pages: by keyset, so that the thousandth line costs what the first one does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, case, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from bot.frozen import dataclass
from bot.handoff.ticket import Status
from bot.store.schema import contacts, staff, tickets
from bot.store.sealed import Sealer
from bot.store.tickets import Waiting, shown

PAGE = 50
_STAND_IN = staff.alias("stand_in")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which tickets. `keeper`: only theirs; `beside`: of everybody but this one; `desks`: of these desks only, None
    for all. Empty fields ask for nothing."""

    operator_id: str
    status: Status
    keeper: str = ""
    beside: str = ""
    desks: Sequence[str] | None = None
    desk_id: str = ""
    account_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The last line of a page, from where the next one begins."""

    priority: int
    opened_at: datetime
    ticket_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """How many there are, and since when the one waits who waits longest, and who came last."""

    waiting: int
    mine: int
    team: int
    resting: int
    oldest: datetime | None
    newest: datetime | None


def page(
    connection: Connection, sealer: Sealer, wanted: Wanted, after: Place | None = None, limit: int = PAGE
) -> list[Waiting]:
    """The most urgent and then the longest waiting first, beginning behind `after`."""
    query = (
        select(
            tickets,
            contacts.c.nickname,
            contacts.c.account_id,
            contacts.c.reachable,
            contacts.c.sealed_key,
            staff.c.display_name,
            _STAND_IN.c.display_name.label("stand_in_name"),
        )
        .join(contacts, contacts.c.contact_id == tickets.c.contact_id)
        .outerjoin(staff, staff.c.staff_id == tickets.c.assignee)
        .outerjoin(_STAND_IN, _STAND_IN.c.staff_id == tickets.c.stand_in)
        .where(*_those(wanted))
        .order_by(tickets.c.priority.desc(), tickets.c.opened_at, tickets.c.ticket_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(_behind(after))
    return [
        Waiting(
            ticket=shown(sealer, row),
            nickname=row.nickname,
            account_id=row.account_id,
            reachable=row.reachable,
            keeper=row.display_name,
            stand_in=row.stand_in_name,
        )
        for row in connection.execute(query)
    ]


def _those(wanted: Wanted) -> list[ColumnElement[bool]]:
    found = [tickets.c.operator_id == wanted.operator_id, tickets.c.status == wanted.status]
    if wanted.keeper:
        found.append(tickets.c.assignee == wanted.keeper)
    if wanted.beside:
        found.append(tickets.c.assignee != wanted.beside)
    if wanted.desks is not None:
        found.append(tickets.c.desk_id.in_(wanted.desks))
    if wanted.desk_id:
        found.append(tickets.c.desk_id == wanted.desk_id)
    if wanted.account_id:
        found.append(contacts.c.account_id == wanted.account_id)
    return found


def _behind(place: Place) -> ColumnElement[bool]:
    later = or_(
        tickets.c.opened_at > place.opened_at,
        and_(tickets.c.opened_at == place.opened_at, tickets.c.ticket_id > place.ticket_id),
    )
    return or_(tickets.c.priority < place.priority, and_(tickets.c.priority == place.priority, later))


def numbers(
    connection: Connection,
    operator_id: str,
    staff_id: str,
    *,
    sees_all: bool = False,
    desks: Sequence[str] | None = None,
    desk_id: str = "",
    account_id: str = "",
) -> Numbers:
    """Counts of the groups as this member sees them: of those that rest only their own, unless they see all."""
    own = tickets.c.assignee == staff_id
    query: Select[Any] = (
        select(
            tickets.c.status,
            func.count().label("all"),
            func.sum(case((own, 1), else_=0)).label("own"),
            func.min(tickets.c.opened_at).label("oldest"),
            func.max(tickets.c.opened_at).label("newest"),
        )
        .where(tickets.c.operator_id == operator_id)
        .group_by(tickets.c.status)
    )
    if desks is not None:
        query = query.where(tickets.c.desk_id.in_(desks))
    if desk_id:
        query = query.where(tickets.c.desk_id == desk_id)
    if account_id:
        joined = query.join(contacts, contacts.c.contact_id == tickets.c.contact_id)
        query = joined.where(contacts.c.account_id == account_id)
    rows: dict[str, Any] = {row[0]: row for row in connection.execute(query).all()}
    waiting, active = rows.get(Status.WAITING), rows.get(Status.ACTIVE)
    resting = rows.get(Status.RESTING)
    return Numbers(
        waiting=waiting[1] if waiting else 0,
        mine=active[2] if active else 0,
        team=active[1] - active[2] if active else 0,
        resting=resting[1 if sees_all else 2] if resting else 0,
        oldest=waiting[3] if waiting else None,
        newest=waiting[4] if waiting else None,
    )

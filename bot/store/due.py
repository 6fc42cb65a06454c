"""Whose turn it is: the first unsent row of each contact, and when it is due.

What is queued is due by the clock; what is being sent when its lease is over, by the time of `leases`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, case, func, select

from bot.store.dialect import among
from bot.store.outbox import IS_UNSENT, QUEUED, SENDING
from bot.store.schema import Instant, contacts, outbox


class Leased(NamedTuple):
    """Leases as this process sees them (`leases`): those that end by `over` are over, but of its `own` sends."""

    now: datetime
    over: datetime
    own: Collection[tuple[str, int]] = frozenset()


class NextDue(NamedTuple):
    """When what is queued is due, and when a lease ends, by its own time; None when there is none."""

    queued: datetime | None
    lease: datetime | None


_NOW = bindparam("now", type_=Instant)
_OVER = bindparam("over", type_=Instant)
IS_DUE = outbox.c.due_at <= case((outbox.c.state == SENDING, _OVER), else_=_NOW)
_UNSENT_ROWS = (
    select(
        outbox.c.contact_id,
        outbox.c.seq,
        outbox.c.rank,
        outbox.c.state,
        outbox.c.due_at,
        func.row_number()
        .over(partition_by=outbox.c.contact_id, order_by=(outbox.c.rank, outbox.c.seq))
        .label("place"),
    )
    .where(IS_UNSENT)
    .subquery()
)
_HAS_ROOM = ~among(contacts.c.account_id, "full")
_DUE = (
    select(
        _UNSENT_ROWS.c.contact_id,
        _UNSENT_ROWS.c.seq,
        contacts.c.account_id,
        func.row_number()
        .over(partition_by=contacts.c.account_id, order_by=(_UNSENT_ROWS.c.rank, _UNSENT_ROWS.c.due_at))
        .label("place"),
    )
    .join(contacts, contacts.c.contact_id == _UNSENT_ROWS.c.contact_id)
    .where(
        _UNSENT_ROWS.c.place == 1,
        _UNSENT_ROWS.c.due_at <= case((_UNSENT_ROWS.c.state == SENDING, _OVER), else_=_NOW),
        _HAS_ROOM,
    )
    .subquery()
)
_HEADS = select(_DUE).where(_DUE.c.place <= bindparam("most")).order_by(_DUE.c.place)


def heads_due(
    connection: Connection, now: datetime, leased: Leased, most: int, room: Mapping[str, int]
) -> tuple[list[tuple[str, int]], bool]:
    """What is next of each contact and due, as many as there is room for; whether there may be more."""
    bounds = {
        "now": now,
        "over": leased.over,
        "most": max([most, *room.values()]) + len(leased.own),
        "full": [account for account, left in room.items() if left <= 0],
    }
    heads, more, places = list[tuple[str, int]](), False, Counter[str]()
    for head in connection.execute(_HEADS, bounds):
        if (head.contact_id, head.seq) in leased.own:
            continue
        places[head.account_id] += 1
        place, left = places[head.account_id], room.get(head.account_id, most)
        more = more or place >= left
        if place <= left:
            heads.append((head.contact_id, head.seq))
    return heads, more


_NEXT_DUE = (
    select(_UNSENT_ROWS.c.state, func.min(_UNSENT_ROWS.c.due_at).label("due_at"))
    .join(contacts, contacts.c.contact_id == _UNSENT_ROWS.c.contact_id)
    .where(_UNSENT_ROWS.c.place == 1, _HAS_ROOM)
    .group_by(_UNSENT_ROWS.c.state)
)


def next_due(connection: Connection, full: Collection[str] = ()) -> NextDue:
    """When the next head is due, but of accounts that are `full`. What waits behind a head is not due before it."""
    found = {row.state: row.due_at for row in connection.execute(_NEXT_DUE, {"full": list(full)})}
    return NextDue(found.get(QUEUED), found.get(SENDING))

"""Who is in the middle of a flow: how many, never who."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlalchemy import Connection, select

from bot.errors import SealError
from bot.store import conversations
from bot.store.schema import contacts, talks
from bot.store.sealed import Sealer

AT_ONCE = 200
MOST = 5_000
"""Talks that are looked at: a number beyond it is only lower than the truth."""


def flows(connection: Connection, sealer: Sealer, operator_id: str, since: datetime) -> dict[str, int]:
    """How many talks of these days stand in each flow."""
    query = (
        select(talks.c.contact_id)
        .join(contacts, contacts.c.contact_id == talks.c.contact_id)
        .where(contacts.c.operator_id == operator_id, talks.c.active_on >= since.date())
        .order_by(talks.c.contact_id)
        .limit(MOST)
    )
    ids, found = list(connection.scalars(query)), Counter[str]()
    for begin in range(0, len(ids), AT_ONCE):
        try:
            loaded = conversations.load(connection, sealer, ids[begin : begin + AT_ONCE], lock=False)
        except SealError:  # damaged talks are nobody's flow
            continue
        found.update(one.talk.session.flow for one in loaded.values() if one.talk.session is not None)
    return dict(found)

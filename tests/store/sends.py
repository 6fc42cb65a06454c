"""Starting and ending sends, as delivery does it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from bot.messages import Outgoing
from bot.store import departures, outbox
from bot.store.departures import Departures
from bot.store.outbox import Outcome
from bot.store.schema import outbox as rows
from tests.store.ready import NOW, Store

LATER = timedelta(seconds=60)


def by_push(_outgoing: Outgoing, _now: datetime) -> str:
    return "push"


def depart(
    store: Store,
    now: datetime = NOW,
    most: int = 100,
    route: Any = by_push,
    room: dict[str, int] | None = None,
) -> Departures:
    """What leaves now, and what is dropped."""
    found: Departures = store.run(departures.start, store.sealer, now, route, most, room)
    return found


def start(store: Store, now: datetime = NOW, limit: int = 100, route: Any = by_push) -> list[Outgoing]:
    return sorted(depart(store, now, limit, route).leaving, key=lambda one: (one.contact_id, one.seq))


def seqs(started: list[Outgoing]) -> list[int]:
    return [one.seq for one in started]


def ended(one: Outgoing, state: str = outbox.SENT, **more: Any) -> Outcome:
    return Outcome(
        contact_id=one.contact_id,
        seq=one.seq,
        attempt=one.attempt,
        state=state,
        due_at=more.pop("due_at", NOW),
        **more,
    )


def states(store: Store, contact_id: str) -> dict[int, str]:
    found = store.rows(
        select(rows.c.seq, rows.c.state).where(rows.c.contact_id == contact_id).order_by(rows.c.seq)
    )
    return {row.seq: row.state for row in found}

"""Events that wait to be handled, in one order per contact. How they come in: `intake`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from bot.frozen import dataclass
from bot.messages import Address, Inbound, Kind, ReplyHint
from bot.store import body
from bot.store.batch import Batch
from bot.store.conversations import Loaded
from bot.store.dialect import among
from bot.store.schema import inbox, talks, timeline

PERSON = "person"
MAX_PER_CONTACT = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """One event to handle: something heard, or a wake-up (`wake_reason`)."""

    contact_id: str
    seq: int
    attempts: int
    wake_reason: str | None
    heard: body.Body | None
    hint: ReplyHint | None


# Statements are built once: building one costs more than running it.
_MOVE = Batch(
    update(talks)
    .where(talks.c.contact_id == bindparam("b_contact_id"), talks.c.last_seq < bindparam("b_last_seq"))
    .values(last_seq=bindparam("b_last_seq"))
)
_ADD = Batch(insert(inbox))
_WAITING = (
    select(inbox.c.contact_id)
    .where(inbox.c.parked.is_(False))
    .group_by(inbox.c.contact_id)
    .order_by(func.min(inbox.c.received_at))
    .limit(bindparam("limit"))
)
_PENDING = (
    select(
        inbox.c.contact_id,
        inbox.c.seq,
        inbox.c.attempts,
        inbox.c.wake_reason,
        inbox.c.sealed_hint,
        timeline.c.sealed_body,
    )
    .outerjoin(timeline, (timeline.c.contact_id == inbox.c.contact_id) & (timeline.c.seq == inbox.c.seq))
    .where(
        among(inbox.c.contact_id, "contact_ids"),
        inbox.c.parked.is_(False),
    )
    .order_by(inbox.c.contact_id, inbox.c.seq)
)
_BEFORE = select(inbox.c.contact_id).where(
    among(inbox.c.contact_id, "contact_ids"), inbox.c.parked.is_(False)
)
_DONE = Batch(
    delete(inbox).where(inbox.c.contact_id == bindparam("b_contact_id"), inbox.c.seq == bindparam("b_seq"))
)


def row(
    contact_id: str,
    seq: int,
    now: datetime,
    *,
    sealed_hint: bytes | None = None,
    wake_reason: str | None = None,
) -> dict[str, object]:
    """One event to handle, as `add` takes it."""
    return {
        "contact_id": contact_id,
        "seq": seq,
        "wake_reason": wake_reason,
        "sealed_hint": sealed_hint,
        "received_at": now,
        "attempts": 0,
        "parked": False,
    }


def add(connection: Connection, rows: Sequence[dict[str, object]]) -> None:
    _ADD.run(connection, rows)


def with_pending(connection: Connection, contact_ids: Collection[str]) -> set[str]:
    """Which of these contacts have an event that is to be handled first."""
    return set(connection.scalars(_BEFORE, {"contact_ids": sorted(contact_ids)}))


def move_last_seq(connection: Connection, last: dict[str, int]) -> None:
    """Takes places in threads; never gives one back."""
    _MOVE.run(
        connection,
        [{"b_contact_id": contact_id, "b_last_seq": seq} for contact_id, seq in sorted(last.items())],
    )


def waiting_contacts(connection: Connection, limit: int) -> list[str]:
    """Contacts with an event to handle, the longest waiting first."""
    return list(connection.scalars(_WAITING, {"limit": limit}))


def pending(connection: Connection, loaded: dict[str, Loaded]) -> dict[str, list[Pending]]:
    """The events of locked contacts, in their order."""
    found: dict[str, list[Pending]] = {}
    for row in connection.execute(_PENDING, {"contact_ids": list(loaded)}):
        events = found.setdefault(row.contact_id, [])
        if len(events) == MAX_PER_CONTACT:
            continue
        key, cell = loaded[row.contact_id].key, cell_row(row.contact_id, row.seq)
        sealed_hint, sealed_body = row.sealed_hint, row.sealed_body
        events.append(
            Pending(
                contact_id=row.contact_id,
                seq=row.seq,
                attempts=row.attempts,
                wake_reason=row.wake_reason,
                heard=body.body(key.open("timeline", "sealed_body", cell, sealed_body))
                if sealed_body
                else None,
                hint=body.reply_hint(key.open("inbox", "sealed_hint", cell, sealed_hint))
                if sealed_hint
                else None,
            )
        )
    return found


def inbound_of(event: Pending, account_id: str) -> Inbound:
    """A stored event as the core meets it. The platform id stays sealed: the core never needs it."""
    heard = event.heard
    if heard is None:
        raise ValueError("a wake-up is nothing heard")
    return Inbound(
        address=Address(account=account_id, key=""),
        dedupe_key="",
        sent_at=heard.at,
        kind=Kind(heard.kind),
        text=heard.texts[0] if heard.texts else "",
        choice_id=heard.choice_id,
        reply_hint=event.hint,
    )


def done(connection: Connection, pairs: Sequence[tuple[str, int]]) -> None:
    _DONE.run(connection, [{"b_contact_id": contact_id, "b_seq": seq} for contact_id, seq in pairs])


def failed(connection: Connection, contact_id: str, seq: int, *, park: bool) -> None:
    """Counts a real failure; a parked event waits for people and no longer holds up the ones after it."""
    connection.execute(
        update(inbox)
        .where(inbox.c.contact_id == contact_id, inbox.c.seq == seq)
        .values(attempts=inbox.c.attempts + 1, parked=park)
    )


def fail_unread(connection: Connection, contact_id: str, most: int) -> int:
    """As `failed`, for a contact of which nothing can be read or written: its first event, parked in the end."""
    first = connection.execute(
        select(inbox.c.seq, inbox.c.attempts)
        .where(inbox.c.contact_id == contact_id, inbox.c.parked.is_(False))
        .order_by(inbox.c.seq)
        .limit(1)
    ).first()
    if first is None:
        return 0
    failed(connection, contact_id, first.seq, park=first.attempts + 1 >= most)
    return 1


def cell_row(contact_id: str, seq: int) -> str:
    return f"{contact_id}/{seq}"

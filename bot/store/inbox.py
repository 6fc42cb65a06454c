"""Events taken in: durable before they are acknowledged, once each, in one order per contact."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from bot.messages import Address, Inbound, Kind, ReplyHint
from bot.store import body, conversations, dedupe
from bot.store.batch import Batch
from bot.store.conversations import Held, Loaded
from bot.store.dialect import among
from bot.store.schema import inbox, talks, timeline
from bot.store.sealed import Sealer

PERSON = "person"
MAX_PER_CONTACT = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Where an event lies in its contact's thread; `fresh` is False for one we had already."""

    seq: int
    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """One event to handle: something heard, or a wake-up (`wake_reason`)."""

    contact_id: str
    seq: int
    attempts: int
    wake_reason: str | None
    heard: body.Body | None
    hint: ReplyHint | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Events that lie in their threads. The fresh ones are to be answered or queued in the same transaction."""

    accepted: list[Accepted]
    fresh: list[Pending]
    held: dict[str, Held]


# Statements are built once: building one costs more than running it.
_MOVE = Batch(
    update(talks)
    .where(talks.c.contact_id == bindparam("b_contact_id"), talks.c.last_seq < bindparam("b_last_seq"))
    .values(last_seq=bindparam("b_last_seq"))
)
_ADD, _ADD_LINE = Batch(insert(inbox)), Batch(insert(timeline))
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


def accept(
    connection: Connection, sealer: Sealer, operator_id: str, now: datetime, events: Sequence[Inbound]
) -> list[Accepted]:
    """Takes a batch of events and leaves all of them for a later turn."""
    taken = take(connection, sealer, operator_id, now, events)
    queue(connection, taken, taken.fresh, now)
    return taken.accepted


def take(
    connection: Connection, sealer: Sealer, operator_id: str, now: datetime, events: Sequence[Inbound]
) -> Taken:
    """Writes a batch of events into their threads, each once, and locks their contacts.

    The caller acknowledges after this is committed, not before. Raises IntegrityError or Conflict when another
    process was faster; the next try sees what it did.
    """
    digests = [
        sealer.keyring.dedupe_digest(operator_id, event.address.account, event.dedupe_key) for event in events
    ]
    known = {
        digest: Accepted(seq=seq, fresh=False) for digest, seq in dedupe.known(connection, digests).items()
    }
    new = {digest: event for digest, event in zip(digests, events, strict=True) if digest not in known}
    held, seqs, fresh = _write(connection, sealer, operator_id, now, new) if new else ({}, {}, [])
    accepted: list[Accepted] = []
    for digest in digests:
        accepted.append(known.get(digest) or Accepted(seq=seqs[digest], fresh=True))
        known.setdefault(digest, Accepted(seq=accepted[-1].seq, fresh=False))
    return Taken(accepted=accepted, fresh=fresh, held=held)


def _write(
    connection: Connection, sealer: Sealer, operator_id: str, now: datetime, new: dict[bytes, Inbound]
) -> tuple[dict[str, Held], dict[bytes, int], list[Pending]]:
    addresses = list(dict.fromkeys(event.address for event in new.values()))
    by_address = conversations.hold(connection, sealer, operator_id, addresses)
    lines, seqs, fresh = [], {}, []
    for digest, event in new.items():
        one = by_address[event.address]
        one.last_seq += 1
        heard = body.Body(
            kind=event.kind,
            at=event.sent_at,
            texts=(event.text,) if event.text else (),
            choice_id=event.choice_id,
        )
        cell = cell_row(one.contact_id, one.last_seq)
        sealed = one.key.seal("timeline", "sealed_body", cell, body.encode(heard))
        lines.append(
            {"contact_id": one.contact_id, "seq": one.last_seq, "author": PERSON, "sealed_body": sealed}
        )
        seqs[digest] = one.last_seq
        fresh.append(
            Pending(
                contact_id=one.contact_id,
                seq=one.last_seq,
                attempts=0,
                wake_reason=None,
                heard=heard,
                hint=event.reply_hint,
            )
        )
    _ADD_LINE.run(connection, lines)
    dedupe.remember(connection, seqs, now)
    return {one.contact_id: one for one in by_address.values()}, seqs, fresh


def queue(connection: Connection, taken: Taken, events: Sequence[Pending], now: datetime) -> None:
    """Leaves events of `taken` for a later turn."""
    rows = []
    for event in events:
        key, cell = taken.held[event.contact_id].key, cell_row(event.contact_id, event.seq)
        hint = key.seal("inbox", "sealed_hint", cell, body.encode(event.hint)) if event.hint else None
        rows.append(row(event.contact_id, event.seq, now, sealed_hint=hint))
    waiting = {event.contact_id for event in events}
    move_last_seq(connection, {contact_id: taken.held[contact_id].last_seq for contact_id in waiting})
    add(connection, rows)


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

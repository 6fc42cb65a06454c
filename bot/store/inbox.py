"""Events taken in: durable before they are acknowledged, once each, in one order per contact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, func, insert, select, tuple_, update

from bot.messages import Address, Inbound, Kind, ReplyHint
from bot.store import body, conversations
from bot.store.batch import Batch
from bot.store.conversations import Loaded
from bot.store.schema import dedupe, inbox, talks, timeline, wakeups
from bot.store.sealed import Sealer

PERSON = "person"
DEDUPE_FOR = timedelta(days=8)  # a redelivery is taken once for at least seven days
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


# Statements are built once: building one costs more than running it.
_KNOWN = select(dedupe.c.digest, dedupe.c.seq).where(
    dedupe.c.digest.in_(bindparam("digests", expanding=True))
)
_MOVE = Batch(
    update(talks)
    .where(talks.c.contact_id == bindparam("b_contact_id"))
    .values(last_seq=bindparam("b_last_seq"))
)
_ADD, _ADD_LINE, _REMEMBER = Batch(insert(inbox)), Batch(insert(timeline)), Batch(insert(dedupe))
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
        inbox.c.contact_id.in_(bindparam("contact_ids", expanding=True)),
        inbox.c.parked.is_(False),
    )
    .order_by(inbox.c.contact_id, inbox.c.seq)
)
_DONE = Batch(
    delete(inbox).where(inbox.c.contact_id == bindparam("b_contact_id"), inbox.c.seq == bindparam("b_seq"))
)


def accept(
    connection: Connection, sealer: Sealer, operator_id: str, now: datetime, events: Sequence[Inbound]
) -> list[Accepted]:
    """Stores a batch of events. The caller acknowledges after this is committed, not before.

    Raises IntegrityError or Conflict when another process was faster; the next try sees what it did.
    """
    digests = [
        sealer.keyring.dedupe_digest(operator_id, event.address.account, event.dedupe_key) for event in events
    ]
    known = {
        bytes(row.digest): Accepted(seq=row.seq, fresh=False)
        for row in connection.execute(_KNOWN, {"digests": list(set(digests))})
    }
    fresh = {digest: event for digest, event in zip(digests, events, strict=True) if digest not in known}
    results: dict[bytes, Accepted] = {}
    if fresh:
        results = _store(connection, sealer, operator_id, now, fresh)
    answered: list[Accepted] = []
    for digest in digests:
        answered.append(known[digest] if digest in known else results[digest])
        known.setdefault(digest, Accepted(seq=answered[-1].seq, fresh=False))
    return answered


def _store(
    connection: Connection, sealer: Sealer, operator_id: str, now: datetime, fresh: dict[bytes, Inbound]
) -> dict[bytes, Accepted]:
    addresses = list(dict.fromkeys(event.address for event in fresh.values()))
    held = conversations.hold(connection, sealer, operator_id, addresses)
    lines, pending, seen, accepted = [], [], [], {}
    for digest, event in fresh.items():
        one = held[event.address]
        one.last_seq += 1
        contact_id, seq, key = one.contact_id, one.last_seq, one.key
        row = cell_row(contact_id, seq)
        heard = body.Body(
            kind=event.kind,
            at=event.sent_at,
            texts=(event.text,) if event.text else (),
            choice_id=event.choice_id,
        )
        lines.append(
            {
                "contact_id": contact_id,
                "seq": seq,
                "author": PERSON,
                "sealed_body": key.seal("timeline", "sealed_body", row, body.encode(heard)),
            }
        )
        hint = event.reply_hint
        pending.append(
            {
                "contact_id": contact_id,
                "seq": seq,
                "wake_reason": None,
                "sealed_hint": key.seal("inbox", "sealed_hint", row, body.encode(hint)) if hint else None,
                "received_at": now,
                "attempts": 0,
                "parked": False,
            }
        )
        seen.append({"digest": digest, "seq": seq, "seen_on": now.date()})
        accepted[digest] = Accepted(seq=seq, fresh=True)
    _move_last_seq(connection, {one.contact_id: one.last_seq for one in held.values()})
    _ADD_LINE.run(connection, lines)
    _ADD.run(connection, pending)
    _REMEMBER.run(connection, seen)
    return accepted


def _move_last_seq(connection: Connection, last: dict[str, int]) -> None:
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


def wake(connection: Connection, now: datetime, limit: int = 500) -> int:
    """Turns due wake-ups into events, in their contacts' order. Returns how many."""
    due = connection.execute(
        select(wakeups.c.contact_id, wakeups.c.reason)
        .where(wakeups.c.due_at <= now)
        .order_by(wakeups.c.due_at)
        .limit(limit)
    ).all()
    if not due:
        return 0
    held = connection.execute(
        select(talks.c.contact_id, talks.c.last_seq)
        .where(talks.c.contact_id.in_(sorted({row.contact_id for row in due})))
        .order_by(talks.c.contact_id)
        .with_for_update()
    ).all()
    last = {row.contact_id: row.last_seq for row in held}
    pairs = [(row.contact_id, row.reason) for row in due]
    gone = connection.execute(
        delete(wakeups)
        .where(tuple_(wakeups.c.contact_id, wakeups.c.reason).in_(pairs), wakeups.c.due_at <= now)
        .returning(wakeups.c.contact_id, wakeups.c.reason)
    ).all()
    rows = []
    for row in gone:
        seq = last[row.contact_id] = last[row.contact_id] + 1
        rows.append(
            {
                "contact_id": row.contact_id,
                "seq": seq,
                "wake_reason": row.reason,
                "sealed_hint": None,
                "received_at": now,
                "attempts": 0,
                "parked": False,
            }
        )
    if rows:
        _move_last_seq(connection, last)
        _ADD.run(connection, rows)
    return len(rows)


def forget_old_keys(connection: Connection, now: datetime) -> int:
    """Drops dedupe keys past their time."""
    return connection.execute(delete(dedupe).where(dedupe.c.seen_on < (now - DEDUPE_FOR).date())).rowcount


def cell_row(contact_id: str, seq: int) -> str:
    return f"{contact_id}/{seq}"


def first_time(
    connection: Connection, sealer: Sealer, operator_id: str, scope: str, key: str, now: datetime
) -> bool:
    """Whether this key is new in its scope; from now on it is not. For things that must be done once."""
    digest = sealer.keyring.dedupe_digest(operator_id, scope, key)
    if connection.scalar(select(dedupe.c.seq).where(dedupe.c.digest == digest)) is not None:
        return False
    connection.execute(insert(dedupe).values(digest=digest, seq=0, seen_on=now.date()))
    return True

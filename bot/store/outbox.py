"""What is to be sent: in order per contact, each with its cause, `sending` durable before each call.

States: queued → sending → sent | failed | uncertain; queued → cancelled. A row in `sending` whose lease ran out
belongs to a process that died or hangs: whether it arrived is not known, and the next try says so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, or_, select, tuple_, update

from bot.errors import SealError
from bot.messages import SILENCED_BY_CLAIM, Hold, Outgoing, Purpose, ReplyHint
from bot.store import body
from bot.store.batch import Batch
from bot.store.dialect import among, has_row_locks
from bot.store.inbox import cell_row
from bot.store.schema import Instant, contacts, outbox, talks, timeline
from bot.store.sealed import ContactKey, Sealer
from bot.talk import Mode

LEASE = timedelta(seconds=15)  # longer than any call may take
QUEUED, SENDING, SENT, FAILED, UNCERTAIN, CANCELLED = (
    "queued",
    "sending",
    "sent",
    "failed",
    "uncertain",
    "cancelled",
)
UNSENT = (QUEUED, SENDING)
_IS_UNSENT = or_(
    *(outbox.c.state == state for state in UNSENT)
)  # not `in_`, whose text is made anew each time


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a try. `state` queued means: again at `due_at`."""

    contact_id: str
    seq: int
    attempt: int
    state: str
    due_at: datetime
    error_code: str | None = None
    may_have_arrived: bool = False


Route = Callable[[Outgoing, datetime], str | Hold | None]
"""How a row is to leave now (e.g. `reply` or `push`), or until when it waits; None: it must not be tried any more."""


_ADD = Batch(insert(outbox))


def add(connection: Connection, rows: Sequence[dict[str, object]]) -> None:
    """Rows as `row` makes them. A row without a cause cannot exist (R-011)."""
    _ADD.run(connection, rows)


def row(
    *,
    key: ContactKey,
    contact_id: str,
    seq: int,
    purpose: Purpose,
    cause: str,
    state: str,
    now: datetime,
    hint: ReplyHint | None = None,
    first: bool = False,
    error_code: str | None = None,
) -> dict[str, object]:
    sealed = key.seal("outbox", "sealed_hint", cell_row(contact_id, seq), body.encode(hint)) if hint else None
    return {
        "contact_id": contact_id,
        "seq": seq,
        "rank": 0 if first else 1,
        "purpose": purpose,
        "cause": cause,
        "state": state,
        "attempts": 0,
        "due_at": now,
        "queued_at": now,
        "via": None,
        "sending_at": None,
        "may_have_arrived": False,
        "error_code": error_code,
        "sealed_hint": sealed,
    }


_STILL_WAITING = select(outbox.c.contact_id).where(among(outbox.c.contact_id, "contact_ids"), _IS_UNSENT)


def with_unsent(connection: Connection, contact_ids: Collection[str]) -> set[str]:
    """Which of these contacts have something queued or being sent."""
    return set(connection.scalars(_STILL_WAITING, {"contact_ids": sorted(contact_ids)}))


def started(row: dict[str, object], via: str, now: datetime) -> dict[str, object]:
    """A new row that leaves at once: `sending` is durable with the row itself, before the call."""
    times = {"sending_at": now, "due_at": now + LEASE}
    return {**row, **times, "state": SENDING, "attempts": 1, "via": via}


_UNSENT_ROWS = (
    select(
        outbox.c.contact_id,
        outbox.c.seq,
        outbox.c.due_at,
        func.row_number()
        .over(partition_by=outbox.c.contact_id, order_by=(outbox.c.rank, outbox.c.seq))
        .label("place"),
    )
    .where(_IS_UNSENT)
    .subquery()
)
_HEADS = (
    select(_UNSENT_ROWS.c.contact_id, _UNSENT_ROWS.c.seq)
    .where(_UNSENT_ROWS.c.place == 1, _UNSENT_ROWS.c.due_at <= bindparam("now", type_=Instant))
    .order_by(_UNSENT_ROWS.c.due_at)
    .limit(bindparam("limit"))
)
_ROWS = (
    select(
        outbox,
        timeline.c.sealed_body,
        talks.c.mode,
        contacts.c.operator_id,
        contacts.c.sealed_key,
        contacts.c.sealed_address,
    )
    .join(timeline, (timeline.c.contact_id == outbox.c.contact_id) & (timeline.c.seq == outbox.c.seq))
    .join(talks, talks.c.contact_id == outbox.c.contact_id)
    .join(contacts, contacts.c.contact_id == outbox.c.contact_id)
    .where(
        tuple_(outbox.c.contact_id, outbox.c.seq).in_(bindparam("heads", expanding=True)),
        _IS_UNSENT,
        outbox.c.due_at <= bindparam("now", type_=Instant),
    )
    .with_for_update(of=outbox, skip_locked=True)
)
_MODES = select(talks.c.contact_id, talks.c.mode).where(among(talks.c.contact_id, "contact_ids"))


def start(connection: Connection, sealer: Sealer, now: datetime, route: Route, limit: int) -> list[Outgoing]:
    """Takes the head of each contact's outbox that is due, decides how it leaves and marks it `sending`.

    Rows of the machine are not started while a counselor has the thread: never tried ones are cancelled, tried
    ones stay uncertain. A claim does the same for what is queued, so after it commits no such send starts.
    """
    found_heads = connection.execute(_HEADS, {"now": now, "limit": limit})
    heads = [(head.contact_id, head.seq) for head in found_heads]
    if not heads:
        return []
    rows = connection.execute(_ROWS, {"heads": heads, "now": now}).all()
    modes = {found.contact_id: found.mode for found in rows}
    if has_row_locks(connection):
        # A claim locks these rows too: read under the locks, a mode is true until this is committed.
        locked = connection.execute(_MODES, {"contact_ids": list(modes)})
        modes = {row.contact_id: row.mode for row in locked}
    leaving, marks = [], []
    for found in rows:
        try:
            outgoing = _outgoing(sealer, found)
        except SealError:  # one damaged cell must not hold up everybody else
            state = UNCERTAIN if found.attempts else FAILED
            marks.append(_mark(found, state, "unreadable", found.may_have_arrived, now, None))
            continue
        silenced = outgoing.purpose in SILENCED_BY_CLAIM and modes[found.contact_id] == Mode.HUMAN
        via = None if silenced else route(outgoing, now)
        if isinstance(via, Hold):
            marks.append(_held(found, via, outgoing.may_have_arrived))
            continue
        state = SENDING if via else (UNCERTAIN if outgoing.may_have_arrived or not silenced else CANCELLED)
        error = "silenced" if silenced else found.error_code
        marks.append(_mark(found, state, error, outgoing.may_have_arrived, now, via))
        if via is not None:
            leaving.append(replace(outgoing, via=via))
    _MARK_START.run(connection, marks)
    return leaving


_MARK_START = Batch(
    update(outbox)
    .where(outbox.c.contact_id == bindparam("b_contact_id"), outbox.c.seq == bindparam("b_seq"))
    .values(
        state=bindparam("b_state"),
        attempts=bindparam("b_attempts"),
        via=bindparam("b_via"),
        sending_at=bindparam("b_sending_at"),
        due_at=bindparam("b_due_at"),
        may_have_arrived=bindparam("b_may_have_arrived"),
        error_code=bindparam("b_error_code"),
    )
)

_MARK_FINISH = Batch(
    update(outbox)
    .where(
        outbox.c.contact_id == bindparam("b_contact_id"),
        outbox.c.seq == bindparam("b_seq"),
        outbox.c.state == SENDING,
        outbox.c.attempts == bindparam("b_attempt"),
    )
    .values(
        state=bindparam("b_state"),
        due_at=bindparam("b_due_at"),
        error_code=bindparam("b_error_code"),
        may_have_arrived=bindparam("b_may_have_arrived"),
    )
)


def _mark(
    found: Row[Any], state: str, error: str | None, may_have_arrived: bool, now: datetime, via: str | None
) -> dict[str, object]:
    """How a row is marked that leaves now (`via`), or must not."""
    return {
        "b_contact_id": found.contact_id,
        "b_seq": found.seq,
        "b_state": state,
        "b_attempts": found.attempts + (via is not None),
        "b_via": via or found.via,
        "b_sending_at": now if via else found.sending_at,
        "b_due_at": now + LEASE if via else found.due_at,
        "b_may_have_arrived": may_have_arrived,
        "b_error_code": error,
    }


def _held(found: Row[Any], hold: Hold, may_have_arrived: bool) -> dict[str, object]:
    mark = _mark(found, QUEUED, hold.code, may_have_arrived, hold.until, None)
    return {**mark, "b_due_at": hold.until}


def held(row: dict[str, object], hold: Hold) -> dict[str, object]:
    """A new row that must wait."""
    return {**row, "due_at": hold.until, "error_code": hold.code}


def _outgoing(sealer: Sealer, found: Row[Any]) -> Outgoing:
    key = sealer.contact_key(found.operator_id, found.contact_id, found.sealed_key)
    cell = cell_row(found.contact_id, found.seq)
    sealed_hint = found.sealed_hint
    return Outgoing(
        contact_id=found.contact_id,
        seq=found.seq,
        address=body.address(key.open("contacts", "sealed_address", found.contact_id, found.sealed_address)),
        reply=body.body(key.open("timeline", "sealed_body", cell, found.sealed_body)).reply,
        purpose=Purpose(found.purpose),
        attempt=found.attempts + 1,
        may_have_arrived=found.may_have_arrived or found.state == SENDING,
        queued_at=found.queued_at,
        earlier_via=found.via,
        earlier_error=found.error_code,
        hint=body.reply_hint(key.open("outbox", "sealed_hint", cell, sealed_hint)) if sealed_hint else None,
    )


def finish(connection: Connection, outcomes: Sequence[Outcome]) -> list[bool]:
    """Marks what became of tries, and tells of each whether its contact has more to send.

    A try that lost its lease to a later one changes nothing.
    """
    _MARK_FINISH.run(
        connection,
        [
            {
                "b_contact_id": outcome.contact_id,
                "b_seq": outcome.seq,
                "b_attempt": outcome.attempt,
                "b_state": outcome.state,
                "b_due_at": outcome.due_at,
                "b_error_code": outcome.error_code,
                "b_may_have_arrived": outcome.may_have_arrived,
            }
            for outcome in sorted(outcomes, key=lambda outcome: (outcome.contact_id, outcome.seq))
        ],
    )
    contact_ids = {outcome.contact_id for outcome in outcomes}
    waiting = with_unsent(connection, contact_ids)
    return [outcome.contact_id in waiting for outcome in outcomes]


def recover(connection: Connection, now: datetime) -> int:
    """At the start of the only process there is: what was being sent may have arrived, and is due at once."""
    return connection.execute(
        update(outbox).where(outbox.c.state == SENDING).values(due_at=now, may_have_arrived=True)
    ).rowcount


_HOLD_UNSENT = (
    select(outbox.c.seq)
    .where(among(outbox.c.contact_id, "contact_ids"), _IS_UNSENT)
    .order_by(outbox.c.contact_id, outbox.c.seq)
    .with_for_update()
)


def silence(connection: Connection, contact_ids: Sequence[str]) -> None:
    """Cancels what the machine has queued for these contacts: a counselor has the thread now.

    A send that is just starting is waited for, so that none starts after this is committed.
    """
    if has_row_locks(connection):
        connection.execute(_HOLD_UNSENT, {"contact_ids": list(contact_ids)})
    connection.execute(
        update(outbox)
        .where(
            outbox.c.contact_id.in_(contact_ids),
            outbox.c.state == QUEUED,
            outbox.c.purpose.in_([purpose.value for purpose in SILENCED_BY_CLAIM]),
        )
        .values(state=CANCELLED, error_code="silenced")
    )


def cancel_all(connection: Connection, contact_ids: Sequence[str]) -> None:
    """Cancels everything queued for people who blocked us."""
    connection.execute(
        update(outbox)
        .where(outbox.c.contact_id.in_(contact_ids), outbox.c.state == QUEUED)
        .values(state=CANCELLED, error_code="contact_gone")
    )


_NEXT_DUE = select(func.min(_UNSENT_ROWS.c.due_at)).where(_UNSENT_ROWS.c.place == 1)


def next_due(connection: Connection) -> datetime | None:
    """When the next head is due; None when all is sent. What waits behind a head is not due before it."""
    found: datetime | None = connection.scalar(_NEXT_DUE)
    return found


def unsent_count(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(outbox).where(_IS_UNSENT)) or 0

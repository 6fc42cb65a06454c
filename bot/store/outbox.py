"""What is to be sent: in order per contact, each with its cause, `sending` durable before each call.

States: queued → sending → sent | failed | uncertain; queued → cancelled | uncertain. Which rows leave when is
decided in `departures`. A row in `sending` whose lease ran out belongs to a process that died or hangs: whether it
arrived is not known, and the next try says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, case, func, insert, literal_column, select, update

from bot.frozen import dataclass
from bot.messages import GROWS_STALE, HELD_FOR_QUOTA, SILENCED_BY_CLAIM, Hold, Outgoing, Purpose, ReplyHint
from bot.store import body
from bot.store.batch import Batch
from bot.store.dialect import among, has_row_locks
from bot.store.inbox import cell_row
from bot.store.schema import outbox
from bot.store.sealed import ContactKey

LEASE = timedelta(seconds=15)  # longer than any call may take; told by the time of `leases`
QUEUED, SENDING, SENT, FAILED, UNCERTAIN, CANCELLED = (
    "queued",
    "sending",
    "sent",
    "failed",
    "uncertain",
    "cancelled",
)
UNSENT = (QUEUED, SENDING)
IS_UNSENT = outbox.c.state.in_([literal_column(f"'{state}'") for state in UNSENT])
"""As literals, not parameters: so both databases see that the index of unsent rows holds them all."""
STALE = "stale"
STALE_AFTER = timedelta(hours=1)  # a menu that comes later answers nothing any more


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


_STILL_WAITING = select(outbox.c.contact_id).where(among(outbox.c.contact_id, "contact_ids"), IS_UNSENT)


def with_unsent(connection: Connection, contact_ids: Collection[str]) -> set[str]:
    """Which of these contacts have something queued or being sent."""
    return set(connection.scalars(_STILL_WAITING, {"contact_ids": sorted(contact_ids)}))


_HELD = (
    update(outbox)
    .where(
        among(outbox.c.contact_id, "contact_ids"),
        outbox.c.state == QUEUED,
        outbox.c.may_have_arrived.is_(False),
        outbox.c.error_code.in_(HELD_FOR_QUOTA),
        outbox.c.purpose.in_([purpose.value for purpose in SILENCED_BY_CLAIM]),
    )
    .values(state=CANCELLED, error_code=STALE)
    .returning(outbox.c.contact_id)
)


def make_way(
    connection: Connection, contact_ids: Collection[str], free: Collection[str]
) -> tuple[set[str], Counter[str]]:
    """Which of these contacts have something unsent, and how much of others was dropped for a `free` answer.

    What waits for next month's pushes must not hold up an answer that costs none, and answers nothing after it.
    """
    busy = with_unsent(connection, contact_ids)
    waiting = sorted(busy & set(free))
    if not waiting:
        return busy, Counter()
    passed = Counter(connection.scalars(_HELD, {"contact_ids": waiting}))
    return (with_unsent(connection, contact_ids) if passed else busy), passed


def started(row: dict[str, object], via: str, now: datetime, leased: datetime) -> dict[str, object]:
    """A new row that leaves at once: `sending` is durable with the row itself, before the call."""
    times = {"sending_at": now, "due_at": leased + LEASE}
    return {**row, **times, "state": SENDING, "attempts": 1, "via": via}


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
        sealed_hint=case((bindparam("b_state") == QUEUED, outbox.c.sealed_hint), else_=None),
    )
)
"""A hint stays as long as the row may be tried again."""


def is_stale(purpose: Purpose, queued_at: datetime, now: datetime) -> bool:
    """Whether words that could not leave are too old to be said."""
    return purpose in GROWS_STALE and now - queued_at >= STALE_AFTER


def held_until(purpose: Purpose, queued_at: datetime, hold: Hold) -> datetime:
    """When a row that is held back is looked at again: at the latest when it has become stale."""
    return min(hold.until, queued_at + STALE_AFTER) if purpose in GROWS_STALE else hold.until


def held(row: dict[str, object], outgoing: Outgoing, hold: Hold) -> dict[str, object]:
    """A new row that must wait."""
    return {
        **row,
        "due_at": held_until(outgoing.purpose, outgoing.queued_at, hold),
        "error_code": hold.code,
    }


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
        update(outbox).where(IS_UNSENT, outbox.c.state == SENDING).values(due_at=now, may_have_arrived=True)
    ).rowcount


_HOLD_UNSENT = (
    select(outbox.c.seq)
    .where(among(outbox.c.contact_id, "contact_ids"), IS_UNSENT)
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
        .values(state=CANCELLED, error_code="silenced", sealed_hint=None)
    )


def give_to_page(connection: Connection, contact_id: str) -> None:
    """The thread is read from our own pages now: what had not surely arrived is there. A try under way changes
    nothing any more, whatever becomes of it."""
    if has_row_locks(connection):
        connection.execute(_HOLD_UNSENT, {"contact_ids": [contact_id]})
    connection.execute(
        update(outbox)
        .where(outbox.c.contact_id == contact_id, outbox.c.state.in_((*UNSENT, FAILED, UNCERTAIN)))
        .values(state=SENT, error_code=None, sealed_hint=None)
    )


def cancel_all(connection: Connection, contact_ids: Sequence[str]) -> None:
    """Cancels everything queued for people who blocked us."""
    connection.execute(
        update(outbox)
        .where(outbox.c.contact_id.in_(contact_ids), outbox.c.state == QUEUED)
        .values(state=CANCELLED, error_code="contact_gone", sealed_hint=None)
    )


def unsent_count(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(outbox).where(IS_UNSENT)) or 0


def undelivered(connection: Connection, since: datetime) -> int:
    """How many did not arrive since then, as far as is known: what failed, and what nobody can tell."""
    lost = outbox.c.state.in_([literal_column(f"'{state}'") for state in (FAILED, UNCERTAIN)])
    query = select(func.count()).select_from(outbox).where(lost, outbox.c.queued_at >= since)
    return connection.scalar(query) or 0

"""What leaves the outbox now: the head of each contact's rows that is due, a bounded number for each account.

What must not leave any more is dropped here, with its reason: the person is gone, a counselor has the thread, or
the guide's words have become stale.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, tuple_, update

from bot.errors import SealError
from bot.frozen import dataclass, replace
from bot.messages import GROWS_STALE, SILENCED_BY_CLAIM, Hold, Outgoing, Purpose
from bot.store import body
from bot.store.batch import Batch
from bot.store.dialect import among, has_row_locks
from bot.store.due import IS_DUE, Leased, heads_due
from bot.store.inbox import cell_row
from bot.store.outbox import (
    CANCELLED,
    FAILED,
    IS_UNSENT,
    LEASE,
    QUEUED,
    SENDING,
    STALE,
    UNCERTAIN,
    Route,
    held_until,
    is_stale,
)
from bot.store.schema import contacts, outbox, talks, timeline
from bot.store.sealed import Sealer
from bot.talk import Mode

NO_WAY = "no_way"  # it may have arrived, and any further try could double it


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A row that will not leave any more. `uncertain`: an earlier try of it may have arrived."""

    contact_id: str
    operator_id: str
    seq: int
    purpose: Purpose
    code: str
    uncertain: bool


@dataclass(slots=True, kw_only=True)
class Departures:
    """What leaves, what was dropped, and whether there may be more that is due."""

    leaving: list[Outgoing] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    more: bool = False


_ROWS = (
    select(
        outbox,
        timeline.c.sealed_body,
        talks.c.mode,
        contacts.c.operator_id,
        contacts.c.reachable,
        contacts.c.sealed_key,
        contacts.c.sealed_address,
    )
    .join(timeline, (timeline.c.contact_id == outbox.c.contact_id) & (timeline.c.seq == outbox.c.seq))
    .join(talks, talks.c.contact_id == outbox.c.contact_id)
    .join(contacts, contacts.c.contact_id == outbox.c.contact_id)
    .where(
        tuple_(outbox.c.contact_id, outbox.c.seq).in_(bindparam("heads", expanding=True)),
        IS_UNSENT,
        IS_DUE,
    )
    .with_for_update(of=outbox, skip_locked=True)
)
_MODES = select(talks.c.contact_id, talks.c.mode).where(among(talks.c.contact_id, "contact_ids"))


def start(
    connection: Connection,
    sealer: Sealer,
    now: datetime,
    route: Route,
    most: int,
    room: Mapping[str, int] | None = None,
    leased: Leased | None = None,
) -> Departures:
    """Takes heads that are due, safety cards first, decides how each leaves and marks it `sending`.

    At most `room` rows of an account leave (`most`, where it names none); an account without room uses up nothing
    of the others. Rows of the machine are not started while a counselor has the thread. A claim does the same for
    what is queued, so after it commits no such send starts.
    """
    room, leased = room or {}, leased or Leased(now, now)
    heads, more = heads_due(connection, now, leased, most, room)
    if not heads:
        return Departures(more=more)
    rows = connection.execute(_ROWS, {"heads": heads, "now": now, "over": leased.over}).all()
    modes = {found.contact_id: found.mode for found in rows}
    if has_row_locks(connection):
        # A claim locks these rows too: read under the locks, a mode is true until this is committed.
        locked = connection.execute(_MODES, {"contact_ids": list(modes)})
        modes = {row.contact_id: row.mode for row in locked}
    departures = Departures(more=more)
    marks = [
        _decided(sealer, found, modes[found.contact_id], now, leased.now, route, departures) for found in rows
    ]
    departures.more = more or bool(departures.dropped)
    _MARK.run(connection, marks)
    return departures


def _decided(
    sealer: Sealer,
    found: Row[Any],
    mode: str,
    now: datetime,
    lease: datetime,
    route: Route,
    departures: Departures,
) -> dict[str, object]:
    """How one row is marked; whether it leaves or is dropped goes to `departures`."""
    try:
        outgoing = _outgoing(sealer, found)
    except SealError:  # one damaged cell must not hold up everybody else
        state = UNCERTAIN if found.attempts else FAILED
        return _mark(found, state, "unreadable", found.may_have_arrived, now, None)
    maybe = outgoing.may_have_arrived
    code = _drop_code(found, outgoing, mode, now)
    via = route(outgoing, now) if not code else None
    if isinstance(via, Hold):
        until = held_until(outgoing.purpose, outgoing.queued_at, via)
        return {**_mark(found, QUEUED, via.code, maybe, now, None), "b_due_at": until}
    if via is not None:
        departures.leaving.append(replace(outgoing, via=via))
        return _mark(found, SENDING, found.error_code, maybe, now, via) | {"b_due_at": lease + LEASE}
    uncertain = maybe or not code
    departures.dropped.append(
        Dropped(
            contact_id=found.contact_id,
            operator_id=found.operator_id,
            seq=found.seq,
            purpose=outgoing.purpose,
            code=code or NO_WAY,
            uncertain=uncertain,
        )
    )
    return _mark(found, UNCERTAIN if uncertain else CANCELLED, code or found.error_code, maybe, now, None)


def _drop_code(found: Row[Any], outgoing: Outgoing, mode: str, now: datetime) -> str:
    """Why a row must not leave any more; empty when it may."""
    if not found.reachable:
        return "contact_gone"
    if outgoing.purpose in SILENCED_BY_CLAIM and mode == Mode.HUMAN:
        return "silenced"
    return STALE if is_stale(outgoing.purpose, outgoing.queued_at, now) else ""


_MARK = Batch(
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
        "b_due_at": found.due_at,
        "b_may_have_arrived": may_have_arrived,
        "b_error_code": error,
    }


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


_LAST = (
    select(outbox.c.contact_id, func.max(outbox.c.seq).label("seq"))
    .where(among(outbox.c.contact_id, "contact_ids"))
    .group_by(outbox.c.contact_id)
)


def left_unanswered(connection: Connection, dropped: Collection[Dropped]) -> list[str]:
    """The contacts whose newest message is a menu that was dropped for its age, or had no safe way left.

    What they did last may have got no answer, and none is queued.
    """
    lost = {
        (one.contact_id, one.seq)
        for one in dropped
        if one.code in (STALE, NO_WAY) and one.purpose in GROWS_STALE
    }
    if not lost:
        return []
    last = connection.execute(_LAST, {"contact_ids": sorted({contact_id for contact_id, _ in lost})})
    return [row.contact_id for row in last if (row.contact_id, row.seq) in lost]

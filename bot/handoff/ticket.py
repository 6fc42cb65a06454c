"""The ticket: one handoff, from waiting over active to resting and back. Pure; drawn in docs/modes.md.

There is no end state (R-086): a resting ticket waits again with one word of the person.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bot.errors import IllegalMove
from bot.handoff.risk import Level, RiskHit

MAX_HANDED = 60


class Status(StrEnum):
    WAITING = "waiting"
    ACTIVE = "active"
    RESTING = "resting"


class Reason(StrEnum):
    """Why a ticket is here."""

    REQUEST = "request"
    RISK = "risk"
    UNSCANNED = "unscanned"
    STRANDED = "stranded"
    UNDELIVERABLE = "undeliverable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """`opened_seq` is where the counselor's view of the thread begins; `wishes` and `hits` are pinned above it.

    `handed`: places before that which the person handed over, too: what they wrote to nobody until then.
    """

    id: str
    contact_id: str
    desk_id: str
    reason: Reason
    priority: Level
    status: Status
    opened_at: datetime
    opened_seq: int
    assignee: str | None = None
    claimed_at: datetime | None = None
    wishes: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    hits: tuple[RiskHit, ...] = ()
    handed: tuple[int, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.status is not Status.RESTING


def ticket_id(contact_id: str, revision: int) -> str:
    """The id of a ticket a contact opens at this revision: the same for the same turn, unguessable from outside."""
    return uuid.uuid5(uuid.UUID(contact_id), f"ticket/{revision}").hex


def opened(
    current: Ticket | None,
    contact_id: str,
    revision: int,
    reason: Reason,
    level: Level,
    seq: int,
    now: datetime,
    hits: tuple[RiskHit, ...] = (),
) -> Ticket:
    """An open ticket at least this urgent: the current one raised, a resting one waiting again, or a new one."""
    if current is not None and current.is_open:
        return raise_to(current, level, hits)
    if current is not None:
        return raise_to(reopen(current, reason, level, seq, now), level, hits)
    return Ticket(
        id=ticket_id(contact_id, revision),
        contact_id=contact_id,
        desk_id="",
        reason=reason,
        priority=level,
        status=Status.WAITING,
        opened_at=now,
        opened_seq=seq,
        hits=hits,
    )


def claim(ticket: Ticket, staff_id: str, now: datetime) -> Ticket:
    """Waiting → active. Only one can: the second one is told that somebody was first."""
    if ticket.status is not Status.WAITING:
        raise IllegalMove("This conversation is not waiting any more.")
    return replace(ticket, status=Status.ACTIVE, assignee=staff_id, claimed_at=now)


def hand_back(ticket: Ticket, staff_id: str) -> Ticket:
    """Active → resting, by who has it."""
    if ticket.status is not Status.ACTIVE or ticket.assignee != staff_id:
        raise IllegalMove("Only who has the conversation can hand it back.")
    return replace(ticket, status=Status.RESTING, priority=Level.NONE)


def withdraw(ticket: Ticket) -> Ticket:
    """Waiting → resting, by the person, without a reason (R-022). A call for help stays: see `is_withdrawable`."""
    if not is_withdrawable(ticket):
        raise IllegalMove("This conversation cannot be withdrawn.")
    return replace(ticket, status=Status.RESTING, priority=Level.NONE, handed=(), wishes=())


def is_withdrawable(ticket: Ticket) -> bool:
    """A request can be taken back while nobody has it; a risk ticket is for a human to lower."""
    return ticket.status is Status.WAITING and ticket.priority < Level.HIGH


def reopen(ticket: Ticket, reason: Reason, priority: Level, opened_seq: int, now: datetime) -> Ticket:
    """Resting → waiting; whoever had it before stays named, so that the same person may take it again."""
    if ticket.status is not Status.RESTING:
        raise IllegalMove("This conversation is not resting.")
    return replace(
        ticket,
        status=Status.WAITING,
        reason=reason,
        priority=priority,
        opened_at=now,
        opened_seq=opened_seq,
        claimed_at=None,
        hits=(),
        wishes=(),
        handed=(),
    )


def handing(ticket: Ticket, seqs: tuple[int, ...]) -> Ticket:
    """The same ticket with more of what was written before."""
    return replace(ticket, handed=tuple(sorted({*ticket.handed, *seqs}))[-MAX_HANDED:])


def raise_to(ticket: Ticket, level: Level, hits: tuple[RiskHit, ...] = ()) -> Ticket:
    """The same ticket, at least as urgent as `level`, with the hits that say why. Never lowers."""
    merged = tuple(dict.fromkeys((*ticket.hits, *hits)))[-20:]
    return replace(ticket, priority=max(ticket.priority, level), hits=merged)

"""The ticket: one handoff, from waiting over active to resting and back. Pure; drawn in docs/desk.md.

`MOVES` is the whole machine. Each move names who, when and why, and any other raises `IllegalMove`. There is no end
state (R-086): a resting ticket waits again with one word of the person.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.errors import IllegalMove
from bot.frozen import dataclass, field, replace
from bot.handoff.risk import Level, RiskHit

MAX_HANDED = 60
MAX_HITS = 20
MAX_MOVES = 24
MAX_WHY = 200  # characters
PERSON, GUIDE = "person", "guide"
"""Who moved a ticket when it was no member of staff: the person, or the machine for them."""


class Status(StrEnum):
    WAITING = "waiting"
    ACTIVE = "active"
    RESTING = "resting"


class Reason(StrEnum):
    REQUEST = "request"
    RISK = "risk"
    UNSCANNED = "unscanned"
    STRANDED = "stranded"
    UNDELIVERABLE = "undeliverable"
    FAMILY = "family"
    SUPPORTER = "supporter"
    FOLLOW_UP = "follow_up"


class Act(StrEnum):
    OPEN = "open"
    REOPEN = "reopen"
    CLAIM = "claim"
    RELEASE = "release"
    PASS_ON = "pass_on"  # noqa: S105 - to a colleague, no password
    SEND_ON = "send_on"
    REFUSE = "refuse"
    LOWER = "lower"
    HAND_BACK = "hand_back"
    WITHDRAW = "withdraw"


_W, _A, _R = Status.WAITING, Status.ACTIVE, Status.RESTING
MOVES: dict[Act, dict[Status | None, Status]] = {
    Act.OPEN: {None: _W},
    Act.REOPEN: {_R: _W},
    Act.CLAIM: {_W: _A},
    Act.RELEASE: {_A: _W},
    Act.PASS_ON: {_A: _A},
    Act.SEND_ON: {_W: _W, _A: _W},
    Act.REFUSE: {_W: _W, _A: _W, _R: _R},
    Act.LOWER: {_W: _W, _A: _A},
    Act.HAND_BACK: {_A: _R},
    Act.WITHDRAW: {_W: _R},
}
"""Every legal move: from which status to which."""
_AFRESH: dict[str, Any] = {"hits": (), "wishes": (), "handed": (), "peer": False, "seen_by": ()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One move of a ticket: `by` a member of staff, PERSON or GUIDE. `why` is for colleagues, never for the person."""

    act: Act
    by: str
    at: datetime
    why: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """`opened_seq` is where the counselor's view of the thread begins; `wishes` and `hits` are pinned above it.

    `handed`: places before that which the person handed over, too: what they wrote to nobody until then.
    `refused` staff never get it again (R-089), and are told nothing. `peer`: somebody who knows such a life from
    their own was wished for (R-102). `promised_at`: when the person was told that an answer comes. `stand_in` may
    go on when the keeper is away (R-106). `seen_by` confirmed the wishes since they were last changed (R-030).
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
    promised_at: datetime | None = None
    stand_in: str | None = None
    wishes: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    hits: tuple[RiskHit, ...] = ()
    handed: tuple[int, ...] = ()
    refused: tuple[str, ...] = ()
    peer: bool = False
    seen_by: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.status is not Status.RESTING

    @property
    def keeper(self) -> str | None:
        """Who has it now. `assignee` alone also names who had it last."""
        return self.assignee if self.status is Status.ACTIVE else None


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
    *,
    by: str = GUIDE,
    desk_id: str = "",
) -> Ticket:
    """An open ticket at least this urgent: the current one raised, a resting one waiting again, or a new one."""
    if current is not None and current.is_open:
        return raise_to(current, level, hits)
    if current is not None:
        return raise_to(reopen(current, reason, level, seq, now, by=by), level, hits)
    return Ticket(
        id=ticket_id(contact_id, revision),
        contact_id=contact_id,
        desk_id=desk_id,
        reason=reason,
        priority=level,
        status=Status.WAITING,
        opened_at=now,
        opened_seq=seq,
        hits=hits,
        moves=(Move(act=Act.OPEN, by=by, at=now, why=reason),),
    )


def reopen(
    ticket: Ticket, reason: Reason, priority: Level, opened_seq: int, now: datetime, *, by: str = GUIDE
) -> Ticket:
    """Resting → waiting; whoever had it before stays named, so that the same person may take it again (R-086)."""
    return _moved(
        ticket,
        Act.REOPEN,
        by,
        now,
        reason,
        reason=reason,
        priority=priority,
        opened_at=now,
        opened_seq=opened_seq,
        **_AFRESH,
    )


def claim(ticket: Ticket, staff_id: str, now: datetime, why: str = "next") -> Ticket:
    """Waiting → active. Only one can: the second one is told that somebody was first. `why` it was this one."""
    if ticket.status is not Status.WAITING:
        raise IllegalMove("This conversation is not waiting any more.")
    _welcome(ticket, staff_id)
    return _moved(ticket, Act.CLAIM, staff_id, now, why, assignee=staff_id, claimed_at=now)


def release(ticket: Ticket, by: str, now: datetime, why: str) -> Ticket:
    """Active → waiting at the same desk: a break, the end of a shift, somebody who is gone. Its wait goes on."""
    return _moved(ticket, Act.RELEASE, by, now, why)


def pass_on(ticket: Ticket, by: str, to: str, now: datetime, why: str) -> Ticket:
    """Active → active with a colleague of the same desk. The person is told before that one writes (R-112)."""
    _welcome(ticket, to)
    if to == ticket.keeper:
        raise IllegalMove("They have this conversation already.")
    return _moved(ticket, Act.PASS_ON, by, now, why, assignee=to, claimed_at=now, seen_by=())


def send_on(ticket: Ticket, by: str, desk_id: str, now: datetime, why: str) -> Ticket:
    """To another desk, where it waits. Only with the person's consent: see `handoff.consent` (R-065)."""
    if desk_id == ticket.desk_id:
        raise IllegalMove("It is at this desk already.")
    return _moved(
        ticket, Act.SEND_ON, by, now, why, desk_id=desk_id, assignee=None, stand_in=None, seen_by=()
    )


def refuse(ticket: Ticket, staff_id: str, now: datetime) -> Ticket:
    """The person does not want this member of staff; no reason, and nobody is told one (R-089)."""
    refused = tuple(dict.fromkeys((*ticket.refused, staff_id)))
    stand_in = None if ticket.stand_in == staff_id else ticket.stand_in
    if ticket.keeper not in (None, staff_id):
        return replace(ticket, refused=refused, stand_in=stand_in)
    left = replace(ticket, refused=refused, stand_in=stand_in)
    if ticket.assignee == staff_id:
        left = replace(left, assignee=None)
    return _moved(left, Act.REFUSE, PERSON, now, "refused")


def leaves(ticket: Ticket, staff_id: str, by: str, now: datetime) -> Ticket:
    """Without a member of staff who goes: what they had waits for its desk, or for who stands in."""
    if ticket.keeper == staff_id:
        ticket = release(ticket, by, now, "left")
    stand_in = None if ticket.stand_in == staff_id else ticket.stand_in
    assignee = stand_in if ticket.assignee == staff_id else ticket.assignee
    return replace(ticket, assignee=assignee, stand_in=stand_in)


def hand_back(ticket: Ticket, staff_id: str, now: datetime, why: str = "done") -> Ticket:
    """Active → resting, by who has it."""
    if ticket.keeper != staff_id:
        raise IllegalMove("Only who has the conversation can hand it back.")
    return _moved(ticket, Act.HAND_BACK, staff_id, now, why, priority=Level.NONE)


def withdraw(ticket: Ticket, now: datetime) -> Ticket:
    """Waiting → resting, by the person, without a reason (R-022). A call for help stays: see `is_withdrawable`."""
    if not is_withdrawable(ticket):
        raise IllegalMove("This conversation cannot be withdrawn.")
    return _moved(ticket, Act.WITHDRAW, PERSON, now, "withdrawn", priority=Level.NONE, handed=(), wishes=())


def is_withdrawable(ticket: Ticket) -> bool:
    """A request can be taken back while nobody has it; a risk ticket is for a human to lower."""
    return ticket.status is Status.WAITING and ticket.priority < Level.HIGH


def lower(ticket: Ticket, by: str, level: Level, now: datetime, why: str) -> Ticket:
    """Less urgent, by a member of staff with a reason in words: the machine never lowers."""
    if level >= ticket.priority:
        raise IllegalMove("It is not more urgent than that.")
    return _moved(ticket, Act.LOWER, by, now, why, priority=level)


def handing(ticket: Ticket, seqs: tuple[int, ...]) -> Ticket:
    """The same ticket with more of what was written before."""
    return replace(ticket, handed=tuple(sorted({*ticket.handed, *seqs}))[-MAX_HANDED:])


def raise_to(ticket: Ticket, level: Level, hits: tuple[RiskHit, ...] = ()) -> Ticket:
    """The same ticket, at least as urgent as `level`, with the hits that say why. Never lowers."""
    merged = tuple(dict.fromkeys((*ticket.hits, *hits)))[-MAX_HITS:]
    return replace(ticket, priority=max(ticket.priority, level), hits=merged)


def wished(ticket: Ticket, wishes: tuple[tuple[str, str], ...], *, peer: bool) -> Ticket:
    """With what the person said about how to go on; it is to be seen anew before anybody writes."""
    return replace(ticket, wishes=wishes, peer=peer, seen_by=())


def seen(ticket: Ticket, staff_id: str) -> Ticket:
    return replace(ticket, seen_by=tuple(dict.fromkeys((*ticket.seen_by, staff_id))))


def must_see(ticket: Ticket, staff_id: str) -> bool:
    return bool(ticket.wishes) and staff_id not in ticket.seen_by


def responsible(ticket: Ticket) -> str:
    """Who has to see to it next: its keeper, else its desk. Never nobody."""
    return ticket.keeper or ticket.desk_id


def _welcome(ticket: Ticket, staff_id: str) -> None:
    if staff_id in ticket.refused:
        raise IllegalMove("This conversation goes on with a colleague.")


def _moved(ticket: Ticket, act: Act, by: str, now: datetime, why: str, **changes: Any) -> Ticket:
    to = MOVES[act].get(ticket.status)
    if to is None:
        raise IllegalMove(f"A conversation that is {ticket.status} cannot do this: {act}.")
    if not by or not why.strip():
        raise IllegalMove("Every move tells who and why.")
    if to is Status.WAITING:
        changes.setdefault("claimed_at", None)
    if to is Status.RESTING or act in (Act.REOPEN, Act.SEND_ON):
        changes.setdefault("promised_at", None)  # else a promise outlives whoever made it
    moves = (*ticket.moves, Move(act=act, by=by, at=now, why=why.strip()[:MAX_WHY]))[-MAX_MOVES:]
    return replace(ticket, status=to, moves=moves, **changes)

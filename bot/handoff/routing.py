"""Which desk a conversation goes to, and who takes which one next. Pure; the rules are content, staff edit them.

The person's own choice stands first (a desk, somebody with experience, not that person), then the rules in their
order, then the desk that fits best. Of those who wait nobody has to choose: `next_for` gives the one whose turn it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from bot.frozen import dataclass
from bot.handoff.hours import Desk, is_open
from bot.handoff.risk import Level
from bot.handoff.ticket import Reason, Status, Ticket

WEIGHTS = {Level.NONE: 1, Level.CONCERN: 2, Level.HIGH: 4, Level.EMERGENCY: 6}
"""What a conversation weighs on who has it: a red one is not one more chat (R-108)."""
LIMITS = {
    Level.EMERGENCY: timedelta(minutes=5),
    Level.HIGH: timedelta(minutes=15),
    Level.CONCERN: timedelta(hours=2),
    Level.NONE: timedelta(hours=8),
}
"""By when somebody should have it. Of two that wait, the one with the greater share of its limit behind it is next."""
URGENT = Level.HIGH
KEPT_FOR = 0.25
"""For this share of its limit a returning person is left to whoever they know, while that one has room."""
NEAR = timedelta(minutes=15)
"""So long before a promised time the promise is due."""
RED_PAUSE = timedelta(minutes=15)
"""After a red conversation nothing new comes for so long (R-110)."""


class RoutingRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whoever fits all that it says goes to `desk`. Rules are tried in the order of `order`, then of their ids.

    `areas` are written 「岡山県 総社市」 or 「岡山県」; `ages` are years, both ends included; `reasons` and
    `audience` are words of ours; `least`: from this level on (concern, high, emergency).
    """

    id: str
    desk: str
    order: int = 100
    areas: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    ages: tuple[int, int] | None = None
    reasons: tuple[Reason, ...] = ()
    least: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is known of who asks: only what they said themselves, and nothing is asked for it."""

    desk: str = ""
    area: str = ""
    ages: tuple[int, int] | None = None
    audience: str = ""
    language: str = ""
    peer: bool = False
    reason: Reason = Reason.REQUEST
    level: Level = Level.NONE


class Why(StrEnum):
    """Why a desk, or why this person now; shown to staff beside it."""

    CHOSEN = "chosen"
    RULE = "rule"
    FITS = "fits"
    LEVEL = "level"
    PROMISE = "promise"
    KNOWN = "known"
    CONCERNS = "concerns"
    WAIT = "wait"


# --- desks ----------------------------------------------------------------------------------------------------


def choose_desk(
    desks: Sequence[Desk], rules: Iterable[RoutingRule], asked: Asked, now: datetime
) -> tuple[str, Why]:
    """The desk for who asks. There is always one, as long as there are desks; without any, the empty id."""
    known = {desk.id: desk for desk in desks}
    if asked.desk in known:
        return asked.desk, Why.CHOSEN
    if asked.peer:
        peers = [desk for desk in desks if desk.peers]
        if peers:
            return _best(peers, asked, now), Why.CHOSEN
    for rule in sorted(rules, key=lambda one: (one.order, one.id)):
        if rule.desk in known and _applies(rule, asked):
            return rule.desk, Why.RULE
    return _best(desks, asked, now), Why.FITS


def _applies(rule: RoutingRule, asked: Asked) -> bool:
    return (
        (not rule.areas or _area(rule.areas, asked.area) > 0)
        and (not rule.audience or asked.audience in rule.audience)
        and (rule.ages is None or _age(rule.ages, asked.ages) > 0)
        and (not rule.reasons or asked.reason in rule.reasons)
        and (not rule.least or asked.level >= Level[rule.least.upper()])
    )


def _best(desks: Sequence[Desk], asked: Asked, now: datetime) -> str:
    """The closest desk that takes who asks; else one for everybody; else the first: nobody is sent nowhere."""
    if not desks:
        return ""
    scored = [(_fit(desk, asked, now), -place, desk.id) for place, desk in enumerate(desks)]
    return max(scored)[2]


def _fit(desk: Desk, asked: Asked, now: datetime) -> tuple[int, ...]:
    """How well a desk fits; the first number tells whether it takes them at all."""
    area, age = _area(desk.areas, asked.area), _age(desk.ages, asked.ages)
    audience = _among(desk.audience, asked.audience)
    language = _among(desk.languages, asked.language) if asked.language else 0
    takes = min(area, age, audience, language) >= 0
    urgent = asked.level >= URGENT  # then somebody who reads now is closer than the right town
    open_now = int(is_open(desk, now))
    return (int(takes), open_now if urgent else 0, language, area, age, audience, open_now)


def _area(areas: Sequence[str], asked: str) -> int:
    """2: this very town, 1: its prefecture, 0: for everywhere, -1: not here."""
    if not areas:
        return 0
    if not asked:
        return -1
    prefecture = asked.partition(" ")[0]
    return 2 if asked in areas else 1 if prefecture in areas else -1


def _age(limits: tuple[int, int] | None, asked: tuple[int, int] | None) -> int:
    """1: the band lies within the limits, 0: for every age, or partly, -1: outside, or not told."""
    if limits is None:
        return 0
    if asked is None:
        return -1
    if limits[0] <= asked[0] and asked[1] <= limits[1]:
        return 1
    return 0 if limits[0] <= asked[1] and asked[0] <= limits[1] else -1


def _among(allowed: Sequence[str], asked: str) -> int:
    if not allowed:
        return 0
    return 1 if asked in allowed else -1


# --- who is next ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """A member of staff who is here: what they carry now, the most they carry, and whether they rest."""

    staff_id: str
    desks: frozenset[str] | None = None
    peer: bool = False
    load: int = 0
    most: int = 12
    paused: bool = False

    def serves(self, desk_id: str) -> bool:
        return self.desks is None or desk_id in self.desks

    def has_room(self, ticket: Ticket) -> bool:
        return not self.paused and self.load + weight(ticket) <= self.most

    def may_have(self, ticket: Ticket) -> bool:
        """Whether the person would have them: at their desk, not refused, with experience where that was wished.

        In danger anybody helps who was not refused.
        """
        return (
            self.serves(ticket.desk_id)
            and self.staff_id not in ticket.refused
            and (self.peer or not ticket.peer or ticket.priority >= URGENT)
        )


def weight(ticket: Ticket) -> int:
    return WEIGHTS[ticket.priority]


def load_of(kept: Iterable[Ticket]) -> int:
    """What these conversations weigh together."""
    return sum(weight(ticket) for ticket in kept if ticket.status is Status.ACTIVE)


def concerns(ticket: Ticket) -> int:
    """How many words of concern came together."""
    return sum(hit.level is Level.CONCERN for hit in ticket.hits)


def limit_of(ticket: Ticket) -> timedelta:
    """By when somebody should have it; each further concern makes it shorter."""
    return LIMITS[ticket.priority] / (1 + max(0, concerns(ticket) - 1) / 2)


def share(ticket: Ticket, now: datetime) -> float:
    """How much of its time is behind it: 1 when somebody should have it now; a promise that is near counts as that.

    A clock that went back makes nobody wait longer: less than nothing is nothing.
    """
    waited = max(timedelta(), now - ticket.opened_at)
    used = waited / limit_of(ticket)
    if ticket.promised_at is not None and now >= ticket.promised_at - NEAR:
        used = max(used, 1 + (now - ticket.promised_at + NEAR) / NEAR)
    return used


def key(ticket: Ticket, now: datetime, me: str = "") -> tuple[int, float, datetime, str]:
    """The order of the queue, the most urgent first: danger before all else, then by the share of the limit."""
    urgent = int(ticket.priority) if ticket.priority >= URGENT else 0
    known = KEPT_FOR if me and ticket.assignee == me else 0.0
    return (-urgent, -(share(ticket, now) + known), ticket.opened_at, ticket.id)


def in_order(tickets: Iterable[Ticket], now: datetime, me: str = "") -> list[Ticket]:
    return sorted(tickets, key=lambda ticket: key(ticket, now, me))


def next_for(
    me: Carrier, others: Sequence[Carrier], waiting: Iterable[Ticket], now: datetime
) -> tuple[Ticket, Why] | None:
    """Whose turn it is, for this member; None when nobody waits whom they should take now.

    Who is full or rests gets nothing, unless somebody is in danger and no colleague who is here has room.
    """
    for ticket in in_order(waiting, now, me.staff_id):
        if ticket.status is not Status.WAITING or not me.may_have(ticket):
            continue
        colleagues = [one for one in others if one.staff_id != me.staff_id and one.may_have(ticket)]
        free = [one for one in colleagues if one.has_room(ticket)]
        if not me.has_room(ticket) and (ticket.priority < URGENT or free):
            continue
        if _is_kept(ticket, me, free, now):
            continue
        return ticket, why_next(ticket, me.staff_id, now)
    return None


def _is_kept(ticket: Ticket, me: Carrier, free: Sequence[Carrier], now: datetime) -> bool:
    """Whether it is left for a while to somebody the person knows, who is here and has room."""
    known = ticket.assignee or ticket.stand_in
    here = known != me.staff_id and any(one.staff_id == known for one in free)
    return here and ticket.priority < URGENT and share(ticket, now) < KEPT_FOR


def why_next(ticket: Ticket, me: str, now: datetime) -> Why:
    """The reason that is shown beside it."""
    if ticket.priority >= URGENT:
        return Why.LEVEL
    if ticket.promised_at is not None and now >= ticket.promised_at - NEAR:
        return Why.PROMISE
    if ticket.assignee == me:
        return Why.KNOWN
    return Why.CONCERNS if concerns(ticket) > 1 else Why.WAIT

"""The aggregate of one contact's conversation, the events it meets and the turn that comes of it. Values only."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from bot.flows.effects import Effect
from bot.flows.mine import Mine, Person
from bot.flows.session import Session
from bot.frozen import dataclass
from bot.handoff.flags import standing
from bot.handoff.risk import RiskHit
from bot.handoff.risk.window import Bubble
from bot.handoff.ticket import Ticket, is_withdrawable
from bot.messages import Inbound

GRAVE_FOR = timedelta(days=1)
"""After words of concern, for how long nobody is asked how they are."""


class Mode(StrEnum):
    """Who answers: the machine, nobody yet, a person."""

    BOT = "bot"
    WAITING = "waiting"
    HUMAN = "human"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """`silent`: no sound. `hush_until`: no unasked message; writing is answered as ever."""

    silent: bool = False
    hush_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """`revision` counts turns and decides races. `concerns` are the instants of recent concern-level texts,
    `recent` short texts of the last two minutes (a sentence may be split over bubbles);
    `held` tells that the holding line was said for this wait; `away` that the person tapped あとで; `moved` that an
    earlier thread at this address went elsewhere, and the person is still to be told.
    `quiet`: they asked to be left alone while a counselor has the thread; nobody writes until they do (R-090).
    `unanswered`: when counselors wrote since the person last did (R-028).
    `seen_at` tells when they were last here, so that who comes back after long is asked where to go on (R-027)."""

    contact_id: str
    mode: Mode = Mode.BOT
    session: Session | None = None
    ticket: Ticket | None = None
    preferences: Preferences = Preferences()
    concerns: tuple[datetime, ...] = ()
    recent: tuple[Bubble, ...] = ()
    held: bool = False
    away: bool = False
    moved: bool = False
    mine: Mine = Mine()
    seen_at: datetime | None = None
    quiet: bool = False
    unanswered: tuple[datetime, ...] = ()
    revision: int = 0

    def person(self, now: datetime) -> Person:
        """Who this is to a step: what is theirs, and how they stand."""
        hush, ticket = self.preferences.hush_until, self.ticket
        facts = {
            "waiting": self.mode is Mode.WAITING,
            "withdrawable": ticket is not None and is_withdrawable(ticket),
            "hushed": hush is not None and hush > now,
            "grave": bool(ticket and standing(ticket, now).hits)
            or any(now - at < GRAVE_FOR for at in self.concerns),
            "silent": self.preferences.silent,
            "met": ticket is not None and not ticket.is_open and ticket.assignee is not None,
        }
        known = ticket.assignee or ticket.stand_in if ticket is not None else None
        named = frozenset(name for name, so in facts.items() if so)
        return Person(mine=self.mine, facts=named, known=known or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Something came in; `seq` is its place in the thread."""

    inbound: Inbound
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WokeUp:
    """A due time came. `seq` is its place in the thread."""

    reason: str
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedBack:
    """The counselor handed the thread back; the ticket already rests."""


Event = Heard | WokeUp | HandedBack


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The new talk, what the world is asked to do, and why a risk rule fired."""

    talk: Talk
    effects: tuple[Effect, ...] = ()
    risk_hits: tuple[RiskHit, ...] = ()

"""The aggregate of one contact's conversation, the events it meets and the turn that comes of it. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.flows.effects import Effect
from bot.flows.session import Session
from bot.handoff.risk import RiskHit
from bot.handoff.ticket import Ticket
from bot.messages import Inbound


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
    """`revision` counts turns and decides races. `concerns` are the instants of recent concern-level texts;
    `held` tells that the holding line was said for this wait; `away` that the person tapped あとで; `moved` that an
    earlier thread at this address went elsewhere, and the person is still to be told."""

    contact_id: str
    mode: Mode = Mode.BOT
    session: Session | None = None
    ticket: Ticket | None = None
    preferences: Preferences = Preferences()
    concerns: tuple[datetime, ...] = ()
    held: bool = False
    away: bool = False
    moved: bool = False
    revision: int = 0


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

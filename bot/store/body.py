"""What lies in the sealed cells, as JSON: messages of the thread, talk state, ticket detail, addresses."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

import msgspec

from bot.flows.mine import Mine
from bot.flows.session import Session
from bot.frozen import dataclass, replace
from bot.handoff.notes import Note
from bot.handoff.risk import RiskHit
from bot.handoff.risk.window import Bubble
from bot.handoff.ticket import Move, Ticket
from bot.messages import Address, Card, Choice, Reply, ReplyHint
from bot.talk import Preferences, Talk


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One line of the thread. `kind` is the inbound kind, the purpose of what we sent, or a marker.

    `message_key`: the platform's name of what a person sent, by which it is found when they take it back.
    """

    kind: str
    at: datetime
    texts: tuple[str, ...] = field(default=(), repr=False)
    cards: tuple[Card, ...] = field(default=(), repr=False)
    choices: tuple[Choice, ...] = field(default=(), repr=False)
    choice_id: str = field(default="", repr=False)
    message_key: str = field(default="", repr=False)
    silent: bool = False
    name: str = field(default="", repr=False)
    staff_id: str = ""
    hits: tuple[RiskHit, ...] = ()

    @property
    def reply(self) -> Reply:
        return Reply(texts=self.texts, cards=self.cards, choices=self.choices, silent=self.silent)


class TalkState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The part of a talk that only the person's own key opens. What says nothing is not written."""

    session: Session | None = None
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketDetail:
    wishes: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    hits: tuple[RiskHit, ...] = ()
    handed: tuple[int, ...] = ()
    refused: tuple[str, ...] = ()
    peer: bool = False
    seen_by: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """An erase receipt on its way: the only thing left of an erased contact, for at most a minute."""

    address: Address
    reply: Reply
    hint: ReplyHint | None = None


_ENCODER = msgspec.json.Encoder()
_BODY = msgspec.json.Decoder(Body)
_STATE = msgspec.json.Decoder(TalkState)
_NOTE = msgspec.json.Decoder(Note)
_DETAIL = msgspec.json.Decoder(TicketDetail)
_HINT = msgspec.json.Decoder(ReplyHint)
_ADDRESS = msgspec.json.Decoder(Address)
_RECEIPT = msgspec.json.Decoder(Receipt)

encode = _ENCODER.encode
body = _BODY.decode
talk_state = _STATE.decode
ticket_detail = _DETAIL.decode
note = _NOTE.decode
reply_hint = _HINT.decode
address = _ADDRESS.decode
receipt = _RECEIPT.decode


def numbered(note: Note, number: int) -> Note:
    return replace(note, number=number)


def detail_of(ticket: Ticket) -> TicketDetail:
    return TicketDetail(
        wishes=ticket.wishes,
        hits=ticket.hits,
        handed=ticket.handed,
        refused=ticket.refused,
        peer=ticket.peer,
        seen_by=ticket.seen_by,
        moves=ticket.moves,
    )


def state_of(talk: Talk) -> TalkState:
    return TalkState(
        session=talk.session,
        preferences=talk.preferences,
        concerns=talk.concerns,
        recent=talk.recent,
        held=talk.held,
        away=talk.away,
        moved=talk.moved,
        mine=talk.mine,
        seen_at=talk.seen_at,
        quiet=talk.quiet,
        unanswered=talk.unanswered,
    )

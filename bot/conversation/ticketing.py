"""Who is handed to people, and what they are promised. Pure."""

from __future__ import annotations

from datetime import datetime

from bot import safety
from bot.flows.content import Content
from bot.flows.effects import Effect, OpenTicket, RaisePriority, WakeAt
from bot.frozen import replace
from bot.handoff import ticket as tickets
from bot.handoff.forecast import Queued
from bot.handoff.risk import Level, RiskHit
from bot.handoff.ticket import Reason
from bot.talk import Mode, Talk
from bot.wakes import LONGER

REASONS = {reason.value: reason for reason in Reason}
ASKED = (Reason.REQUEST, Reason.FAMILY, Reason.SUPPORTER)


def with_ticket(
    content: Content,
    talk: Talk,
    reason: Reason,
    level: Level,
    seq: int,
    now: datetime,
    *,
    hits: tuple[RiskHit, ...] = (),
    wishes: tuple[tuple[str, str], ...] = (),
    handed: tuple[int, ...] = (),
) -> tuple[Talk, Effect]:
    """The talk with an open ticket at least this urgent, and the effect that tells of it."""
    raised = talk.ticket is not None and talk.ticket.is_open
    effect: Effect = RaisePriority() if raised else OpenTicket()
    by = tickets.PERSON if reason in ASKED else tickets.GUIDE
    desk_id = content.desk_for(talk.session, reason, level, now) if talk.ticket is None else ""
    ticket = tickets.opened(
        talk.ticket, talk.contact_id, talk.revision, reason, level, seq, now, hits, by=by, desk_id=desk_id
    )
    if wishes:
        ticket = tickets.wished(ticket, wishes, peer=safety.peer_wished(content, wishes))
    if handed:
        ticket = tickets.handing(ticket, handed)
    mode = talk.mode if talk.mode is Mode.HUMAN else Mode.WAITING
    return replace(talk, ticket=ticket, mode=mode, held=talk.held and raised), effect


def with_promise(content: Content, talk: Talk, now: datetime) -> tuple[Talk, tuple[Effect, ...]]:
    """The end of what is told with a request is a promise: the queue knows it, and the person hears if it passes.

    Half way there it is looked whether it still holds.
    """
    ticket = talk.ticket
    if ticket is None or talk.mode is not Mode.WAITING:
        return talk, ()
    me = Queued(opened_at=now, known=ticket.assignee or ticket.stand_in or "")
    outlook = content.outlook(ticket.desk_id, now, me)
    if outlook is None or outlook.told is None:
        return talk, ()
    told = outlook.told
    look = max(told.earliest, now + (told.latest - now) / 2)
    return replace(talk, ticket=replace(ticket, promised_at=told.latest)), (WakeAt(reason=LONGER, at=look),)


def withdrawable(talk: Talk) -> bool:
    """Whether the request may still be taken back: nothing but the wish itself is behind it."""
    return talk.ticket is not None and tickets.is_withdrawable(talk.ticket)

"""What follows from words of danger, and from words that could not be read. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot import safety
from bot.conversation.playing import by_mode, flow, hold
from bot.conversation.saying import nav, quietly, say
from bot.conversation.ticketing import with_ticket
from bot.flows.content import Content
from bot.flows.effects import OpenTicket, RaisePriority, Relay, Say, SayFirst, WakeAt
from bot.flows.matching import fold
from bot.flows.nodes import exits
from bot.flows.template import MAX_BUBBLES, three
from bot.frozen import replace
from bot.handoff import ticket as tickets
from bot.handoff.risk import Level, RiskHit, Rules, highest
from bot.handoff.ticket import Reason
from bot.messages import Inbound, Reply
from bot.talk import Mode, Talk, Turn

RISK_UNANSWERED = "risk_unanswered"
ANSWER_WITHIN = timedelta(minutes=3)  # a silent counselor: then the card goes out by itself
CONCERNS_ADD_UP = ((2, timedelta(hours=24)), (3, timedelta(days=7)))
MOST_CHOICES = 13  # LINE quick replies


def is_entry_to_safety(content: Content, rules: Rules, talk: Talk, text: str, now: datetime) -> bool:
    """A message that is just an entry word (つらい) opens the card without an alarm, unless a rule says high."""
    target = content.entry(fold(text)) if talk.mode is not Mode.HUMAN else None
    if target is None or not content.is_safety(target.partition("/")[0]):
        return False
    hits = safety.scan(rules, talk, text, now)
    return hits is not None and highest(hits) < Level.HIGH


def in_danger(
    content: Content, talk: Talk, hits: tuple[RiskHit, ...], who: str, seq: int, now: datetime
) -> Turn:
    """High or emergency. The card goes first and the ticket is there, whatever was running; the session is kept."""
    level, category = safety.leading(hits)
    if talk.mode is Mode.HUMAN and talk.ticket is not None:
        raised = replace(talk, ticket=tickets.raise_to(talk.ticket, level, hits))
        wake = WakeAt(reason=RISK_UNANSWERED, at=now + ANSWER_WITHIN)
        return Turn(talk=raised, effects=(Relay(), RaisePriority(alarm=True), wake), risk_hits=hits)
    ticketed, effect = with_ticket(content, talk, Reason.RISK, level, seq, now, hits=hits)
    reply = safety.card(content, level, category, who, now)
    if isinstance(effect, OpenTicket):  # nobody is handed over without being told
        reply = replace(reply, texts=three((*reply.texts, *content.text("risk_handed"))))
    card = SayFirst(reply=quietly(talk, reply))
    relayed = (Relay(),) if talk.mode is Mode.WAITING else ()
    return Turn(talk=ticketed, effects=(card, effect, *relayed), risk_hits=hits)


def of_concern(
    content: Content,
    talk: Talk,
    inbound: Inbound,
    text: str,
    hits: tuple[RiskHit, ...],
    seq: int,
    now: datetime,
) -> Turn:
    """Counted, with one gentle line; a ticket only when concerns add up (or the person agrees, by a tap)."""
    week = tuple(at for at in talk.concerns if now - at <= timedelta(days=7))[-9:]
    counted = replace(talk, concerns=(*week, now))
    adds_up = any(sum(now - at <= span for at in counted.concerns) >= n for n, span in CONCERNS_ADD_UP)
    if adds_up or talk.mode is Mode.WAITING:
        ticketed, effect = with_ticket(content, counted, Reason.RISK, Level.CONCERN, seq, now, hits=hits)
        if talk.mode is Mode.WAITING:
            held = hold(content, ticketed)
            return replace(held, effects=(effect, *held.effects), risk_hits=hits)
        said = say(ticketed, Reply(texts=content.text("concerns_add_up"), choices=exits(content)))
        return replace(said, effects=(effect, *said.effects), risk_hits=hits)
    turn = flow(content, counted, inbound, text, seq, now)
    effects = tuple(
        replace(effect, reply=_with_concern_line(content, effect.reply))
        if isinstance(effect, Say)
        else effect
        for effect in turn.effects
    )
    return replace(turn, effects=effects, risk_hits=hits)


def _with_concern_line(content: Content, reply: Reply) -> Reply:
    offer = nav(content, "person")
    known = {choice.label for choice in reply.choices}
    room = len(reply.choices) < MOST_CHOICES and offer.label not in known
    texts = reply.texts[: MAX_BUBBLES - 1]
    joined = (*texts, "\n".join((*reply.texts[MAX_BUBBLES - 1 :], *content.text("concern"))))
    return replace(reply, texts=joined, choices=((offer,) if room else ()) + reply.choices)


def unscanned(content: Content, talk: Talk, inbound: Inbound, text: str, seq: int, now: datetime) -> Turn:
    """The scan failed: the message goes to people, and the person is answered as ever."""
    turn = by_mode(content, talk, inbound, text, None, seq, now)
    if turn.talk.mode is Mode.HUMAN:
        return replace(turn, effects=(*turn.effects, RaisePriority(alarm=True)))
    ticketed, effect = with_ticket(content, turn.talk, Reason.UNSCANNED, Level.CONCERN, seq, now)
    return replace(turn, talk=ticketed, effects=(*turn.effects, effect))

"""What follows when nobody wrote: who came back, a due time, a thread handed back. Pure."""

from __future__ import annotations

from datetime import datetime

from bot import safety
from bot.conversation.danger import RISK_UNANSWERED
from bot.conversation.playing import played, where_we_are
from bot.conversation.saying import nav, play, present, quietly, say
from bot.conversation.ticketing import with_ticket
from bot.flows import engine
from bot.flows.content import Content
from bot.flows.effects import RaisePriority, Record, Relay, Say, SayFirst, SetReachable
from bot.flows.nodes import PAUSE, exits
from bot.flows.reminders import LETTER, LOOSE, NOTICE
from bot.flows.template import three
from bot.frozen import replace
from bot.handoff.risk import Level
from bot.handoff.ticket import Reason
from bot.messages import Purpose, Reply
from bot.talk import Mode, Talk, Turn
from bot.wakes import (
    CORRECTION,
    FOLLOW_UP,
    LONGER,
    correction_due,
    follow_up_due,
    letter_due,
    longer,
    notices_due,
    unkept,
)

LATE = "late"  # the answers to this person became stale before they could be delivered
UNDELIVERED = "undelivered"  # what a counselor wrote to this person did not arrive


def joined(content: Content, talk: Talk, now: datetime) -> Turn:
    """Somebody opened the chat, or came back to it."""
    reachable = SetReachable(reachable=True)
    if talk.mode is not Mode.BOT:
        return Turn(talk=talk, effects=(reachable, Relay()))
    if talk.session is not None:  # who comes back finds their place as it was
        asked = engine.aside(content, content.text("rejoined")[0], now, talk.person(now))
        back = say(replace(talk, away=True), asked)
        return replace(back, effects=(reachable, *back.effects, Record(count="joined")))
    begun = engine.begin(content, content.text("start")[0], now, person=talk.person(now))
    turn = play(present(talk), begun)
    return replace(turn, effects=(reachable, *turn.effects, Record(count="joined")))


def woke_up(content: Content, talk: Talk, reason: str, seq: int, now: datetime) -> Turn:
    """A due time came, by its reason."""
    if reason == RISK_UNANSWERED and talk.ticket is not None:  # also when it was handed back without a word
        level, category = safety.leading(talk.ticket.hits)
        card = SayFirst(reply=quietly(talk, safety.card(content, level, category, safety.SELF, now)))
        return Turn(talk=talk, effects=(card, RaisePriority(alarm=True)) if talk.ticket.is_open else (card,))
    if reason == LONGER:
        return longer(content, talk, now)
    if reason == FOLLOW_UP:
        return follow_up_due(talk, seq, now)
    if reason == LATE and talk.mode is not Mode.HUMAN:
        return _late(content, talk)
    if reason == PAUSE and talk.mode is Mode.BOT and talk.session is not None and not talk.away:
        sprint = engine.pause_over(content, talk.session, now, talk.person(now))
        if sprint is not None:
            return played(content, talk, sprint, seq, now)
    if reason == UNDELIVERED and talk.mode is Mode.BOT and talk.ticket is not None:
        why, since = Reason.UNDELIVERABLE, talk.ticket.opened_seq
        ticketed, opened = with_ticket(content, talk, why, Level.CONCERN, since, now)
        return Turn(talk=ticketed, effects=(opened,))
    if reason == NOTICE:
        return notices_due(content, talk, now)
    if reason.startswith(CORRECTION):
        return correction_due(content, talk, reason, now)
    if reason == LOOSE:
        return unkept(talk, now)
    return letter_due(content, talk, now) if reason == LETTER else Turn(talk=talk)


def _late(content: Content, talk: Talk) -> Turn:
    """One line without a sound to somebody whose answers did not get through, and the way on (decision 010)."""
    if talk.mode is Mode.WAITING:
        more, choices = content.text("already_waiting"), ()
    else:
        more = content.text("welcome_back") if talk.session is not None else ()
        choices = (
            *((nav(content, "resume"),) if talk.session is not None else ()),
            nav(content, "restart"),
        )
    reply = Reply(texts=three((*content.text("late"), *more)), choices=choices + exits(content), silent=True)
    return Turn(talk=talk, effects=(Say(reply=reply, purpose=Purpose.LATE),))


def handed_back(content: Content, talk: Talk, now: datetime) -> Turn:
    """One soft line; then the flow goes on where it was, or the menu is offered."""
    back = replace(talk, mode=Mode.BOT, held=False)
    sprint = engine.again(content, talk.session, now, back.person(now)) if talk.session is not None else None
    there, here = where_we_are(content, back, now)
    texts = here.texts if sprint is not None else ()  # the menu needs no words of its own after this line
    return say(there, replace(here, texts=three((*content.text("handed_back"), *texts))))

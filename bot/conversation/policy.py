"""`take_turn`: the one place where the order of policy is written. Pure, total and bounded.

1 left, unsent, forget, hide, stop   2 risk, in every mode   3 a wish for a person   4 by mode: human relays;
waiting relays, and plays flows on taps; bot plays flows. What each mode may send is drawn in docs/modes.md.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bot import safety
from bot.conversation.danger import in_danger, is_entry_to_safety, of_concern, unscanned
from bot.conversation.playing import by_mode, enter, is_command
from bot.conversation.saying import nav, say
from bot.conversation.ticketing import withdrawable
from bot.conversation.waking import handed_back, joined, woke_up
from bot.flows import engine, model, web
from bot.flows.content import Content
from bot.flows.effects import (
    CancelWake,
    Effect,
    EraseWords,
    ForgetContact,
    Record,
    Relay,
    SetReachable,
    WakeAt,
)
from bot.flows.matching import fold, visible
from bot.flows.nodes import PAUSE
from bot.flows.reminders import LOOSE, LOOSE_FOR
from bot.frozen import replace
from bot.handoff.risk import Level, Rules, highest, window
from bot.messages import EXIT_LATER, EXIT_PERSON, EXIT_STOP, Inbound, Kind, Purpose, Reply
from bot.talk import Event, Heard, Mode, Talk, Turn, WokeUp
from bot.wakes import FOLLOW_UP

LONG_AGO = timedelta(hours=12)  # who was away as long is asked where to go on
COMMANDS = {
    EXIT_LATER: "later",
    EXIT_STOP: "stop",
    EXIT_PERSON: "person",
    "nav/person": "bring",
    "nav/resume": "resume",
    "nav/restart": "restart",
    "nav/withdraw": "withdraw",
    web.CHOICE: web.WEB,
    "nav/bring": "bring",
    "nav/unfollow": "unfollow",
}
"""Choice ids that mean the same everywhere."""


def take_turn(content: Content, rules: Rules, talk: Talk, event: Event, now: datetime) -> Turn:
    """What follows from one event. The same arguments always give the same turn."""
    if isinstance(event, Heard):
        if event.inbound.kind not in (Kind.LEFT, Kind.UNSENT):
            talk = _here_again(talk, now)
        turn = _heard(content, rules, talk, event.inbound, event.seq, now)
    elif isinstance(event, WokeUp):
        turn = woke_up(content, talk, event.reason, event.seq, now)
    else:
        turn = handed_back(content, talk, now)
    if turn.talk.mine.written is not talk.mine.written and turn.talk.mine.is_loose:
        turn = replace(turn, effects=(*turn.effects, WakeAt(reason=LOOSE, at=now + LOOSE_FOR)))
    if isinstance(event, Heard) and web.can_move(content, event.inbound):
        turn = web.offered(content, turn)
    if turn.talk.moved:
        turn = web.told(content, turn)
    return replace(turn, talk=replace(turn.talk, revision=talk.revision + 1))


def _here_again(talk: Talk, now: datetime) -> Talk:
    """Who was away for long is where they were, and is asked before it goes on."""
    long = talk.seen_at is not None and now - talk.seen_at >= LONG_AGO
    return replace(
        talk, quiet=False, unanswered=(), seen_at=now, away=talk.away or (long and talk.session is not None)
    )


def _heard(content: Content, rules: Rules, talk: Talk, inbound: Inbound, seq: int, now: datetime) -> Turn:
    match inbound.kind:
        case Kind.LEFT:
            return Turn(talk=talk, effects=(SetReachable(reachable=False), Record(count="left")))
        case Kind.UNSENT:
            return Turn(talk=talk, effects=(Record(count="unsent"),))
        case Kind.JOINED:
            return joined(content, talk, now)
    if inbound.kind is Kind.CHOICE:
        text, word = "", COMMANDS.get(inbound.choice_id) or _owed(content, talk, inbound.choice_id, now)
    else:
        text = visible(inbound.text)
        word = content.command(fold(text))
    if word in ("forget", "hide", "stop"):
        return _always(content, talk, word, seq, now)
    if word == "unfollow":
        told = say(talk, Reply(texts=content.text("follow_up_off")), Purpose.STOP)
        return replace(told, effects=(CancelWake(reason=FOLLOW_UP), *told.effects, Relay()))
    if word == web.WEB and web.can_move(content, inbound):
        relayed = (Relay(),) if talk.mode is Mode.HUMAN else ()
        return Turn(talk=talk, effects=(web.invitation(content, talk), *relayed))
    if is_entry_to_safety(content, rules, talk, text, now):
        return enter(content, talk, content.entry(fold(text)) or "", seq, now)
    written = inbound.text if inbound.kind is not Kind.CHOICE else ""
    hits = safety.scan(rules, talk, written, now)
    talk = replace(talk, recent=window.with_one_more(talk.recent, written, now))
    if hits is None:
        return unscanned(content, talk, inbound, text, seq, now)
    if highest(hits) >= Level.HIGH:
        turn = in_danger(content, talk, hits, safety.speaker(content, rules, talk, written), seq, now)
    elif highest(hits) is Level.CONCERN and talk.mode is not Mode.HUMAN and not is_command(text):
        turn = of_concern(content, talk, inbound, text, hits, seq, now)
    else:
        turn = by_mode(content, talk, inbound, text, word, seq, now)
    return replace(turn, effects=(*turn.effects, *safety.counted(hits))) if hits else turn


def _always(content: Content, talk: Talk, word: str, seq: int, now: datetime) -> Turn:
    """Forget, hide and stop: owed to the person in every mode, also while a counselor has the thread."""
    relayed: tuple[Effect, ...] = (Relay(),) if talk.mode is Mode.HUMAN else ()
    if word == "hide":
        hidden = say(replace(talk, recent=()), Reply(texts=content.text("neutral")), Purpose.HIDE)
        return replace(hidden, effects=(*hidden.effects, CancelWake(reason=PAUSE), *relayed))
    if word == "forget":
        if talk.mode is Mode.HUMAN:
            return Turn(talk=talk, effects=(ForgetContact(receipt=Reply(texts=content.text("erased"))),))
        return enter(content, talk, content.text("forget_confirm")[0], seq, now)
    text = {Mode.BOT: "stopped", Mode.WAITING: "stopped_waiting", Mode.HUMAN: "stopped_human"}[talk.mode]
    loose = talk.mine.loose if talk.mode is Mode.BOT else ()
    if loose:
        text, talk = "stopped_erased", replace(talk, mine=talk.mine.without("loose"))
        relayed = (EraseWords(seqs=loose),)
    choices = (nav(content, "withdraw"),) if talk.mode is Mode.WAITING and withdrawable(talk) else ()
    stopped = replace(talk, session=None, away=False, recent=(), quiet=talk.mode is Mode.HUMAN)
    reply = Reply(texts=content.text(text), choices=choices)
    turn = say(stopped, reply, Purpose.STOP)
    return replace(turn, effects=(*turn.effects, *relayed))


def _owed(content: Content, talk: Talk, choice_id: str, now: datetime) -> str | None:
    """A button that hides the screen or erases does so while a counselor has the thread, too."""
    if talk.mode is not Mode.HUMAN:
        return None
    choice = engine.chosen(content, talk.session, choice_id, now, talk.person(now))
    if choice is None:
        return None
    if isinstance(engine.leads_to(content, choice), model.Forget):
        return "forget"
    word = content.command(fold(choice.label))
    return word if word in ("forget", "hide") else None

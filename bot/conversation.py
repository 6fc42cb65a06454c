"""`take_turn`: the one place where the order of policy is written. Pure, total and bounded.

1 left, unsent, forget, hide, stop   2 risk, in every mode   3 a wish for a person   4 by mode: human relays;
waiting relays, and plays flows on taps; bot plays flows. What each mode may send is drawn in docs/modes.md.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from bot import safety
from bot.flows import engine, model, web
from bot.flows.content import Content
from bot.flows.effects import (
    CancelWake,
    Effect,
    EraseWords,
    ForgetContact,
    Mark,
    OpenTicket,
    RaisePriority,
    Record,
    Relay,
    RequestPerson,
    RestTicket,
    Say,
    SayFirst,
    SetPreference,
    SetReachable,
    WakeAt,
    WithdrawRequest,
)
from bot.flows.matching import fold, visible
from bot.flows.nodes import PAUSE, exits
from bot.flows.reminders import LETTER, LOOSE, LOOSE_FOR, NOTICE
from bot.flows.template import MAX_BUBBLES, three
from bot.frozen import replace
from bot.handoff import ticket as tickets
from bot.handoff import waiting
from bot.handoff.risk import Level, RiskHit, Rules, highest, window
from bot.handoff.ticket import Reason
from bot.messages import EXIT_LATER, EXIT_PERSON, EXIT_STOP, Choice, Inbound, Kind, Purpose, Reply
from bot.talk import Event, Heard, Mode, Talk, Turn, WokeUp
from bot.wakes import FOLLOW_UP, LONGER, follow_up_due, letter_due, longer, notices_due, unkept

RISK_UNANSWERED = "risk_unanswered"
LATE = "late"  # the answers to this person became stale before they could be delivered
UNDELIVERED = "undelivered"  # what a counselor wrote to this person did not arrive
ANSWER_WITHIN = timedelta(minutes=3)  # a silent counselor: then the card goes out by itself
CONCERNS_ADD_UP = ((2, timedelta(hours=24)), (3, timedelta(days=7)))
MOST_CHOICES = 13  # LINE quick replies
A_COMMAND = re.compile(r"/[A-Za-z0-9_]{1,32}")  # Bot API, BotCommand
LONG_AGO = timedelta(hours=12)  # who was away as long is asked where to go on
REASONS = {reason.value: reason for reason in Reason}
ASKED = (Reason.REQUEST, Reason.FAMILY, Reason.SUPPORTER)

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
        turn = _woke_up(content, talk, event.reason, event.seq, now)
    else:
        turn = _handed_back(content, talk, now)
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


def _here(talk: Talk) -> Talk:
    """The person goes on: they were asked, or asked for something else."""
    return replace(talk, away=False) if talk.away else talk


def _heard(content: Content, rules: Rules, talk: Talk, inbound: Inbound, seq: int, now: datetime) -> Turn:
    match inbound.kind:
        case Kind.LEFT:
            return Turn(talk=talk, effects=(SetReachable(reachable=False), Record(count="left")))
        case Kind.UNSENT:
            return Turn(talk=talk, effects=(Record(count="unsent"),))
        case Kind.JOINED:
            return _joined(content, talk, now)
    if inbound.kind is Kind.CHOICE:
        text, word = "", COMMANDS.get(inbound.choice_id) or _owed(content, talk, inbound.choice_id, now)
    else:
        text = visible(inbound.text)
        word = content.command(fold(text))
    if word in ("forget", "hide", "stop"):
        return _always(content, talk, word, seq, now)
    if word == "unfollow":
        told = _said(talk, Reply(texts=content.text("follow_up_off")), Purpose.STOP)
        return replace(told, effects=(CancelWake(reason=FOLLOW_UP), *told.effects, Relay()))
    if word == web.WEB and web.can_move(content, inbound):
        relayed = (Relay(),) if talk.mode is Mode.HUMAN else ()
        return Turn(talk=talk, effects=(web.invitation(content, talk), *relayed))
    if _is_entry_to_safety(content, rules, talk, text, now):
        return _enter(content, talk, content.entry(fold(text)) or "", seq, now)
    written = inbound.text if inbound.kind is not Kind.CHOICE else ""
    hits = safety.scan(rules, talk, written, now)
    talk = replace(talk, recent=window.with_one_more(talk.recent, written, now))
    if hits is None:
        return _unscanned(content, talk, inbound, text, seq, now)
    if highest(hits) >= Level.HIGH:
        turn = _in_danger(content, talk, hits, safety.speaker(content, rules, talk, written), seq, now)
    elif highest(hits) is Level.CONCERN and talk.mode is not Mode.HUMAN:
        turn = _of_concern(content, talk, inbound, text, hits, seq, now)
    else:
        turn = _by_mode(content, talk, inbound, text, word, seq, now)
    return replace(turn, effects=(*turn.effects, *safety.counted(hits))) if hits else turn


def _by_mode(
    content: Content, talk: Talk, inbound: Inbound, text: str, word: str | None, seq: int, now: datetime
) -> Turn:
    if talk.mode is Mode.HUMAN:
        return Turn(talk=talk, effects=(Relay(),))
    if word is not None and not (word in ("back", "resume") and _is_label(content, talk, text, now)):
        return _command(content, talk, word, seq, now)
    if talk.mode is Mode.WAITING and not _means_the_flow(content, talk, inbound, text, now):
        return _hold(content, talk)
    return _flow(content, talk, inbound, text, seq, now)


# --- words that work everywhere -------------------------------------------------------------------------------


def _always(content: Content, talk: Talk, word: str, seq: int, now: datetime) -> Turn:
    """Forget, hide and stop: owed to the person in every mode, also while a counselor has the thread."""
    relayed: tuple[Effect, ...] = (Relay(),) if talk.mode is Mode.HUMAN else ()
    if word == "hide":
        hidden = _said(replace(talk, recent=()), Reply(texts=content.text("neutral")), Purpose.HIDE)
        return replace(hidden, effects=(*hidden.effects, CancelWake(reason=PAUSE), *relayed))
    if word == "forget":
        if talk.mode is Mode.HUMAN:
            return Turn(talk=talk, effects=(ForgetContact(receipt=Reply(texts=content.text("erased"))),))
        return _enter(content, talk, content.text("forget_confirm")[0], seq, now)
    text = {Mode.BOT: "stopped", Mode.WAITING: "stopped_waiting", Mode.HUMAN: "stopped_human"}[talk.mode]
    loose = talk.mine.loose if talk.mode is Mode.BOT else ()
    if loose:
        text, talk = "stopped_erased", replace(talk, mine=talk.mine.without("loose"))
        relayed = (EraseWords(seqs=loose),)
    choices = (_nav(content, "withdraw"),) if talk.mode is Mode.WAITING and _withdrawable(talk) else ()
    stopped = replace(talk, session=None, away=False, recent=(), quiet=talk.mode is Mode.HUMAN)
    reply = Reply(texts=content.text(text), choices=choices)
    turn = _said(stopped, reply, Purpose.STOP)
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


def _command(content: Content, talk: Talk, word: str, seq: int, now: datetime) -> Turn:
    match word:
        case "later":
            kept = replace(talk, away=talk.session is not None)
            return _said(kept, Reply(texts=content.text("later")))
        case "person":
            return _wants_person(content, talk, seq, now)
        case "bring":
            return _brings(content, talk, seq, now)
        case "back" if talk.session is not None:
            before = engine.back(content, talk.session, now, talk.person(now))
            return _played(content, talk, before, seq, now)
        case "resume" if talk.session is not None:
            again = engine.again(content, talk.session, now, talk.person(now))
            if again is not None:
                return _played(content, _here(talk), again, seq, now)
            if talk.mode is Mode.WAITING:
                return _wants_person(content, _here(talk), seq, now)
        case "web":
            return _said(talk, Reply(texts=content.text("web_none"), choices=exits(content)))
        case "withdraw":
            return _enter(content, talk, content.text("withdraw")[0], seq, now)
        case "help":
            return _told_here(content, talk, "help", now)
    begun = engine.begin(content, content.text("start")[0], now, person=talk.person(now))
    return _played(content, _here(talk), begun, seq, now)


def _enter(content: Content, talk: Talk, target: str, seq: int, now: datetime) -> Turn:
    """Goes to a target in the running session, whatever was asked there."""
    sprint = engine.begin(content, target, now, session=talk.session, person=talk.person(now))
    return _played(content, _here(talk), sprint, seq, now)


def _wants_person(content: Content, talk: Talk, seq: int, now: datetime) -> Turn:
    if talk.mode is Mode.WAITING:
        choices = (_nav(content, "withdraw"),) if _withdrawable(talk) else ()
        if _unhanded(talk):
            choices = (_nav(content, "bring"), *choices)
        return _said(talk, Reply(texts=content.text("already_waiting"), choices=choices + exits(content)))
    ask, send = content.text("person")
    inside = talk.session is not None and talk.session.flow == ask.partition("/")[0]
    return _enter(content, talk, send if inside else ask, seq, now)


def _unhanded(talk: Talk) -> tuple[int, ...]:
    """What was written to nobody before, and not handed over with the ticket."""
    handed = talk.ticket.handed if talk.ticket is not None else ()
    return tuple(one.seq for one in talk.mine.written if one.seq not in handed)


def _brings(content: Content, talk: Talk, seq: int, now: datetime) -> Turn:
    """人に渡す: what was written goes along; who waits already adds it to what is waiting."""
    if talk.mode is Mode.WAITING and talk.ticket is not None and _unhanded(talk):
        added = replace(talk, ticket=tickets.handing(talk.ticket, _unhanded(talk)))
        said = _said(added, Reply(texts=content.text("brought"), choices=exits(content)))
        return replace(said, effects=(Relay(), *said.effects))
    if talk.mode is Mode.WAITING or not talk.mine.written:
        return _wants_person(content, talk, seq, now)
    return _enter(content, talk, content.text("bring")[0], seq, now)


# --- risk -----------------------------------------------------------------------------------------------------


def _is_entry_to_safety(content: Content, rules: Rules, talk: Talk, text: str, now: datetime) -> bool:
    """A message that is just an entry word (つらい) opens the card without an alarm, unless a rule says high."""
    target = content.entry(fold(text)) if talk.mode is not Mode.HUMAN else None
    if target is None or not content.is_safety(target.partition("/")[0]):
        return False
    hits = safety.scan(rules, talk, text, now)
    return hits is not None and highest(hits) < Level.HIGH


def _in_danger(
    content: Content, talk: Talk, hits: tuple[RiskHit, ...], who: str, seq: int, now: datetime
) -> Turn:
    """High or emergency. The card goes first and the ticket is there, whatever was running; the session is kept."""
    level, category = safety.leading(hits)
    if talk.mode is Mode.HUMAN and talk.ticket is not None:
        raised = replace(talk, ticket=tickets.raise_to(talk.ticket, level, hits))
        wake = WakeAt(reason=RISK_UNANSWERED, at=now + ANSWER_WITHIN)
        return Turn(talk=raised, effects=(Relay(), RaisePriority(alarm=True), wake), risk_hits=hits)
    ticketed, effect = _ticketed(content, talk, Reason.RISK, level, seq, now, hits=hits)
    reply = safety.card(content, level, category, who, now)
    if isinstance(effect, OpenTicket):  # nobody is handed over without being told
        reply = replace(reply, texts=three((*reply.texts, *content.text("risk_handed"))))
    card = SayFirst(reply=_quietly(talk, reply))
    relayed = (Relay(),) if talk.mode is Mode.WAITING else ()
    return Turn(talk=ticketed, effects=(card, effect, *relayed), risk_hits=hits)


def _of_concern(
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
        ticketed, effect = _ticketed(content, counted, Reason.RISK, Level.CONCERN, seq, now, hits=hits)
        if talk.mode is Mode.WAITING:
            held = _hold(content, ticketed)
            return replace(held, effects=(effect, *held.effects), risk_hits=hits)
        said = _said(ticketed, Reply(texts=content.text("concerns_add_up"), choices=exits(content)))
        return replace(said, effects=(effect, *said.effects), risk_hits=hits)
    turn = _flow(content, counted, inbound, text, seq, now)
    effects = tuple(
        replace(effect, reply=_with_concern_line(content, effect.reply))
        if isinstance(effect, Say)
        else effect
        for effect in turn.effects
    )
    return replace(turn, effects=effects, risk_hits=hits)


def _with_concern_line(content: Content, reply: Reply) -> Reply:
    offer = _nav(content, "person")
    known = {choice.label for choice in reply.choices}
    room = len(reply.choices) < MOST_CHOICES and offer.label not in known
    texts = reply.texts[: MAX_BUBBLES - 1]
    joined = (*texts, "\n".join((*reply.texts[MAX_BUBBLES - 1 :], *content.text("concern"))))
    return replace(reply, texts=joined, choices=((offer,) if room else ()) + reply.choices)


def _unscanned(content: Content, talk: Talk, inbound: Inbound, text: str, seq: int, now: datetime) -> Turn:
    """The scan failed: the message goes to people, and the person is answered as ever."""
    turn = _by_mode(content, talk, inbound, text, None, seq, now)
    if turn.talk.mode is Mode.HUMAN:
        return replace(turn, effects=(*turn.effects, RaisePriority(alarm=True)))
    ticketed, effect = _ticketed(content, turn.talk, Reason.UNSCANNED, Level.CONCERN, seq, now)
    return replace(turn, talk=ticketed, effects=(*turn.effects, effect))


# --- tickets --------------------------------------------------------------------------------------------------


def _ticketed(
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


def _promised(content: Content, talk: Talk, now: datetime) -> tuple[Talk, tuple[Effect, ...]]:
    """The time that is told with a request is a promise: the queue knows it, and the person hears if it passes."""
    ticket = talk.ticket
    outlook = content.outlook(ticket.desk_id, now) if ticket is not None else None
    if ticket is None or outlook is None or outlook.expected is None or talk.mode is not Mode.WAITING:
        return talk, ()
    at = waiting.told_at(now, outlook.expected)
    return replace(talk, ticket=replace(ticket, promised_at=at)), (WakeAt(reason=LONGER, at=at),)


def _withdrawable(talk: Talk) -> bool:
    return talk.ticket is not None and tickets.is_withdrawable(talk.ticket)


# --- flows ----------------------------------------------------------------------------------------------------


def _flow(content: Content, talk: Talk, inbound: Inbound, text: str, seq: int, now: datetime) -> Turn:
    """The bot's own answer: a tap, a label in words, an answer, an entry word, or 受け取りました (R-034)."""
    session = talk.session
    if inbound.kind is Kind.UNSUPPORTED or (inbound.kind is Kind.STICKER and not text.strip()):
        received = "sticker" if inbound.kind is Kind.STICKER else "media"
        return _told_here(content, talk, received, now)
    if inbound.kind is Kind.CHOICE:
        choice = engine.chosen(content, session, inbound.choice_id, now, talk.person(now))
        if choice is None:
            there, here = _where_we_are(content, talk, now)
            return _said(there, replace(here, texts=three((*content.text("stale"), *here.texts))))
        taken = engine.take(content, choice, now, talk.person(now))
        turn = _played(content, _here(talk), taken, seq, now)
        return _as_hidden(turn) if content.command(fold(choice.label)) == "hide" else turn
    if A_COMMAND.fullmatch(text.strip()):
        return _told_here(content, talk, "unknown_command", now)
    label = _is_label(content, talk, text, now)
    if session is not None and (label or not talk.away):
        talk = _noted(content, _here(talk), text, seq, now)
        written = engine.write(content, session, text, now, talk.person(now))
        if written is not None:
            return _played(content, talk, written, seq, now)
    target = content.entry(fold(text)) or content.question(text)
    if target is not None:
        return _enter(content, talk, target, seq, now)
    wanted = content.asked(text)
    if wanted is not None:
        shown = engine.look_up(content, session, wanted, now, talk.person(now))
        return _played(content, _here(talk), shown, seq, now)
    if text.strip():
        talk = replace(talk, mine=talk.mine.writing(seq, text))
    if talk.away:
        return _said(talk, engine.aside(content, content.text("returned")[0], now, talk.person(now)))
    return _enter(content, talk, content.text("free_text")[0], seq, now)


def _noted(content: Content, talk: Talk, text: str, seq: int, now: datetime) -> Talk:
    """What is written where writing is collected is remembered by its place, to be handed over or erased."""
    if not text.strip() or talk.session is None or not engine.collects(content, talk.session, now):
        return talk
    if engine.label_of(content, talk.session, text, now, talk.person(now)) is not None:
        return talk
    return replace(talk, mine=talk.mine.writing(seq, text))


def _played(content: Content, talk: Talk, sprint: engine.Sprint, seq: int, now: datetime) -> Turn:
    """A sprint as a turn: what flows ask of the conversation is settled here, and told truthfully."""
    if talk.mode is Mode.WAITING and _asks_again(content, talk, sprint):
        return _wants_person(content, talk, seq, now)
    turn = _play(talk, sprint)
    effects: list[Effect] = []
    for effect in turn.effects:
        match effect:
            case RequestPerson(reason=reason, wishes=wishes, written=written):
                why = safety.side(content, turn.talk, REASONS.get(reason, Reason.REQUEST))
                ticketed, opened = _ticketed(
                    content, turn.talk, why, Level.NONE, seq, now, wishes=wishes, handed=written
                )
                ticketed, awaited = _promised(content, ticketed, now)
                turn = replace(turn, talk=ticketed)
                effects += [opened, *awaited, Record(count="handoffs_wished")]
            case WithdrawRequest() if turn.talk.ticket is not None and turn.talk.ticket.is_open:
                if _withdrawable(turn.talk):
                    rested = replace(
                        turn.talk, ticket=tickets.withdraw(turn.talk.ticket, now), mode=Mode.BOT, held=False
                    )
                    turn = replace(turn, talk=rested)
                    effects += [RestTicket(), CancelWake(reason=LONGER), Mark(marker="withdrawn")]
                else:
                    effects = [e for e in effects if not isinstance(e, Say)]
                    effects.append(
                        Say(reply=Reply(texts=content.text("not_withdrawn"), choices=exits(content)))
                    )
            case WithdrawRequest():
                effects = [_saying(one, content.text("nothing_pending")) for one in effects]
            case SetPreference(silent=silent, hush_until=until):
                kept = turn.talk.preferences
                kept = replace(kept, silent=kept.silent if silent is None else silent)
                kept = replace(kept, hush_until=until or kept.hush_until)
                turn = replace(turn, talk=replace(turn.talk, preferences=kept))
            case _:
                effects.append(effect)
    if sprint.session is not None and (talk.session is None or talk.session.flow != sprint.session.flow):
        effects.append(Record(count="entered", of=sprint.session.flow))
    return replace(turn, effects=tuple(effects))


def _saying(effect: Effect, texts: tuple[str, ...]) -> Effect:
    return replace(effect, reply=replace(effect.reply, texts=texts)) if isinstance(effect, Say) else effect


def _asks_again(content: Content, talk: Talk, sprint: engine.Sprint) -> bool:
    """Whether somebody who waits for a person comes to the way to one: what is told there is over already."""
    targets = [model.resolve(target, "") for target in content.text("person")]
    outside = talk.session is None or talk.session.flow != targets[0][0]
    return outside and sprint.session is not None and (sprint.session.flow, sprint.session.step) in targets


def _play(talk: Talk, sprint: engine.Sprint) -> Turn:
    said = (Say(reply=_quietly(talk, sprint.reply)),) if not sprint.reply.is_empty else ()
    mine = talk.mine if sprint.mine is None else sprint.mine
    return Turn(talk=replace(talk, session=sprint.session, mine=mine), effects=(*said, *sprint.effects))


def _said(talk: Talk, reply: Reply, purpose: Purpose = Purpose.BOT) -> Turn:
    return Turn(talk=talk, effects=(Say(reply=_quietly(talk, reply), purpose=purpose),))


def _quietly(talk: Talk, reply: Reply) -> Reply:
    return replace(reply, silent=True) if talk.preferences.silent else reply


def _as_hidden(turn: Turn) -> Turn:
    """The words that hide the screen are owed to the person, whoever takes the thread meanwhile."""
    effects = (replace(e, purpose=Purpose.HIDE) if isinstance(e, Say) else e for e in turn.effects)
    return replace(turn, effects=tuple(effects))


def _where_we_are(content: Content, talk: Talk, now: datetime) -> tuple[Talk, Reply]:
    """The current step once more, without a deed; the start when there is none to come back to."""
    person = talk.person(now)
    sprint = engine.again(content, talk.session, now, person) if talk.session is not None else None
    if sprint is None:
        sprint = engine.begin(content, content.text("start")[0], now, person=person)
    return replace(talk, session=sprint.session, away=False), sprint.reply


def _told_here(content: Content, talk: Talk, key: str, now: datetime) -> Turn:
    """A named text in place of the words of the current step, with the choices there are."""
    there, here = _where_we_are(content, talk, now)
    return _said(there, replace(here, texts=content.text(key)))


def _nav(content: Content, name: str) -> Choice:
    return Choice(id=f"nav/{name}", label=content.text(f"nav_{name}")[0])


# --- modes ----------------------------------------------------------------------------------------------------


def _is_label(content: Content, talk: Talk, text: str, now: datetime) -> bool:
    """Whether the text is the words of a button of the step the person stands at."""
    if talk.session is None:
        return False
    person = talk.person(now)
    return engine.label_of(content, talk.session, text, now, person, by_number=False) is not None


def _means_the_flow(content: Content, talk: Talk, inbound: Inbound, text: str, now: datetime) -> bool:
    """While waiting, taps, labels and entry words play flows (to read meanwhile); other words are for people.

    A bare number is for people, too: 「1」 may answer anything, and must not withdraw a cry for help.
    """
    if inbound.kind is Kind.TEXT:
        return _is_label(content, talk, text, now) or content.entry(fold(text)) is not None
    return inbound.kind is Kind.CHOICE


def _hold(content: Content, talk: Talk) -> Turn:
    """The words are kept for the people who will read them; the holding line is said once a wait."""
    if talk.held:
        return Turn(talk=talk, effects=(Relay(),))
    said = _said(replace(talk, held=True), Reply(texts=content.text("holding"), choices=exits(content)))
    return replace(said, effects=(Relay(), *said.effects))


def _joined(content: Content, talk: Talk, now: datetime) -> Turn:
    reachable = SetReachable(reachable=True)
    if talk.mode is not Mode.BOT:
        return Turn(talk=talk, effects=(reachable, Relay()))
    if talk.session is not None:  # who comes back finds their place as it was
        asked = engine.aside(content, content.text("rejoined")[0], now, talk.person(now))
        back = _said(replace(talk, away=True), asked)
        return replace(back, effects=(reachable, *back.effects, Record(count="joined")))
    begun = engine.begin(content, content.text("start")[0], now, person=talk.person(now))
    turn = _play(_here(talk), begun)
    return replace(turn, effects=(reachable, *turn.effects, Record(count="joined")))


def _woke_up(content: Content, talk: Talk, reason: str, seq: int, now: datetime) -> Turn:
    if reason == RISK_UNANSWERED and talk.ticket is not None:  # also when it was handed back without a word
        level, category = safety.leading(talk.ticket.hits)
        card = SayFirst(reply=_quietly(talk, safety.card(content, level, category, safety.SELF, now)))
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
            return _played(content, talk, sprint, seq, now)
    if reason == UNDELIVERED and talk.mode is Mode.BOT and talk.ticket is not None:
        why, since = Reason.UNDELIVERABLE, talk.ticket.opened_seq
        ticketed, opened = _ticketed(content, talk, why, Level.CONCERN, since, now)
        return Turn(talk=ticketed, effects=(opened,))
    if reason == NOTICE:
        return notices_due(content, talk, now)
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
            *((_nav(content, "resume"),) if talk.session is not None else ()),
            _nav(content, "restart"),
        )
    reply = Reply(texts=three((*content.text("late"), *more)), choices=choices + exits(content), silent=True)
    return Turn(talk=talk, effects=(Say(reply=reply, purpose=Purpose.LATE),))


def _handed_back(content: Content, talk: Talk, now: datetime) -> Turn:
    """One soft line; then the flow goes on where it was, or the menu is offered."""
    back = replace(talk, mode=Mode.BOT, held=False)
    sprint = engine.again(content, talk.session, now, back.person(now)) if talk.session is not None else None
    there, here = _where_we_are(content, back, now)
    texts = here.texts if sprint is not None else ()  # the menu needs no words of its own after this line
    return _said(there, replace(here, texts=three((*content.text("handed_back"), *texts))))

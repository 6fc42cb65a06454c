"""What the guide itself does with words and taps: commands, flows, and the way to a person. Pure."""

from __future__ import annotations

import re
from datetime import datetime

from bot import safety
from bot.conversation.saying import as_hidden, nav, play, present, say
from bot.conversation.ticketing import REASONS, with_promise, with_ticket, withdrawable
from bot.flows import engine, model
from bot.flows.content import Content
from bot.flows.effects import (
    CancelWake,
    Effect,
    Mark,
    Record,
    Relay,
    RequestPerson,
    RestTicket,
    Say,
    SetPreference,
    WithdrawRequest,
)
from bot.flows.matching import fold
from bot.flows.nodes import exits
from bot.flows.template import three
from bot.frozen import replace
from bot.handoff import ticket as tickets
from bot.handoff.risk import Level
from bot.handoff.ticket import Reason
from bot.messages import Inbound, Kind, Reply
from bot.talk import Mode, Talk, Turn
from bot.wakes import LONGER

A_COMMAND = re.compile(r"/[A-Za-z0-9_]{1,32}(@[A-Za-z0-9_]{1,32})?")  # Bot API, BotCommand


def is_command(text: str) -> bool:
    """Whether a text is a bot command and nothing else: /help is no cry, though help may be one."""
    return A_COMMAND.fullmatch(text.strip()) is not None


def by_mode(
    content: Content, talk: Talk, inbound: Inbound, text: str, word: str | None, seq: int, now: datetime
) -> Turn:
    """The answer in the mode the talk is in, when nothing went before it."""
    if talk.mode is Mode.HUMAN:
        return Turn(talk=talk, effects=(Relay(),))
    if word is not None and not (word in ("back", "resume") and _is_label(content, talk, text, now)):
        return _command(content, talk, word, seq, now)
    if talk.mode is Mode.WAITING and not _means_the_flow(content, talk, inbound, text, now):
        return hold(content, talk)
    return flow(content, talk, inbound, text, seq, now)


def _command(content: Content, talk: Talk, word: str, seq: int, now: datetime) -> Turn:
    match word:
        case "later":
            kept = replace(talk, away=talk.session is not None)
            return say(kept, Reply(texts=content.text("later")))
        case "person":
            return _wants_person(content, talk, seq, now)
        case "bring":
            return _brings(content, talk, seq, now)
        case "back" if talk.session is not None:
            before = engine.back(content, talk.session, now, talk.person(now))
            return played(content, talk, before, seq, now)
        case "resume" if talk.session is not None:
            again = engine.again(content, talk.session, now, talk.person(now))
            if again is not None:
                return played(content, present(talk), again, seq, now)
            if talk.mode is Mode.WAITING:
                return _wants_person(content, present(talk), seq, now)
        case "web":
            return say(talk, Reply(texts=content.text("web_none"), choices=exits(content)))
        case "withdraw":
            return enter(content, talk, content.text("withdraw")[0], seq, now)
        case "help":
            return _told_here(content, talk, "help", now)
    begun = engine.begin(content, content.text("start")[0], now, person=talk.person(now))
    return played(content, present(talk), begun, seq, now)


def enter(content: Content, talk: Talk, target: str, seq: int, now: datetime) -> Turn:
    """Goes to a target in the running session, whatever was asked there."""
    sprint = engine.begin(content, target, now, session=talk.session, person=talk.person(now))
    return played(content, present(talk), sprint, seq, now)


def _wants_person(content: Content, talk: Talk, seq: int, now: datetime) -> Turn:
    if talk.mode is Mode.WAITING:
        choices = (nav(content, "withdraw"),) if withdrawable(talk) else ()
        if _unhanded(talk):
            choices = (nav(content, "bring"), *choices)
        return say(talk, Reply(texts=content.text("already_waiting"), choices=choices + exits(content)))
    ask, send = content.text("person")
    inside = talk.session is not None and talk.session.flow == ask.partition("/")[0]
    return enter(content, talk, send if inside else ask, seq, now)


def _unhanded(talk: Talk) -> tuple[int, ...]:
    """What was written to nobody before, and not handed over with the ticket."""
    handed = talk.ticket.handed if talk.ticket is not None else ()
    return tuple(one.seq for one in talk.mine.written if one.seq not in handed)


def _brings(content: Content, talk: Talk, seq: int, now: datetime) -> Turn:
    """人に渡す: what was written goes along; who waits already adds it to what is waiting."""
    if talk.mode is Mode.WAITING and talk.ticket is not None and _unhanded(talk):
        added = replace(talk, ticket=tickets.handing(talk.ticket, _unhanded(talk)))
        said = say(added, Reply(texts=content.text("brought"), choices=exits(content)))
        return replace(said, effects=(Relay(), *said.effects))
    if talk.mode is Mode.WAITING or not talk.mine.written:
        return _wants_person(content, talk, seq, now)
    return enter(content, talk, content.text("bring")[0], seq, now)


def flow(content: Content, talk: Talk, inbound: Inbound, text: str, seq: int, now: datetime) -> Turn:
    """The bot's own answer: a tap, a label in words, an answer, an entry word, or 受け取りました (R-034)."""
    session = talk.session
    if inbound.kind is Kind.UNSUPPORTED or (inbound.kind is Kind.STICKER and not text.strip()):
        received = "sticker" if inbound.kind is Kind.STICKER else "media"
        return _told_here(content, talk, received, now)
    if inbound.kind is Kind.CHOICE:
        choice = engine.chosen(content, session, inbound.choice_id, now, talk.person(now))
        if choice is None:
            there, here = where_we_are(content, talk, now)
            return say(there, replace(here, texts=three((*content.text("stale"), *here.texts))))
        taken = engine.take(content, choice, now, talk.person(now))
        turn = played(content, present(talk), taken, seq, now)
        return as_hidden(turn) if content.command(fold(choice.label)) == "hide" else turn
    if is_command(text):
        return _told_here(content, talk, "unknown_command", now)
    label = _is_label(content, talk, text, now)
    if session is not None and (label or not talk.away):
        talk = _noted(content, present(talk), text, seq, now)
        written = engine.write(content, session, text, now, talk.person(now))
        if written is not None:
            return played(content, talk, written, seq, now)
    target = content.entry(fold(text)) or content.question(text)
    if target is not None:
        return enter(content, talk, target, seq, now)
    wanted = content.asked(text)
    if wanted is not None:
        shown = engine.look_up(content, session, wanted, now, talk.person(now))
        return played(content, present(talk), shown, seq, now)
    if text.strip():
        talk = replace(talk, mine=talk.mine.writing(seq, text))
    if talk.away:
        return say(talk, engine.aside(content, content.text("returned")[0], now, talk.person(now)))
    return enter(content, talk, content.text("free_text")[0], seq, now)


def _noted(content: Content, talk: Talk, text: str, seq: int, now: datetime) -> Talk:
    """What is written where writing is collected is remembered by its place, to be handed over or erased."""
    if not text.strip() or talk.session is None or not engine.collects(content, talk.session, now):
        return talk
    if engine.label_of(content, talk.session, text, now, talk.person(now)) is not None:
        return talk
    return replace(talk, mine=talk.mine.writing(seq, text))


def played(content: Content, talk: Talk, sprint: engine.Sprint, seq: int, now: datetime) -> Turn:
    """A sprint as a turn: what flows ask of the conversation is settled here, and told truthfully."""
    if talk.mode is Mode.WAITING and _asks_again(content, talk, sprint):
        return _wants_person(content, talk, seq, now)
    turn = play(talk, sprint)
    effects: list[Effect] = []
    for effect in turn.effects:
        match effect:
            case RequestPerson(reason=reason, wishes=wishes, written=written):
                why = safety.side(content, turn.talk, REASONS.get(reason, Reason.REQUEST))
                ticketed, opened = with_ticket(
                    content, turn.talk, why, Level.NONE, seq, now, wishes=wishes, handed=written
                )
                ticketed, awaited = with_promise(content, ticketed, now)
                turn = replace(turn, talk=ticketed)
                effects += [opened, *awaited, Record(count="handoffs_wished")]
            case WithdrawRequest() if turn.talk.ticket is not None and turn.talk.ticket.is_open:
                if withdrawable(turn.talk):
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


def where_we_are(content: Content, talk: Talk, now: datetime) -> tuple[Talk, Reply]:
    """The current step once more, without a deed; the start when there is none to come back to."""
    person = talk.person(now)
    sprint = engine.again(content, talk.session, now, person) if talk.session is not None else None
    if sprint is None:
        sprint = engine.begin(content, content.text("start")[0], now, person=person)
    return replace(talk, session=sprint.session, away=False), sprint.reply


def _told_here(content: Content, talk: Talk, key: str, now: datetime) -> Turn:
    """A named text in place of the words of the current step, with the choices there are."""
    there, here = where_we_are(content, talk, now)
    return say(there, replace(here, texts=content.text(key)))


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


def hold(content: Content, talk: Talk) -> Turn:
    """The words are kept for the people who will read them; the holding line is said once a wait."""
    if talk.held:
        return Turn(talk=talk, effects=(Relay(),))
    said = say(replace(talk, held=True), Reply(texts=content.text("holding"), choices=exits(content)))
    return replace(said, effects=(Relay(), *said.effects))

"""What is sent when its time has come, because the person asked for it: notices of dates, and letters. Pure.

While a counselor has the thread neither is sent: a notice waits, a letter is left out. R-011, R-085, R-088, R-101.
"""

from __future__ import annotations

from datetime import datetime

from bot.flows import engine, reminders
from bot.flows.content import Content
from bot.flows.effects import Effect, EraseWords, OpenTicket, Record, Say, WakeAt
from bot.flows.keeping import spell_day
from bot.flows.mine import Notice
from bot.flows.scene import exits
from bot.frozen import replace
from bot.handoff import ticket as tickets
from bot.handoff.forecast import Queued
from bot.handoff.risk import Level
from bot.handoff.ticket import Reason
from bot.messages import Purpose, Reply
from bot.talk import Mode, Talk, Turn

LONGER = "longer"  # the time that was told for an answer has passed
CORRECTION = "correction/"  # and its id: something was told wrongly, and is put right
FOLLOW_UP = "follow_up"  # a word was agreed on for now


def notices_due(content: Content, talk: Talk, now: datetime) -> Turn:
    """The first notice whose time it is, if any; the others are planned anew. One message at a time."""
    left: list[Notice] = []
    told: dict[str, str] = {}
    for notice in talk.mine.notices:
        day = content.next_day(notice.entry, now)
        card = content.show(notice.entry, now)
        if notice.due > now or card is None:
            left += [notice] if card is not None else []
        elif _is_quiet(talk, now):
            again = replace(notice, due=reminders.by_day(now + reminders.LOOK_AGAIN))
            left += [again] if notice.day is None or notice.day > again.due.date() else []
        elif not told and day is not None and reminders.is_time(notice, day, now):
            told = {"place": card.title, "day": spell_day(content, day)}
        elif reminders.is_time(notice, day, now):  # one at a time: this one a little later
            left.append(replace(notice, due=reminders.by_day(now + reminders.APART)))
        elif (planned := reminders.again(notice, day, now)) is not None:
            left.append(planned)
    talk = replace(talk, mine=replace(talk.mine, notices=tuple(left)))
    said = _said(content, "notice_card", talk, told, now) if told else None
    due = reminders.first_due(left)
    wake = (WakeAt(reason=reminders.NOTICE, at=due),) if due else ()
    sent: tuple[Effect, ...] = (Say(reply=said), Record(count="notices_sent")) if said else ()
    return Turn(talk=talk, effects=(*sent, *wake))


def letter_due(content: Content, talk: Talk, now: datetime) -> Turn:
    """The letter of this month, silently; the next one is planned whether or not there was one."""
    if not talk.mine.letters:
        return Turn(talk=talk)
    letter, due = content.letter(now), reminders.next_letter(talk.mine, now)
    wake = (WakeAt(reason=reminders.LETTER, at=due),) if due else ()
    if not letter or _is_quiet(talk, now):
        return Turn(talk=talk, effects=wake)
    said = _said(content, "letter_card", talk, {"letter": letter}, now)
    return Turn(talk=talk, effects=(Say(reply=said), Record(count="letters_sent"), *wake))


def longer(content: Content, talk: Talk, now: datetime) -> Turn:
    """The time that was told will not do, or has passed: that is said once, without a sound, with what is known now.

    What holds so far is looked at again when it has passed.
    """
    ticket = talk.ticket
    if talk.mode is not Mode.WAITING or ticket is None or _is_quiet(talk, now):
        return Turn(talk=talk)
    outlook = content.outlook(ticket.desk_id, now, _place(ticket))
    told = outlook.told if outlook is not None else None
    promised = ticket.promised_at
    if promised is not None and now < promised and (told is None or told.earliest < promised):
        return Turn(talk=talk, effects=(WakeAt(reason=LONGER, at=promised),))
    expected = content.told(outlook, now)
    if promised is not None and now < promised:
        text = content.text("wait_changed")[0].replace("{expected}", expected)
    else:
        again = content.text("wait_again")[0].replace("{expected}", expected) if expected else ""
        text = content.text("wait_longer")[0].replace("{again}", again)
    if told is not None:
        talk = replace(talk, ticket=replace(ticket, promised_at=told.latest))
    return Turn(talk=talk, effects=(Say(reply=Reply(texts=(text,), choices=exits(content), silent=True)),))


def _place(ticket: tickets.Ticket) -> Queued:
    return Queued(
        opened_at=ticket.opened_at,
        level=ticket.priority,
        promised_at=ticket.promised_at,
        known=ticket.assignee or ticket.stand_in or "",
        ticket_id=ticket.id,
    )


def correction_due(content: Content, talk: Talk, reason: str, now: datetime) -> Turn:
    """What was told wrongly is put right, once and without a sound, to who was shown it. Not at night, and not to who
    wished to be left alone or talks with a counselor: then it waits. What was taken out meanwhile is not said."""
    texts, due = content.text(reason), reminders.by_day(now)
    if not texts:
        return Turn(talk=talk)
    if _is_quiet(talk, now):
        due = reminders.by_day(now + reminders.LOOK_AGAIN)
    if due > now:
        return Turn(talk=talk, effects=(WakeAt(reason=reason, at=due),))
    said = Reply(texts=texts, choices=exits(content), silent=True)
    sent = Record(count="corrections_sent", of=reason.removeprefix(CORRECTION))
    return Turn(talk=talk, effects=(Say(reply=said, purpose=Purpose.CORRECTION), sent))


def follow_up_due(talk: Talk, seq: int, now: datetime) -> Turn:
    """The word that was agreed on is for whoever it was agreed with to write; the machine says nothing (R-085)."""
    if talk.mode is not Mode.BOT or talk.ticket is None or _is_quiet(talk, now):
        return Turn(talk=talk)
    ticket = tickets.reopen(talk.ticket, Reason.FOLLOW_UP, Level.NONE, seq, now)
    return Turn(talk=replace(talk, ticket=ticket, mode=Mode.WAITING, held=True), effects=(OpenTicket(),))


def unkept(talk: Talk, now: datetime) -> Turn:
    """What was written to nobody and not put away goes, without a word; while people may be given it, it stays."""
    if talk.mode is not Mode.BOT:
        return Turn(talk=talk, effects=(WakeAt(reason=reminders.LOOSE, at=now + reminders.LOOSE_FOR),))
    gone, left = talk.mine.loose, replace(talk, mine=talk.mine.without("loose"))
    return Turn(talk=left, effects=(EraseWords(seqs=gone),) if gone else ())


def _said(content: Content, target: str, talk: Talk, values: dict[str, str], now: datetime) -> Reply:
    person = replace(talk.person(now), values=values)
    return replace(engine.aside(content, content.text(target)[0], now, person), silent=True)


def _is_quiet(talk: Talk, now: datetime) -> bool:
    """Whoever wished to be left alone, or talks with a counselor, gets nothing unasked."""
    return talk.mode is Mode.HUMAN or "hushed" in talk.person(now).facts

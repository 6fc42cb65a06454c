"""What stands beside a thread, in words: wishes with their source, notes, promises, decisions, consents. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from babel.dates import format_skeleton

from admin.views import lines, times
from admin.words import Words, marked
from bot.content.event_cards import hours_words
from bot.content.pack import Released
from bot.handoff import hours
from bot.handoff import notes as noting
from bot.handoff.desk import SEES_ALL, Thread
from bot.handoff.hours import TOKYO
from bot.handoff.notes import Note, NoteKind, Source
from bot.store.accounts import Account
from bot.store.staff import Member

KINDS: dict[NoteKind, str] = {
    NoteKind.SAID: marked("Said"),
    NoteKind.OBSERVED: marked("Seen"),
    NoteKind.GUESS: marked("Guess"),
    NoteKind.WISH: marked("Wish"),
    NoteKind.AVOID: marked("Words to leave out"),
    NoteKind.AGREED: marked("Agreed on"),
    NoteKind.PROMISE: marked("Promise"),
    NoteKind.CONSENT: marked("Consent"),
    NoteKind.DECISION: marked("Decision of two"),
    NoteKind.CONSULT: marked("Asked a colleague"),
}
PLAIN = (NoteKind.SAID, NoteKind.OBSERVED, NoteKind.GUESS, NoteKind.AVOID, NoteKind.AGREED)
"""Notes that are a text and nothing more."""
SOURCES: dict[Source, str] = {
    Source.PERSON: marked("from the person"),
    Source.FAMILY: marked("from the family"),
    Source.FAMILY_QUOTING: marked("the family says the person said so"),
    Source.SUPPORTER: marked("a supporter heard it"),
}
HOW: dict[str, str] = {
    "wrote": marked("They wrote it"),
    "tapped": marked("They pressed a button"),
    "said": marked("They said it in a talk"),
}
assert set(HOW) == set(noting.HOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A note as it is shown. `told` is what stands under it; `mine`: this member wrote it or owes it."""

    number: int
    kind: str
    tag: str
    text: str = field(repr=False)
    told: str
    is_open: bool
    mine: bool = False
    goes_to: str = ""
    exports: bool = True


def panel(
    t: Words,
    thread: Thread,
    member: Member,
    now: datetime,
    released: Released | None,
    accounts: Sequence[Account],
) -> dict[str, Any]:
    """Everything the side of a thread shows, by section."""
    beside, ticket = thread.panel, thread.ticket
    desks = {desk.id: desk.name for desk in released.latest.desks} if released is not None else {}
    rows = [noted(t, note, beside.names, desks, member, now) for note in beside.notes]

    def of(*kinds: NoteKind) -> list[Noted]:
        return [row for row in rows if row.kind in kinds]

    return {
        "read_by": t(", ").join(beside.names[by] for by in ticket.seen_by if by in beside.names),
        "wishes": [row for row in of(NoteKind.WISH) if row.is_open],
        "old_wishes": [row for row in of(NoteKind.WISH) if not row.is_open],
        "notes": of(*PLAIN),
        "promises": [row for row in of(NoteKind.PROMISE) if row.is_open],
        "kept_promises": [row for row in of(NoteKind.PROMISE) if not row.is_open],
        "consents": [row for row in of(NoteKind.CONSENT) if row.is_open],
        "decisions": of(NoteKind.DECISION),
        "consults": of(NoteKind.CONSULT),
        "later": times.moment(t, now, beside.follow_up_at) if beside.follow_up_at else "",
        "may_call_off": member.staff_id in (ticket.assignee, ticket.stand_in) or member.role in SEES_ALL,
        "stand_in": beside.names.get(ticket.stand_in or "", ""),
        "handed": handed(t, len(thread.handed)),
        "people": beside.colleagues,
        "hours": hours_of(t, ticket.desk_id, released, now),
        "pushes": pushes(t, thread.account_id, accounts),
        "kinds": [(str(kind), t(KINDS[kind])) for kind in (*PLAIN, NoteKind.WISH)],
        "sources": sources(t),
    }


def handed(t: Words, number: int) -> str:
    """That something of before was handed over by choice; empty when nothing was."""
    if not number:
        return ""
    return t.count(
        "{n} thing they wrote before was handed over by their own choice",
        "{n} things they wrote before were handed over by their own choice",
        number,
    )


def sources(t: Words) -> list[tuple[str, str]]:
    """Whose words something can be; nothing is chosen beforehand (R-048)."""
    return [(str(source), t(said)) for source, said in SOURCES.items()]


def noted(
    t: Words, note: Note, names: Mapping[str, str], desks: Mapping[str, str], member: Member, now: datetime
) -> Noted:
    """One note, with who and when, and whose words it is wherever it is shown (R-049)."""
    by = names.get(note.by, "")
    told = list[str]()
    if note.source is not None:
        told.append(t(SOURCES[note.source]))
    match note.kind:
        case NoteKind.PROMISE if note.due_on is not None:
            told += [t("by {day}", day=day_of(t, note.due_on)), names.get(note.owner or "", "")]
        case NoteKind.CONSENT if note.consent is not None:
            told += [t(HOW[note.consent.how]), t("until {day}", day=day_of(t, note.consent.until))]
        case NoteKind.DECISION if note.second:
            told += [by, t("agreed by {name}: {why}", name=names.get(note.second, ""), why=note.second_text)]
        case NoteKind.CONSULT:
            asked = names.get(note.owner or "", "")
            told.append(t("{name} was asked by {asker}", name=asked, asker=by))
            told += [t("They say: {said}", said=lines.readable(note.second_text))] if note.second else []
        case NoteKind.GUESS:
            told += [by, t("A guess goes nowhere")]
        case _:
            told.append(by)
    told.append(times.moment(t, now, note.at))
    return Noted(
        number=note.number,
        kind=note.kind,
        tag=t(KINDS[note.kind]),
        text=lines.readable(note.text),
        told=t(" / ").join(filter(None, told)),
        is_open=note.is_open,
        mine=member.staff_id in (note.by, note.owner),
        goes_to=desks.get(note.consent.to, note.consent.to) if note.consent is not None else "",
        exports=note.kind is not NoteKind.GUESS,
    )


def day_of(t: Words, day: date) -> str:
    return str(format_skeleton("MMMd", day, locale=t.language))


def hours_of(t: Words, desk_id: str, released: Released | None, now: datetime) -> list[str]:
    """When the desk is open, and when it is next, as the person is told it."""
    found = [desk for desk in released.latest.desks if desk.id == desk_id] if released is not None else []
    if released is None or not found or not found[0].shifts:
        return [t("Hours are not known")]
    told = [hours_words(found[0], released.latest.texts)]
    opens = hours.next_opening(found[0], now)
    if not hours.is_open(found[0], now) and opens is not None:
        told.append(t("Next at {time}", time=times.moment(t, now, opens)))
    return told


def pushes(t: Words, account_id: str, accounts: Iterable[Account]) -> str:
    """How many pushes are left this month, where there is such a limit."""
    for account in accounts:
        checked = account.checked
        if account.account_id == account_id and checked is not None and checked.quota_left is not None:
            return t("Pushes: about {n} left this month", n=checked.quota_left)
    return ""


SECTIONS: dict[str, str] = {
    "preferences": marked("Wishes for how to go on"),
    "wishes": marked("Wishes"),
    "avoid": marked("Words to leave out"),
    "agreed": marked("Agreed on"),
    "promises": marked("Promises"),
    "consent": marked("Consent"),
    "said": marked("Said"),
    "observed": marked("Seen"),
}


def hand_over(
    t: Words, found: Mapping[str, Sequence[tuple[str, str]]]
) -> list[tuple[str, list[tuple[str, str]]]]:
    """The page for who goes on (R-111), section by section; what is empty says so."""
    return [
        (t(word), [(label_of(t, label), lines.readable(text)) for label, text in found.get(name, ())])
        for name, word in SECTIONS.items()
    ]


def label_of(t: Words, label: str) -> str:
    """A source, a kind or a day in words; the person's own labels as they are."""
    if label in set(Source):
        return t(SOURCES[Source(label)])
    if label in set(NoteKind):
        return t(KINDS[NoteKind(label)])
    try:
        return day_of(t, date.fromisoformat(label))
    except ValueError:
        return lines.readable(label)


def today(now: datetime) -> date:
    return now.astimezone(TOKYO).date()

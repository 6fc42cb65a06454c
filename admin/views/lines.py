"""The thread as it is shown to its keeper: one `Shown` a line, ready for the page. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby

from admin.views import labels, times
from admin.words import Words, marked
from bot.handoff.desk import Thread
from bot.handoff.risk import Level, RiskHit, Rules, highest, window
from bot.handoff.risk.window import Bubble
from bot.handoff.ticket import Reason
from bot.messages import Card, Choice, Kind
from bot.store import outbox, timeline
from bot.store.inbox import PERSON
from bot.store.timeline import Line
from bot.store.unsend import TAKEN_BACK

MARK = (
    "[\u0300-\u036f\u0483-\u0489\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a\ufe20-\ufe2f]"
)
HELD_BACK = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
    f"|(?<={MARK}{{3}}){MARK}"
)
"""Control signs, those that turn the direction of what stands around them, and marks piled on marks: no script needs
more than three on one letter, and a pile runs over the lines above and below (B31)."""

MARKERS: dict[str, str] = {
    "claimed": marked("{name} took this conversation. The automatic guide is silent"),
    "released": marked("{name} gave this back to the desk"),
    "passed_on": marked("{name} passed this on to a colleague"),
    "sent_on": marked("{name} handed this over to another desk, as the person agreed"),
    "handed_back": marked("{name} handed back to the guide"),
    "withdrawn": marked("The person took the request back"),
    "moved": marked("The person went on in the web chat"),
    timeline.DAMAGED: marked("A line here is damaged and cannot be read"),
    Kind.JOINED: marked("The person opened this entrance"),
    Kind.LEFT: marked("The person paused receiving"),
}
BEGIN, END = "\ue000", "\ue001"  # private signs around what a rule points at; the person's own are blanked
PREVIEW = 40  # characters of a folded step
A_WHILE = timedelta(minutes=1)  # nobody needs to be told the time of what goes sooner
BY_STAFF = frozenset({"claimed", "handed_back", "released", "passed_on", "sent_on"})
NO_WORDS = marked("(no words)")
INSTEAD_OF_WORDS: dict[str, str] = {
    Kind.STICKER: marked("(a sticker)"),
    Kind.CHOICE: marked("(a button)"),
    Kind.UNSUPPORTED: marked("(something that is not opened here, such as a picture)"),
    TAKEN_BACK: marked("(taken back)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Part of a paragraph; `hit` is what a rule points at."""

    text: str = field(repr=False)
    hit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A line of the page. `side`: them, bot, staff or mark; `wood` marks lines drawn by a human hand.

    `marked` are the paragraphs with what a risk rule points at, `rules` those rules by id and category; `covered`
    lines are shown when they are opened. `typed`: the person's own words, of which some can be hidden.
    """

    seq: int
    side: str
    who: str = field(repr=False)
    at: str
    exact: str
    tag: str = ""
    paragraphs: tuple[str, ...] = field(default=(), repr=False)
    marked: tuple[tuple[Piece, ...], ...] = field(default=(), repr=False)
    rules: tuple[tuple[str, str], ...] = ()
    covered: bool = False
    silent: bool = False
    cards: tuple[Card, ...] = field(default=(), repr=False)
    offered: tuple[str, ...] = field(default=(), repr=False)
    delivery: str = ""
    wood: bool = False
    typed: bool = False


def readable(text: str) -> str:
    """The text without control signs; line breaks stay."""
    return HELD_BACK.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def paragraphs(texts: Iterable[str]) -> tuple[str, ...]:
    """Blank lines part paragraphs, as in the chat."""
    parts = (part.strip("\n") for text in texts for part in re.split(r"\n[ \t\u3000]*\n", readable(text)))
    return tuple(part for part in parts if part.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Steps of the machine in a row, folded into one line; `told` is what became of one that did not arrive."""

    seq: int
    at: str
    exact: str
    begins: str = field(repr=False)
    lines: tuple[Shown, ...] = field(repr=False)
    told: str = ""


def shown(
    t: Words, thread: Thread, now: datetime, rules: Rules | None = None, *, covers: bool = False
) -> tuple[Shown, ...]:
    """All lines of the thread that say something. `rules` mark what they find; `covers` hides hard words."""
    return _all(t, thread, thread.lines, now, rules, covers=covers)


def handed(
    t: Words, thread: Thread, now: datetime, rules: Rules | None = None, *, covers: bool = False
) -> tuple[Shown, ...]:
    """What the person wrote before, to nobody, and chose to hand over with their request."""
    return _all(t, thread, thread.handed, now, rules, covers=covers)


def _all(
    t: Words, thread: Thread, found: Iterable[Line], now: datetime, rules: Rules | None, *, covers: bool
) -> tuple[Shown, ...]:
    told, recent = list[Shown](), tuple[Bubble, ...]()
    for line in found:
        one = _shown(t, thread, line, now)
        if one is None:
            continue
        if rules is not None and line.author == PERSON and line.body.kind == Kind.TEXT and line.body.texts:
            text = "\n".join(line.body.texts)
            hits = window.scan(rules, recent, text, line.body.at)
            recent = window.with_one_more(recent, text, line.body.at)
            one = with_hits(t, one, text, hits, covers=covers)
        told.append(one)
    return tuple(told)


def with_hits(t: Words, one: Shown, text: str, hits: tuple[RiskHit, ...], *, covers: bool) -> Shown:
    """The line with what rules found in it marked, and covered if that is hard to read."""
    if not hits:
        return one
    named = dict.fromkeys((hit.rule, labels.category(t, hit.category)) for hit in hits)
    return replace(
        one,
        marked=pieces(text, [(hit.start, hit.end) for hit in hits]),
        rules=tuple(named),
        covered=covers and highest(hits) >= Level.HIGH,
    )


def pieces(text: str, spans: Iterable[tuple[int, int]]) -> tuple[tuple[Piece, ...], ...]:
    """The paragraphs of a text in pieces, with these spans of it marked; spans may touch and overlap."""
    inside = {place for begin, end in spans for place in range(begin, min(end, len(text)))}
    plain = text.replace(BEGIN, " ").replace(END, " ")
    signed = "".join(
        f"{BEGIN if at in inside and at - 1 not in inside else ''}{sign}"
        f"{END if at in inside and at + 1 not in inside else ''}"
        for at, sign in enumerate(plain)
    )
    found, hit = list[tuple[Piece, ...]](), False
    for paragraph in paragraphs((signed,)):
        row = list[Piece]()
        for part in re.split(f"([{BEGIN}{END}])", paragraph):
            if part in (BEGIN, END):
                hit = part == BEGIN
            elif part:
                row.append(Piece(text=part, hit=hit))
        found.append(tuple(row))
    return tuple(found)


def folded(found: Iterable[Shown]) -> tuple[Shown | Fold, ...]:
    """The same lines, with the machine's steps in a row folded into one; what people wrote stays open."""
    made = list[Shown | Fold]()
    for side, run in groupby(found, key=lambda line: line.side):
        rows = tuple(run)
        if side != "bot":
            made.extend(rows)
            continue
        first = rows[0]
        begins = next((text for row in rows for text in row.paragraphs), "")
        made.append(
            Fold(
                seq=first.seq,
                at=first.at,
                exact=first.exact,
                begins=begins if len(begins) <= PREVIEW else f"{begins[: PREVIEW - 1]}…",
                lines=rows,
                told=next((row.delivery for row in rows if row.delivery), ""),
            )
        )
    return tuple(made)


def _shown(t: Words, thread: Thread, line: Line, now: datetime) -> Shown | None:
    if line.body.kind == Kind.UNSENT:  # what was taken back tells so in its own place
        return None
    if (
        line.author == timeline.MARKER
        or line.body.kind == timeline.DAMAGED
        or (line.author == PERSON and line.body.kind in MARKERS)
    ):
        return _marker(t, line, now)
    if line.author == PERSON:
        return _person(t, thread, line, now)
    if line.author == timeline.COUNSELOR:
        return _sent(t, thread, line, now, side="staff", who=line.body.name)
    return _sent(t, thread, line, now, side="bot", who=t("Automatic guide"))


def _marker(t: Words, line: Line, now: datetime) -> Shown | None:
    said = MARKERS.get(line.body.kind)
    if said is None:
        return None
    text = t(said, name=line.body.name)
    return Shown(
        seq=line.seq,
        side="mark",
        who="",
        at=times.moment(t, now, line.body.at),
        exact=times.exact(line.body.at),
        paragraphs=(text,),
        wood=line.body.kind in BY_STAFF,
    )


def _person(t: Words, thread: Thread, line: Line, now: datetime) -> Shown:
    said = paragraphs(line.body.texts)
    kind = line.body.kind
    tag = ""
    if line.seq == thread.ticket.opened_seq and thread.ticket.reason is Reason.RISK:
        tag = t("Words that need a look")
    elif kind == Kind.CHOICE and said:
        tag = t("by a button")
    elif kind == Kind.STICKER and said:
        tag = t("by a sticker")
    return Shown(
        seq=line.seq,
        side="them",
        who=thread.nickname,
        at=times.moment(t, now, line.body.at),
        exact=times.exact(line.body.at),
        tag=tag,
        paragraphs=said or (t(INSTEAD_OF_WORDS.get(kind, NO_WORDS)),),
        typed=kind == Kind.TEXT and bool(said),
    )


def _sent(t: Words, thread: Thread, line: Line, now: datetime, *, side: str, who: str) -> Shown:
    waits = line.due_at if line.due_at is not None and line.due_at - now > A_WHILE else None
    until = times.moment(t, now, waits) if waits is not None else ""
    told = labels.delivery(t, line.delivery, line.via, line.error_code, thread.account_id, until)
    if side == "bot" and line.delivery == outbox.SENT:
        told = ""  # what the machine said and what arrived needs no remark
    return Shown(
        seq=line.seq,
        side=side,
        who=who,
        at=times.moment(t, now, line.body.at),
        exact=times.exact(line.body.at),
        paragraphs=paragraphs(line.body.texts),
        cards=line.body.cards,
        offered=_offered(line.body.choices),
        delivery=told,
        silent=line.body.silent and side == "staff",
    )


def _offered(choices: Iterable[Choice]) -> tuple[str, ...]:
    """What could be chosen, but the exits, which are always there."""
    return tuple(choice.label for choice in choices if not choice.id.startswith("exit/"))

"""What entering a step of each kind does. `KINDS` is the registry; a new kind needs a line there and a golden."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.flows import model
from bot.flows.content import Content, Listed
from bot.flows.effects import (
    Effect,
    ForgetContact,
    Record,
    RequestPerson,
    SetPreference,
    WakeAt,
    WithdrawRequest,
)
from bot.flows.session import Session
from bot.flows.template import fill_all
from bot.messages import EXIT_LATER, EXIT_PERSON, EXIT_STOP, Card, Choice, Reply

PAUSE = "pause"
MAX_LISTED = 3
LISTED = "listed"
ENTRY = "entry"
OFFSET = "offset"
_OWN = frozenset({LISTED, ENTRY, OFFSET})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a step may look at when it is entered."""

    content: Content
    session: Session
    now: datetime
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """What entering a step gave: words, a changed session, and where to go on (None: wait here)."""

    session: Session
    texts: tuple[str, ...] = ()
    cards: tuple[Card, ...] = ()
    choices: tuple[Choice, ...] = ()
    effects: tuple[Effect, ...] = ()
    goto: str | None = None
    ends: bool = False


def choices_of(step: model.AnyStep, session: Session, content: Content) -> tuple[Choice, ...]:
    """The step's own choices, then the three exits (R-018)."""
    own = tuple(
        Choice(id=model.choice_id(session.flow, session.step, model.choice_key(label)), label=label)
        for label in step.choices
    )
    return own if step.exits == model.NO_EXITS else own + exits(content)


def exits(content: Content) -> tuple[Choice, ...]:
    later, stop, person = content.text("exits")
    return (
        Choice(id=EXIT_LATER, label=later),
        Choice(id=EXIT_STOP, label=stop),
        Choice(id=EXIT_PERSON, label=person),
    )


def listed_choices(step: model.AnyStep, session: Session, content: Content) -> tuple[Choice, ...]:
    """One choice for each entry the list step shows now: 1を見る, 2を見る …"""
    if not isinstance(step, model.ShowResources | model.ShowEvents) or not step.each:
        return ()
    label = content.text("see_entry")[0]
    shown = session.answers.get(LISTED, "").split()
    return tuple(
        Choice(
            id=model.choice_id(session.flow, session.step, model.entry_key(place, entry_id)),
            label=label.replace("{n}", str(place)),
        )
        for place, entry_id in enumerate(shown, start=1)
    )


def page_of(session: Session) -> int:
    """Which page of the list at the current step is shown; a list left and entered anew begins at the first."""
    place, _, page = session.answers.get(OFFSET, "").partition(" ")
    return int(page) if place == f"{session.flow}/{session.step}" and page.isdecimal() else 0


def on_page(session: Session, page: int) -> Session:
    return session.answering(OFFSET, f"{session.flow}/{session.step} {page}")


def wishes_of(session: Session) -> tuple[tuple[str, str], ...]:
    """What the person said about how to go on, as pairs of name and words (R-029)."""
    return tuple((name, value) for name, value in session.answers.items() if name not in _OWN)


def _spoken(step: model.AnyStep, scene: Scene) -> Entered:
    return Entered(
        session=scene.session,
        texts=fill_all(step.say, scene.values),
        choices=choices_of(step, scene.session, scene.content),
    )


def _say(step: model.Say, scene: Scene) -> Entered:
    return Entered(session=scene.session, texts=fill_all(step.say, scene.values), goto=step.to)


def _wait(step: model.Menu | model.Ask, scene: Scene) -> Entered:
    return _spoken(step, scene)


def _goto(step: model.Goto, scene: Scene) -> Entered:
    return Entered(session=scene.session, goto=step.to)


def _end(step: model.End, scene: Scene) -> Entered:
    return replace(_spoken(step, scene), ends=True)


def _pages(found: tuple[Listed, ...], limit: int) -> list[list[Listed]]:
    """Every entry once, best first, each page of at least two kinds where there are (R-092)."""
    pages, left = [], list(found)
    while left:
        page, left = left[:limit], left[limit:]
        if len(page) > 1 and len({entry.card.kind for entry in page}) == 1:
            other = next((at for at, entry in enumerate(left) if entry.card.kind != page[0].card.kind), None)
            if other is not None:
                page[-1], left[other] = left[other], page[-1]
                left.insert(0, left.pop(other))
        pages.append(page)
    return pages


def _list(step: model.ShowResources | model.ShowEvents, scene: Scene) -> Entered:
    session = scene.session
    found = scene.content.find(step.query, scene.now)
    pages = _pages(found, max(1, min(step.query.limit, MAX_LISTED)))
    page = pages[page_of(session) % len(pages)] if pages else []
    session = session.answering(LISTED, " ".join(entry.id for entry in page))
    each = listed_choices(step, session, scene.content)
    texts = fill_all(step.say, scene.values) if page else scene.content.text("nothing_found")
    return Entered(
        session=session,
        texts=texts,
        cards=tuple(entry.card for entry in page),
        choices=each + choices_of(step, session, scene.content),
        effects=() if page else (Record(count="searches_without_entry"),),
    )


def _entry(step: model.ShowEntry, scene: Scene) -> Entered:
    card = scene.content.show(scene.session.answers.get(ENTRY, ""), scene.now)
    spoken = _spoken(step, scene)
    if card is None:
        return replace(spoken, texts=scene.content.text("entry_gone"))
    return replace(spoken, cards=(card,))


def _handoff(step: model.Handoff, scene: Scene) -> Entered:
    request = RequestPerson(reason=step.reason, wishes=wishes_of(scene.session))
    return replace(_spoken(step, scene), effects=(request,))


def _prefer(step: model.Prefer, scene: Scene) -> Entered:
    until = scene.now + timedelta(days=step.hush_days) if step.hush_days else None
    return replace(_spoken(step, scene), effects=(SetPreference(silent=step.silent, hush_until=until),))


def _withdraw(step: model.Withdraw, scene: Scene) -> Entered:
    return replace(_spoken(step, scene), effects=(WithdrawRequest(),))


def _forget(_step: model.Forget, scene: Scene) -> Entered:
    receipt = Reply(texts=scene.content.text("erased"))
    return Entered(session=scene.session, effects=(ForgetContact(receipt=receipt),), ends=True)


def wake_after_pause(step: model.Ask, now: datetime) -> WakeAt:
    return WakeAt(reason=PAUSE, at=now + timedelta(seconds=step.pause))


KINDS: dict[type[model.AnyStep], Callable[[Any, Scene], Entered]] = {
    model.Say: _say,
    model.Menu: _wait,
    model.Ask: _wait,
    model.ShowResources: _list,
    model.ShowEvents: _list,
    model.ShowEntry: _entry,
    model.Handoff: _handoff,
    model.Prefer: _prefer,
    model.Withdraw: _withdraw,
    model.Forget: _forget,
    model.Goto: _goto,
    model.End: _end,
}

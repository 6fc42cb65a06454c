"""The bounded loop: from an input to the next step that waits. Never raises on content trouble; it strands instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.flows import model
from bot.flows.content import Content
from bot.flows.effects import Effect, Stranded
from bot.flows.matching import match
from bot.flows.nodes import (
    ENTRY,
    KINDS,
    LISTED,
    Scene,
    listed_choices,
    on_page,
    page_of,
    wake_after_pause,
    wishes_of,
)
from bot.flows.session import Session
from bot.messages import Reply

MAX_STEPS = 30  # steps entered in one turn; more is a loop in the content
MAX_BUBBLES = 3
MAX_LENGTH = 120  # characters a bubble, R-038


@dataclass(frozen=True, slots=True, kw_only=True)
class Sprint:
    """What the engine did until the next wait. `session` is None when the flow ended."""

    session: Session | None
    reply: Reply = Reply()  # noqa: RUF009 - immutable
    effects: tuple[Effect, ...] = ()


def begin(content: Content, target: str, now: datetime, *, session: Session | None = None) -> Sprint:
    """Goes to `target` (`FLOW/step`), in the running session or a new one pinned to the latest release.

    Targets come from the latest texts and entry words: one the session's own release lacks moves it there.
    """
    flow, step = model.resolve(target, "")
    if session is None:
        session = Session(flow=flow, step=step, release=content.number, started_at=now)
    else:
        session = _fresh(content, session.at(flow, step), now)
    if _step(content, session.release, flow, step) is None:
        session = replace(session, release=content.number, started_at=now)
    return _run(content, session, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a tap means: `session` stands at the step it was offered by, `entry` is the place it shows."""

    session: Session
    step: model.AnyStep
    label: str = ""
    target: str
    entry: str = ""


def chosen(content: Content, session: Session | None, choice_id: str, now: datetime) -> Chosen | None:
    """The choice, of the current step or of an older message; None when it does not exist any more.

    A button that only the latest release knows moves the session there: it is newer than the session.
    """
    flow, _, rest = choice_id.partition("/")
    step_id, _, key = rest.partition("/")
    session = _fresh(content, session, now) if session else None
    for release in dict.fromkeys((session.release if session else content.number, content.number)):
        step = _step(content, release, flow, step_id)
        if step is None:
            continue
        if session is None or session.release != release:
            answers = session.answers if session else {}
            here = Session(flow=flow, step=step_id, release=release, started_at=now, answers=answers)
        else:
            here = session.at(flow, step_id)
        entry = _listed(content, step, here, key, now)
        if entry is not None:
            return Chosen(session=here, step=step, target=step.each, entry=entry)  # type: ignore[union-attr]
        option = step.option(key)
        if option is not None:
            return Chosen(session=here, step=step, label=option[0], target=option[1])
    return None


def leads_to(content: Content, choice: Chosen) -> model.AnyStep | None:
    """The step a choice goes to."""
    return _step(content, choice.session.release, *model.resolve(choice.target, choice.session.flow))


def take(content: Content, choice: Chosen, now: datetime) -> Sprint:
    """Goes where the choice leads, and keeps what was chosen."""
    kept = (ENTRY, choice.entry) if choice.entry else (choice.step.save, choice.label)
    return _go(content, choice.session.answering(*kept), choice.target, now)


def tap(content: Content, session: Session | None, choice_id: str, now: datetime) -> Sprint | None:
    """Takes a choice; None when it does not exist any more."""
    choice = chosen(content, session, choice_id, now)
    return take(content, choice, now) if choice is not None else None


def label_of(
    content: Content, session: Session, text: str, now: datetime, *, by_number: bool = True
) -> str | None:
    """The label of the current step that a text means, by its words or its number."""
    session = _fresh(content, session, now)
    step = _step(content, session.release, session.flow, session.step)
    if step is None:
        return None
    labels = [*(choice.label for choice in listed_choices(step, session, content)), *step.choices]
    return match(text, labels, by_number=by_number)


def write(content: Content, session: Session, text: str, now: datetime) -> Sprint | None:
    """Takes free text at the current step: a label in words, or an answer; None when the step wants neither."""
    session = _fresh(content, session, now)
    step = _step(content, session.release, session.flow, session.step)
    if step is None:
        return None
    shown = {choice.label: choice.id for choice in listed_choices(step, session, content)}
    label = label_of(content, session, text, now)
    if label in shown:
        return tap(content, session, shown[label], now)
    if label is not None:
        return _go(content, session.answering(step.save, label), step.choices[label], now)
    if not isinstance(step, model.Ask):
        return None
    if step.pause:
        return Sprint(session=session, effects=(wake_after_pause(step, now),))
    return _go(content, session.answering(step.save, text), step.to, now)


def pause_over(content: Content, session: Session, now: datetime) -> Sprint | None:
    """The person stopped writing for as long as the step waits: go on, once."""
    session = _fresh(content, session, now)
    step = _step(content, session.release, session.flow, session.step)
    if not isinstance(step, model.Ask) or not step.pause:
        return None
    return _go(content, session, step.to, now)


def back(content: Content, session: Session, now: datetime) -> Sprint:
    """もどる: the last place before this one; the start when there is none. Deeds are not done again."""
    session = _fresh(content, session, now)
    for place in range(len(session.trail) - 1, -1, -1):
        flow, step = model.resolve(session.trail[place], "")
        before = _step(content, session.release, flow, step)
        if (flow, step) != (session.flow, session.step) and isinstance(before, model.PLACES):
            return _run(content, replace(session, flow=flow, step=step, trail=session.trail[:place]), now)
    return begin(content, content.text("start")[0], now)


def again(content: Content, session: Session, now: datetime) -> Sprint | None:
    """Says the current step once more; None when it is no place to come back to, such as a finished handoff."""
    session = _fresh(content, session, now)
    step = _step(content, session.release, session.flow, session.step)
    if step is not None and not isinstance(step, model.PLACES):
        return None
    return _run(content, session, now)


def _fresh(content: Content, session: Session, now: datetime) -> Session:
    """After seven days a session goes on with the latest step graph."""
    return session if session.is_pinned(now) else replace(session, release=content.number, started_at=now)


def _step(content: Content, release: int, flow: str, step: str) -> model.AnyStep | None:
    found = content.flows(release).get(flow)
    return found.steps.get(step) if found else None


def _listed(content: Content, step: model.AnyStep, session: Session, key: str, now: datetime) -> str | None:
    """The entry a button of a list names: one that is shown now, or was in an older message."""
    if not isinstance(step, model.ShowResources | model.ShowEvents) or not step.each or key[:1] != "r":
        return None
    wanted = key.partition(".")[2]
    shown = session.answers.get(LISTED, "").split()
    for entry_id in (*shown, *(entry.id for entry in content.find(step.query, now))):
        if model.choice_key(entry_id) == wanted:
            return entry_id
    return None


def _go(content: Content, session: Session, target: str, now: datetime) -> Sprint:
    flow, step = model.resolve(target, session.flow)
    moved = session.at(flow, step)
    if isinstance(_step(content, session.release, flow, step), model.ShowResources | model.ShowEvents):
        moved = on_page(moved, page_of(session) + 1 if moved is session else 0)
    return _run(content, moved, now)


def _values(content: Content, session: Session, now: datetime) -> Mapping[str, str]:
    known = dict(content.values(now))
    wishes = [f"{name}：{value}" for name, value in wishes_of(session)]
    known["preview"] = "／".join(wishes) or content.text("preview_empty")[0]
    return known


def _run(content: Content, session: Session, now: datetime) -> Sprint:
    """Enters steps until one waits. Every way out of here says something or strands."""
    reply, effects = Reply(), list[Effect]()
    for _ in range(MAX_STEPS):
        step = _step(content, session.release, session.flow, session.step)
        if step is None:
            return _strand(content, session, now, reply, effects)
        asked = any(
            "{" in text for text in step.say
        )  # hours and lines are looked up for who asks for them only
        values = _values(content, session, now) if asked else {}
        entered = KINDS[type(step)](step, Scene(content=content, session=session, now=now, values=values))
        session = entered.session
        effects.extend(entered.effects)
        reply = Reply(
            texts=reply.texts + entered.texts,
            cards=reply.cards + entered.cards,
            choices=entered.choices,
        )
        if entered.goto is None:
            reply = replace(reply, texts=three(reply.texts))
            return Sprint(session=None if entered.ends else session, reply=reply, effects=tuple(effects))
        session = session.at(*model.resolve(entered.goto, session.flow))
    return _strand(content, session, now, reply, effects)


def three(texts: tuple[str, ...]) -> tuple[str, ...]:
    """At most three bubbles; what is over joins the last one, so that nothing is cut."""
    if len(texts) <= MAX_BUBBLES:
        return texts
    return (*texts[: MAX_BUBBLES - 1], "\n".join(texts[MAX_BUBBLES - 1 :]))


def _strand(content: Content, session: Session, now: datetime, reply: Reply, effects: list[Effect]) -> Sprint:
    """The content led nowhere: say so, and offer the start of everything."""
    where = f"{session.flow}/{session.step}"
    start = content.text("start")[0]
    effects.append(Stranded(where=where))
    flow, step = model.resolve(start, "")
    home = content.flows(content.number).get(flow)
    said = replace(reply, texts=three((*reply.texts, *content.text("stranded"))))
    if where == start or home is None or step not in home.steps:
        return Sprint(session=None, reply=said, effects=tuple(effects))
    fresh = Session(flow=flow, step=step, release=content.number, started_at=now)
    entered = KINDS[type(home.steps[step])](
        home.steps[step],
        Scene(content=content, session=fresh, now=now, values=_values(content, fresh, now)),
    )
    return Sprint(
        session=entered.session,
        reply=replace(said, choices=entered.choices),
        effects=tuple(effects),
    )

"""The bounded loop: from an input to the next step that waits. Never raises on content trouble; it strands instead."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.flows import model
from bot.flows.content import Content, Wanted
from bot.flows.effects import Effect, Stranded
from bot.flows.matching import alike_in, fold, match, number_of
from bot.flows.mine import ANYBODY, Mine, Person
from bot.flows.nodes import KINDS, wake_after_pause
from bot.flows.scene import (
    ARTICLE,
    ENTRY,
    LISTED,
    Scene,
    answered,
    is_shown,
    listed_choices,
    on_page,
    page_of,
)
from bot.flows.session import Session
from bot.flows.stored import own_values
from bot.flows.template import three
from bot.frozen import dataclass, replace
from bot.messages import Reply

MAX_STEPS = 30  # steps entered in one turn; more is a loop in the content
MAX_LENGTH = 120  # characters a bubble, R-038


@dataclass(frozen=True, slots=True, kw_only=True)
class Sprint:
    """What the engine did until the next wait. `session` is None when the flow ended, `mine` when it is as before."""

    session: Session | None
    reply: Reply = Reply()
    effects: tuple[Effect, ...] = ()
    mine: Mine | None = None


def begin(
    content: Content, target: str, now: datetime, *, session: Session | None = None, person: Person = ANYBODY
) -> Sprint:
    """Goes to `target` (`FLOW/step`), in the running session or a new one pinned to the latest release.

    Targets come from the latest texts and entry words: one the session's own release lacks moves it there.
    """
    flow, step = model.resolve(target, "")
    if session is None:
        answers = dict(person.mine.wishes)
        session = Session(flow=flow, step=step, release=content.number, started_at=now, answers=answers)
    else:
        session = _fresh(content, session.at(flow, step), now)
    if _step(content, session.release, flow, step) is None:
        session = replace(session, release=content.number, started_at=now)
    return _run(content, session, now, person)


def aside(content: Content, target: str, now: datetime, person: Person = ANYBODY) -> Reply:
    """What is said at a target, without going there: the safety card, a letter, the word for who comes back."""
    return begin(content, target, now, person=person).reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a tap means: `session` stands at the step it was offered by, `entry` is the place it shows."""

    session: Session
    step: model.AnyStep
    label: str = ""
    target: str
    entry: str = ""


def chosen(
    content: Content, session: Session | None, choice_id: str, now: datetime, person: Person = ANYBODY
) -> Chosen | None:
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
            answers = session.answers if session else dict(person.mine.wishes)
            here = Session(flow=flow, step=step_id, release=release, started_at=now, answers=answers)
        else:
            here = session.at(flow, step_id)
        entry = _listed(content, step, here, key, person)
        if entry is not None:
            return Chosen(session=here, step=step, target=step.each, entry=entry)  # type: ignore[union-attr]
        option = step.option(key)
        if option is not None:
            return Chosen(session=here, step=step, label=option[0], target=option[1])
    return None


def leads_to(content: Content, choice: Chosen) -> model.AnyStep | None:
    """The step a choice goes to."""
    return _step(content, choice.session.release, *model.resolve(choice.target, choice.session.flow))


def take(content: Content, choice: Chosen, now: datetime, person: Person = ANYBODY) -> Sprint:
    """Goes where the choice leads, and keeps what was chosen."""
    if choice.entry:
        name = ARTICLE if isinstance(choice.step, model.Read) else ENTRY
        session = choice.session.answering(name, choice.entry)
    else:
        session = answered(choice.session, choice.step, choice.label)
    return _go(content, session, choice.target, now, person)


def tap(
    content: Content, session: Session | None, choice_id: str, now: datetime, person: Person = ANYBODY
) -> Sprint | None:
    """Takes a choice; None when it does not exist any more."""
    choice = chosen(content, session, choice_id, now, person)
    return take(content, choice, now, person) if choice is not None else None


def label_of(
    content: Content,
    session: Session,
    text: str,
    now: datetime,
    person: Person = ANYBODY,
    *,
    by_number: bool = True,
) -> str | None:
    """The label of the current step that a text means, by its words or its number."""
    session = _fresh(content, session, now)
    step = _step(content, session.release, session.flow, session.step)
    if step is None:
        return None
    wanted = fold(text)
    alike = step.choices if number_of(wanted) else alike_in(tuple(step.choices)).get(wanted, ())
    scene = Scene(content=content, session=session, now=now, values={}, person=person)
    shown = [label for label in alike if is_shown(step, label, scene)]
    listed = [choice.label for choice in listed_choices(step, session, content)]
    return match(text, [*listed, *shown], by_number=by_number)


def look_up(
    content: Content, session: Session | None, wanted: Wanted, now: datetime, person: Person = ANYBODY
) -> Sprint:
    """Shows what a few words asked for."""
    flow, step = model.resolve(wanted.target, "")
    if session is None:
        answers = dict(person.mine.wishes)
        session = Session(flow=flow, step=step, release=content.number, started_at=now, answers=answers)
    for name, value in wanted.answers:
        session = session.answering(name, value)
    return begin(content, wanted.target, now, session=on_page(session.at(flow, step), 0), person=person)


def write(
    content: Content, session: Session, text: str, now: datetime, person: Person = ANYBODY
) -> Sprint | None:
    """Takes free text at the current step: a label in words, or an answer; None when the step wants neither."""
    session = _fresh(content, session, now)
    step = _step(content, session.release, session.flow, session.step)
    if step is None:
        return None
    shown = {choice.label: choice.id for choice in listed_choices(step, session, content)}
    label = label_of(content, session, text, now, person)
    if label in shown:
        return tap(content, session, shown[label], now, person)
    if label is not None:
        return _go(content, answered(session, step, label), step.choices[label], now, person)
    if not isinstance(step, model.Ask) or not content.takes(step.save, text):
        return None
    if step.pause:
        return Sprint(session=session, effects=(wake_after_pause(step, now),))
    return _go(content, session.answering(step.save, text), step.to, now, person)


def collects(content: Content, session: Session | None, now: datetime) -> bool:
    """Whether the current step collects what is written, to be answered once (R-035)."""
    if session is None:
        return False
    session = _fresh(content, session, now)
    step = _step(content, session.release, session.flow, session.step)
    return isinstance(step, model.Ask) and step.pause > 0


def pause_over(content: Content, session: Session, now: datetime, person: Person = ANYBODY) -> Sprint | None:
    """The person stopped writing for as long as the step waits: go on, once."""
    session = _fresh(content, session, now)
    step = _step(content, session.release, session.flow, session.step)
    if not isinstance(step, model.Ask) or not step.pause:
        return None
    return _go(content, session, step.to, now, person)


def back(content: Content, session: Session, now: datetime, person: Person = ANYBODY) -> Sprint:
    """もどる: the last place before this one; the start when there is none. Deeds are not done again."""
    session = _fresh(content, session, now)
    for place in range(len(session.trail) - 1, -1, -1):
        flow, step = model.resolve(session.trail[place], "")
        before = _step(content, session.release, flow, step)
        if (flow, step) != (session.flow, session.step) and isinstance(before, model.PLACES):
            before_it = replace(session, flow=flow, step=step, trail=session.trail[:place])
            return _run(content, before_it, now, person)
    return begin(content, content.text("start")[0], now, person=person)


def again(content: Content, session: Session, now: datetime, person: Person = ANYBODY) -> Sprint | None:
    """Says the current step once more; None when it is no place to come back to, such as a finished handoff."""
    session = _fresh(content, session, now)
    step = _step(content, session.release, session.flow, session.step)
    if step is not None and not isinstance(step, model.PLACES):
        return None
    return _run(content, session, now, person)


def _fresh(content: Content, session: Session, now: datetime) -> Session:
    """After seven days a session goes on with the latest step graph."""
    return session if session.is_pinned(now) else replace(session, release=content.number, started_at=now)


def _step(content: Content, release: int, flow: str, step: str) -> model.AnyStep | None:
    found = content.flows(release).get(flow)
    return found.steps.get(step) if found else None


def _listed(content: Content, step: model.AnyStep, session: Session, key: str, person: Person) -> str | None:
    """The entry a button of a list names, whenever it was shown."""
    if not isinstance(step, model.LISTS) or not step.each or key[:1] != "r":
        return None
    wanted = key.partition(".")[2]
    known = session.answers.get(LISTED, "").split()
    if isinstance(step, model.Read):
        known += [article.id for article in content.articles(step.topic)]
    elif isinstance(step, model.ShowSaved):
        known += person.mine.saved
    else:
        return content.entry_id(wanted)
    for entry_id in known:
        if model.choice_key(entry_id) == wanted:
            return entry_id
    return None


def _go(content: Content, session: Session, target: str, now: datetime, person: Person) -> Sprint:
    flow, step = model.resolve(target, session.flow)
    moved = session.at(flow, step)
    if isinstance(_step(content, session.release, flow, step), model.PAGED):
        moved = on_page(moved, page_of(session) + 1 if moved is session else 0)
    return _run(content, moved, now, person)


def _values(scene: Scene) -> Mapping[str, str]:
    """What may be said now: what the house knows, what is this person's, and what only this turn knows."""
    person = scene.person
    return {
        **scene.content.values(scene.now, scene.session, person.known),
        **own_values(scene),
        **person.values,
    }


def _run(content: Content, session: Session, now: datetime, person: Person = ANYBODY) -> Sprint:
    """Enters steps until one waits. Every way out of here says something or strands."""
    reply, effects, mine = Reply(), list[Effect](), person.mine

    def changed() -> Mine | None:
        return mine if mine != person.mine else None

    for _ in range(MAX_STEPS):
        step = _step(content, session.release, session.flow, session.step)
        if step is None:
            return replace(_strand(content, session, now, reply, effects), mine=changed())
        who = person if mine is person.mine else replace(person, mine=mine)
        scene = Scene(content=content, session=session, now=now, values={}, person=who)
        if any("{" in text for text in step.say):  # hours and lines are looked up for who asks for them only
            scene = replace(scene, values=_values(scene))
        entered = KINDS[type(step)](step, scene)
        session, mine = entered.session, mine if entered.mine is None else entered.mine
        effects.extend(entered.effects)
        reply = Reply(
            texts=reply.texts + entered.texts,
            cards=reply.cards + entered.cards,
            choices=entered.choices,
        )
        if entered.goto is None:
            if (texts := three(reply.texts)) != reply.texts:
                reply = replace(reply, texts=texts)
            left = None if entered.ends else session
            return Sprint(session=left, reply=reply, effects=tuple(effects), mine=changed())
        session = session.at(*model.resolve(entered.goto, session.flow))
    return replace(_strand(content, session, now, reply, effects), mine=changed())


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
        Scene(content=content, session=fresh, now=now, values=content.values(now)),
    )
    return Sprint(
        session=entered.session,
        reply=replace(said, choices=entered.choices),
        effects=tuple(effects),
    )

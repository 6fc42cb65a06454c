"""What a step may look at, what entering it gives, and which choices are shown. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from bot.flows import model
from bot.flows.content import Content
from bot.flows.effects import Effect
from bot.flows.mine import ANYBODY, Mine, Person
from bot.flows.session import Session
from bot.flows.template import fill_all
from bot.frozen import dataclass
from bot.messages import EXIT_LATER, EXIT_PERSON, EXIT_STOP, Card, Choice

MAX_LISTED = 3
LISTED = "listed"
ENTRY = "entry"
OFFSET = "offset"
ARTICLE = "article"
BRING = "bring"
OWN = frozenset({LISTED, ENTRY, OFFSET, ARTICLE, BRING})
"""Answers that are ours: nobody's wishes, and no step may save under their names."""
SEARCH = frozenset({"area", "kind", "interest", "age", "role", "without", "found"})
"""Answers that narrow a search. What was searched for is nobody's wish: it is not handed on."""

NO_MATCH, GAP = "no_match", "gap"
COUNTS = frozenset({"ease_better", "ease_same", "ease_hard", "ease_unsaid", NO_MATCH, "only_looked"})
"""What content may count. A count is a number of a day, without anybody (R-122, R-124)."""
GRAVE = ("F-SAFE", "F-HOME")
FAMILY = "F-FAMILY"
VISIT = timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a step may look at when it is entered."""

    content: Content
    session: Session
    now: datetime
    values: Mapping[str, str]
    person: Person = ANYBODY


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
    mine: Mine | None = None


def at_ease(scene: Scene) -> bool:
    """Whether how they are may be asked: once a visit, never after a safety card (R-123)."""
    asked, been = scene.person.mine.eased_at, {target.partition("/")[0] for target in scene.session.trail}
    lately = asked is not None and scene.now - asked < VISIT
    return not lately and not been & set(GRAVE) and not scene.person.facts & {"waiting", "grave"}


LANGUAGES = ("easy", "en", "zh", "ko", "pt", "vi", "es")
"""Languages a desk may answer in beside Japanese, as a choice of the flow may ask for them."""


def _has_more(scene: Scene) -> bool:
    article = scene.content.article(scene.session.answers.get(ARTICLE, ""))
    return article is not None and page_of(scene.session) + 1 < len(article.pages)


CONDITIONS: dict[str, Callable[[Scene], bool]] = {
    "saved": lambda scene: bool(scene.person.mine.saved),
    "written": lambda scene: bool(scene.person.mine.written),
    "loose": lambda scene: scene.person.mine.is_loose,
    "wishes": lambda scene: bool(wishes_of(scene.session) or scene.person.mine.wishes),
    "notices": lambda scene: bool(scene.person.mine.notices),
    "letters": lambda scene: bool(scene.person.mine.letters),
    "bringing": lambda scene: bringing(scene.session, scene.person),
    "leaving_out": lambda scene: (
        bool(scene.person.mine.written) and not bringing(scene.session, scene.person)
    ),
    "dated": lambda scene: (
        scene.content.next_day(scene.session.answers.get(ENTRY, ""), scene.now) is not None
    ),
    "family": lambda scene: any(target.partition("/")[0] == FAMILY for target in scene.session.trail),
    "more": _has_more,
    "at_ease": at_ease,
    **{
        fact: (lambda scene, fact=fact: fact in scene.person.facts)  # type: ignore[misc]
        for fact in ("waiting", "withdrawable", "hushed", "silent", "met")
    },
    "closed_to": lambda scene: scene.content.is_closed_to(scene.session),
    **{
        fact: (lambda scene, fact=fact: fact in scene.content.facts(scene.now))  # type: ignore[misc]
        for fact in ("peers", "languages", *(f"speaks_{code}" for code in LANGUAGES))
    },
}
"""When a choice is shown."""


def holds(condition: str, scene: Scene) -> bool:
    """Whether a condition, or `not` and one, is so; one that nobody knows is."""
    negated = condition.startswith("not ")
    known = CONDITIONS.get(condition.removeprefix("not "))
    return known is None or known(scene) is not negated


def labels_of(step: model.AnyStep, scene: Scene) -> tuple[str, ...]:
    """The labels of the step's own choices that are shown now."""
    if not step.when:
        return tuple(step.choices)
    return tuple(label for label in step.choices if is_shown(step, label, scene))


def is_shown(step: model.AnyStep, label: str, scene: Scene) -> bool:
    """Whether a choice is shown now."""
    condition = step.when.get(label)
    return condition is None or holds(condition, scene)


def choices_of(step: model.AnyStep, scene: Scene) -> tuple[Choice, ...]:
    """The step's own choices, then the three exits (R-018)."""
    own = _choices(scene.session.flow, scene.session.step, labels_of(step, scene))
    return own if step.exits == model.NO_EXITS else own + exits(scene.content)


@lru_cache(maxsize=4096)
def _choices(flow: str, step: str, labels: tuple[str, ...]) -> tuple[Choice, ...]:
    return tuple(
        Choice(id=model.choice_id(flow, step, model.choice_key(label)), label=label) for label in labels
    )


def exits(content: Content) -> tuple[Choice, ...]:
    return _exits(*content.text("exits"))


@lru_cache(maxsize=16)
def _exits(later: str, stop: str, person: str) -> tuple[Choice, ...]:
    return (
        Choice(id=EXIT_LATER, label=later),
        Choice(id=EXIT_STOP, label=stop),
        Choice(id=EXIT_PERSON, label=person),
    )


def listed_choices(step: model.AnyStep, session: Session, content: Content) -> tuple[Choice, ...]:
    """One choice for each thing the list step shows now: 1を見る, 2を見る …, or the titles to read."""
    if not isinstance(step, model.LISTS) or not step.each:
        return ()
    label = content.text("see_entry")[0]
    shown = session.answers.get(LISTED, "").split()
    if isinstance(step, model.Read):
        titles = {one: found.title for one in shown if (found := content.article(one))}
        return tuple(
            Choice(
                id=model.choice_id(session.flow, session.step, model.entry_key(place, article_id)),
                label=titles[article_id],
            )
            for place, article_id in enumerate(shown, start=1)
            if article_id in titles
        )
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
    return tuple((name, value) for name, value in session.answers.items() if name not in OWN | SEARCH)


def answered(session: Session, step: model.AnyStep, label: str) -> Session:
    """The session with the tapped label as the answer; a label that says nothing takes the answer back."""
    return session.without(step.save) if label in step.skip else session.answering(step.save, label)


def bringing(session: Session, person: Person) -> bool:
    """Whether what was written goes along with a request."""
    return bool(person.mine.written) and session.answers.get(BRING) == "written"


def spoken(step: model.AnyStep, scene: Scene) -> Entered:
    return Entered(
        session=scene.session,
        texts=fill_all(step.say, scene.values),
        choices=choices_of(step, scene),
    )

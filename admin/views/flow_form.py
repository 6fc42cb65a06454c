"""A step as a form, and a form as a step: which fields each kind has, and what they may hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints

from msgspec.structs import fields, replace

from admin.words import Words, marked
from bot.content.check_flows import MAX_CHOICES
from bot.content.check_places import VOCABULARY
from bot.content.editing import kinds
from bot.content.flow_links import Row, rows
from bot.errors import BadInput
from bot.flows import model
from bot.flows.mine import DROPPABLE
from bot.flows.model import AnyStep, Flow
from bot.flows.reminders import LETTERS
from bot.flows.scene import CONDITIONS, COUNTS
from bot.flows.template import MAX_BUBBLES
from bot.handoff.ticket import Reason

MOST_ROWS = MAX_CHOICES + 4
"""A form shows this many choices, so that one that has too many can be mended."""
LONGEST = 2_000
BASE = frozenset(one.name for one in fields(model.Menu))
TARGETS = ("to", "each")

KINDS: dict[str, str] = {
    "menu": marked("Says something, and waits for a tap"),
    "say": marked("Says something, and goes on"),
    "ask": marked("Asks for words, and goes on"),
    "show_resources": marked("Lists places"),
    "show_events": marked("Lists dates"),
    "show_entry": marked("Shows the place that was chosen"),
    "handoff": marked("Hands over to people"),
    "prefer": marked("Changes how quiet we are"),
    "withdraw": marked("Takes a request for a person back"),
    "forget": marked("Erases everything"),
    "goto": marked("Goes on without a word"),
    "end": marked("Says something, and ends"),
    "keep": marked("Puts something into their list"),
    "drop": marked("Takes something out of their list"),
    "show_saved": marked("Lists what they put away"),
    "bring": marked("Hands over what they wrote"),
    "notice": marked("One message before the next date"),
    "letters": marked("Letters from now on"),
    "read": marked("Lists things to read"),
    "page": marked("Shows a page to read"),
    "count": marked("Counts one, and goes on"),
    "resume": marked("Goes back to where they were"),
}
NAMES: dict[str, str] = {
    "to": marked("Goes on to"),
    "each": marked("One of them is shown at"),
    "save": marked("Kept as the answer called"),
    "pause": marked("Answers a burst of messages after so many seconds"),
    "reason": marked("The reason staff see"),
    "silent": marked("Without a sound"),
    "hush_days": marked("Days without unasked messages"),
    "what": marked("What it is about"),
    "written": marked("What they wrote goes along"),
    "days": marked("Days ahead"),
    "every": marked("How often"),
    "topic": marked("Topic"),
    "name": marked("What is counted"),
    "answered": marked("As if it had been answered there"),
    "note": marked("A note for staff"),
}
WORDS: dict[str, Sequence[str]] = {
    "reason": tuple(reason.value for reason in (Reason.REQUEST, Reason.FAMILY, Reason.SUPPORTER)),
    "every": tuple(LETTERS),
    "name": tuple(sorted(COUNTS)),
}
WHAT: dict[str, Sequence[str]] = {"keep": ("entry", "written", "wishes"), "drop": DROPPABLE}
USES = ("area", "kind", "interest", "age", "role", "without", "found")
CONDITION = (*sorted(CONDITIONS), *(f"not {name}" for name in sorted(CONDITIONS)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a kind beside its words and choices. `sort`: target, text, number, words, yes (or no), maybe."""

    name: str
    sort: str
    words: Sequence[str] = ()
    needed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepForm:
    """What stands in the form: of a step as it is, or as somebody wrote it."""

    step: str
    seen: str
    kind: str
    title: str
    say: tuple[str, ...]
    rows: tuple[Row, ...]
    exits: bool
    values: Mapping[str, str]
    query: model.Query | None


@cache
def extras(kind: str) -> tuple[Field, ...]:
    """The fields only this kind of step has, and the answer where it keeps one."""
    found = next(one for one in kinds() if one.__struct_config__.tag == kind)
    hints = get_type_hints(found)
    made = []
    for one in fields(found):
        if one.name in BASE or one.name == "query":
            continue
        words = WHAT.get(kind, ()) if one.name == "what" else WORDS.get(one.name, ())
        sort = "target" if one.name in TARGETS else "words" if words else _sort(hints[one.name])
        made.append(Field(name=one.name, sort=sort, words=words, needed=one.required))
    if kind in ("menu", "ask"):
        made.append(Field(name="save", sort="text"))
    return (*made, Field(name="note", sort="text"))


def _sort(hint: Any) -> str:
    if hint is bool:
        return "yes"
    if hint == bool | None:
        return "maybe"
    return "number" if hint in (int, int | None) else "text"


def form_of_step(name: str, step: AnyStep, seen: str) -> StepForm:
    """The form of a step as it is."""
    kind = str(step.__struct_config__.tag)
    return StepForm(
        step=name,
        seen=seen,
        kind=kind,
        title=step.title,
        say=step.say,
        rows=rows(step),
        exits=step.exits != model.NO_EXITS,
        values={one.name: _written(getattr(step, one.name)) for one in extras(kind)},
        query=getattr(step, "query", None),
    )


def _written(value: Any) -> str:
    if value is None:
        return ""
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def form_of_fields(sent: Mapping[str, str], step: AnyStep) -> StepForm:
    """The form as it was sent, for a step of this kind. Raises BadInput for what no browser sends."""
    kind = str(step.__struct_config__.tag)
    if any(len(value) > LONGEST for value in sent.values()):
        raise BadInput("This form cannot be read.")
    found = []
    for at in range(MOST_ROWS):
        label = sent.get(f"label{at}", "").strip()
        if label:
            row = Row(
                label=label,
                target=sent.get(f"to{at}", ""),
                when=sent.get(f"when{at}", ""),
                skip=sent.get(f"skip{at}") == "1",
            )
            found.append(row)
    query = getattr(step, "query", None)
    return StepForm(
        step=sent.get("step", ""),
        seen=sent.get("seen", ""),
        kind=kind,
        title=sent.get("title", "").strip(),
        say=tuple(text for at in range(MAX_BUBBLES + 1) if (text := sent.get(f"say{at}", "").strip())),
        rows=tuple(found),
        exits=sent.get("exits") == "1",
        values={one.name: sent.get(f"x_{one.name}", "").strip() for one in extras(kind)},
        query=_query(sent, query) if isinstance(query, model.Query) else None,
    )


def _query(sent: Mapping[str, str], was: model.Query) -> model.Query:
    """The search as it was sent; conditions the form does not show stay as they were."""
    limit = sent.get("q_limit", "")
    return replace(
        was,
        kinds=_ticked(sent, "q_kind_", was.kinds, VOCABULARY["kind"]),
        use=_ticked(sent, "q_use_", was.use, USES),
        audience=sent.get("q_audience", ""),
        online=sent.get("q_online") == "1",
        dated=sent.get("q_dated") == "1",
        limit=int(limit) if limit.isdecimal() and len(limit) < 4 else was.limit,
    )


def _ticked(
    sent: Mapping[str, str], prefix: str, was: Sequence[str], known: Sequence[str]
) -> tuple[str, ...]:
    """What is ticked, in the order it stood in."""
    return tuple(word for word in dict.fromkeys((*was, *known)) if sent.get(prefix + word) == "1")


def values_of(form: StepForm) -> dict[str, Any]:
    """The fields of the form as plain data, for `editing.set_step`; choices go by `editing.set_rows`."""
    found: dict[str, Any] = {
        "title": form.title,
        "say": list(form.say),
        "exits": model.STANDARD_EXITS if form.exits else model.NO_EXITS,
    }
    for one in extras(form.kind):
        text = form.values[one.name]
        if one.sort in ("yes", "maybe"):
            found[one.name] = text == "yes" if text or one.sort == "yes" else None
        elif one.sort == "number":
            if text and not (text.isdecimal() and len(text) < 7):
                raise BadInput("Write a number there, such as 3.")
            found[one.name] = int(text) if text else (None if one.name == "hush_days" else 0)
        else:
            found[one.name] = text
    if form.query is not None:
        found["query"] = {
            "kinds": list(form.query.kinds),
            "use": list(form.query.use),
            "audience": form.query.audience,
            "online": form.query.online,
            "dated": form.query.dated,
            "limit": form.query.limit,
            **kept(form.query),
        }
    return found


def kept(query: model.Query) -> dict[str, Any]:
    """Conditions of a search that the form does not show."""
    names = ("interests", "ways", "roles", "times", "without")
    found: dict[str, Any] = {name: list(getattr(query, name)) for name in names}
    return {**found, "age": list(query.age) if query.age else None, "far": query.far}


def called(flow: Flow, name: str) -> str:
    """What staff call a step: its title, else how it begins to speak, else its id."""
    step = flow.steps.get(name)
    if step is None:
        return name
    first = next((text for text in step.say if not text.startswith("{")), "")
    return step.title or first.partition("。")[0][:24] or name


def targets_of(t: Words, flow: Flow, flows: Mapping[str, Flow]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Where a way can lead, in groups: the steps of this flow, the beginnings of the others, what is named already."""
    titles = Counter(called(flow, name) for name in flow.steps)
    own = [
        (name, title if titles[title] == 1 else f"{title}（{name}）")
        for name, title in ((name, called(flow, name)) for name in flow.steps)
    ]
    others = [(other.first, other.name) for other in flows.values() if other.id != flow.id and other.steps]
    known = {target for target, _ in others}
    used = {
        target
        for step in flow.steps.values()
        for target in (*step.choices.values(), *(getattr(step, field, "") for field in TARGETS))
        if "/" in target and target not in known
    }
    named = [(target, target_name(target, flow, flows)) for target in sorted(used)]
    return [(t("In this flow"), own), (t("Other flows, from their start"), others), (t("Other steps"), named)]


def target_name(target: str, flow: Flow, flows: Mapping[str, Flow]) -> str:
    """A target in words."""
    flow_id, name = model.resolve(target, flow.id)
    other = flow if flow_id == flow.id else flows.get(flow_id)
    if other is None or name not in other.steps:
        return target
    return called(other, name) if other is flow else f"{other.name}：{called(other, name)}"

"""Editing a flow: each operation gives a new flow, and leaves the one it was given as it was. Pure.

What is made here can always be read again by the codec; whether it is good to publish is for `check` to say. Ids of
steps and labels of choices never move to another step by themselves: people stand at them (`Session`), and buttons
of older messages name them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

from msgspec.structs import fields
from msgspec.structs import replace as with_fields

from bot.content.codec import Document, typed
from bot.content.flow_links import ONWARD, Link, Row, links_of, plain, rows
from bot.errors import BadInput, ContentError
from bot.flows import model
from bot.flows.model import AnyStep, Flow

MAX_STEPS = 1_000
SUFFIX = re.compile(r"-[0-9]+$")


class CannotEdit(BadInput):
    """An operation that this flow does not allow; the message says what to do, for staff."""


def new_flow(flow_id: str, name: str, first: AnyStep) -> Flow:
    """A flow of one step."""
    if not flow_id.strip() or "/" in flow_id:
        raise CannotEdit("A flow needs a short name without spaces or slashes.")
    return Flow(id=flow_id, name=name, steps={"menu": first})


def fresh_id(flow: Flow, wish: str, taken: Collection[str] = ()) -> str:
    """An id like the wish that no step has, and none in `taken` (steps of releases) ever had."""
    stem = SUFFIX.sub("", wish.replace("/", "-").strip()) or "step"
    known = {*flow.steps, *taken}
    if stem not in known:
        return stem
    return next(f"{stem}-{n}" for n in range(2, len(known) + 3) if f"{stem}-{n}" not in known)


# --- whole steps ----------------------------------------------------------------------------------------------


def insert(flow: Flow, name: str, step: AnyStep, *, after: str = "", link: Link | None = None) -> Flow:
    """A new step behind `after` (first without it). With `link`, that way now leads to it.

    Raises CannotEdit for an id that is there, or one that no step can have.
    """
    if name in flow.steps:
        raise CannotEdit("There is a step of this name already. Choose another name.")
    if not name.strip() or "/" in name:
        raise CannotEdit("A step needs a name without slashes.")
    if len(flow.steps) >= MAX_STEPS:
        raise CannotEdit("A flow has at most 1000 steps. Begin another one.")
    items = list(flow.steps.items())
    items.insert(_place(flow, after) + 1 if after else 0, (name, step))
    made = with_fields(flow, steps=dict(items))
    return lead(made, link, name) if link is not None else made


def lead(flow: Flow, link: Link, target: str) -> Flow:
    """The flow with one way leading to `target`."""
    step = _step(flow, link.step)
    if link.field:
        return _with(flow, link.step, set_fields(step, {link.field: target}))
    if link.label not in step.choices:
        raise CannotEdit("This choice is not there any more. Look at the step again.")
    return _with(flow, link.step, with_fields(step, choices={**step.choices, link.label: target}))


def move(flow: Flow, name: str, place: int) -> Flow:
    """The step at another place in the order (0 is where the flow begins). Every way stays as it is."""
    step = _step(flow, name)
    items = [item for item in flow.steps.items() if item[0] != name]
    items.insert(max(0, min(place, len(items))), (name, step))
    return with_fields(flow, steps=dict(items))


def copy(flow: Flow, name: str, taken: Collection[str] = ()) -> tuple[Flow, str]:
    """The same step once more behind itself, and its id. What leads from the step to itself does so in the copy."""
    fresh, step = fresh_id(flow, name, taken), _step(flow, name)
    copied = _led(step, flow.id, (flow.id, name), fresh)
    return insert(flow, fresh, copied, after=name), fresh


def remove(flow: Flow, name: str, instead: str = "") -> Flow:
    """The flow without a step; what led there leads to `instead`, or nowhere, which the checker names.

    Raises CannotEdit for the last step.
    """
    _step(flow, name)
    if len(flow.steps) == 1:
        raise CannotEdit("A flow needs at least one step. Write another one first.")
    left = with_fields(flow, steps={one: step for one, step in flow.steps.items() if one != name})
    if not instead:
        return left
    if model.resolve(instead, flow.id) == (flow.id, name):
        raise CannotEdit("The ways cannot lead to the step that goes. Choose another one.")
    return redirect(left, f"{flow.id}/{name}", instead)


def redirect(flow: Flow, old: str, new: str) -> Flow:
    """The flow with every way to the target `old` (FLOW/step) leading to `new`."""
    wanted = model.resolve(old, flow.id)
    return with_fields(
        flow, steps={name: _led(step, flow.id, wanted, new) for name, step in flow.steps.items()}
    )


def rename(flow: Flow, name: str, new: str, published: Collection[str] = ()) -> Flow:
    """The step under another id, at its place, with every way within the flow mended.

    Raises CannotEdit for a step in `published`: people may stand at it, and buttons they have lead to it.
    """
    step = _step(flow, name)
    if name == new:
        return flow
    if name in published:
        raise CannotEdit("People may stand at this step. Change what it is called, its id stays.")
    if new in published:
        raise CannotEdit("There was a step of this name before. Choose another name.")
    place = _place(flow, name)
    without = with_fields(flow, steps={one: each for one, each in flow.steps.items() if one != name})
    return redirect(move(insert(without, new, step), new, place), f"{flow.id}/{name}", new)


def set_step(flow: Flow, name: str, values: Mapping[str, Any]) -> Flow:
    """The step with these fields, as plain data. Raises CannotEdit for what it has no place for."""
    return _with(flow, name, set_fields(_step(flow, name), values))


def set_fields(step: AnyStep, values: Mapping[str, Any]) -> AnyStep:
    """One step with fields changed. Empty fields fall back to what they are by themselves."""
    return step_of({**plain(step), **values})


def turn_into(flow: Flow, name: str, kind: str, onward: str = "") -> Flow:
    """The step as another kind, with all that both kinds have; what the new one needs goes to `onward`."""
    step = _step(flow, name)
    wanted = next((one for one in kinds() if one.__struct_config__.tag == kind), None)
    if wanted is None:
        raise CannotEdit("There is no such kind of step.")
    known = plain(step)
    body = {one.encode_name: known[one.encode_name] for one in fields(wanted) if one.encode_name in known}
    further = next((link.target for link in links_of(name, step)), "") or onward or name
    defaults = {"to": further, "each": further, "what": "entry", "name": "only_looked", "every": "month"}
    for one in fields(wanted):
        if one.required and one.encode_name not in body:
            body[one.encode_name] = defaults[one.encode_name]
    return _with(flow, name, step_of({"kind": kind, **body}))


def kinds() -> tuple[type[AnyStep], ...]:
    """Every kind of step."""
    return get_args(model.AnyStep)


# --- choices --------------------------------------------------------------------------------------------------


def set_rows(flow: Flow, name: str, choices: Sequence[Row]) -> Flow:
    """The step with exactly these choices. Raises CannotEdit for a label that stands there twice or is empty."""
    labels = [row.label for row in choices]
    if len(set(labels)) != len(labels):
        raise CannotEdit("Two choices have the same words. Change one of them.")
    if not all(label.strip() for label in labels):
        raise CannotEdit("A choice has no words. Write some, or take it away.")
    was = _step(flow, name)
    when = {row.label: row.when for row in choices if row.when}
    skip = {row.label for row in choices if row.skip}
    step = with_fields(
        was,
        choices={row.label: row.target for row in choices},
        when={label: when[label] for label in dict.fromkeys((*was.when, *labels)) if label in when},
        skip=tuple(label for label in dict.fromkeys((*was.skip, *labels)) if label in skip),
    )
    return _with(flow, name, step)


def add_choice(flow: Flow, name: str, row: Row, place: int | None = None) -> Flow:
    known = list(rows(_step(flow, name)))
    known.insert(len(known) if place is None else place, row)
    return set_rows(flow, name, known)


def remove_choice(flow: Flow, name: str, label: str) -> Flow:
    known = rows(_step(flow, name))
    _place_of(known, label)
    return set_rows(flow, name, [row for row in known if row.label != label])


def move_choice(flow: Flow, name: str, label: str, place: int) -> Flow:
    known = list(rows(_step(flow, name)))
    row = known.pop(_place_of(known, label))
    known.insert(max(0, min(place, len(known))), row)
    return set_rows(flow, name, known)


def rename_choice(flow: Flow, name: str, label: str, new: str) -> Flow:
    known = list(rows(_step(flow, name)))
    place = _place_of(known, label)
    known[place] = replace(known[place], label=new)
    return set_rows(flow, name, known)


# --- pieces ---------------------------------------------------------------------------------------------------


def _step(flow: Flow, name: str) -> AnyStep:
    if name not in flow.steps:
        raise CannotEdit("This step is not there any more. Look at the flow again.")
    return flow.steps[name]


def _with(flow: Flow, name: str, step: AnyStep) -> Flow:
    return with_fields(flow, steps={**flow.steps, name: step})


def _place(flow: Flow, name: str) -> int:
    _step(flow, name)
    return list(flow.steps).index(name)


def _place_of(known: Sequence[Row], label: str) -> int:
    for place, row in enumerate(known):
        if row.label == label:
            return place
    raise CannotEdit("This choice is not there any more. Look at the step again.")


def _led(step: AnyStep, flow_id: str, wanted: tuple[str, str], new: str) -> AnyStep:
    """The step with every way to `wanted` leading to `new`."""

    def led(target: str) -> str:
        if not target or model.resolve(target, flow_id) != wanted:
            return target
        return f"{flow_id}/{new}" if "/" in target and "/" not in new else new  # as it was written

    changed: dict[str, Any] = {"choices": {label: led(target) for label, target in step.choices.items()}}
    changed |= {field: led(target) for field in ONWARD if (target := getattr(step, field, ""))}
    return with_fields(step, **changed)


def step_of(body: Mapping[str, Any]) -> AnyStep:
    """A step of plain data, read the way the codec reads it. Raises CannotEdit with the codec's sentence."""
    holder = {"id": "step", "name": "step", "steps": {"step": body}}
    try:
        flow: Flow = typed(Document(kind="flow", name="step", body=holder))
    except ContentError as error:
        raise CannotEdit(error.what) from error
    return flow.steps["step"]

"""What a flow says about itself: the ways between its steps, where a step is named, and its plain form. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import fields

from bot.content.codec import Document
from bot.content.pack import Pack
from bot.flows import model
from bot.flows.model import AnyStep, Flow
from bot.frozen import dataclass

ONWARD = ("to", "each")
"""Fields that name a step to go on to, beside the choices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One way on from a step: by a choice (`label`), or by a field of it (`to`, `each`)."""

    step: str
    label: str = ""
    field: str = ""
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A choice with everything that is said about it elsewhere in its step."""

    label: str
    target: str
    when: str = ""
    skip: bool = False


def rows(step: AnyStep) -> tuple[Row, ...]:
    """The choices of a step in their order."""
    return tuple(
        Row(label=label, target=target, when=step.when.get(label, ""), skip=label in step.skip)
        for label, target in step.choices.items()
    )


def links(flow: Flow) -> Iterator[Link]:
    """Every way on, step by step, as they stand."""
    for name, step in flow.steps.items():
        yield from links_of(name, step)


def links_of(name: str, step: AnyStep) -> Iterator[Link]:
    for label, target in step.choices.items():
        yield Link(step=name, label=label, target=target)
    for field in ONWARD:
        if target := getattr(step, field, ""):
            yield Link(step=name, field=field, target=target)


def arrivals(flow: Flow, name: str) -> tuple[Link, ...]:
    """The ways within the flow that lead to a step, its own to itself included."""
    wanted = (flow.id, name)
    return tuple(link for link in links(flow) if model.resolve(link.target, flow.id) == wanted)


def uses(pack: Pack, flow_id: str, name: str) -> tuple[str, ...]:
    """Where else a step is named: paths of other flows, texts, questions, as the checker writes them."""
    wanted = (flow_id, name)
    found = [
        f"flow/{flow.id}/steps/{link.step}/" + (f"choices/{link.label}" if link.label else link.field)
        for flow in pack.flows.values()
        if flow.id != flow_id
        for link in links(flow)
        if model.resolve(link.target, flow.id) == wanted
    ]
    target = f"{flow_id}/{name}"
    found += [f"texts/{key}" for key, said in pack.texts.items() if target in said]
    found += [f"question/{one.id}/leads_to" for one in pack.questions if one.leads_to == target]
    return tuple(found)


def plain(value: Any) -> Any:
    """A struct as staff would write it: plain data without what is as it is anyway."""
    if isinstance(value, msgspec.Struct):
        tag = value.__struct_config__.tag
        body = {value.__struct_config__.tag_field: tag} if tag is not None else {}
        for one in fields(value):
            known = getattr(value, one.name)
            default = one.default if one.default_factory is msgspec.NODEFAULT else one.default_factory()
            if one.required or known != default:
                body[one.encode_name] = plain(known)
        return body
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return value


def document_of(flow: Flow) -> Document:
    """The flow as a document to be kept."""
    return Document(kind="flow", name=flow.id, body=plain(flow))

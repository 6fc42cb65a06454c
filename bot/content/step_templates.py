"""Common steps to begin with, from `step_templates.yaml`. Pure."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from bot.content.codec import read_yaml
from bot.content.editing import CannotEdit, step_of
from bot.flows.model import AnyStep
from bot.frozen import dataclass

HERE = "*"
"""In a template: where the flow goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A step to begin with: what staff call it, and its plain data with `*` for where it goes on."""

    id: str
    name: str
    step: dict[str, Any]


@cache
def templates() -> dict[str, Template]:
    """Every template by its id, in the order they are offered."""
    path = resources.files("bot.content") / "step_templates.yaml"
    return {one["id"]: Template(**one) for one in read_yaml(path.read_text("utf-8"), path.name)}


def made(template_id: str, onward: str) -> AnyStep:
    """A step of a template that goes on to `onward`. Raises CannotEdit for a template nobody wrote."""
    template = templates().get(template_id)
    if template is None:
        raise CannotEdit("There is no such kind of step.")

    def led(target: str) -> str:
        return onward if target == HERE else target

    body = dict(template.step)
    if "choices" in body:
        body["choices"] = {label: led(target) for label, target in body["choices"].items()}
    return step_of({**body, **{field: led(body[field]) for field in ("to", "each") if field in body}})

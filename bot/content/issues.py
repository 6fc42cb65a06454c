"""What is wrong with content and what to do about it, in the words of `issues.yaml`, for staff. Pure."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

import yaml

from bot.frozen import dataclass

_TYPES = {
    "str": "文字",
    "int": "数",
    "float": "数",
    "bool": "true か false",
    "array": "一覧（[ ] の中）",
    "object": "「項目: 内容」の組",
    "null": "空",
    "date": "日付",
    "time": "時刻",
}


_KNOWN = {"opens must be": "shift_order", "days must be": "shift_days", "HH:MM": "time_form"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One thing to mend, at a path staff can find. `blocks` keeps it from being published."""

    path: str
    message: str
    blocks: bool = True


@cache
def sentences() -> dict[str, str]:
    """Every sentence by its code."""
    text = (resources.files("bot.content") / "issues.yaml").read_text("utf-8")
    return {str(code): str(sentence) for code, sentence in yaml.safe_load(text).items()}


def told(code: str, **values: object) -> str:
    """The sentence of a code, with its values filled in."""
    return sentences()[code].format(**values)


def explained(message: str) -> str:
    """A validation error of msgspec in the words of staff."""
    if found := re.match(r"Object contains unknown field `(.+)`", message):
        return told("field_unknown", name=found[1])
    if found := re.match(r"Object missing required field `(.+)`", message):
        return told("field_missing", name=found[1])
    if found := re.match(r"Expected `(.+?)`, got `(.+?)`", message):
        wanted = [_TYPES.get(name, name) for name in found[1].split(" | ")]
        return told("field_type", wanted="、".join(dict.fromkeys(wanted)), got=_TYPES.get(found[2], found[2]))
    if found := re.match(r"Invalid (?:enum )?value '?(.+?)'?$", message):
        return told("field_choice", value=found[1])
    if "RFC3339" in message or "date" in message.lower():
        return told("field_date")
    for part, code in _KNOWN.items():
        if part in message:
            return told(code)
    return told("field_wrong", why=message)

"""Checks Bot API requests and updates against the Bot API description."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.platforms.measure import spec_path, utf16_length

FILE: Final = "telegram-api.json"
UPLOAD: Final = object()  # stands for a file part of a multipart form

_LENGTH: Final = re.compile(r"(\d+)-(\d+) (characters|bytes)", re.IGNORECASE)
_RANGE: Final = re.compile(r"(?:Values between |update delivery, )(\d+)-(\d+)")
_MOST: Final = re.compile(r"At most (\d+) commands")
_HTML_TAG: Final = re.compile(r"</?[a-z][^>]*>")
# One of the fields of these types says what the button does [Bot API, InlineKeyboardButton].
_BUTTON_LOOKS: Final = frozenset({"text", "icon_custom_emoji_id", "style"})
_SHAPES: Final = {
    ("setWebhook", "secret_token"): re.compile(r"[A-Za-z0-9_-]+"),
    ("BotCommand", "command"): re.compile(r"[a-z0-9_]+"),
}


class TelegramSchema:
    """The Bot API description, as a check."""

    def __init__(self) -> None:
        content = json.loads(spec_path(FILE).read_bytes())
        self._methods: dict[str, dict[str, Any]] = content["methods"]
        self._types: dict[str, dict[str, Any]] = content["types"]

    @staticmethod
    @functools.cache
    def load() -> TelegramSchema:
        """The one instance of this process; raises SchemaMissing."""
        return TelegramSchema()

    @property
    def methods(self) -> frozenset[str]:
        return frozenset(self._methods)

    def request_problems(self, method: str, parameters: Mapping[str, object]) -> list[str]:
        """What is wrong with a call whose parameters `decoded` has read."""
        if method not in self._methods:
            return [f"{method}: the Bot API has no such method"]
        known = self._methods[method].get("fields", [])
        found = list(self._object_problems(method, known, parameters, ""))
        text = parameters.get("text")
        if method == "sendMessage" and isinstance(text, str) and not text.strip():
            found.append("text: message text is empty")
        return found

    def decoded(self, method: str, raw: Mapping[str, object]) -> dict[str, object]:
        """Parameters of a form or query as values: everything but text is JSON there [Bot API, requests]."""
        types = {field["name"]: field["types"] for field in self._methods.get(method, {}).get("fields", [])}
        return {name: _decoded(types.get(name, ["String"]), value) for name, value in raw.items()}

    def problems(self, type_name: str, value: object, where: str = "") -> list[str]:
        """What is wrong with a value that should be of this Bot API type."""
        return list(self._value_problems([type_name], value, where or type_name))

    def _object_problems(
        self, owner: str, fields: list[dict[str, Any]], value: Mapping[str, object], where: str
    ) -> Iterator[str]:
        prefix = where + "." if where else ""
        names = {field["name"] for field in fields}
        for name in value:
            if name not in names:
                yield f"{prefix}{name}: no such field"
        for field in fields:
            name = field["name"]
            if name not in value:
                if field["required"]:
                    yield f"{prefix}{name}: required"
                continue
            found = self._value_problems(field["types"], value[name], prefix + name)
            yield from found
            if not found:
                measured = _parsed(value) if name in {"text", "caption"} else value[name]
                yield from _limit_problems(owner, field, measured, prefix + name)
        if owner == "InlineKeyboardButton" and len(names & value.keys() - _BUTTON_LOOKS) != 1:
            yield f"{where or 'button'}: exactly one field must say what the button does"

    def _value_problems(self, types: list[str], value: object, where: str) -> list[str]:
        best: list[str] | None = None
        for type_name in types:
            found = self._one_type_problems(type_name, value, where)
            if best is None or len(found) < len(best):
                best = found
        return best or []

    def _one_type_problems(self, type_name: str, value: object, where: str) -> list[str]:
        if type_name.startswith("Array of "):
            if not isinstance(value, list):
                return [f"{where}: an array is wanted"]
            inner = [type_name.removeprefix("Array of ")]
            return [p for n, v in enumerate(value) for p in self._value_problems(inner, v, f"{where}[{n}]")]
        plain = _PLAIN.get(type_name)
        if plain is not None:
            right = isinstance(value, plain) and (type_name == "Boolean" or not isinstance(value, bool))
            return [] if right else [f"{where}: {type_name} is wanted, not {type(value).__name__}"]
        if type_name == "InputFile":
            return [] if value is UPLOAD or isinstance(value, str) else [f"{where}: a file is wanted"]
        described = self._types[type_name]
        if "subtypes" in described:
            return self._value_problems(described["subtypes"], value, where)
        if not isinstance(value, dict):
            return [f"{where}: {type_name} is wanted, not {type(value).__name__}"]
        return list(self._object_problems(type_name, described.get("fields", []), value, where))


_PLAIN: Final[dict[str, type | tuple[type, ...]]] = {
    "String": str,
    "Integer": int,
    "Float": (int, float),
    "Boolean": bool,
}


def _parsed(fields: Mapping[str, object]) -> object:
    """Text without its HTML tags, when it is to be parsed: lengths are counted after that [Bot API]."""
    text = fields.get("text", fields.get("caption"))
    if isinstance(text, str) and str(fields.get("parse_mode", "")).lower() == "html":
        return _HTML_TAG.sub("", text)
    return text


def _limit_problems(owner: str, field: Mapping[str, Any], value: object, where: str) -> Iterator[str]:
    description = field["description"]
    if isinstance(value, str):
        length = _LENGTH.search(description)
        if length is not None:
            least, most, unit = int(length[1]), int(length[2]), length[3].lower()
            size = len(value.encode()) if unit == "bytes" else utf16_length(value)
            if not least <= size <= most:
                yield f"{where}: {size} {unit}, {least} to {most} are allowed"
        shape = _SHAPES.get((owner, field["name"]))
        if shape is not None and not shape.fullmatch(value):
            yield f"{where}: does not match {shape.pattern}"
    elif isinstance(value, int) and (span := _RANGE.search(description)):
        if not int(span[1]) <= value <= int(span[2]):
            yield f"{where}: {value}, {span[1]} to {span[2]} are allowed"
    elif isinstance(value, list) and (most_items := _MOST.search(description)):
        yield from [f"{where}: {len(value)} items, at most {most_items[1]}"] * (
            len(value) > int(most_items[1])
        )


def _decoded(types: list[str], value: object) -> object:
    if not isinstance(value, str) or types == ["String"]:
        return value
    if "Boolean" in types and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if "String" in types and not re.fullmatch(r"-?\d+", value):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value

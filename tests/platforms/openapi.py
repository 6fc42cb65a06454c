"""LINE's dialect of OpenAPI 3.0 as JSON Schema: units of length, named types, formats."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker, ValidationError, validators

from tests.platforms.measure import grapheme_count, utf16_length

_GRAPHEMES: Final = "x-graphemes"
# Counted so, other texts in UTF-16 units [LINE docs, text-character-count].
_IN_GRAPHEMES: Final = ("label", "displayText", "fillInText", "chatBarText", "title")

formats = FormatChecker(formats=())


@formats.checks("uuid", raises=ValueError)
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or str(uuid.UUID(value)) == value.lower()


@formats.checks("uri", raises=ValueError)
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme)


@formats.checks("date-time", raises=ValueError)
def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def _most(_: object, limit: int, value: object, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    if isinstance(value, str) and _size(value, schema) > limit:
        yield ValidationError(f"{_size(value, schema)} {_unit(schema)}, at most {limit}")


def _least(_: object, limit: int, value: object, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    if isinstance(value, str) and _size(value, schema) < limit:
        yield ValidationError(f"{_size(value, schema)} {_unit(schema)}, at least {limit}")


def _size(value: str, schema: Mapping[str, Any]) -> int:
    return grapheme_count(value) if _GRAPHEMES in schema else utf16_length(value)


def _unit(schema: Mapping[str, Any]) -> str:
    return "characters" if _GRAPHEMES in schema else "UTF-16 units"


def _one_of(
    validator: Any, branches: list[Mapping[str, Any]], value: object, _: object
) -> Iterator[ValidationError]:
    """Looks only into the branch that the value's `type` names: faster, and the real problem is found."""
    kind = value.get("type") if isinstance(value, dict) else None
    chosen = [branch for branch in branches if kind in (branch_types(branch) or (kind,))]
    if len(chosen) == 1:
        yield from validator.descend(value, chosen[0])
    elif not chosen:
        yield ValidationError(f"no such type: {kind!r}")
    elif sum(validator.evolve(schema=branch).is_valid(value) for branch in chosen) != 1:
        yield ValidationError("does not fit exactly one of the schemas")


def branch_types(branch: Mapping[str, Any]) -> list[str] | None:
    types: list[str] | None = branch.get("allOf", [{}])[-1].get("properties", {}).get("type", {}).get("enum")
    return types


OpenApiValidator: Any = validators.extend(
    Draft202012Validator, validators={"maxLength": _most, "minLength": _least, "oneOf": _one_of}
)


def adapt(part: object) -> None:
    """Marks what is counted in graphemes; `nullable: true` of OpenAPI 3.0 becomes the type null."""
    if isinstance(part, dict):
        if part.get("nullable") is True and isinstance(part.get("type"), str):
            part["type"] = [part["type"], "null"]
        properties = part.get("properties")
        for name in _IN_GRAPHEMES:
            if isinstance(properties, dict) and name in properties:
                properties[name][_GRAPHEMES] = True
        for inner in part.values():
            adapt(inner)
    elif isinstance(part, list):
        for inner in part:
            adapt(inner)

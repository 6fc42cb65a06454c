"""Checks LINE requests and webhook events against LINE's OpenAPI files and the limits the files leave out."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml
from jsonschema import ValidationError
from jsonschema.exceptions import best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.platforms.measure import grapheme_count, spec_path, utf16_length
from tests.platforms.openapi import OpenApiValidator, adapt, branch_types, formats

REQUESTS_FILE: Final = "messaging-api.strict.yml"
EVENTS_FILE: Final = "webhook.yml"
TEXT_UNITS: Final = 5000
LABEL_GRAPHEMES: Final = 20
DISPLAY_TEXT_GRAPHEMES: Final = 300
BUBBLE_BYTES: Final = 30 * 1024
CAROUSEL_BYTES: Final = 50 * 1024

# Parts of an event that are of several kinds themselves.
_PARTS: Final = {
    "source": "Source",
    "message": "MessageContent",
    "membership": "MembershipContent",
    "module": "ModuleContent",
}
_OF_PART: Final = re.compile(r"body\.(source|message|membership|module)\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path of the API."""

    operation_id: str
    template: str
    body: Mapping[str, Any] | None
    body_required: bool


class _Document:
    """One OpenAPI file: schemas by name, validation, and the properties a schema knows."""

    def __init__(self, name: str) -> None:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self.content: dict[str, Any] = yaml.load(spec_path(name).read_bytes(), Loader=loader)
        adapt(self.content["components"])
        resource = Resource.from_contents(self.content, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource("spec:", resource)
        self._validators: dict[str, Any] = {}

    def schema(self, reference: str) -> dict[str, Any]:
        found: Any = self.content
        for part in reference.removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        assert isinstance(found, dict)
        return found

    def problems(self, reference: str, value: object) -> list[str]:
        """What is wrong with `value`, each with its place; properties no schema names are wrong, too."""
        validator = self._validators.get(reference)
        if validator is None:
            schema = {"$ref": "spec:" + reference}
            validator = OpenApiValidator(schema, registry=self._registry, format_checker=formats)
            self._validators[reference] = validator
        found = [] if validator.is_valid(value) else [_told(e) for e in validator.iter_errors(value)]
        return found + list(self._unknown(self.schema(reference), value, "body"))

    def _unknown(self, schema: Mapping[str, Any], value: object, where: str) -> Iterator[str]:
        parts = list(self._applying(schema, value))
        if isinstance(value, list):
            for part in parts:
                for number, item in enumerate(value):
                    yield from self._unknown(part.get("items", {}), item, f"{where}[{number}]")
        elif isinstance(value, dict) and any("properties" in part for part in parts):
            free = [part["additionalProperties"] for part in parts if "additionalProperties" in part]
            for name, item in value.items():
                known = [part["properties"][name] for part in parts if name in part.get("properties", {})]
                if not known and not free:
                    yield f"{where}.{name}: no such property"
                for inner in known or free:
                    if isinstance(inner, dict):
                        yield from self._unknown(inner, item, f"{where}.{name}")

    def _applying(self, schema: Mapping[str, Any], value: object) -> Iterator[Mapping[str, Any]]:
        """The plain schemas behind `$ref`, `allOf` and the branch of `oneOf` that the value's type names."""
        if "$ref" in schema:
            yield from self._applying(self.schema(schema["$ref"]), value)
            return
        yield schema
        for part in schema.get("allOf", ()):
            yield from self._applying(part, value)
        kind = value.get("type") if isinstance(value, dict) else None
        for branch in schema.get("oneOf", ()):
            if kind in (branch_types(branch) or (kind,)):
                yield from self._applying(branch, value)


class LineSchema:
    """LINE's own description of its API, as a check."""

    def __init__(self) -> None:
        self._requests = _Document(REQUESTS_FILE)
        self._operations = [
            (method.upper(), _pattern(template), _operation(template, method, operation))
            for template, methods in self._requests.content["paths"].items()
            for method, operation in methods.items()
            if isinstance(operation, dict) and "operationId" in operation
        ]

    @staticmethod
    @functools.cache
    def load() -> LineSchema:
        """The one instance of this process; raises SchemaMissing."""
        return LineSchema()

    def operation(self, method: str, path: str) -> Operation | None:
        for known_method, pattern, operation in self._operations:
            if known_method == method and pattern.fullmatch(path):
                return operation
        return None

    def problems(self, method: str, path: str, body: object) -> list[str]:
        """What LINE's description says is wrong with this request; `body` is None when there is none."""
        operation = self.operation(method, path)
        if operation is None:
            return [f"{method} {path}: LINE has no such call"]
        if operation.body is None or body is None:
            missing = operation.body_required and body is None
            return ["body: required"] if missing else []
        return self._requests.problems(operation.body["$ref"], body)

    def answer_problems(self, name: str, body: object) -> list[str]:
        """What is wrong with an answer of LINE's, by the name of its schema."""
        return self._requests.problems(f"#/components/schemas/{name}", body)

    @functools.cached_property
    def _events(self) -> _Document:
        return _Document(EVENTS_FILE)

    def event_problems(self, event: Mapping[str, Any]) -> list[str]:
        """What LINE's webhook description says is wrong with an event of a kind that it knows."""
        found = self._webhook_problems("Event", event)
        for name, schema in _PARTS.items():
            if name in event:
                found += self._webhook_problems(schema, event[name])
        return found

    def _webhook_problems(self, base: str, value: Mapping[str, Any]) -> list[str]:
        schema = self._events.schema(f"#/components/schemas/{base}")
        reference = schema["discriminator"]["mapping"].get(value["type"])
        if reference is None:
            return [f"{base} {value['type']!r}: not in {EVENTS_FILE}"]
        # Parts with a discriminator of their own are looked at through it, not through their base.
        return [p for p in self._events.problems(reference, value) if not _OF_PART.match(p)]


def limit_problems(body: object) -> list[str]:
    """Limits of LINE's documentation that its OpenAPI file does not state [platforms.md, LINE, Sending]."""
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list):
        return []
    return [
        problem
        for number, message in enumerate(messages)
        if isinstance(message, dict)
        for problem in _message_problems(message, f"body.messages[{number}]")
    ]


def _message_problems(message: Mapping[str, Any], where: str) -> Iterator[str]:
    text = message.get("text")
    if isinstance(text, str) and utf16_length(text) > TEXT_UNITS:
        yield f"{where}.text: {utf16_length(text)} UTF-16 units, at most {TEXT_UNITS}"
    for number, item in enumerate(_get(message, "quickReply", "items") or ()):
        place = f"{where}.quickReply.items[{number}].action"
        yield from _quick_reply_problems(_get(item, "action") or {}, place)
    contents = message.get("contents")
    if message.get("type") == "flex" and isinstance(contents, dict):
        carousel = contents.get("type") == "carousel"
        if carousel and _json_size(contents) > CAROUSEL_BYTES:
            yield f"{where}.contents: {_json_size(contents)} bytes, at most {CAROUSEL_BYTES}"
        for bubble in contents.get("contents", ()) if carousel else (contents,):
            if _json_size(bubble) > BUBBLE_BYTES:
                yield f"{where}.contents: bubble of {_json_size(bubble)} bytes, at most {BUBBLE_BYTES}"


def _quick_reply_problems(action: Mapping[str, Any], where: str) -> Iterator[str]:
    if not 1 <= grapheme_count(str(action.get("label", ""))) <= LABEL_GRAPHEMES:
        yield f"{where}.label: 1 to {LABEL_GRAPHEMES} characters"
    if action.get("type") == "postback" and "displayText" not in action:
        yield f"{where}.displayText: a postback in a quick reply needs it"
    for name in ("displayText", "text"):
        if grapheme_count(str(action.get(name, ""))) > DISPLAY_TEXT_GRAPHEMES:
            yield f"{where}.{name}: at most {DISPLAY_TEXT_GRAPHEMES} characters"


def _get(value: object, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _json_size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass"))


def _told(error: ValidationError) -> str:
    deepest = best_match([error]) or error
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in deepest.absolute_path)
    told = deepest.message
    return f"body{path}: {told if len(told) <= 160 else told[:100] + ' … ' + told[-60:]}"


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template)))


def _operation(template: str, method: str, operation: Mapping[str, Any]) -> Operation:
    request = operation.get("requestBody", {})
    schema = request.get("content", {}).get("application/json", {}).get("schema")
    return Operation(
        operation_id=operation["operationId"],
        template=template,
        body=schema if schema and "$ref" in schema else None,
        body_required=bool(request.get("required")) or method == "put",
    )

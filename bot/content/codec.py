"""YAML and dicts to documents to a pack, and back. Every error carries a path a staff member can find."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

import msgspec
import yaml
from msgspec.structs import replace

from bot.content import model
from bot.content.events import DATED_TYPES, Event, EventSeries
from bot.content.issues import explained, told
from bot.content.model import Commands, Resource, Service, Stickers, Texts, Wishes, WordRule
from bot.content.pack import Pack, entry_words
from bot.content.practice import Practice
from bot.content.recall import Correction, named
from bot.content.words import WordRules
from bot.errors import ContentError
from bot.flows.matching import fold
from bot.flows.model import Flow
from bot.frozen import dataclass
from bot.handoff.hours import Desk, OpeningHours
from bot.handoff.risk import compile_rules

DOCUMENT_TYPES = {**model.DOCUMENT_TYPES, **DATED_TYPES, "practice": Practice, "correction": Correction}
NEEDED = ("commands", "service", "texts")
ONLY_ONE = frozenset({*NEEDED, "stickers", "wishes"})
MAX_YAML = 2_000_000
MAX_DEPTH = 40
NEVER = datetime(2000, 1, 1, tzinfo=UTC)
"""When content was published that nobody has published yet."""

Hours = TypeVar("Hours", bound=OpeningHours)
Scheduled = TypeVar("Scheduled", Resource, EventSeries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One thing staff edit: `kind` and `name` identify it, `body` is plain data."""

    kind: str
    name: str
    body: Mapping[str, Any]


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Plain data only, without duplicate keys (one would silently win)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            value = self.construct_object(key, deep=True)
            if value in seen:
                raise yaml.YAMLError(f"{key.start_mark.line + 1}行目：{value} が二つあります")
            seen.add(value)
        return super().construct_mapping(node, deep)  # type: ignore[no-any-return]


def _walk(text: str) -> None:
    """Refuses what could blow up before anything is built: aliases, and nesting deeper than any document's."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError(f"{_line(event)}行目：* の引用は使えません")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise yaml.YAMLError(f"{_line(event)}行目：字下げが深すぎます")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


# A number is what looks like one to staff: 10:30 is a time (not 630), 0120 the head of a telephone number (not 80).
_INTEGER = "tag:yaml.org,2002:int"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in known if tag != _INTEGER]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_INTEGER, re.compile(r"[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"))


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 0


def read_yaml(text: str, path: str) -> Any:
    """Plain data of a YAML text. Raises ContentError with file and line."""
    if len(text) > MAX_YAML:
        raise ContentError(path, told("file_too_large"))
    try:
        _walk(text)
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise ContentError(path, told("yaml_broken", why=_why(error))) from error


def _why(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{error.problem_mark.line + 1}行目：{error.problem}"
    return str(error).partition("\n")[0]


def documents_of(data: Any, path: str) -> list[Document]:
    """The documents of one file: `{kind: …, items: […]}` or `{kind: …, …one document…}`."""
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in DOCUMENT_TYPES:
        raise ContentError(path, told("kind_missing", known="、".join(DOCUMENT_TYPES)))
    rest = {key: value for key, value in data.items() if key != "kind"}
    items = rest["items"] if set(rest) == {"items"} else [rest]
    if not isinstance(items, list):
        raise ContentError(f"{path}: items", told("items_no_list"))
    documents = []
    for place, body in enumerate(items):
        where = f"{path}: items[{place}]" if "items" in rest else path
        if not isinstance(body, dict):
            raise ContentError(where, told("item_no_mapping"))
        name = kind if kind in ONLY_ONE else body.get("id")
        if not isinstance(name, str) or not name:
            raise ContentError(where, told("id_missing"))
        documents.append(Document(kind=kind, name=name, body=body))
    return documents


def typed(document: Document) -> Any:
    """The document as its type. Raises ContentError naming the field."""
    path = f"{document.kind}/{document.name}"
    try:
        return msgspec.convert(document.body, DOCUMENT_TYPES[document.kind], strict=True)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$")
        raise ContentError(path + _named(document, where.rstrip("`")), explained(message)) from error


def _named(document: Document, where: str) -> str:
    """The place of an error with its key: `.steps[hello].say[0]`, where the reader only knows `.steps[...]`."""
    head, dots, tail = where.partition("[...]")
    field = head.removeprefix(".")
    values = document.body.get(field)
    if not dots or not isinstance(values, Mapping):
        return where
    for key, value in values.items():
        try:
            msgspec.convert(
                {**document.body, field: {key: value}}, DOCUMENT_TYPES[document.kind], strict=True
            )
        except msgspec.ValidationError:
            return f"{head}[{key}]{tail}"
    return where


def build(
    number: int,
    documents: Iterable[Document],
    published_at: datetime = NEVER,
    typed: Callable[[Document], Any] = typed,
) -> Pack:
    """All documents as a pack. Raises ContentError at the first that cannot be read; see `check` for the rest.

    `typed` may be one that remembers.
    """
    found: dict[str, dict[str, Any]] = {kind: {} for kind in DOCUMENT_TYPES}
    for document in documents:
        if document.name in found[document.kind]:
            raise ContentError(f"{document.kind}/{document.name}", told("twice"))
        found[document.kind][document.name] = typed(document)
    for kind in NEEDED:
        if kind not in found[kind]:
            raise ContentError(kind, told("kind_needed", kind=kind))
    service: Service = found["service"]["service"]
    texts: Texts = found["texts"]["texts"]
    stickers: Stickers = found["stickers"].get("stickers", Stickers(words={}))
    flows: dict[str, Flow] = found["flow"]
    for flow in flows.values():
        if not flow.steps:
            raise ContentError(f"flow/{flow.id}", told("no_steps"))
    closing = service.year_end
    desks: dict[str, Desk] = {name: closed(desk, closing) for name, desk in found["desk"].items()}
    places: dict[str, Resource] = {name: scheduled(one, closing) for name, one in found["resource"].items()}
    series: dict[str, EventSeries] = {
        name: scheduled(each, closing) for name, each in found["event_series"].items()
    }
    events: dict[str, Event] = found["event"]
    return Pack(
        number=number,
        service=service,
        texts={**texts.texts, **named(found["correction"].values())},
        commands=_command_words(found["commands"]["commands"]),
        stickers=_sticker_words(stickers),
        flows=flows,
        entries=entry_words(flows),
        desks=tuple(desks.values()),
        routing=tuple(found["routing_rule"].values()),
        resources=places,
        series=series,
        events=events,
        published_at=published_at,
        hotlines=tuple(found["hotline"].values()),
        articles=found["article"],
        letters=tuple(found["letter"].values()),
        practices=found["practice"],
        questions=tuple(found["question"].values()),
        borders=tuple(found["borders"].values()),
        words=_word_rules(found["word_rule"].values()),
        wishes=found["wishes"].get("wishes", Wishes()),
        rules=compile_rules(
            tuple(found["risk_rule"].values()),
            tuple(found["risk_class"].values()),
            tuple(found["risk_veto"].values()),
            tuple(found["risk_spelling"].values()),
        ),
    )


def closed(hours: Hours, closing: str) -> Hours:
    """The hours with the operator's closing around New Year, unless they have their own (R-099)."""
    return replace(hours, year_end=closing) if hours.year_end is None else hours


def scheduled(about: Scheduled, closing: str) -> Scheduled:
    """The same for a place or a series: its schedule and its hours."""
    schedule = about.schedule
    if schedule is None:
        return about
    if schedule.year_end is None:
        schedule = replace(schedule, year_end=closing)
    if schedule.hours is not None:
        schedule = replace(schedule, hours=closed(schedule.hours, closing))
    return replace(about, schedule=schedule)


def _word_rules(rules: Iterable[WordRule]) -> WordRules:
    known = tuple(rules)
    for rule in known:
        try:
            WordRules((rule,))
        except ValueError as error:
            raise ContentError(
                f"word_rule/{rule.id}/patterns", told("word_rule_pattern", why=error)
            ) from error
    return WordRules(known)


def _command_words(commands: Commands) -> dict[str, str]:
    found: dict[str, str] = {}
    for command, words in commands.commands.items():
        for word in words:
            other = found.setdefault(fold(word), command)
            if other != command:
                raise ContentError(f"commands/{command}", told("word_twice", word=word, other=other))
    return found


def _sticker_words(stickers: Stickers) -> dict[str, str]:
    """Folded keyword → the word it speaks for, in the order of the table."""
    return {fold(keyword): word for word, keywords in stickers.words.items() for keyword in keywords}


def files(folder: Traversable) -> Iterator[Traversable]:
    """Every YAML file of a folder and those in it, in the order of their names. Raises ContentError."""
    try:
        items = sorted(folder.iterdir(), key=lambda entry: entry.name)
    except OSError as error:
        raise ContentError(str(folder), told("folder_unreadable", why=error.strerror)) from error
    for item in items:
        if item.is_dir():
            yield from files(item)
        elif item.name.endswith((".yaml", ".yml")):
            yield item


def read_file(item: Traversable) -> list[Document]:
    """The documents of a file. Raises ContentError."""
    return documents_of(read_yaml(_text(item), item.name), item.name)


def read_folder(folder: Traversable) -> list[Document]:
    """Every document of a folder of YAML files, in the order of their names. Raises ContentError."""
    return [document for item in files(folder) for document in read_file(item)]


def _text(item: Traversable) -> str:
    try:
        return item.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ContentError(item.name, told("file_unreadable")) from error


def seed() -> list[Document]:
    """The content we ship: release 1 of every new installation."""
    return read_folder(seed_folder())


def seed_folder() -> Traversable:
    return resources.files("bot.content") / "seed"

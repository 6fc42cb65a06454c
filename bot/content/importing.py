"""What imports share: the facts a file does not tell, problems with their line, and texts made fit. Pure."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable
from dataclasses import field
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

import msgspec
import yaml

from bot.content.codec import Document
from bot.content.events import Event, EventSeries
from bot.content.ics import printable
from bot.content.model import Source
from bot.content.schedule import OnHoliday
from bot.errors import BadInput
from bot.frozen import dataclass

MAX_BYTES = 1_000_000
MAX_ITEMS = 2_000
MAX_PROBLEMS = 50
MAX_TEXT = {"name": 100, "summary": 400, "uid": 255, "url": 500}
OTHER_TEXT = 200

_BREAK = re.compile(r"<(?:br|/p|/div|/li)\b[^<>]{0,200}>", re.IGNORECASE)
_MARKUP = re.compile(r"</?[a-zA-Z][^<>]{0,500}>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What holds for everything in a file that does not say otherwise. `series` are those a file may add days to."""

    kind: str = "event"
    prefecture: str | None = None
    municipality: str | None = None
    audience: tuple[str, ...] | None = None
    on_holiday: OnHoliday | None = None
    source: Source | None = None
    series: frozenset[str] = frozenset()

    def particulars(self) -> dict[str, Any]:
        known = {name: getattr(self, name) for name in ("prefecture", "municipality", "audience")}
        return {name: value for name, value in known.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that was not taken, the line of the file it stands on, and in Japanese what to do.

    `column` is the heading of the cell, where one cell is to blame.
    """

    line: int
    message: str
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What a file gives. `past` counts what is over already, and was left out (R-100)."""

    series: tuple[EventSeries, ...] = ()
    events: tuple[Event, ...] = ()
    problems: tuple[Problem, ...] = ()
    past: int = 0

    def documents(self) -> list[Document]:
        made = [
            Document(kind="event_series", name=each.id, body=msgspec.to_builtins(each))
            for each in self.series
        ]
        return made + [
            Document(kind="event", name=each.id, body=msgspec.to_builtins(each)) for each in self.events
        ]


class Unfit(ValueError):
    """One item of a file cannot be taken; `key` is the problem's name."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key, self.values = key, values


@dataclass(slots=True)
class Gathered:
    """Items and problems while a file is read."""

    today: date
    series: list[EventSeries] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    past: int = 0
    most: int = MAX_PROBLEMS

    def problem(self, line: int, key: str, **values: object) -> None:
        if len(self.problems) < self.most:
            column = str(values.get("column", ""))
            self.problems.append(Problem(line=line, message=told(key, **values), column=column))

    def add(self, item: Event | EventSeries) -> None:
        if isinstance(item, EventSeries):
            self.series.append(item)
        elif item.day is not None and (item.last or item.day) < self.today:
            self.past += 1
        else:
            self.events.append(item)

    def done(self) -> Imported:
        return Imported(
            series=tuple(self.series),
            events=tuple(self.events),
            problems=tuple(sorted(self.problems, key=lambda problem: problem.line)),
            past=self.past,
        )


def told(key: str, **values: object) -> str:
    """A problem in words. What was in the file is shown short, so that a message stays one."""
    message = _messages()[key]
    for name, value in values.items():
        message = message.replace("{" + name + "}", clean(str(value), 40 if name == "what" else 400))
    return message


@cache
def _messages() -> dict[str, str]:
    text = (resources.files("bot.content") / "import_problems.yaml").read_text("utf-8")
    found: dict[str, str] = yaml.safe_load(text)
    return found


def decoded(data: bytes, most: int = MAX_BYTES) -> str:
    """The text of a file, UTF-8 or the Shift_JIS of Japanese spreadsheets. Raises BadInput with what to do."""
    if len(data) > most:
        raise BadInput(told("too_large", n=most // 1_000_000))
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadInput(told("encoding"))


def clean(text: str, most: int = OTHER_TEXT) -> str:
    """Words without hidden characters, at most so long."""
    found = printable(text[: most * 2]).strip()
    return found if len(found) <= most else found[: most - 1] + "…"


def plain(text: str) -> str:
    """The words of a text with markup, as some programs write descriptions."""
    return html.unescape(_MARKUP.sub("", _BREAK.sub("\n", text[: MAX_TEXT["summary"] * 20])))


def fact(name: str, text: str | None) -> str | None:
    """A particular made fit; None when nothing is left of it."""
    return clean(text or "", MAX_TEXT.get(name, OTHER_TEXT)) or None


def made_id(*parts: Iterable[str] | str) -> str:
    """An id that is the same whenever the same thing is imported again."""
    text = "\n".join(str(part) for part in parts)
    return "i-" + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

"""A calendar file taken apart into content lines (RFC 5545 §3.1), with the line each event begins on. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field

from bot.content.importing import MAX_ITEMS, told
from bot.errors import BadInput
from bot.frozen import dataclass

MAX_LINE = 20_000
MAX_DEPTH = 5


@dataclass(slots=True)
class Lines:
    """The content lines of one VEVENT, and where it begins."""

    line: int
    texts: list[str] = field(default_factory=list)

    def values(self, name: str) -> list[str]:
        """Raw values of a property."""
        head = re.compile(rf"{re.escape(name)}(?:;[^:]*)?:", re.IGNORECASE)
        return [text[found.end() :] for text in self.texts if (found := head.match(text))]


@dataclass(slots=True)
class Parts:
    """A calendar taken apart."""

    events: list[Lines] = field(default_factory=list)
    zone: str = ""
    at_nine: set[str] = field(default_factory=set)
    """Zones the file defines itself, always nine hours ahead: Tokyo by another name."""


def take_apart(text: str) -> Parts:
    """The events of a calendar as lines. Raises BadInput when it is none, or one nobody would write."""
    parts, stack = Parts(), list[str]()
    zone, offsets = "", set[str]()
    for line, content in _unfolded(text):
        name, _, value = content.partition(":")
        match name.upper(), value.strip().upper():
            case "BEGIN", block:
                if not stack and block != "VCALENDAR":
                    raise BadInput(told("not_a_calendar"))
                stack.append(block)
                if len(stack) > MAX_DEPTH:
                    raise BadInput(f"{line}: {told('broken')}")
                if stack == ["VCALENDAR", "VEVENT"]:
                    parts.events.append(Lines(line))
                zone, offsets = ("", set()) if block == "VTIMEZONE" else (zone, offsets)
            case "END", block:
                if not stack or stack.pop() != block:
                    raise BadInput(f"{line}: {told('broken')}")
                if block == "VTIMEZONE" and offsets == {"+0900"}:
                    parts.at_nine.add(zone)
            case head, _:
                if not stack:
                    raise BadInput(told("not_a_calendar"))
                if stack == ["VCALENDAR"] and head == "X-WR-TIMEZONE":
                    parts.zone = value.strip()
                elif stack == ["VCALENDAR", "VEVENT"]:
                    parts.events[-1].texts.append(content)
                elif stack == ["VCALENDAR", "VTIMEZONE"] and head == "TZID":
                    zone = value.strip()
                elif "VTIMEZONE" in stack and head in ("TZOFFSETTO", "TZOFFSETFROM"):
                    offsets.add(value.strip())
        if len(parts.events) > MAX_ITEMS:
            raise BadInput(told("too_many", n=MAX_ITEMS))
    if stack or not text.strip():
        raise BadInput(told("broken") if stack else told("not_a_calendar"))
    return parts


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Content lines with the number of the line each begins on (RFC 5545 §3.1)."""
    begin, found = 0, list[str]()
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        if line[:1] in (" ", "\t") and found:
            found.append(line[1:])
            if sum(map(len, found[-2:])) > MAX_LINE or len(found) > MAX_LINE:
                raise BadInput(f"{begin}: {told('too_long', n=MAX_LINE)}")
            continue
        if found and (whole := "".join(found)).strip():
            yield begin, _short(whole, begin)
        begin, found = number, [line]
    if found and (whole := "".join(found)).strip():
        yield begin, _short(whole, begin)


def _short(line: str, number: int) -> str:
    if len(line) > MAX_LINE:
        raise BadInput(f"{number}: {told('too_long', n=MAX_LINE)}")
    return line

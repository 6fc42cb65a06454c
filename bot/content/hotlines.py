"""Which lines may be told now: approved by two people and not expired; 110 and 119 always (R-079). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from bot.content.model import Hotline
from bot.handoff.hours import TOKYO, Desk, is_open

MAX_LENGTH = 85
"""What the lines may take of a bubble of 120 characters, so that a sentence fits around them (R-038)."""

Words = Mapping[str, tuple[str, ...]]


def told(hotlines: Iterable[Hotline], now: datetime, *, samples: bool = False) -> list[Hotline]:
    """Lines open now that may be told, text before phone, then the two that always may."""
    today = now.astimezone(TOKYO).date()
    may = [one for one in hotlines if one.always or samples or one.is_approved(today)]
    return sorted(
        (one for one in may if _open(one, now)), key=lambda one: (one.always, "text" not in one.ways)
    )


def _open(hotline: Hotline, now: datetime) -> bool:
    return hotline.always or is_open(Desk(id=hotline.id, name=hotline.name, shifts=hotline.shifts), now)


def hotline_line(hotline: Hotline, words: Words, *, sample: bool = False) -> str:
    """Name, number, hours; a line that is shown without approval says so."""
    about = "・".join(filter(None, (hotline.hours, hotline.charge)))
    mark = words["hotline_sample"][0] if sample else ""
    return f"{hotline.name} {hotline.number}" + (f"（{mark}{about}）" if mark or about else "")


def open_lines(hotlines: Iterable[Hotline], words: Words, now: datetime, *, samples: bool = False) -> str:
    """As many lines as a bubble holds; 110 and 119 are always among them."""
    today = now.astimezone(TOKYO).date()
    found = told(hotlines, now, samples=samples)
    line = {
        one.id: hotline_line(one, words, sample=not (one.always or one.is_approved(today))) for one in found
    }
    always = [line[one.id] for one in found if one.always]
    others: list[str] = []
    for one in found:
        if not one.always and len("、".join([*others, line[one.id], *always])) <= MAX_LENGTH:
            others.append(line[one.id])
    return "、".join([*others, *always])

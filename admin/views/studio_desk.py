"""A desk as a form, and what people would be told by its hours as they stand in the draft: by what tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from admin.views import times
from admin.views.studio_shapes import AUDIENCE, NAME, Field, Section
from admin.words import Words, marked
from bot.content.codec import closed
from bot.content.desks import values_of
from bot.handoff.hours import Desk, spans

if TYPE_CHECKING:
    from admin.app import Console

DESK = (
    Section(id="about", title=marked("The desk"), fields=(NAME, AUDIENCE)),
    Section(
        id="hours",
        title=marked("When people read"),
        fields=(
            Field(
                path="shifts",
                label=marked("Hours, one span a line"),
                shape="shifts",
                hint=marked("Days as they are stored, then 10:00-16:00. Past midnight goes on as 26:00."),
            ),
            Field(
                path="on_holiday",
                label=marked("Other public holidays; closed if not chosen"),
                shape="choice",
                options=("skipped", "held"),
                group="desk_holiday",
            ),
            Field(
                path="year_end",
                label=marked("Closed around New Year"),
                hint=marked("From and to, such as 12-29/01-03; none where people read through it"),
            ),
            Field(
                path="closed",
                label=marked("Closed on single days, one a line"),
                shape="lines",
                hint=marked("Such as 2026-12-20"),
            ),
        ),
    ),
    Section(
        id="people",
        title=marked("Who is there"),
        fields=(
            Field(path="people", label=marked("How many usually read at once; 1 if empty"), shape="number"),
            Field(
                path="minutes_each", label=marked("Minutes a conversation takes; 40 if empty"), shape="number"
            ),
            Field(path="shift_table", label=marked("Only who stands in the shift table reads"), shape="tri"),
            Field(path="peers", label=marked("Somebody there knows such a life from their own"), shape="tri"),
        ),
    ),
)
MOST = 8
JUST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """`hours` as they are told; `rows`: from when on what is told of it. `problem`: what cannot be read.

    `by_table`: the shift table decides, so nothing more can be said here.
    """

    hours: str = ""
    rows: list[tuple[str, str]]
    by_table: bool = False
    problem: str = ""


def told_of(t: Words, console: Console, kind: str, body: Mapping[str, Any], now: datetime) -> Told | None:
    """None for what is no desk, and while nothing is published to tell it in."""
    released = console.content()
    if kind != "desk" or released is None:
        return None
    try:
        desk = msgspec.convert(body, Desk, strict=True)
    except msgspec.ValidationError:
        return Told(rows=[], problem=t("A day or a time cannot be read."))
    desk, words = closed(desk, released.latest.service.year_end), released.latest.texts
    if desk.shift_table:
        return Told(
            hours=values_of(desk, None, words, now, several=False).get("hours", ""), rows=[], by_table=True
        )
    changes = sorted({at for span in spans(desk, now) for at in span if at > now})
    rows, before = list[tuple[str, str]](), ""
    for at in (now, *changes):
        values = values_of(desk, None, words, at + JUST if at != now else now, several=False)
        if values["human_now_or_not"] != before:
            before = values["human_now_or_not"]
            rows.append((times.moment(t, now, at), before))
    hours = values_of(desk, None, words, now, several=False).get("hours", "")
    return Told(hours=hours, rows=rows[:MOST])

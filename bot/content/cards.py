"""Entries as cards. What nobody told us is named as 未確認, in one line. Pure; the words come from the texts."""

from __future__ import annotations

from datetime import datetime

from bot.content.calendar import next_dates
from bot.content.model import Hotline, Resource
from bot.handoff.hours import DAYS
from bot.messages import Card, CardDate, Link

Words = dict[str, tuple[str, ...]]

SHORT_FACTS = ("atmosphere", "not_needed", "smaller_steps", "anonymity")
FULL_FACTS = (
    "summary",
    "atmosphere",
    "not_needed",
    "smaller_steps",
    "age",
    "residence",
    "anonymity",
    "reservation",
    "cost",
)


def place_card(resource: Resource, words: Words, now: datetime, *, full: bool = False) -> Card:
    """A place or group: what it is like, what need not be done, smaller steps, conditions, date, source."""
    names = FULL_FACTS if full else SHORT_FACTS
    known = [(words[f"label_{name}"][0], value) for name in names if (value := getattr(resource, name))]
    unknown = [words[f"label_{name}"][0] for name in names if getattr(resource, name) is None]
    dates = next_dates(resource.schedule, now, 1) if resource.schedule else ()
    if resource.schedule and not dates:
        when = resource.schedule.wording or words["date_unknown"][0]
        rough = resource.schedule.kind in ("roughly", "frequency")
        known.append((words["label_when"][0], when + (words["date_ask"][0] if rough else "")))
    if full:
        known.append((words["label_source"][0], f"{resource.source.title} {resource.source.seen_in_source}"))
    date = (
        CardDate(month=dates[0].month, day=dates[0].day, weekday=f"{DAYS[dates[0].weekday()]}曜")
        if dates
        else None
    )
    where = resource.municipality or resource.prefecture
    links = (Link(label=words["label_link"][0], url=resource.url),) if full and resource.url else ()
    return Card(
        kind="event" if date else resource.kind,
        title=resource.name,
        subtitle="　".join(filter(None, (words.get(f"kind_{resource.kind}", ("",))[0], where))),
        date=date,
        facts=tuple(known),
        unknown=tuple(unknown),
        unknown_label=words["unknown"][0],
        links=links,
    )


def hotline_line(hotline: Hotline) -> str:
    return f"{hotline.name} {hotline.number}（{hotline.about}）"

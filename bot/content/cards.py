"""Entries as cards. What nobody told us is named as 未確認, in one line. Pure; the words come from the texts."""

from __future__ import annotations

from datetime import date

from bot.content.event_cards import card_date, when
from bot.content.model import Hotline, Resource
from bot.messages import Card, Link

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


def place_card(resource: Resource, words: Words, day: date | None, *, full: bool = False) -> Card:
    """A place or group: what it is like, what need not be done, smaller steps, conditions, source; and its next
    certain day, or what is told of its schedule (R-098)."""
    names = FULL_FACTS if full else SHORT_FACTS
    known = [(words[f"label_{name}"][0], value) for name in names if (value := getattr(resource, name))]
    unknown = [words[f"label_{name}"][0] for name in names if getattr(resource, name) is None]
    if resource.schedule and day is None:
        known.append((words["label_when"][0], when(resource.schedule, words)))
    if full:
        known.append((words["label_source"][0], f"{resource.source.title} {resource.source.seen_in_source}"))
    where = resource.municipality or resource.prefecture
    links = (Link(label=words["label_link"][0], url=resource.url),) if full and resource.url else ()
    return Card(
        kind="event" if day else resource.kind,
        title=resource.name,
        subtitle="　".join(filter(None, (words.get(f"kind_{resource.kind}", ("",))[0], where))),
        date=card_date(day) if day else None,
        facts=tuple(known),
        unknown=tuple(unknown),
        unknown_label=words["unknown"][0],
        links=links,
    )


def hotline_line(hotline: Hotline) -> str:
    return f"{hotline.name} {hotline.number}（{hotline.about}）"

"""Entries as cards. What nobody told us is named as 未確認, in one line. Pure; the words come from the texts.

Order: what it is now, what it is like, what need not be done, smaller steps, conditions, date, contact, source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime

from bot.content.event_cards import card_date, when
from bot.content.model import Resource
from bot.content.search import Freshness, freshness
from bot.handoff.hours import TOKYO
from bot.messages import Card, Link

Words = Mapping[str, tuple[str, ...]]
Facts = list[tuple[str, str | None]]

FACTS = (
    *(
        "why",
        "standing",
        "summary",
        "atmosphere",
        "not_needed",
        "smaller_steps",
        "senses",
        "said_by_operator",
    ),
    *(
        "who",
        "age",
        "residence",
        "condition",
        "anonymity",
        "reservation",
        "cost",
        "intake",
        "money",
        "when",
    ),
    *("ways", "hours", "venue", "station", "bring", "phone", "mail", "source", "checked"),
)
"""Everything a card can tell, in its order; each needs a text `label_<name>`."""


def place_card(
    resource: Resource,
    words: Words,
    now: datetime,
    day: date | None = None,
    *,
    full: bool = False,
    why: str = "",
) -> Card:
    """A place or group; `why` it is offered instead of what was looked for, and what it is now, come first.

    Its next certain day, or what is told of its schedule (R-098).
    """
    facts: Facts = [("why", why)] if why else []
    standing = _standing(resource, words, now)
    if standing:
        facts.append(("standing", standing))
    facts += _full(resource, words) if full else _short(resource)
    if resource.schedule and day is None:
        facts.append(("when", _when(resource, words)))
    if full:
        facts += _contact(resource, words)
        facts.append(("source", f"{resource.source.title} {resource.source.seen_in_source}"))
        facts.append(("checked", _checked(resource)))
    known = tuple((words[f"label_{name}"][0], value) for name, value in facts if value)
    unknown = [words[f"label_{name}"][0] for name, value in facts if value is None]
    return Card(
        kind="event" if day else resource.kind,
        title=resource.name,
        subtitle=_subtitle(resource, words),
        date=card_date(day) if day else None,
        facts=known,
        unknown=tuple(dict.fromkeys([*unknown, *(resource.uncertain if full else ())])),
        unknown_label=words["unknown"][0],
        links=(Link(label=words["label_link"][0], url=resource.url),)
        if full and resource.url and resource.is_listed
        else (),
    )


def _subtitle(resource: Resource, words: Words) -> str:
    kind = words.get(f"kind_{resource.kind}", ("",))[0]
    return "　".join(filter(None, (kind, resource.municipality or resource.prefecture)))


def _standing(resource: Resource, words: Words, now: datetime) -> str:
    """What must be known before anything else: it has ended, is known by its name only, or was not looked at again."""
    if resource.status == "ended":
        return words["standing_ended"][0]
    if resource.status == "past" or resource.readiness == "not_current":
        return words["standing_past"][0]
    if resource.readiness == "name_only":
        return words["standing_name_only"][0]
    if freshness(resource, now.astimezone(TOKYO).date()) is Freshness.OVERDUE:
        return words["standing_overdue"][0]
    return ""


def _short(resource: Resource) -> Facts:
    return [
        (name, getattr(resource, name)) for name in ("atmosphere", "not_needed", "smaller_steps", "anonymity")
    ]


def _full(resource: Resource, words: Words) -> Facts:
    facts: Facts = [("summary", resource.summary)]
    facts += [(name, getattr(resource, name)) for name in ("atmosphere", "not_needed", "smaller_steps")]
    facts += list(_senses(resource, words))
    facts.append(("said_by_operator", resource.said_by_operator or ""))
    facts.append(("who", _joined("who", resource.audience, words)))
    facts.append(("age", (resource.age.words or _years(resource, words)) if resource.age else None))
    facts.append(("residence", _residence(resource, words)))
    facts.append(("condition", resource.condition or ""))
    facts += [(name, getattr(resource, name)) for name in ("anonymity", "reservation", "cost")]
    facts.append(("intake", resource.intake or ""))
    facts += list(_money(resource, words))
    return facts


def _contact(resource: Resource, words: Words) -> Facts:
    """How to get there and ask. What a place one only reads or calls cannot have is not called unknown."""
    goes = "visit" in resource.ways
    timed = not resource.schedule and bool({"phone", "visit", "outreach"} & set(resource.ways))
    facts: Facts = [("ways", _joined("way", resource.ways, words))]
    facts.append(("hours", resource.hours if resource.hours or timed else ""))
    for name in ("venue", "station", "bring"):
        facts.append((name, getattr(resource, name) if goes or getattr(resource, name) else ""))
    facts += [(name, getattr(resource, name) or "") for name in ("phone", "mail")]
    return facts


def _when(resource: Resource, words: Words) -> str:
    """What is told of a schedule without a date; who asks there is told only of what goes on."""
    schedule = resource.schedule
    assert schedule is not None
    return when(schedule, words) if resource.is_listed else schedule.wording or words["date_unknown"][0]


def _checked(resource: Resource) -> str | None:
    on = resource.source.checked_on
    return f"{on.year}-{on.month:02}-{on.day:02}" if on else None


def _joined(group: str, values: tuple[str, ...], words: Words) -> str | None:
    return "、".join(words[f"{group}_{value}"][0] for value in values) or None


def _years(resource: Resource, words: Words) -> str:
    age = resource.age
    assert age is not None
    least = words["age_least"][0].replace("{n}", str(age.least)) if age.least is not None else ""
    most = words["age_most"][0].replace("{n}", str(age.most)) if age.most is not None else ""
    return least + most


def _residence(resource: Resource, words: Words) -> str | None:
    residence = resource.residence
    if residence.rule == "unknown" and not residence.words:
        return None
    return residence.words or words[f"residence_{residence.rule}"][0]


def _senses(resource: Resource, words: Words) -> Iterator[tuple[str, str | None]]:
    """Only what we were told; in one line (R-039)."""
    senses, needs = resource.senses, resource.needs
    told = [value for value in (senses.people, senses.noise, senses.light) if value]
    for name in ("silence_is_fine", "introduction", "leave_midway", "watch_only"):
        value = getattr(senses, name)
        if value is not None:
            told.append(words[f"sense_{name}"][0 if value else 1])
    for name in ("face", "voice", "name"):
        value = getattr(needs, name)
        if value is not None:
            told.append(words[f"need_{name}"][0 if value else 1])
    yield ("senses", "、".join(told))


def _money(resource: Resource, words: Words) -> Iterator[tuple[str, str | None]]:
    money = resource.money
    if money is None:
        return
    told = [words[f"money_{money.form}"][0]] if money.form else []
    people = (name for name in ("financial_planner", "social_worker") if getattr(money, name))
    told += [words[f"money_{name}"][0] for name in people]
    yield ("money", "、".join(told) or None)

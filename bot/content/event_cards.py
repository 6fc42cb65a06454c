"""Dates as cards: the next certain one as a date, everything vaguer in its own words (R-098). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from bot.content.agenda import Agenda, Occurrence
from bot.content.events import AUDIENCE, Event, EventSeries, Particulars
from bot.content.schedule import Schedule, moment
from bot.flows.model import Query
from bot.handoff.hours import DAYS, OpeningHours
from bot.messages import Card, CardDate, Link

Words = Mapping[str, tuple[str, ...]]

NEXT = 3
FACTS = ("venue", "directions", "audience", "residence", "capacity", "reservation", "cost", "contact")
ASKED = ("venue", "directions", "online", "reservation", "cost")
"""What is named as 未確認 when nobody has told us (R-096)."""

TEXTS = frozenset(
    {f"label_{name}" for name in (*FACTS, "time", "online", "more_dates", "change", "calendar")}
    | {f"fact_audience_{who}" for who in AUDIENCE}
    | {
        f"fact_{name}"
        for name in ("date", "date_span", "time_span", "time_from", "day_off", "moved", "planned")
    }
    | {f"fact_{name}" for name in ("capacity", "online_yes", "online_no")}
    | {f"fact_holidays_{what}" for what in ("closed", "open", "unknown")}
)
"""Named texts this module speaks in."""


def card_date(day: date) -> CardDate:
    return CardDate(month=day.month, day=day.day, weekday=f"{DAYS[day.weekday()]}曜")


def when(schedule: Schedule, words: Words) -> str:
    """What is told of a schedule without a date: its wording, or its hours."""
    if schedule.wording:
        return schedule.wording + (words["date_ask"][0] if schedule.kind in ("roughly", "frequency") else "")
    if schedule.hours is not None and schedule.hours.shifts:
        return hours_words(schedule.hours, words)
    return words["date_unknown"][0]


def fits(about: EventSeries | Event, query: Query) -> bool:
    """Whether a series or event is among what a list step asks for; what nobody told does not shut it out."""
    if query.kinds and about.kind not in (*query.kinds, "event", ""):
        return False
    if query.audience and about.audience and query.audience not in about.audience:
        return False
    return not query.online or about.online is True


def is_past(about: EventSeries | Event, now: datetime) -> bool:
    """A single day that is over is not told any more (R-100)."""
    if isinstance(about, EventSeries) or about.day is None:
        return False
    return now >= moment(about.last or about.day, about.ends or "24:00")


def event_card(
    about: EventSeries | Event,
    agenda: Agenda,
    words: Words,
    now: datetime,
    *,
    full: bool = False,
    base: str = "",
) -> Card:
    """A series or a single day: its next date, if it is certain, and how to come."""
    dates = agenda.coming(about.id, now, NEXT if full else 1)
    known = _when_facts(about, dates, words)
    known += [
        (words["label_change"][0], _filled(words["fact_day_off"][0], date=_date(each.day, words)))
        for each in agenda.cancelled(about.id, now)[:NEXT]
    ]
    told = dates[0].about if dates else about
    known += _facts(told, words, full=full)
    links = [Link(label=words["label_link"][0], url=told.url)] if full and told.url else []
    if full and dates and base:
        links.append(Link(label=words["label_calendar"][0], url=f"{base}/calendar/event/{dates[0].id}.ics"))
    kind = about.kind or "event"
    where = told.municipality or told.prefecture or ""
    return Card(
        kind="event" if dates else kind,
        title=dates[0].name if dates else about.name,
        subtitle="　".join(filter(None, (words.get(f"kind_{kind}", ("",))[0], where))),
        date=card_date(dates[0].day) if dates else None,
        facts=tuple(known),
        unknown=tuple(words[f"label_{name}"][0] for name in ASKED if getattr(told, name) is None),
        unknown_label=words["unknown"][0],
        links=tuple(links),
    )


def _when_facts(
    about: EventSeries | Event, dates: tuple[Occurrence, ...], words: Words
) -> list[tuple[str, str]]:
    if not dates:
        if isinstance(about, Event):
            told = about.wording or (words["fact_planned"][0] if about.state == "planned" else "")
        else:
            told = when(about.schedule, words) if about.state == "confirmed" else words["fact_planned"][0]
        return [(words["label_when"][0], told)] if told else []
    first, *later = dates
    known = []
    if first.begins:
        form = words["fact_time_span" if first.ends else "fact_time_from"][0]
        known.append((words["label_time"][0], _filled(form, begins=first.begins, ends=first.ends or "")))
    if first.last > first.day:
        span = _filled(
            words["fact_date_span"][0], first=_date(first.day, words), last=_date(first.last, words)
        )
        known.append((words["label_when"][0], span))
    if first.was is not None:
        known.append(
            (words["label_change"][0], _filled(words["fact_moved"][0], date=_date(first.was, words)))
        )
    if later:
        told = "、".join(_date(each.day, words) for each in later)
        known.append((words["label_more_dates"][0], told))
    return known


def _facts(told: Particulars, words: Words, *, full: bool) -> list[tuple[str, str]]:
    known = []
    if full and told.summary:
        known.append((words["label_summary"][0], told.summary))
    for name in FACTS if full else FACTS[:1]:
        value = getattr(told, name)
        if name == "audience":
            value = "、".join(words[f"fact_audience_{who}"][0] for who in value or () if who in AUDIENCE)
        elif name == "capacity" and value is not None:
            value = _filled(words["fact_capacity"][0], n=str(value))
        if value:
            known.append((words[f"label_{name}"][0], value))
    if full and told.online is not None:
        known.append(
            (words["label_online"][0], words["fact_online_yes" if told.online else "fact_online_no"][0])
        )
    return known


def _date(day: date, words: Words) -> str:
    values = {"month": str(day.month), "day": str(day.day), "weekday": DAYS[day.weekday()]}
    return _filled(words["fact_date"][0], **values)


def hours_words(hours: OpeningHours, words: Mapping[str, tuple[str, ...]]) -> str:
    """Shifts as they are told, and what is on public holidays."""
    told = "、".join(
        _filled(words["shift"][0], days=shift.days, opens=shift.opens, closes=shift.closes)
        for shift in hours.shifts
    )
    if any("祝" in shift.days for shift in hours.shifts):
        return told
    ending = {"held": "open", "skipped": "closed", None: "unknown"}
    return told + words[f"fact_holidays_{ending[hours.on_holiday]}"][0]


def _filled(form: str, **values: str) -> str:
    for name, value in values.items():
        form = form.replace("{" + name + "}", value)
    return form

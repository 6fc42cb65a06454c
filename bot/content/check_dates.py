"""What is wrong with schedules, series and events: pairs of path and message, for `check`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from bot.content.events import AUDIENCE, Event, EventSeries, Particulars
from bot.content.issues import told
from bot.content.model import Resource
from bot.content.schedule import EARLIEST, KINDS, Schedule, check_rule, needs_since

Found = Iterator[tuple[str, str]]


def schedule_issues(path: str, schedule: Schedule) -> Found:
    """What keeps a schedule from being told, or would tell something untrue."""
    if schedule.kind not in KINDS:
        yield f"{path}/kind", told("schedule_kind", known="、".join(KINDS))
    elif schedule.kind == "exact":
        yield from _rule_issues(path, schedule)
    elif schedule.kind == "dates":
        if not schedule.dates and not schedule.wording:
            yield f"{path}/dates", told("schedule_dates")
    elif not schedule.wording and not (schedule.kind == "always" and schedule.hours):
        yield f"{path}/wording", told("schedule_wording")
    if schedule.kind != "exact" and (schedule.rrule or schedule.rdates or schedule.exdates):
        yield (
            f"{path}/rrule",
            told("schedule_only", wanted="exact", kind=schedule.kind),
        )
    if schedule.kind != "dates" and schedule.dates:
        yield (
            f"{path}/dates",
            told("schedule_only", wanted="dates", kind=schedule.kind),
        )
    if schedule.hours is not None and schedule.kind != "always":
        yield f"{path}/hours", told("schedule_hours")
    if schedule.ends is not None and schedule.begins is None:
        yield f"{path}/begins", told("begins_missing")


def _rule_issues(path: str, schedule: Schedule) -> Found:
    try:
        check_rule(schedule.rrule)
    except ValueError as error:
        yield f"{path}/rrule", told("schedule_rule", why=error)
        return
    if schedule.since is None and needs_since(schedule.rrule):
        yield f"{path}/since", told("schedule_since")
    if schedule.since is not None and schedule.since < EARLIEST:
        yield f"{path}/since", told("schedule_early", day=EARLIEST)


def event_issues(
    series: Mapping[str, EventSeries], events: Mapping[str, Event], places: Mapping[str, Resource]
) -> Found:
    """What is wrong with series and events by themselves, and among each other."""
    for each in series.values():
        path = f"event_series/{each.id}"
        yield from _names(path, each.id, {"resource": places})
        if each.resource and each.resource not in places:
            yield f"{path}/resource", told("place_missing", name=each.resource)
        yield from schedule_issues(f"{path}/schedule", each.schedule)
        yield from _particulars(path, each)
    days: dict[tuple[str, date], str] = {}
    for event in events.values():
        path = f"event/{event.id}"
        yield from _names(path, event.id, {"resource": places, "event_series": series})
        yield from _event(path, event, series, places)
        yield from _particulars(path, event)
        original = event.was or event.day
        if event.series and original is not None:
            other = days.setdefault((event.series, original), event.id)
            if other != event.id:
                yield f"{path}/day", told("day_twice", other=other)


def _event(
    path: str, event: Event, series: Mapping[str, EventSeries], places: Mapping[str, Resource]
) -> Found:
    place = places.get(event.series)
    if event.series and event.series not in series and (place is None or place.schedule is None):
        yield f"{path}/series", told("series_missing", name=event.series)
    if not event.series and not event.name:
        yield f"{path}/name", told("event_name")
    if event.day is None and event.state != "planned":
        yield f"{path}/day", told("event_day")
    if event.state == "moved" and event.was is None:
        yield f"{path}/was", told("event_was")
    if event.state != "moved" and event.was is not None:
        yield f"{path}/was", told("event_was_only")
    if event.ends is not None and event.begins is None:
        yield f"{path}/begins", told("begins_missing")
    if event.last is not None and (event.day is None or event.last < event.day):
        yield f"{path}/last", told("event_last")


def _names(path: str, name: str, others: Mapping[str, Mapping[str, object]]) -> Found:
    """Ids stand in addresses, and of all that can be listed each has its own."""
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        yield path, told("id_letters")
    yield from (
        (path, told("id_taken", other=f"{kind}/{name}")) for kind, known in others.items() if name in known
    )


def _particulars(path: str, about: Particulars) -> Found:
    if wrong := sorted(set(about.audience or ()) - set(AUDIENCE)):
        yield f"{path}/audience", told("vocabulary", word=wrong[0], known="、".join(AUDIENCE))
    if about.capacity is not None and about.capacity < 1:
        yield f"{path}/capacity", told("event_capacity")
    if about.url is not None and not about.url.startswith("https://"):
        yield f"{path}/url", told("url")

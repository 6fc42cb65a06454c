"""What is wrong with schedules, series and events: pairs of path and message, for `check`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from bot.content.events import AUDIENCE, Event, EventSeries, Particulars
from bot.content.model import Resource
from bot.content.schedule import EARLIEST, KINDS, Schedule, check_rule, needs_since

Found = Iterator[tuple[str, str]]


def schedule_issues(path: str, schedule: Schedule) -> Found:
    """What keeps a schedule from being told, or would tell something untrue."""
    if schedule.kind not in KINDS:
        yield f"{path}/kind", f"is one of {', '.join(sorted(KINDS))}"
    elif schedule.kind == "exact":
        yield from _rule_issues(path, schedule)
    elif schedule.kind == "dates":
        if not schedule.dates and not schedule.wording:
            yield f"{path}/dates", "needs at least one date, or the wording people are shown"
    elif not schedule.wording and not (schedule.kind == "always" and schedule.hours):
        yield f"{path}/wording", "needs the wording people are shown"
    if schedule.kind != "exact" and (schedule.rrule or schedule.rdates or schedule.exdates):
        yield (
            f"{path}/rrule",
            f"goes only with `exact`; a schedule of kind {schedule.kind} prints no such dates",
        )
    if schedule.kind != "dates" and schedule.dates:
        yield (
            f"{path}/dates",
            f"goes only with `dates`; a schedule of kind {schedule.kind} prints no such dates",
        )
    if schedule.hours is not None and schedule.kind != "always":
        yield f"{path}/hours", "goes only with `always`; use `begins` and `ends`"
    if schedule.ends is not None and schedule.begins is None:
        yield f"{path}/begins", "is needed where there is `ends`"


def _rule_issues(path: str, schedule: Schedule) -> Found:
    try:
        check_rule(schedule.rrule)
    except ValueError as error:
        yield f"{path}/rrule", f"is no recurrence rule: {error}"
        return
    if schedule.since is None and needs_since(schedule.rrule):
        yield f"{path}/since", "needs the first date, from which to count"
    if schedule.since is not None and schedule.since < EARLIEST:
        yield f"{path}/since", f"is before {EARLIEST}; write the first date of this century"


def event_issues(
    series: Mapping[str, EventSeries], events: Mapping[str, Event], places: Mapping[str, Resource]
) -> Found:
    """What is wrong with series and events by themselves, and among each other."""
    for each in series.values():
        path = f"event_series/{each.id}"
        yield from _names(path, each.id, {"resource": places})
        if each.resource and each.resource not in places:
            yield f"{path}/resource", f"is {each.resource}, which does not exist"
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
                yield f"{path}/day", f"is told by event/{other} already; one of them has to go"


def _event(
    path: str, event: Event, series: Mapping[str, EventSeries], places: Mapping[str, Resource]
) -> Found:
    place = places.get(event.series)
    if event.series and event.series not in series and (place is None or place.schedule is None):
        yield f"{path}/series", f"is {event.series}, which is no series and no place with a schedule"
    if not event.series and not event.name:
        yield f"{path}/name", "is needed where there is no series"
    if event.day is None and event.state != "planned":
        yield f"{path}/day", "is needed unless it is planned"
    if event.state == "moved" and event.was is None:
        yield f"{path}/was", "needs the day it was on before"
    if event.state != "moved" and event.was is not None:
        yield f"{path}/was", "goes only with the state moved"
    if event.ends is not None and event.begins is None:
        yield f"{path}/begins", "is needed where there is `ends`"
    if event.last is not None and (event.day is None or event.last < event.day):
        yield f"{path}/last", "must not be before the day"


def _names(path: str, name: str, others: Mapping[str, Mapping[str, object]]) -> Found:
    """Ids stand in addresses, and of all that can be listed each has its own."""
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        yield path, "ids are of the letters a to z, digits, - and _"
    yield from ((path, f"has the id of {kind}/{name}") for kind, known in others.items() if name in known)


def _particulars(path: str, about: Particulars) -> Found:
    if wrong := sorted(set(about.audience or ()) - set(AUDIENCE)):
        yield f"{path}/audience", f"is of {', '.join(AUDIENCE)}; {wrong[0]} is none"
    if about.capacity is not None and about.capacity < 1:
        yield f"{path}/capacity", "is at least 1; leave it out where it is not known"
    if about.url is not None and not about.url.startswith("https://"):
        yield f"{path}/url", "must begin with https://"

"""What takes place when: series, single days, and places with a schedule, seen as one. Pure and immutable."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

import msgspec

from bot.content import calendar
from bot.content.calendar import HORIZON, STRIDE
from bot.content.events import Event, EventSeries, Particulars
from bot.content.model import Resource
from bot.content.schedule import EARLIEST, LATEST, moment
from bot.frozen import dataclass
from bot.handoff.hours import TOKYO, minutes

NAMESPACE = uuid.UUID("6f1d6c5e-6b1e-5c3a-9d0e-7a5f0c2b9e41")
"""Of the names of our dates in calendar programs (RFC 9562 §5.5)."""

PARTICULARS = tuple(field.name for field in msgspec.structs.fields(Particulars))
OF_PLACE = (
    "summary",
    "prefecture",
    "municipality",
    "audience",
    "venue",
    "reservation",
    "cost",
    "url",
)
"""What a day takes from its place."""
TOLD = ("confirmed", "moved")

AnyParticulars = TypeVar("AnyParticulars", bound=Particulars)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One day that is certain: confirmed, moved here from `was`, or certainly cancelled.

    `id` and `uid` stay when it is moved; `begins` and `ends` are HH:MM in Tokyo; `about` has every fact that the
    day, its series or its place tell.
    """

    id: str
    uid: str
    series: str
    name: str
    kind: str
    day: date
    last: date
    begins: str | None
    ends: str | None
    state: str
    was: date | None
    about: Particulars

    @property
    def order(self) -> tuple[date, int, str]:
        """What comes first is told first; what has no time, before what has one."""
        return self.day, minutes(self.begins) if self.begins else -1, self.uid

    def is_over(self, now: datetime) -> bool:
        """Whether it is past; without a known end, when its day is."""
        return now >= moment(self.last, self.ends or "24:00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """All series by id (each place with a schedule is one), and the single days by the series they belong to."""

    series: Mapping[str, EventSeries] = field(default_factory=dict)
    single: Mapping[str, Event] = field(default_factory=dict)
    days: Mapping[str, tuple[Event, ...]] = field(default_factory=dict)

    def coming(self, name: str, now: datetime, count: int = 3) -> tuple[Occurrence, ...]:
        """The next dates of a series or single event that may be printed; none for what is only planned or rough."""
        told = (found for found in self._ahead(name, now) if found.state in TOLD)
        return tuple(islice(told, count))

    def cancelled(self, name: str, now: datetime) -> tuple[Occurrence, ...]:
        """Days to come that had been told, and do not take place."""
        return tuple(found for found in self._ahead(name, now) if found.state not in TOLD)

    def between(
        self, first: date, last: date, wanted: Callable[[Particulars], bool] | None = None
    ) -> Iterator[Occurrence]:
        """Every certain day of everything listed (that is `wanted`), cancelled ones among them; in no order."""
        for name, about in (*self.series.items(), *self.single.items()):
            if wanted is None or any(map(wanted, (about, *self.days.get(name, ())))):
                found = self.of(name, first, last)
                yield from found if wanted is None else (each for each in found if wanted(each.about))

    def nearest(
        self, first: date, most: int, wanted: Callable[[Particulars], bool] | None = None
    ) -> list[Occurrence]:
        """The first so many of them from a day on, in order, up to the horizon."""
        found: dict[str, Occurrence] = {}
        horizon = first + HORIZON
        while first <= horizon and len(found) < most:
            found |= {each.id: each for each in self.between(first, min(first + STRIDE, horizon), wanted)}
            first += STRIDE + timedelta(days=1)
        return sorted(found.values(), key=lambda each: each.order)[:most]

    def find(self, occurrence_id: str) -> Occurrence | None:
        """One day by its id: that of a single event, or series and original day (`kokoiru.20261205`)."""
        name, _, day = occurrence_id.rpartition(".")
        if occurrence_id in self.single:
            event = self.single[occurrence_id]
            return next(self.of(occurrence_id, event.day, event.day), None) if event.day else None
        try:
            original = date.fromisoformat(day)
        except ValueError:
            return None
        if not EARLIEST <= original <= LATEST:
            return None
        nearby = self.of(name, original - HORIZON, original + HORIZON)
        return next((found for found in nearby if found.id == occurrence_id), None)

    def of(self, name: str, first: date, last: date) -> Iterator[Occurrence]:
        """The certain days of a series or single event that touch the span from `first` to `last`."""
        if name in self.single:
            event = self.single[name]
            if event.day is not None and event.state != "planned":
                yield from _touching([_alone(event)], first, last)
            return
        series = self.series.get(name)
        if series is None or series.state == "cancelled":
            return
        ruled = calendar.days(series.schedule, first, last) if series.state == "confirmed" else ()
        known = self.days.get(name, ())
        spoken_for = {event.was or event.day for event in known}
        yield from (_by_rule(series, day) for day in ruled if day not in spoken_for)
        certain = (event for event in known if event.day is not None and event.state != "planned")
        yield from _touching([_by_hand(series, event) for event in certain], first, last)

    def _ahead(self, name: str, now: datetime) -> Iterator[Occurrence]:
        first = now.astimezone(TOKYO).date() - timedelta(days=1)  # what began yesterday may still be on
        series, known = self.series.get(name), self.days.get(name, ())
        told = self.of(name, first, first + HORIZON) if series is None or known else None
        if series is not None and told is None:  # most have no single days: look no farther than asked
            ruled = calendar.days_from(series.schedule, first) if series.state == "confirmed" else ()
            return (found for day in ruled if not (found := _by_rule(series, day)).is_over(now))
        assert told is not None
        return (found for found in sorted(told, key=lambda each: each.order) if not found.is_over(now))


def agenda_of(
    resources: Iterable[Resource], series: Iterable[EventSeries], events: Iterable[Event]
) -> Agenda:
    """The agenda of a release; what is not listed is not in it."""
    places = {resource.id: resource for resource in resources if resource.is_listed}
    found = {place.id: _as_series(place) for place in places.values() if place.schedule is not None}
    for each in series:
        place = places.get(each.resource)
        if each.listed:
            found[each.id] = _filled(each, _of_place(place)) if place else each
    single: dict[str, Event] = {}
    days: dict[str, tuple[Event, ...]] = {}
    for event in events:
        if not event.listed:
            continue
        if not event.series:
            single[event.id] = event
        elif event.series in found:
            days[event.series] = (*days.get(event.series, ()), event)
    return Agenda(series=found, single=single, days=days)


def _as_series(place: Resource) -> EventSeries:
    assert place.schedule is not None
    return EventSeries(
        id=place.id,
        name=place.name,
        kind=place.kind,
        schedule=place.schedule,
        source=place.source,
        agreement=place.agreement,
        **_of_place(place),
    )


def _of_place(place: Resource) -> dict[str, Any]:
    """What a place tells of each of its days; an empty word is nothing told."""
    known = {name: getattr(place, name) for name in OF_PLACE}
    known["residence"] = place.residence.words
    known["directions"] = place.station
    known["contact"] = place.mail or place.phone
    known["online"] = "online" in place.ways or None
    return {name: value for name, value in known.items() if value not in (None, "", ())}


def _filled(own: AnyParticulars, more: Mapping[str, Any]) -> AnyParticulars:
    missing = {name: more[name] for name in PARTICULARS if getattr(own, name) is None and name in more}
    return msgspec.structs.replace(own, **missing) if missing else own


def _told(own: Particulars) -> dict[str, Any]:
    return {name: value for name in PARTICULARS if (value := getattr(own, name)) is not None}


def _by_rule(series: EventSeries, day: date) -> Occurrence:
    return Occurrence(
        **_names(series, day),
        series=series.id,
        name=series.name,
        kind=series.kind,
        day=day,
        last=day,
        begins=series.schedule.begins,
        ends=series.schedule.ends,
        state="confirmed",
        was=None,
        about=series,
    )


def _by_hand(series: EventSeries, event: Event) -> Occurrence:
    assert event.day is not None
    told = event.begins is not None or event.ends is not None
    return Occurrence(
        **_names(series, event.was or event.day),
        series=series.id,
        name=event.name or series.name,
        kind=event.kind or series.kind,
        day=event.day,
        last=event.last or event.day,
        begins=event.begins if told else series.schedule.begins,
        ends=event.ends if told else series.schedule.ends,
        state=event.state,
        was=event.was,
        about=_filled(event, _told(series)),
    )


def _alone(event: Event) -> Occurrence:
    assert event.day is not None
    return Occurrence(
        id=event.id,
        uid=event.uid or str(uuid.uuid5(NAMESPACE, event.id)),
        series="",
        name=event.name,
        kind=event.kind or "event",
        day=event.day,
        last=event.last or event.day,
        begins=event.begins,
        ends=event.ends,
        state=event.state,
        was=event.was,
        about=event,
    )


def _names(series: EventSeries, original: date) -> dict[str, str]:
    """Names that outlive a move, and are the same in every release and every process."""
    named = f"{series.uid or series.id}/{original.isoformat()}"
    return {"id": f"{series.id}.{original:%Y%m%d}", "uid": str(uuid.uuid5(NAMESPACE, named))}


def _touching(found: Iterable[Occurrence], first: date, last: date) -> Iterator[Occurrence]:
    return (each for each in found if each.day <= last and each.last >= first)

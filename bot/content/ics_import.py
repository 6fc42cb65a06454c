"""A group's own calendar (RFC 5545) as series and events. Pure, and bounded whatever the file holds.

The file is taken apart line by line first, so that each problem has its line and no zone of the file's own is ever
computed: `icalendar` reads one event at a time, and rules are checked before anybody looks for their days.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from bot.content.events import Event, EventSeries
from bot.content.ics_item import Item, understood
from bot.content.ics_lines import take_apart
from bot.content.importing import Defaults, Gathered, Imported, Unfit, decoded, made_id
from bot.content.schedule import EARLIEST, Schedule, until


def read_ics(data: bytes, defaults: Defaults, today: date) -> Imported:
    """The series and events of a calendar file, and what could not be taken. Names and addresses of people
    (ORGANIZER, ATTENDEE), alarms and private events are left. Raises BadInput when it is no calendar at all."""
    parts = take_apart(decoded(data))
    gathered = Gathered(today)
    items: dict[tuple[str, date | None], Item] = {}
    for lines in parts.events:
        try:
            item = understood(lines, parts, defaults)
        except Unfit as problem:
            gathered.problem(lines.line, problem.key, **problem.values)
            continue
        if item is None:
            continue
        known = items.get((item.uid, item.was))
        if known is None or known.sequence <= item.sequence:
            items[item.uid, item.was] = item
    masters = {uid: item for (uid, was), item in items.items() if was is None}
    for item in items.values():
        try:
            gathered.add(_document(item, masters.get(item.uid), defaults))
        except Unfit as problem:
            gathered.problem(item.line, problem.key, **problem.values)
    over = {each.id for each in gathered.series if _is_past(each, today)}
    gathered.past += len(over)
    gathered.series = [each for each in gathered.series if each.id not in over]
    gathered.events = [each for each in gathered.events if each.series not in over]
    return gathered.done()


def _document(item: Item, master: Item | None, defaults: Defaults) -> Event | EventSeries:
    about = {
        name: value for name, value in item.told.items() if value is not None and not name.startswith("own_")
    }
    if item.was is not None:
        if master is None:
            raise Unfit("orphan")
        return _changed(item, master, about)
    if item.rule or item.rdates:
        return _series(item, about, defaults)
    series = item.told["own_series"] if item.told["own_series"] in defaults.series else ""
    was, last = (_iso(item.told[f"own_{name}"]) for name in ("was", "last"))
    return Event(
        id=made_id(item.uid),
        uid="" if series else item.uid,
        series=series,
        day=item.day,
        last=last or (item.last if item.last > item.day else None),
        was=was,
        state="moved" if was and item.state == "confirmed" else item.state,
        begins=item.begins,
        ends=item.ends,
        source=defaults.source,
        **about,
    )


def _series(item: Item, about: dict[str, Any], defaults: Defaults) -> EventSeries:
    if item.rule:
        schedule = Schedule(
            kind="exact",
            rrule=item.rule,
            since=item.day,
            rdates=item.rdates,
            exdates=item.exdates,
            on_holiday=defaults.on_holiday,
            begins=item.begins,
            ends=item.ends,
        )
    else:
        days = {item.day, *item.rdates} - set(item.exdates)
        schedule = Schedule(kind="dates", dates=tuple(sorted(days)), begins=item.begins, ends=item.ends)
    state = item.state if item.state != "moved" else "confirmed"
    return EventSeries(
        id=made_id(item.uid), uid=item.uid, schedule=schedule, state=state, source=defaults.source, **about
    )


def _changed(item: Item, master: Item, about: dict[str, Any]) -> Event:
    """One day of a series that is not as the others: only what differs is told of it."""
    assert item.was is not None
    moved = item.day != item.was and item.state == "confirmed"
    different = {name: value for name, value in about.items() if master.told.get(name) != value}
    return Event(
        id=made_id(item.uid, item.was.isoformat()),
        series=made_id(item.uid),
        day=item.was if item.state == "cancelled" else item.day,
        last=item.last if item.last > item.day else None,
        was=item.was if moved else None,
        state="moved" if moved else item.state,
        begins=item.begins,
        ends=item.ends,
        **different,
    )


def _iso(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _is_past(series: EventSeries, today: date) -> bool:
    """Whether a series has had its last day."""
    schedule = series.schedule
    if schedule.kind == "dates":
        return max(schedule.dates, default=EARLIEST) < today
    end = until(schedule.rrule)
    return end is not None and max(end, *schedule.rdates, EARLIEST) < today

"""Dates as iCalendar (RFC 5545, RFC 7986), for any calendar program. Pure: the same days give the same bytes.

Each day is an event of its own. Holidays, closings and single changes have no form in a rule that every program reads
alike (some refuse BYDAY=1SA,2WE,3WE,4WE), and a rule would go on printing dates nobody is certain of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.content.agenda import TOLD, Occurrence
from bot.content.events import Particulars
from bot.content.schedule import moment

if TYPE_CHECKING:
    from icalendar import Event, Timezone

PRODUCT = "-//Engawa//Calendar//JA"
MAX_EVENTS = 1_000
ZONE = "Asia/Tokyo"
BREAKS = "\t\v\f\x1c\x1d\x1e\x85\u2028\u2029"
FACTS = ("summary", "directions", "residence", "reservation", "cost")
OWN = (
    "prefecture",
    "municipality",
    "directions",
    "online",
    "capacity",
    "residence",
    "reservation",
    "cost",
    "summary",
)
"""Particulars that no property, or only the description tells: as X-ENGAWA-…, so that an import loses nothing."""


def calendar(
    name: str, found: Iterable[Occurrence], labels: dict[str, str], *, number: int, published_at: datetime
) -> bytes:
    """A calendar of these days in order of time, at most `MAX_EVENTS`; a valid one also without any.

    `labels` name the facts of a description. SEQUENCE is the release, which only grows, and DTSTAMP its time: RFC
    5545 §3.8.7.2 means by it when the information was last revised.
    """
    from icalendar import Calendar, vDuration, vText

    made = Calendar()
    made.add("VERSION", "2.0")
    made.add("PRODID", PRODUCT)
    made.add("METHOD", "PUBLISH")
    for property_ in ("NAME", "X-WR-CALNAME"):
        made.add(property_, vText(printable(name)))
    made.add("X-WR-TIMEZONE", ZONE)
    made.add("REFRESH-INTERVAL", vDuration(timedelta(days=1)), parameters={"VALUE": "DURATION"})
    made.add("X-PUBLISHED-TTL", "P1D")
    made.add_component(_zone())
    ordered = sorted(found, key=lambda each: each.order)
    for each in ordered[:MAX_EVENTS]:
        made.add_component(_event(each, labels, number, published_at))
    text: bytes = made.to_ical()
    return text


def _zone() -> Timezone:
    """Tokyo's: nine hours ahead all year, in every year we tell of."""
    from icalendar import Timezone, TimezoneStandard

    standard = TimezoneStandard()
    standard.add("DTSTART", datetime(1951, 9, 9))  # noqa: DTZ001 - local by definition (RFC 5545 §3.6.5)
    standard.add("TZNAME", "JST")
    standard.add("TZOFFSETFROM", timedelta(hours=9))
    standard.add("TZOFFSETTO", timedelta(hours=9))
    zone = Timezone()
    zone.add("TZID", ZONE)
    zone.add_component(standard)
    return zone


def _event(found: Occurrence, labels: dict[str, str], number: int, published_at: datetime) -> Event:
    from icalendar import Event, vText

    about = found.about
    made = Event()
    made.add("UID", found.uid)
    made.add("DTSTAMP", published_at)
    made.add("LAST-MODIFIED", published_at)
    made.add("SEQUENCE", number)
    made.add("STATUS", "CONFIRMED" if found.state in TOLD else "CANCELLED")
    made.add("CLASS", "PUBLIC")
    if found.begins is None:
        made.add("DTSTART", found.day)
        made.add("DTEND", found.last + timedelta(days=1))
        made.add("TRANSP", "TRANSPARENT")  # nobody is busy a whole day because something is on
    else:
        made.add("DTSTART", moment(found.day, found.begins))
        if found.ends is not None:
            made.add("DTEND", moment(found.last, found.ends))
    told = {"SUMMARY": found.name, "LOCATION": about.venue, "CONTACT": about.contact}
    told["DESCRIPTION"] = "\n".join(_described(about, labels))
    told |= {f"X-ENGAWA-{name.upper()}": value for name, value in _own(found).items()}
    for name, value in told.items():
        if value:
            made.add(name, vText(printable(value)))
    if about.url:
        made.add("URL", "".join(printable(about.url).split()))
    return made


def _described(about: Particulars, labels: dict[str, str]) -> Iterator[str]:
    for name in FACTS:
        if value := getattr(about, name):
            yield value if name == "summary" else f"{labels.get(name, name)}: {value}"


def _own(found: Occurrence) -> dict[str, str]:
    """What an import of our own calendar needs to know a day again, with all that is told of it."""
    values = {name: getattr(found.about, name) for name in OWN}
    values |= {"kind": found.kind, "series": found.series, "was": found.was}
    values["audience"] = ",".join(found.about.audience or ())
    if found.begins is not None and found.ends is None and found.last > found.day:
        values["last"] = found.last
    told = {True: "yes", False: "no"}
    return {
        name: told[value] if isinstance(value, bool) else str(value)
        for name, value in values.items()
        if value not in (None, "")
    }


def printable(text: str) -> str:
    """Without characters that end a line in one program and not in another, or that are not to be seen."""
    kept = (" " if mark in BREAKS else mark for mark in text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(mark for mark in kept if mark == "\n" or mark.isprintable() or mark == "\u3000")

"""Our calendars: what other programs read in them, and that an import changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import icalendar
import ics
import msgspec
import pytest
import recurring_ical_events
import vobject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from bot.content.agenda import TOLD, Agenda, Occurrence, agenda_of
from bot.content.events import Event, EventSeries
from bot.content.ics import MAX_EVENTS, calendar
from bot.content.ics_import import read_ics
from bot.content.importing import Defaults
from bot.content.schedule import Schedule, moment
from tests.content import dated
from tests.content.dated import FIRST, LAST

PUBLISHED = datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC)
LABELS = {
    "summary": "ようす",
    "directions": "行き方",
    "residence": "住まい",
    "reservation": "予約",
    "cost": "費用",
}
SOME = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@st.composite
def agendas(draw: DrawFn) -> Agenda:
    """Two series with single days of their own, each on another day, and some that stand alone."""
    known = [draw(dated.series(number)) for number in range(2)]
    found = [draw(dated.events(number)) for number in range(draw(st.integers(0, 3)))]
    for number in range(draw(st.integers(0, 4))):
        each = draw(dated.events(10 + number, of=f"series-{number % 2}"))
        taken = {(other.series, other.was or other.day) for other in found}
        if (each.series, each.was or each.day) not in taken:
            found.append(each)
    return agenda_of([], known, found)


def written(agenda: Agenda, number: int = 7) -> bytes:
    days = agenda.between(FIRST, LAST)
    return calendar("カレンダー, の; 名前\n", days, LABELS, number=number, published_at=PUBLISHED)


def shown(agenda: Agenda) -> list[Occurrence]:
    return sorted(agenda.between(FIRST, LAST), key=lambda each: each.order)


@given(agendas())
@SOME
def test_a_calendar_is_made_as_the_standard_says(agenda: Agenda) -> None:
    """Lines of 75 bytes ended by CRLF, each a character's whole; one calendar, one zone, an event for each day."""
    text = written(agenda)
    lines = text.split(b"\r\n")
    assert lines.pop() == b""
    for line in lines:
        assert len(line) <= 75
        assert b"\n" not in line
        assert b"\r" not in line
        line.decode()
    read = icalendar.Calendar.from_ical(text)
    assert read.errors == []
    assert [part.name for part in read.subcomponents] == ["VTIMEZONE"] + ["VEVENT"] * len(shown(agenda))
    assert all(part.errors == [] for part in read.walk())
    assert len({str(part["UID"]) for part in read.events}) == len(read.events)


@given(agendas())
@SOME
def test_other_programs_read_every_day_as_it_is_told(agenda: Agenda) -> None:
    """Two libraries that know nothing of the one which wrote it: names, days, times, places, states."""
    text, days = written(agenda).decode(), shown(agenda)
    one = list(getattr(vobject.readOne(text), "vevent_list", []))
    assert [each.summary.value for each in one] == [each.name for each in days]
    assert [each.dtstart.value for each in one] == [start(each) for each in days]
    assert [each.status.value for each in one] == [status(each) for each in days]
    assert [getattr(getattr(each, "location", None), "value", None) for each in one] == [
        each.about.venue for each in days
    ]
    other = {each.uid: each for each in ics.Calendar(text).events}
    assert len(other) == len(days)
    for day in days:
        read = other[day.uid]
        assert (read.name, read.status, read.all_day) == (day.name, status(day), day.begins is None)
        begins = (
            moment(day.day, day.begins) if day.begins else datetime.combine(day.day, datetime.min.time(), UTC)
        )
        assert read.begin.datetime == begins
        if day.begins and day.ends:
            assert read.end.datetime == moment(day.last, day.ends)


def start(day: Occurrence) -> date | datetime:
    return day.day if day.begins is None else moment(day.day, day.begins)


def status(day: Occurrence) -> str:
    return "CONFIRMED" if day.state in TOLD else "CANCELLED"


@given(agendas())
@SOME
def test_an_import_of_our_own_calendar_changes_nothing(agenda: Agenda) -> None:
    """Read again and told again, it is the same to the byte: as days of the series, and as days by themselves."""
    text = written(agenda)
    again = read_ics(text, Defaults(series=frozenset(agenda.series)), FIRST)
    assert (again.problems, again.series, again.past) == ((), (), 0)
    bare = [msgspec.structs.replace(each, schedule=Schedule(kind="dates")) for each in agenda.series.values()]
    assert written(agenda_of([], bare, again.events)) == text
    alone = read_ics(text, Defaults(), FIRST)
    once = written(agenda_of([], [], alone.events))
    assert once == b"\r\n".join(line for line in joined(text) if not line.startswith(b"X-ENGAWA-SERIES"))
    twice = read_ics(once, Defaults(), FIRST)
    assert sorted(twice.events, key=str) == sorted(alone.events, key=str)


def joined(text: bytes) -> list[bytes]:
    return text.split(b"\r\n")


@given(agendas(), st.integers(1, 9))
@SOME
def test_the_same_content_makes_the_same_bytes(agenda: Agenda, number: int) -> None:
    """Whenever and wherever it is written; a later release changes nothing but its number."""
    assert written(agenda, number) == written(agenda, number)
    later = written(agenda, number + 1).replace(b"SEQUENCE:%d" % (number + 1), b"SEQUENCE:%d" % number)
    assert later == written(agenda, number)


KOKOIRU = EventSeries(
    id="kokoiru",
    name="ここにいるよ",
    schedule=Schedule(
        kind="exact",
        rrule="FREQ=MONTHLY;BYDAY=1SA,2WE,3WE,4WE",
        on_holiday="skipped",
        begins="13:30",
        ends="15:00",
    ),
    venue="夢プラザ 2階",
)


def test_a_calendar_expands_to_the_days_of_the_agenda() -> None:
    """What a program with its own reading of recurrences would put on its pages."""
    agenda = agenda_of([], [KOKOIRU], [])
    found = recurring_ical_events.of(icalendar.Calendar.from_ical(written(agenda)))
    starts = [each["DTSTART"].dt for each in found.between(FIRST, LAST + timedelta(days=1))]
    assert sorted(starts) == [moment(each.day, "13:30") for each in shown(agenda)]
    assert len(starts) == 16  # 2 January lies in the closing


def test_a_move_and_a_cancellation_reach_who_has_the_day_already() -> None:
    """The name of a day outlives its move; a day that is cancelled is said to be, not just gone."""
    before = {each.day: each.uid for each in shown(agenda_of([], [KOKOIRU], []))}
    saturday, wednesday, sunday = date(2026, 12, 5), date(2026, 12, 9), date(2026, 12, 6)
    changes = [
        Event(id="a", series="kokoiru", day=sunday, was=saturday, state="moved", begins="10:00"),
        Event(id="b", series="kokoiru", day=wednesday, state="cancelled"),
    ]
    after = {each.day: each for each in shown(agenda_of([], [KOKOIRU], changes))}
    assert saturday not in after
    assert (after[sunday].uid, after[sunday].state, after[sunday].begins) == (
        before[saturday],
        "moved",
        "10:00",
    )
    assert (after[wednesday].uid, after[wednesday].state) == (before[wednesday], "cancelled")
    text = written(agenda_of([], [KOKOIRU], changes)).decode()
    assert text.count("STATUS:CANCELLED") == 1


def test_a_calendar_without_days_is_one_all_the_same() -> None:
    """Who subscribes to a quiet area gets no error every night."""
    text = calendar("しずか", [], LABELS, number=1, published_at=PUBLISHED)
    assert icalendar.Calendar.from_ical(text).events == []
    assert ics.Calendar(text.decode()).events == set()
    assert text.count(b"BEGIN:VTIMEZONE") == 1


def test_a_calendar_has_an_end() -> None:
    """However much content there is: the nearest days, up to a number."""
    day = shown(agenda_of([], [KOKOIRU], []))[0]
    many = [replace(day, id=str(number), uid=str(number)) for number in range(MAX_EVENTS + 5)]
    text = calendar("x", many, LABELS, number=1, published_at=PUBLISHED)
    assert text.count(b"BEGIN:VEVENT") == MAX_EVENTS


@pytest.mark.parametrize("hidden", ["\u202e", "\x00", "\x0b", "\u2028", "\x85", "\r", "\x1c"])
def test_no_name_breaks_a_line(hidden: str) -> None:
    """Characters at which one program ends a line and another does not; and those that turn text round."""
    name = f"会{hidden}END:VEVENT"
    agenda = agenda_of(
        [], [], [Event(id="e", name=name, day=FIRST, venue=name, url=f"https://x.jp/{hidden}\nA:b")]
    )
    text = written(agenda).decode()
    assert len(text.splitlines()) == text.count("\r\n")
    assert "\nA:b" not in text
    assert len(ics.Calendar(text).events) == 1


def test_times_are_tokyos() -> None:
    """Half past one there is half past four in the morning in London."""
    text = written(agenda_of([], [KOKOIRU], []))
    starts: list[Any] = [each["DTSTART"] for each in icalendar.Calendar.from_ical(text).events]
    assert starts == sorted(starts, key=lambda start: start.dt)
    assert {start.params["TZID"] for start in starts} == {"Asia/Tokyo"}
    assert {start.dt.astimezone(UTC).strftime("%H:%M") for start in starts} == {"04:30"}

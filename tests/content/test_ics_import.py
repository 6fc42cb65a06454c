"""Calendars of other programs, whole, odd and hostile."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta

import icalendar
import msgspec
import pytest
import recurring_ical_events
from hypothesis import given
from hypothesis import strategies as st

from bot.content.agenda import agenda_of
from bot.content.check_dates import event_issues
from bot.content.events import Event, EventSeries
from bot.content.ics_import import read_ics
from bot.content.importing import MAX_BYTES, Defaults, Imported
from bot.errors import BadInput
from bot.handoff.hours import TOKYO

TODAY = date(2026, 11, 21)
HELD = Defaults(prefecture="大阪府", municipality="阪南市", audience=("family",), on_holiday="held")


def calendar(*events: str, head: str = "") -> bytes:
    body = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{head}{body}END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


def read(*events: str, head: str = "", defaults: Defaults = HELD) -> Imported:
    return read_ics(calendar(*events, head=head), defaults, TODAY)


GOOGLE = """
DTSTART;TZID=Asia/Tokyo:20260523T133000
DTEND;TZID=Asia/Tokyo:20260523T153000
RRULE:FREQ=MONTHLY;INTERVAL=2;BYDAY=4SA
EXDATE;TZID=Asia/Tokyo:20270123T133000
DTSTAMP:20261101T000000Z
ORGANIZER;CN=山田花子:mailto:hanako@example.jp
ATTENDEE;CN=佐藤:mailto:sato@example.jp
UID:abc123@google.com
CREATED:20260101T000000Z
DESCRIPTION:近況を話します。<br>申し込みは<b>いりません</b>。
LOCATION:夢プラザ
SEQUENCE:2
STATUS:CONFIRMED
SUMMARY:まんまの会
TRANSP:OPAQUE
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-P0DT0H30M0S
END:VALARM
"""
MOVED = """
DTSTART;TZID=Asia/Tokyo:20261129T100000
DTEND;TZID=Asia/Tokyo:20261129T120000
RECURRENCE-ID;TZID=Asia/Tokyo:20261128T133000
UID:abc123@google.com
SUMMARY:まんまの会
DTSTAMP:20261101T000000Z
LOCATION:交流館
SEQUENCE:3
"""


def test_a_groups_own_calendar() -> None:
    """A series with an exception and a day that moved; who organises and who comes is nobody's business."""
    found = read(GOOGLE, MOVED)
    assert found.problems == ()
    (series,), (event,) = found.series, found.events
    assert (series.name, series.summary) == ("まんまの会", "近況を話します。\n申し込みはいりません。")
    assert (series.venue, series.prefecture, series.audience) == ("夢プラザ", "大阪府", ("family",))
    assert (series.schedule.begins, series.schedule.ends) == ("13:30", "15:30")
    assert (event.state, event.was, event.day) == ("moved", date(2026, 11, 28), date(2026, 11, 29))
    assert (event.venue, event.summary) == ("交流館", None)
    assert "example.jp" not in msgspec.json.encode(found.documents()[0].body).decode()
    agenda = agenda_of([], found.series, found.events)
    days = [each.day for each in agenda.coming(series.id, datetime(2026, 11, 21, tzinfo=TOKYO), 3)]
    assert days == [date(2026, 11, 29), date(2027, 3, 27), date(2027, 5, 22)]
    assert list(event_issues({series.id: series}, {event.id: event}, {})) == []


def test_the_same_file_again_is_the_same_content() -> None:
    """An import can be repeated whenever the group changes something."""
    assert read(GOOGLE, MOVED) == read(GOOGLE, MOVED)
    assert read(GOOGLE).series[0].id == read(GOOGLE, MOVED).series[0].id


RULES = [
    "FREQ=WEEKLY;BYDAY=SA",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA;COUNT=8",
    "FREQ=MONTHLY;BYDAY=1SA,3SA;UNTIL=20270306T043000Z",
    "FREQ=MONTHLY;BYDAY=1SA,3SA;UNTIL=20270306T042959Z",
    "FREQ=MONTHLY;BYMONTHDAY=5",
    "FREQ=DAILY;INTERVAL=10;UNTIL=20270301",
    "FREQ=YEARLY",
]


@pytest.mark.parametrize(
    "zone", [";TZID=Asia/Tokyo:20261205T133000", ":20261205T043000Z", ";VALUE=DATE:20261205"]
)
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_means_here_what_it_meant_there(rule: str, zone: str) -> None:
    """The days another program shows for the same file, five months on."""
    if "T" in rule.partition("UNTIL=")[2] and "DATE" in zone:
        rule = rule[: rule.index("UNTIL=") + 14]
    event = (
        f"UID:a\nSUMMARY:会\nDTSTART{zone}\nRRULE:{rule}\nEXDATE{zone}\nRDATE{zone.replace('1205', '1207')}"
    )
    found = read(event, defaults=Defaults(on_holiday="held"))
    assert found.problems == ()
    first, last = date(2026, 11, 21), date(2027, 4, 30)
    series = msgspec.structs.replace(
        found.series[0], schedule=msgspec.structs.replace(found.series[0].schedule, year_end="none")
    )
    ours = sorted(each.day for each in agenda_of([], [series], []).of(series.id, first, last))
    other = recurring_ical_events.of(icalendar.Calendar.from_ical(calendar(event))).between(first, last)
    starts = [each["DTSTART"].dt for each in other]
    theirs = sorted(at.astimezone(TOKYO).date() if isinstance(at, datetime) else at for at in starts)
    assert ours == theirs
    assert date(2026, 12, 7) in ours


def test_a_holiday_nobody_spoke_of_is_not_told() -> None:
    """Unless whoever imports it says that the group meets on holidays, too: many forget to take them out."""
    event = "UID:a\nSUMMARY:会\nDTSTART;VALUE=DATE:20261102\nRRULE:FREQ=WEEKLY"
    plain, held = read(event, defaults=Defaults()), read(event, defaults=Defaults(on_holiday="held"))
    day = date(2026, 11, 23)
    told = [list(agenda_of([], each.series, []).of(each.series[0].id, day, day)) for each in (plain, held)]
    assert [len(found) for found in told] == [0, 1]


def one(event: str, head: str = "") -> Event:
    found = read(event, head=head)
    assert found.problems == (), found.problems
    return found.events[0]


OUTLOOK = """BEGIN:VTIMEZONE
TZID:(UTC+09:00) Osaka\\, Sapporo\\, Tokyo
BEGIN:STANDARD
DTSTART:16010101T000000
TZOFFSETFROM:+0900
TZOFFSETTO:+0900
RRULE:FREQ=SECONDLY
END:STANDARD
END:VTIMEZONE
"""


@pytest.mark.parametrize(
    ("start", "head"),
    [
        ("DTSTART:20261205T043000Z", ""),
        ("DTSTART:20261205T133000", ""),
        ("DTSTART;TZID=Asia/Tokyo:20261205T133000", ""),
        ("DTSTART;TZID=Tokyo Standard Time:20261205T133000", ""),
        ('DTSTART;TZID="(UTC+09:00) Osaka\\, Sapporo\\, Tokyo":20261205T133000', OUTLOOK),
        ("DTSTART;TZID=/freeassociation.sourceforge.net/Asia/Tokyo:20261205T133000", ""),
        ("DTSTART;TZID=America/New_York:20261204T233000", ""),
        ("DTSTART:20261204T233000", "X-WR-TIMEZONE:America/New_York\n"),
    ],
)
def test_every_zone_is_tokyo_in_the_end(start: str, head: str) -> None:
    """UTC, none, a name of a maker's own, a zone the file defines, another country's."""
    event = one(f"UID:a\nSUMMARY:会\n{start}\nDURATION:PT90M", head)
    assert (event.day, event.begins, event.ends) == (date(2026, 12, 5), "13:30", "15:00")


def test_several_days_and_a_night() -> None:
    """The last day of a camp, and two in the morning as people say it."""
    camp = one("UID:a\nSUMMARY:合宿\nDTSTART;VALUE=DATE:20261205\nDTEND;VALUE=DATE:20261208")
    assert (camp.day, camp.last) == (date(2026, 12, 5), date(2026, 12, 7))
    night = one("UID:a\nSUMMARY:夜\nDTSTART:20261205T110000Z\nDTEND:20261205T170000Z")
    assert (night.day, night.last, night.begins, night.ends) == (date(2026, 12, 5), None, "20:00", "26:00")


def test_states_and_what_is_private() -> None:
    """A tentative day is planned, a cancelled one is told to be; a private one is left, and so is the past."""
    day = "SUMMARY:会\nDTSTART;VALUE=DATE:20261205"
    found = read(
        f"UID:a\n{day}\nSTATUS:TENTATIVE",
        f"UID:b\n{day}\nSTATUS:CANCELLED",
        f"UID:c\n{day}\nCLASS:PRIVATE",
        "UID:d\nSUMMARY:会\nDTSTART;VALUE=DATE:20261120",
        "UID:e\nSUMMARY:会\nDTSTART;VALUE=DATE:20250101\nRRULE:FREQ=DAILY;UNTIL=20250601",
    )
    assert [event.state for event in found.events] == ["planned", "cancelled"]
    assert (found.series, found.past, found.problems) == ((), 2, ())


def test_a_link_to_join_is_not_published() -> None:
    """An address as the place is for those invited: the gathering is online, and that is all."""
    event = one("UID:a\nSUMMARY:会\nDTSTART;VALUE=DATE:20261205\nLOCATION:https://meet.example.jp/abc?pwd=1")
    assert (event.online, event.venue) == (True, None)


@pytest.mark.parametrize(
    ("event", "line", "told"),
    [
        ("UID:a\nSUMMARY:会", 7, "はじまりの日時がありません"),
        ("UID:a\nSUMMARY:会\nDTSTART:昨日", 7, "「DTSTART」を読めません"),
        ("UID:a\nDTSTART;VALUE=DATE:20261205", 7, "名前がありません"),
        ("UID:a\nSUMMARY:会\nDTSTART;TZID=Mars/Olympus:20261205T100000", 7, "Mars/Olympus"),
        ("UID:a\nSUMMARY:会\nDTSTART;TZID=../../etc/passwd:20261205T100000", 7, "時刻帯"),
        ("UID:a\nSUMMARY:会\nDTSTART:20261205T100000Z\nDTEND:20261205T090000Z", 7, "はじまりより前"),
        ("UID:a\nSUMMARY:会\nDTSTART;VALUE=DATE:99991231", 7, "日にちを直してください"),
        ("UID:a\nSUMMARY:会\nDTSTART;VALUE=DATE:20261205\nDTSTART;VALUE=DATE:20261206", 7, "二つあります"),
        ("UID:a\nSUMMARY:会\nDTSTART;VALUE=DATE:20261205\nRRULE:FREQ=SECONDLY", 7, "くりかえし"),
        ("UID:a\nSUMMARY:会\nDTSTART:20261205T230000Z\nRRULE:FREQ=WEEKLY;BYDAY=SA", 7, "日本時間"),
        (
            "UID:a\nSUMMARY:会\nDTSTART;TZID=Europe/Berlin:20261205T100000\nRRULE:FREQ=WEEKLY",
            7,
            "日本時間",
        ),
        (
            "UID:a\nSUMMARY:会\nDTSTART;VALUE=DATE:20261205\nDTEND;VALUE=DATE:20261208\nRRULE:FREQ=MONTHLY",
            7,
            "何日もつづく",
        ),
        (
            "UID:a\nSUMMARY:会\nDTSTART;VALUE=DATE:20261205\nRECURRENCE-ID;VALUE=DATE:20261204",
            7,
            "もとの予定",
        ),
        (
            "UID:a\nSUMMARY:会\nDTSTART;VALUE=DATE:20261205\nRECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20261204",
            7,
            "この回より後",
        ),
    ],
)
def test_what_cannot_be_taken_is_told_with_its_line(event: str, line: int, told: str) -> None:
    """In Japanese, with what to do; the others in the file are taken all the same."""
    good = "UID:good\nSUMMARY:会\nDTSTART;VALUE=DATE:20261205"
    found = read(good.replace("SUMMARY:会", "SUMMARY:長い\n 名前").replace("\nDTSTART", "\nDTSTART"), event)
    assert [event.name for event in found.events] == ["長い名前"]
    (problem,) = found.problems
    assert told in problem.message
    assert problem.message.endswith("。")
    assert problem.line == line + 3


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "カレンダーの形ではありません"),
        (b"name,date\r\n", "カレンダーの形ではありません"),
        (b"BEGIN:VEVENT\r\nEND:VEVENT\r\n", "カレンダーの形ではありません"),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n", "BEGINとEND"),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", "BEGINとEND"),
        (b"\xff\xfe\x00\x81\x20", "文字コード"),
        (b"x" * (MAX_BYTES + 1), "大きすぎます"),
        (b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\nEND:VEVENT\r\n" * 2500, "多すぎます"),
        (b"BEGIN:VCALENDAR\r\n" + b"BEGIN:A\r\n" * 20_000, "BEGINとEND"),
        (b"BEGIN:VCALENDAR\r\nX:" + b"x" * 900_000, "長すぎます"),
        (b"BEGIN:VCALENDAR\r\nX:" + b"\r\n x" * 200_000, "長すぎます"),
    ],
)
def test_what_is_no_calendar_is_refused(data: bytes, told: str) -> None:
    """At once, and with what to do."""
    begun = time.perf_counter()
    with pytest.raises(BadInput, match=told):
        read_ics(data, Defaults(), TODAY)
    assert time.perf_counter() - begun < 10


HOSTILE = [
    "RRULE:FREQ=SECONDLY;COUNT=999999999",
    "RRULE:FREQ=DAILY;COUNT=999999999",
    "RRULE:FREQ=DAILY;INTERVAL=999999999",
    "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "RRULE:FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29",
    "RRULE:FREQ=MONTHLY;BYDAY=1SA;BYSETPOS=2",
    "RRULE:FREQ=YEARLY;BYMONTH=" + ",".join(["2"] * 3000) + ";BYMONTHDAY=30",
    "RRULE:FREQ=DAILY;UNTIL=99991231T235959Z",
    "RRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY",
    "EXDATE:" + ",".join(["20261205T043000Z"] * 1000),
    "RDATE:" + ",".join(f"2027{month:02}{day:02}T043000Z" for month in range(1, 13) for day in range(1, 29)),
    "RDATE;VALUE=PERIOD:20261205T043000Z/PT1H",
    "DURATION:P999999999D",
    "DESCRIPTION:" + "<" * 15_000,
    "DESCRIPTION:" + "<br" * 5_000,
    "X-ENGAWA-CAPACITY:" + "9" * 10_000,
    "SEQUENCE:" + "9" * 10_000,
    "ATTENDEE;CN=" + '"' + "a" * 10_000 + ":mailto:x",
    "\n".join(f"X-{number}:x" for number in range(400)),
]


@pytest.mark.parametrize("line", HOSTILE)
def test_a_hostile_event_costs_no_more_than_another(line: str) -> None:
    """Whether it is taken or refused: a hundred of them within seconds, their days found as quickly."""
    events = [f"UID:{number}\nSUMMARY:会\nDTSTART:20261205T043000Z\n{line}" for number in range(100)]
    data = calendar(*events)[:MAX_BYTES]
    begun = time.perf_counter()
    try:
        found = read_ics(data, HELD, TODAY)
    except BadInput:
        found = Imported()
    agenda = agenda_of([], found.series, found.events)
    for each in found.series:
        assert len(agenda.coming(each.id, datetime(2026, 11, 21, tzinfo=TOKYO), 3)) <= 3
    days = list(agenda.between(TODAY, TODAY + timedelta(days=400)))
    assert len(days) <= 100 * 401
    assert time.perf_counter() - begun < 60


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Never anything but a result or a reason."""
    for text in (data, calendar("UID:a\nSUMMARY:b\nDTSTART:20261205T043000Z\n") + data):
        try:
            read_ics(text, Defaults(), TODAY)
        except BadInput:
            continue


NAMES = [
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "RDATE",
    "EXDATE",
    "RECURRENCE-ID",
    "UID",
    "SUMMARY",
    "STATUS",
    "X",
]
VALUES = st.sampled_from(
    ["20261205", "20261205T043000Z", "PT1H", "-P1D", "FREQ=DAILY", "FREQ=WEEKLY;BYDAY=1SA", "", ":"]
)
HEADS = st.sampled_from(
    ["", ";VALUE=DATE", ";TZID=Asia/Tokyo", ";TZID=Nowhere", ";VALUE=PERIOD", ';X="a:b"', ";="]
)
properties = st.builds(
    lambda name, head, value: f"{name}{head}:{value}",
    st.sampled_from(NAMES),
    HEADS,
    VALUES | st.text(max_size=20),
)


@given(st.lists(st.lists(properties, max_size=8).map("\n".join), max_size=3))
def test_any_properties_are_read_or_told(events: list[str]) -> None:
    """Whatever stands in an event: it is taken, or there is a problem with its line; what is taken passes the check."""
    try:
        found = read(*events)
    except BadInput:
        return
    series = {each.id: each for each in found.series}
    single: dict[str, Event] = {each.id: each for each in found.events}
    assert list(event_issues(series, single, {})) == []
    assert all(isinstance(each, EventSeries) for each in found.series)

"""What people are told of dates: certain ones as dates, everything else in its own words."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.content import codec
from bot.content.agenda import agenda_of
from bot.content.check import check
from bot.content.check_dates import event_issues, schedule_issues
from bot.content.codec import Document
from bot.content.event_cards import event_card
from bot.content.events import Event, EventSeries
from bot.content.issues import told
from bot.content.model import Resource, Source
from bot.content.pack import Released
from bot.content.schedule import Schedule
from bot.flows.model import Query
from bot.handoff.hours import TOKYO, OpeningHours, Shift
from bot.messages import Card, CardDate
from tests.content import dated
from tests.content.dated import FIRST, VAGUE
from tests.strategies import seed_pack

NOW = datetime.combine(FIRST, datetime.min.time(), TOKYO) + timedelta(hours=9)
WORDS = dict(seed_pack().texts)
A_DATE = re.compile(r"\d+\s*[月/／]\s*\d+|\d{4}-\d\d|\d+日")
SOME = settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
FACTS: dict[str, Any] = {
    "prefecture": "大阪府",
    "municipality": "阪南市",
    "venue": "夢プラザ",
    "audience": ("family",),
}
MANMA = EventSeries(
    id="manma", name="まんまの会", schedule=Schedule(kind="roughly", wording="おおむね第4土曜の午後"), **FACTS
)
KOKOIRU = EventSeries(
    id="kokoiru",
    name="ここにいるよ",
    schedule=Schedule(kind="exact", rrule="FREQ=MONTHLY;BYDAY=1SA,2WE,3WE,4WE", begins="13:30", ends="15:00"),
    online=True,
)


def card(
    about: EventSeries | Event, *events: Event, full: bool = False, base: str = "", now: datetime = NOW
) -> Card:
    series = [about] if isinstance(about, EventSeries) else []
    single = [about] if isinstance(about, Event) else []
    return event_card(about, agenda_of([], series, [*single, *events]), WORDS, now, full=full, base=base)


def printed(made: Card) -> str:
    """Everything a person would read, but names and facts that staff wrote."""
    known = {WORDS[f"label_{name}"][0] for name in ("when", "time", "more_dates", "change")}
    return "\n".join(value for label, value in made.facts if label in known)


@given(
    dated.series(kinds=VAGUE),
    st.lists(dated.events(of="series-0", states=("planned",)), max_size=3),
    st.booleans(),
)
@SOME
def test_no_date_is_printed_of_what_is_vague(series: EventSeries, planned: list[Event], full: bool) -> None:
    """Roughly, how often, always open: only the words, whatever days are planned; and on no calendar (R-098)."""
    made = card(series, *planned, full=full, base="https://x.jp")
    assert made.date is None
    assert not A_DATE.search(printed(made).replace(series.schedule.wording, ""))
    assert all("/calendar/" not in link.url for link in made.links)
    agenda = agenda_of([], [series], planned)
    assert list(agenda.between(date(2026, 1, 1), date(2030, 1, 1))) == []
    assert agenda.coming(series.id, NOW, 99) == ()


@given(dated.series(), st.lists(dated.events(of="series-0"), max_size=3), st.booleans())
@SOME
def test_every_printed_date_is_certain(series: EventSeries, events: list[Event], full: bool) -> None:
    """A date on a card is one of the rule or the list, or a day somebody confirmed or moved there; never past."""
    made = card(series, *events, full=full)
    coming = agenda_of([], [series], events).coming(series.id, NOW, 500)
    assert (made.date is not None) is bool(coming)
    confirmed = {event.day for event in events if event.state in ("confirmed", "moved")}
    for each in coming:
        assert series.state != "cancelled"
        assert each.last >= FIRST
        if each.day not in confirmed:
            assert series.state == "confirmed"
            assert series.schedule.kind in ("exact", "dates")
    if made.date is not None:
        assert (made.date.month, made.date.day) == (coming[0].day.month, coming[0].day.day)


def test_a_confirmed_day_of_what_is_told_roughly() -> None:
    """Until somebody confirms one, the words; then the day, with the place its series has."""
    made = card(MANMA)
    assert made.date is None
    assert ("日にち", "おおむね第4土曜の午後（最新は主催者の案内で）") in made.facts
    next_one = Event(id="e", series="manma", day=date(2026, 12, 26), begins="13:30")
    made = card(MANMA, next_one)
    assert made.date == CardDate(month=12, day=26, weekday="土曜")
    assert ("時間", "13:30から") in made.facts
    assert ("場所", "夢プラザ") in made.facts


def test_a_card_in_full() -> None:
    """The next date and two more, how to come, what nobody has told us, and a link to keep the day."""
    made = card(KOKOIRU, full=True, base="https://x.jp")
    assert made.date == CardDate(month=11, day=25, weekday="水曜")
    assert ("そのつぎ", "12月5日（土）、12月9日（水）") in made.facts
    assert ("オンライン", "オンラインでも参加できます") in made.facts
    assert made.unknown == ("場所", "行き方", "予約", "費用")
    assert made.links[0].url == "https://x.jp/calendar/event/kokoiru.20261125.ics"


def test_what_changed_is_told() -> None:
    """A day off, and a day that moved."""
    off = Event(id="a", series="kokoiru", day=date(2026, 11, 25), state="cancelled")
    moved = Event(id="b", series="kokoiru", day=date(2026, 12, 6), was=date(2026, 12, 5), state="moved")
    made = card(KOKOIRU, off, moved)
    assert made.date == CardDate(month=12, day=6, weekday="日曜")
    assert ("変更", "12月5日（土）から変わりました") in made.facts
    assert ("変更", "11月25日（水）はおやすみです") in made.facts


def test_today_is_told_until_it_is_over() -> None:
    """At three it is over: then the next one is told (R-100)."""
    before = datetime(2026, 11, 25, 5, 59, tzinfo=UTC)
    assert card(KOKOIRU, now=before).date == CardDate(month=11, day=25, weekday="水曜")
    assert card(KOKOIRU, now=before + timedelta(minutes=1)).date == CardDate(month=12, day=5, weekday="土曜")


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        ({}, "月火水木金 10:00から17:00（祝日は未確認）"),
        ({"on_holiday": "skipped"}, "月火水木金 10:00から17:00（祝日は休み）"),
        ({"on_holiday": "held"}, "月火水木金 10:00から17:00（祝日も）"),
    ],
)
def test_hours_are_told_as_hours(hours: dict[str, Any], told: str) -> None:
    """What is always open has no next date."""
    weekdays = OpeningHours(shifts=(Shift(days="月火水木金", opens="10:00", closes="17:00"),), **hours)
    made = card(EventSeries(id="a", name="x", schedule=Schedule(kind="always", hours=weekdays)))
    assert (made.date, made.facts[0]) == (None, ("日にち", told))


PLACE = Resource(
    id="place",
    name="見本の場",
    kind="family_group",
    prefecture="大阪府",
    summary="見本です。",
    cost="無料",
    schedule=Schedule(kind="roughly", wording="月に一度"),
    source=Source(title="x", seen_in_source="2026"),
)


def released(*documents: tuple[str, Any]) -> Released:
    pack = seed_pack()
    found: dict[str, dict[str, Any]] = {"resource": {}, "event_series": {}, "event": {}}
    for kind, made in documents:
        found[kind][made.id] = made
    return Released(
        latest=replace(pack, resources=found["resource"], series=found["event_series"], events=found["event"])
    )


def test_lists_show_what_is_next_first() -> None:
    """Places, series and single days together: by date, what has none last, what is over not at all."""
    found = released(
        ("resource", PLACE),
        ("event_series", KOKOIRU),
        ("event", Event(id="soon", name="講座", day=date(2026, 11, 22), audience=("family",))),
        ("event", Event(id="over", name="祭り", day=date(2026, 11, 20))),
        ("event", Event(id="others", name="支援者の会", day=date(2026, 11, 22), audience=("supporter",))),
    )
    query = Query(dated=True, audience="family", kinds=("family_group",))
    assert [hit.id for hit in found.find(query, {}, NOW).hits] == ["soon", "kokoiru", "place"]
    assert [hit.id for hit in found.find(Query(), {}, NOW).hits] == ["place"]
    shown = found.show("kokoiru", NOW)
    assert shown is not None
    assert shown.date is not None
    assert found.show("nothing", NOW) is None


def test_a_place_has_the_days_that_are_confirmed_of_it() -> None:
    """A group told roughly, and its next date."""
    day = Event(id="e", series="place", day=date(2026, 12, 26))
    found = released(("resource", PLACE), ("event", day))
    (hit,) = found.find(Query(dated=True), {}, NOW).hits
    card_ = found.card(hit, NOW)
    assert card_ is not None
    assert card_.date == CardDate(month=12, day=26, weekday="土曜")
    assert found.latest.agenda.coming("place", NOW)[0].about.cost == "無料"


def test_a_series_takes_from_its_place_what_it_does_not_say() -> None:
    """And says itself what is different."""
    series = EventSeries(id="s", name="母の会", resource="place", cost="500円", schedule=KOKOIRU.schedule)
    agenda = released(("resource", PLACE), ("event_series", series)).latest.agenda
    about = agenda.coming("s", NOW)[0].about
    assert (about.prefecture, about.cost) == ("大阪府", "500円")


def test_the_operators_closing_holds_for_everything() -> None:
    """Set once for the service; a schedule with its own keeps that (R-099)."""
    documents = [each for each in codec.seed() if each.kind != "resource"]
    service = next(each for each in documents if each.kind == "service")
    documents.remove(service)
    documents.append(
        Document(kind="service", name="service", body={**service.body, "year_end": "12-24/01-10"})
    )
    weekly = {"kind": "exact", "rrule": "FREQ=WEEKLY;BYDAY=SA", "begins": "10:00"}
    for name, more in (("a", {}), ("b", {"year_end": "none"})):
        body = {"id": name, "name": name, "schedule": {**weekly, **more}}
        documents.append(Document(kind="event_series", name=name, body=body))
    pack = codec.build(1, documents)
    christmas = datetime(2026, 12, 24, tzinfo=TOKYO)
    days = [pack.agenda.coming(name, christmas, 1)[0].day for name in ("a", "b")]
    assert days == [date(2027, 1, 16), date(2026, 12, 26)]
    assert {desk.year_end for desk in pack.desks} == {"12-24/01-10"}


def test_times_and_numbers_are_read_as_people_write_them() -> None:
    """10:30 is a time and 0120 no number, although the format has other ideas."""
    read = codec.read_yaml("{a: 10:30, b: 0120, c: 12, d: -3, e: 2026-12-05}", "x")
    assert read == {"a": "10:30", "b": "0120", "c": 12, "d": -3, "e": date(2026, 12, 5)}


WRONG: dict[str, tuple[Event | EventSeries, str, str]] = {
    "no name": (Event(id="a", day=FIRST), "event/a/name", "name を書いて"),
    "no day": (Event(id="a", name="x"), "event/a/day", "日がありません"),
    "no series": (Event(id="a", series="b", day=FIRST), "event/a/series", "「b」という集まり"),
    "moved from nowhere": (Event(id="a", name="x", day=FIRST, state="moved"), "event/a/was", "変わる前の日"),
    "was, not moved": (
        Event(id="a", name="x", day=FIRST, was=FIRST),
        "event/a/was",
        "moved のときだけ",
    ),
    "ends before": (
        Event(id="a", name="x", day=FIRST, last=date(2026, 1, 1)),
        "event/a/last",
        "day より前",
    ),
    "ends only": (Event(id="a", name="x", day=FIRST, ends="15:00"), "event/a/begins", "begins も"),
    "odd id": (Event(id="あ", name="x", day=FIRST), "event/あ", "id に使えるのは"),
    "odd audience": (
        Event(id="a", name="x", day=FIRST, audience=("all",)),
        "event/a/audience",
        "「all」は使えません",
    ),
    "nobody fits": (Event(id="a", name="x", day=FIRST, capacity=0), "event/a/capacity", "1 以上"),
    "plain http": (Event(id="a", name="x", day=FIRST, url="http://x"), "event/a/url", "https://"),
    "no place": (
        EventSeries(id="a", name="x", resource="b", schedule=KOKOIRU.schedule),
        "event_series/a/resource",
        "「b」という場所",
    ),
    "odd rule": (
        EventSeries(id="a", name="x", schedule=Schedule(kind="exact", rrule="x")),
        "event_series/a/schedule/rrule",
        "くり返しの決まり",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_found(name: str) -> None:
    """With the path of the field, before anybody is told."""
    made, path, message = WRONG[name]
    kind = "event" if isinstance(made, Event) else "event_series"
    issues = check(released((kind, made)).latest)
    assert any(issue.path == path and message in issue.message for issue in issues), issues


def test_two_that_tell_of_one_day_are_found() -> None:
    """And an id that something else has."""
    one, other = (Event(id=name, series="kokoiru", day=date(2026, 12, 5)) for name in ("a", "kokoiru"))
    found = list(event_issues({"kokoiru": KOKOIRU}, {"a": one, "kokoiru": other}, {"kokoiru": PLACE}))
    assert ("event/kokoiru/day", told("day_twice", other="a")) in found
    assert ("event/kokoiru", told("id_taken", other="event_series/kokoiru")) in found
    assert ("event_series/kokoiru", told("id_taken", other="resource/kokoiru")) in found


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"kind": "dates"}, "s/dates"),
        ({"kind": "roughly", "wording": "x", "rrule": "FREQ=MONTHLY;BYDAY=4SA"}, "s/rrule"),
        ({"kind": "frequency", "wording": "x", "dates": (FIRST,)}, "s/dates"),
        ({"kind": "always"}, "s/wording"),
        ({"kind": "exact", "rrule": "FREQ=DAILY", "hours": OpeningHours()}, "s/hours"),
        ({"kind": "exact", "rrule": "FREQ=DAILY", "since": date(1999, 1, 1)}, "s/since"),
        ({"kind": "exact", "rrule": "FREQ=DAILY", "ends": "15:00"}, "s/begins"),
    ],
)
def test_a_schedule_holds_only_what_its_kind_prints(fields: dict[str, Any], path: str) -> None:
    """A rule beside 「おおむね」 would one day be taken for the truth."""
    assert [where for where, _ in schedule_issues("s", Schedule(**fields))] == [path]

"""Series and single days at random, valid ones: what groups might tell of their gatherings."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from bot.content.events import AUDIENCE, Event, EventSeries
from bot.content.schedule import Schedule

FIRST, LAST = date(2026, 11, 21), date(2027, 3, 31)
VAGUE = ("roughly", "frequency", "always")
RULES = (
    "FREQ=MONTHLY;BYDAY=1SA,2WE,3WE,4WE",
    "FREQ=WEEKLY;BYDAY=MO,TH",
    "FREQ=MONTHLY;BYDAY=SU,1SA",
    "FREQ=MONTHLY;INTERVAL=2;BYDAY=4SA",
    "FREQ=WEEKLY;BYDAY=SA;UNTIL=20270115",
    "FREQ=YEARLY;BYMONTH=1;BYDAY=2MO",
)
words = st.text("あ漢字 ,;:\\\"\n　aZ0－（）<>&'😀", min_size=1, max_size=60).map(str.strip).filter(bool)
clocks = st.builds(
    lambda hour, minute: f"{hour}:{minute:02}", st.integers(0, 22), st.sampled_from((0, 15, 30))
)
days = st.dates(FIRST, LAST)
particulars: dict[str, st.SearchStrategy[Any]] = {
    "summary": st.none() | words,
    "prefecture": st.none() | st.sampled_from(("大阪府", "宮城県")),
    "municipality": st.none() | st.sampled_from(("阪南市", "仙台市")),
    "audience": st.none() | st.sets(st.sampled_from(AUDIENCE), min_size=1).map(sorted).map(tuple),
    "venue": st.none() | words,
    "directions": st.none() | words,
    "online": st.none() | st.booleans(),
    "capacity": st.none() | st.integers(1, 500),
    "residence": st.none() | words,
    "reservation": st.none() | words,
    "cost": st.none() | words,
    "contact": st.none() | words,
    "url": st.none() | st.sampled_from(("https://example.jp/a", "https://example.jp/b?c=d&e=%E3%81%82")),
}


@st.composite
def times(draw: DrawFn) -> dict[str, Any]:
    begins = draw(st.none() | clocks)
    if begins is None or draw(st.booleans()):
        return {"begins": begins, "ends": None}
    hour, minute = begins.split(":")
    return {"begins": begins, "ends": f"{int(hour) + draw(st.integers(1, 6))}:{minute}"}


@st.composite
def schedules(draw: DrawFn, kinds: tuple[str, ...] = ("exact", "dates", *VAGUE)) -> Schedule:
    kind = draw(st.sampled_from(kinds))
    at: dict[str, Any] = draw(times())
    if kind == "dates":
        return Schedule(
            kind=kind, dates=tuple(sorted(draw(st.sets(days, max_size=6)))), wording="日にちの会", **at
        )
    if kind != "exact":
        return Schedule(kind=kind, wording="おおむね第4土曜の午後", **at)
    return Schedule(
        kind=kind,
        rrule=draw(st.sampled_from(RULES)),
        since=FIRST,
        rdates=tuple(sorted(draw(st.sets(days, max_size=2)))),
        exdates=tuple(sorted(draw(st.sets(days, max_size=2)))),
        on_holiday=draw(st.sampled_from(("held", "skipped", "next_day", "next_weekday", "next_week", None))),
        **at,
    )


@st.composite
def series(draw: DrawFn, number: int = 0, kinds: tuple[str, ...] = ("exact", "dates", *VAGUE)) -> EventSeries:
    return EventSeries(
        id=f"series-{number}",
        name=draw(words),
        kind=draw(st.sampled_from(("event", "family_group"))),
        schedule=draw(schedules(kinds)),
        state=draw(st.sampled_from(("confirmed", "confirmed", "planned", "cancelled"))),
        **draw(st.fixed_dictionaries(particulars)),
    )


@st.composite
def events(draw: DrawFn, number: int = 0, of: str = "", states: tuple[str, ...] = ()) -> Event:
    state: Any = draw(st.sampled_from(states or ("confirmed", "planned", "cancelled", "moved")))
    day = draw(days)
    return Event(
        id=f"event-{number}",
        name="" if of else draw(words),
        series=of,
        state=state,
        day=day,
        last=draw(st.none() | st.integers(1, 5).map(lambda more: day + timedelta(days=more))),
        was=draw(days.filter(lambda other: other != day)) if state == "moved" else None,
        **draw(times()),
        **draw(st.fixed_dictionaries(particulars)),
    )

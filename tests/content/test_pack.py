"""A release as flows see it: what may be said now, which places are found, and how they look."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import msgspec
import pytest

from bot.content.model import Hotline, Resource, Source
from bot.content.pack import Pack, Released
from bot.content.schedule import Schedule
from bot.flows.content import Hit
from bot.flows.model import Query, choice_id, choice_key, entry_key
from bot.handoff.hours import TOKYO, Desk, Shift
from bot.messages import EXIT_LATER, EXIT_PERSON, EXIT_STOP, CardDate
from tests.strategies import seed_pack

FRIDAY = datetime(2026, 11, 20, 12, tzinfo=TOKYO)
BASE = Resource(
    id="base",
    name="見本の会",
    kind="ibasho",
    prefecture="見本県",
    summary="見本です。",
    source=Source(title="見本の広報", seen_in_source="2026-10"),
)


def released(pack: Pack | None = None, *resources: Resource) -> Released:
    found = pack or seed_pack()
    return Released(
        latest=replace(found, resources={one.id: one for one in resources}) if resources else found
    )


def like(id_: str, **fields: object) -> Resource:
    return msgspec.structs.replace(BASE, id=id_, **fields)


# --- what may be said now -------------------------------------------------------------------------------------


def staffed(*shifts: Shift) -> Released:
    return released(replace(seed_pack(), desks=(Desk(id="main", name="窓口", shifts=shifts),)))


WEEKDAYS = Shift(days="月火水木金", opens="10:00", closes="17:00")


def test_without_shifts_no_hours_are_told() -> None:
    """A desk whose hours nobody told us: only that it is not settled; no time, no wait."""
    values = staffed().values(FRIDAY)
    assert values["human_now_or_not"] == seed_pack().texts["human_unknown"][0]
    assert {"hours", "wait", "expected"} & values.keys() == set()


def test_within_hours_somebody_may_read() -> None:
    """Open: told as such, without a promise of when."""
    values = staffed(WEEKDAYS).values(FRIDAY)
    assert values["human_now_or_not"] == seed_pack().texts["human_open"][0]
    assert values["hours"] == "月火水木金 10:00から17:00（祝日は休み）"


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2026-11-20 18:00", "11月24日 10時"),  # the 23rd is a holiday
        ("2026-11-20 03:00", "11月20日 10時"),
        ("2026-12-31 18:00", "1月4日 10時"),
    ],
)
def test_outside_hours_nobody_is_told_to_read(at: str, told: str) -> None:
    """Closed: nobody reads now, and when the desk opens next, in Tokyo time (R-083)."""
    now = datetime.fromisoformat(at).replace(tzinfo=TOKYO).astimezone(UTC)
    said = staffed(WEEKDAYS).values(now)["human_now_or_not"]
    assert "いまは人が見ていません" in said
    assert told in said


ALL_DAY = (Shift(days="月火水木金土日", opens="0:00", closes="24:00"),)
TWO: dict[str, object] = {"proposed_by": "mori", "approved_by": "mizuno"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"always": True}, True),
        (TWO | {"checked_until": date(2026, 11, 20)}, True),
        (TWO | {"checked_until": date(2026, 11, 19)}, False),
        (TWO, False),
        ({"proposed_by": "mizuno", "approved_by": "mizuno", "checked_until": date(2027, 1, 1)}, False),
        ({"approved_by": "mizuno", "checked_until": date(2027, 1, 1)}, False),
        ({"checked_until": date(2027, 1, 1)}, False),
        ({}, False),
    ],
)
def test_only_lines_that_were_checked_are_told(line: dict[str, object], told: bool) -> None:
    """A number needs two people's approval that has not run out; 110 and 119 need none (R-079)."""
    hotline = Hotline(id="x", name="見本の電話", number="000", about="昼", hours="昼", shifts=ALL_DAY, **line)  # type: ignore[arg-type]
    values = released(replace(seed_pack(), hotlines=(hotline,))).values(FRIDAY)
    assert ("見本の電話 000（昼）" in values["open_lines"]) is told


# --- which places are found -----------------------------------------------------------------------------------

PLACES = (
    like("any"),
    like("online", ways=("online",), audience=("self",)),
    like("family", kind="family_group", audience=("family",)),
    like("away", paused=True),
    like("dated", schedule=Schedule(kind="dates", dates=(date(2026, 12, 1),))),
    like("rough", schedule=Schedule(kind="roughly", wording="月に一度")),
    like("past", schedule=Schedule(kind="dates", dates=(date(2026, 1, 1),))),
)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(), ["any", "online", "dated", "rough", "past", "family"]),
        (Query(kinds=("family_group",)), ["family", "online"]),
        (Query(kinds=("nothing",)), ["online"]),
        (Query(audience="family"), ["any", "dated", "rough", "past", "family"]),
        (Query(online=True), ["online"]),
        (Query(dated=True), ["dated", "rough", "past", "online"]),
    ],
)
def test_a_query_finds_what_fits(query: Query, found: list[str]) -> None:
    """Unknown audiences are not left out; what is not listed is; what is online stands in for what is not there."""
    hits = released(None, *PLACES).find(query, {}, FRIDAY).hits
    assert sorted(hit.id for hit in hits) == sorted(found)


def test_what_is_not_listed_any_more_is_not_shown() -> None:
    """Neither in a list nor by an older button."""
    assert released(None, *PLACES).show("away", FRIDAY) is None
    assert released(None, *PLACES).show("nobody", FRIDAY) is None
    assert released(None, *PLACES).show("any", FRIDAY) is not None


# --- how they look --------------------------------------------------------------------------------------------


def test_what_nobody_told_us_is_named() -> None:
    """In a list four things matter, in full all of them; each is a fact or named as not confirmed (R-096)."""
    short = released(None, like("x", not_needed="予約")).card(Hit(id="x", kind="ibasho"), FRIDAY)
    assert short is not None
    assert dict(short.facts) == {"しなくてよいこと": "予約"}
    assert short.unknown == ("中のようす", "小さめの入り方", "名前を言うか")
    assert short.unknown_label == "未確認"
    full = released(None, like("x", cost="無料")).show("x", FRIDAY)
    assert full is not None
    assert {label for label, _ in full.facts} | set(full.unknown) == {
        "どんな所", "中のようす", "しなくてよいこと", "小さめの入り方", "だれが", "年齢", "住まい", "名前を言うか",
        "予約", "費用",
        "入り方", "もと", "確かめた日",
    }  # fmt: skip


def test_a_confirmed_day_is_a_date_and_a_vague_one_its_words() -> None:
    """The words of a rough date come with the advice to ask; a past date is not shown as one (R-098, R-100)."""
    found = released(None, *PLACES)
    hits = found.find(Query(dated=True), {}, FRIDAY).hits
    cards = {hit.id: card for hit in hits if (card := found.card(hit, FRIDAY))}
    assert cards["dated"].date == CardDate(month=12, day=1, weekday="火曜")
    assert cards["dated"].kind == "event"
    assert cards["rough"].date is None
    assert dict(cards["rough"].facts)["日にち"] == "月に一度（最新は主催者の案内で）"
    assert cards["past"].date is None
    assert "主催者" in dict(cards["past"].facts)["日にち"]


def test_the_link_and_the_source_stand_on_the_full_card() -> None:
    """Where it was seen, and when; the address of the page only there."""
    known = like("x", url="https://example.org/x", municipality="見本市")
    full = released(None, known).show("x", FRIDAY)
    assert full is not None
    assert [link.url for link in full.links] == ["https://example.org/x"]
    assert dict(full.facts)["もと"] == "見本の広報 2026-10"
    assert full.subtitle == "居場所　見本市"
    short = released(None, known).card(Hit(id="x", kind="ibasho"), FRIDAY)
    assert short is not None
    assert short.links == ()


# --- the words of a button, for the thread --------------------------------------------------------------------


def test_what_was_tapped_can_be_read() -> None:
    """The exits, the buttons of steps of this and older releases, list buttons; else nothing."""
    old = replace(seed_pack(), number=1)
    new = replace(seed_pack(), number=2, flows={})
    found = Released(latest=new, older={1: old})
    assert [found.label(one) for one in (EXIT_LATER, EXIT_STOP, EXIT_PERSON)] == [
        "あとで",
        "やめる",
        "人と話したい",
    ]
    assert found.label(choice_id("F-SELF", "menu", choice_key("まだわからない"))) == "まだわからない"
    assert found.label(choice_id("F-FIND", "any", entry_key(2, "sendai-komorebi"))) == "2を見る"
    assert found.label("nav/person") == "人に渡す"
    for unknown in ("", "/", "nav/", "nav/gone", "F-SELF", "F-SELF/menu", "F-SELF/menu/00000000", "X/y/z"):
        assert found.label(unknown) == ""


# --- stickers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keywords", "word"),
    [
        ((), ""),
        (("cat", "whiskers"), ""),
        (("Crying",), "かなしい"),
        (("thank you", "bow", "Thanks", "sorry"), "ありがとう"),
        (("sleep", "cry"), "かなしい"),  # as many: the upper one of the table
        (("😭",), "かなしい"),
        (("カナシイ",), "かなしい"),
    ],
)
def test_what_a_sticker_says(keywords: tuple[str, ...], word: str) -> None:
    """The word most of its keywords speak for, whatever their case; none where nothing is known."""
    assert released().sticker(keywords) == word

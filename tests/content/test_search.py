"""Searching: what was looked for first, something always, fresh before stale, and never what was not asked for."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content import areas
from bot.content.check_places import VOCABULARY
from bot.content.model import Age, Borders, Needs, Residence, Resource, Source
from bot.content.search import INTERESTS, MAX_HITS, UNASKED, Index, Tier, merged
from bot.flows.model import Query
from bot.testing import A_DAY, a_release
from tests.strategies import seed_pack

TODAY = date(2026, 11, 21)
SEEN = Source(title="見本の広報", seen_in_source="2026-10")
BASE = Resource(
    id="base", name="見本の会", kind="ibasho", prefecture="大阪府", summary="見本です。", source=SEEN
)
CENTRE = msgspec.structs.replace(
    BASE,
    id="centre",
    kind="consultation_desk",
    prefecture="全国",
    is_centre=True,
    audience=("self", "family"),
)
HANNAN, MISAKI, SAKAI = "阪南市", "岬町", "堺市"
BORDERS = (Borders(id="大阪府 阪南市", towns=("大阪府 岬町",), source=SEEN),)


def like(id_: str, **fields: Any) -> Resource:
    return msgspec.structs.replace(BASE, id=id_, **fields)


def found(*resources: Resource, query: Query = Query(), area: str = "") -> list[tuple[str, Tier]]:  # noqa: B008
    index = Index((*resources, CENTRE), BORDERS)
    matches = index.search(query, TODAY, areas.named(area))
    return [(match.resource.id, match.tier) for match in matches.found]


OUT = Residence(rule="outsiders")


def test_where_nothing_is_neighbours_come_then_online_then_the_centre() -> None:
    """R-103, in this order, each with its reason; who keeps to residents is left out."""
    places = (
        like("far", municipality=SAKAI, residence=OUT),
        like("next", municipality=HANNAN, residence=OUT),
        like("residents", municipality=HANNAN, residence=Residence(rule="residents")),
        like("not told", municipality=HANNAN),
        like("online", prefecture="兵庫県", kind="online_ibasho", ways=("online",)),
    )
    assert found(*places, area=MISAKI) == [
        ("next", Tier.NEIGHBOUR),
        ("online", Tier.ONLINE),
        ("centre", Tier.CENTRE),
        ("far", Tier.PREFECTURE),
    ]


def test_without_known_neighbours_the_prefecture_comes() -> None:
    """Nothing is made up about who borders whom."""
    places = (like("far", municipality=HANNAN, residence=OUT),)
    index = Index((*places, CENTRE), BORDERS)
    hits = index.search(Query(), TODAY, areas.named("豊中市")).found
    assert [(one.resource.id, one.tier) for one in hits] == [
        ("far", Tier.PREFECTURE),
        ("centre", Tier.CENTRE),
    ]


@pytest.mark.parametrize("rule", ["residents", "unknown", "prefecture", "anyone", "outsiders"])
def test_a_town_shows_its_own_whatever_their_rule(rule: str) -> None:
    """Who chooses a town need not live there; the condition stands on the card (R-104, R-105)."""
    assert found(like("own", municipality=HANNAN, residence=Residence(rule=rule)), area=HANNAN)[0] == (
        "own",
        Tier.HERE,
    )


def test_what_the_prefecture_does_is_for_the_town() -> None:
    """But not what is somewhere in it, we do not know where."""
    wide = like("wide", residence=Residence(rule="prefecture"))
    somewhere = like("somewhere")
    assert found(wide, somewhere, area=HANNAN)[:2] == [("wide", Tier.HERE), ("somewhere", Tier.PREFECTURE)]


def test_far_from_home_shows_what_takes_outsiders() -> None:
    """R-104."""
    places = (like("out", residence=OUT), like("not told"), like("any", residence=Residence(rule="anyone")))
    assert [name for name, tier in found(*places, query=Query(far=True)) if tier is Tier.HERE] == [
        "out",
        "any",
    ]


def test_fresh_comes_before_never_checked_before_overdue() -> None:
    """R-100: overdue on the day after its day."""
    day = timedelta(days=1)
    checked = Source(title="x", seen_in_source="x", checked_on=TODAY - 9 * day, recheck_by=TODAY)
    late = Source(title="x", seen_in_source="x", checked_on=TODAY - 9 * day, recheck_by=TODAY - day)
    places = (like("late", source=late), like("never"), like("fresh", source=checked))
    assert [name for name, _ in found(*places, query=Query(kinds=("ibasho",)))] == [
        "fresh",
        "never",
        "late",
        "centre",
    ]


@pytest.mark.parametrize(
    ("age", "band", "shown"),
    [
        (None, None, True),
        (Age(least=40), None, True),
        (Age(least=40), (18, 39), False),
        (Age(least=40), (40, 64), True),
        (Age(least=40, most=64, firm=False), (18, 39), True),
        (Age(least=15, most=39), (40, 64), False),
        (Age(least=15, most=39), (18, 39), True),
        (Age(least=6, most=15), None, False),
        (Age(least=6, most=15), (0, 17), True),
        (Age(words="若い人"), (40, 64), True),
    ],
)
def test_ages_decide_where_they_are_firm(age: Age | None, band: tuple[int, int] | None, shown: bool) -> None:
    """Who says no age sees all but what is for children only (R-007); who is refused is remembered (R-095)."""
    index = Index((like("x", age=age), CENTRE))
    matches = index.search(Query(age=band, kinds=("ibasho",)), TODAY)
    assert any(match.resource.id == "x" for match in matches.found) is shown
    assert [one.id for one in matches.refused] == ([] if shown else ["x"])


@pytest.mark.parametrize(
    ("needs", "without", "shown"),
    [
        (Needs(face=False, voice=False, name=False), ("face", "voice", "name"), True),
        (Needs(face=False), ("face",), True),
        (Needs(face=False), ("face", "voice"), False),
        (Needs(face=True), ("face",), False),
        (Needs(), ("name",), False),
    ],
)
def test_online_needs_are_met_only_where_somebody_said_so(
    needs: Needs, without: tuple[str, ...], shown: bool
) -> None:
    """Not knowing whether a face is needed is no promise that it is not."""
    hits = found(like("x", needs=needs), query=Query(without=without))
    assert (("x", Tier.HERE) in hits) is shown


def test_work_and_money_are_shown_to_who_asks() -> None:
    """R-016, R-056: by no other query, wherever one looks."""
    places = [like(kind, kind=kind, ways=("online",)) for kind in UNASKED]
    assert found(*places) == [("centre", Tier.HERE)]
    for kind in UNASKED:
        assert found(*places, query=Query(kinds=(kind,)))[0] == (kind, Tier.HERE)


def test_a_search_for_many_kinds_is_one() -> None:
    """Conditions add up; of kinds and audience the last counts."""
    one = merged(
        Query(kinds=("ibasho",)), [Query(interests=("音楽",)), Query(kinds=("event",), interests=("読む",))]
    )
    assert one == Query(kinds=("event",), interests=("音楽", "読む"))


PREFECTURES = [area.name for area in areas.areas().values() if area.is_prefecture]
TOWNS = [areas.full_name(area) for area in areas.areas().values()]


@given(
    st.sampled_from([*TOWNS, *PREFECTURES, "言わない", "家から遠い所", "ないまち"]),
    st.sampled_from(["", *VOCABULARY["kind"]]),
    st.sampled_from(["", *VOCABULARY["who"][:2]]),
    st.sampled_from(["", *INTERESTS]),
)
def test_a_search_never_ends_in_nothing(area: str, kind: str, audience: str, interest: str) -> None:
    """R-103, over everything we ship: something is always found, with a reason, and never what is not to be listed.
    Whatever comes is no more than is paged through, and never work or money unasked (R-016, R-056)."""
    query = Query(
        kinds=(kind,) if kind else (),
        audience=audience,
        interests=(interest,) if interest else (),
        use=("area",),
    )
    result = a_release().find(query, {"area": area}, A_DAY)
    assert 0 < len(result.hits) <= MAX_HITS
    resources = [seed_pack().resources[hit.id] for hit in result.hits]
    assert all(one.is_listed for one in resources)
    assert len(set(result.hits)) == len(result.hits)
    assert not [one for one in resources if one.kind in UNASKED and kind not in one.kinds]
    assert bool(result.gap) is all(hit.why for hit in result.hits)
    assert all(len(said) <= 120 for said in result.said)


@given(st.sampled_from(PREFECTURES))
def test_the_first_page_has_two_kinds(prefecture: str) -> None:
    """R-092: wherever one looks; what we ship has places online and desks for all."""
    result = a_release().find(Query(use=("area",)), {"area": prefecture}, A_DAY)
    assert len({hit.kind for hit in result.hits}) > 1

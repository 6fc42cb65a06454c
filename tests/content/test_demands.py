"""What editors and the people behind places may rely on: conditions, what a place is like, who agreed to be told of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content.model import Needs, Resource, Senses
from bot.content.pack import Released
from bot.flows.model import Query
from bot.messages import Card
from bot.testing import A_DAY, a_release
from tests.strategies import seed_pack

PLACES = list(seed_pack().resources.values())
LISTED = [one for one in PLACES if one.is_listed]


def with_place(one: Resource) -> Released:
    pack = seed_pack()
    return Released(latest=replace(pack, resources={**pack.resources, one.id: one}))


def shown(one: Resource) -> Card:
    card = with_place(one).show(one.id, A_DAY)
    assert card is not None
    return card


def changed(one: Resource, **fields: Any) -> Resource:
    return msgspec.structs.replace(one, **fields)


@given(st.sampled_from(LISTED), st.sampled_from(["6か月以上のかた", "ひきこもって半年から"]))
def test_an_operators_condition_is_told_and_leaves_nothing_out(one: Resource, condition: str) -> None:
    """R-002: it stands on the card as theirs, and every search finds the place as before."""
    strict = changed(one, condition=condition)
    told = with_place(strict)
    assert dict(shown(strict).facts)[told.text("label_condition")[0]] == condition
    for answers in ({}, {"area": one.prefecture}):
        query = Query(kinds=(one.kind,), use=("area",))
        assert told.find(query, answers, A_DAY) == with_place(changed(one, condition=None)).find(
            query, answers, A_DAY
        )


@pytest.mark.parametrize(
    "text",
    [
        "つらいですよね、わかります。",
        "わかりますよ。",
        "お気持ちはよくわかります。",
        "あなたのような方は多いです。",
    ],
)
def test_assumed_understanding_is_told_to_the_editor(text: str) -> None:
    """R-037, N14: with the category and something to say instead."""
    rules = {hit.rule.id: hit.rule for hit in seed_pack().words.scan(text)}
    assert rules["N14"].instead


SENSES = st.fixed_dictionaries(
    {
        name: st.sampled_from([None, True, False])
        for name in ("silence_is_fine", "introduction", "leave_midway", "watch_only")
    }
)
NEEDS = st.fixed_dictionaries(
    {name: st.sampled_from([None, True, False]) for name in ("face", "voice", "name")}
)


@given(SENSES, NEEDS, st.sampled_from([None, "5人ほど"]))
def test_what_being_there_is_like_is_told_as_far_as_it_is_known(
    senses: dict[str, Any], needs: dict[str, Any], people: str | None
) -> None:
    """R-039: each in its own words, yes or no; of what nobody told us, nothing is said."""
    place = changed(PLACES[0], senses=Senses(people=people, **senses), needs=Needs(**needs))
    words = seed_pack().texts
    told = dict(shown(place).facts).get(words["label_senses"][0], "")
    for group, values in (("sense", senses), ("need", needs)):
        for name, value in values.items():
            yes, no = words[f"{group}_{name}"]
            assert (yes in told.split("、"), no in told.split("、")) == (value is True, value is False)
    assert ("5人ほど" in told) is (people is not None)


def test_every_place_says_what_it_is_and_what_need_not_be_done() -> None:
    """R-093: what happens there in our words; what need not be done is told, or named as not known."""
    words = seed_pack().texts
    label = words["label_not_needed"][0]
    for one in PLACES:
        card = shown(one)
        assert dict(card.facts)[words["label_summary"][0]] == one.summary
        assert dict(card.facts).get(label) == one.not_needed
        assert (label in card.unknown) is (one.not_needed is None)


def test_conditions_belong_to_the_service() -> None:
    """R-094: services of one operator in one town have their own ages, audiences, costs and reservations."""
    by_operator: dict[tuple[str | None, str], list[Resource]] = {}
    for one in PLACES:
        by_operator.setdefault((one.operator, one.municipality), []).append(one)
    differing = [
        group
        for (operator, _), group in by_operator.items()
        if operator and len({(one.age, one.audience, one.residence, one.reservation) for one in group}) > 1
    ]
    assert differing
    for one in differing[0]:
        age = dict(shown(one).facts).get(seed_pack().texts["label_age"][0])
        assert (age is None) is (one.age is None)


@pytest.mark.parametrize("fields", [{"paused": True}, {"agreement": "declined"}], ids=str)
def test_a_group_that_wants_no_listing_is_told_to_nobody(fields: dict[str, Any]) -> None:
    """R-114: one field takes it away at once, from lists, by its name, and from what was opened before."""
    one = seed_pack().resources["hannan-manma"]
    before, after = a_release(), with_place(changed(one, **fields))
    query = Query(kinds=(one.kind,), use=("area",))
    assert one.id in [hit.id for hit in before.find(query, {"area": one.prefecture}, A_DAY).hits]
    assert one.id not in [hit.id for hit in after.find(query, {"area": one.prefecture}, A_DAY).hits]
    assert after.show(one.id, A_DAY) is None
    wanted = after.asked(one.name)
    assert wanted is None or one.id not in dict(wanted.answers).values()


def test_nobodys_agreement_is_made_up() -> None:
    """R-114, R-100: what was only seen in a source has no agreement, no checked-on date, and its source with a date."""
    for one in PLACES:
        assert (one.agreement, one.source.checked_on) == ("unknown", None)
        assert one.source.title
        assert one.source.seen_in_source


def test_how_many_are_taken_now_is_told() -> None:
    """R-115: 少人数 or 見合わせ中, in the group's own words."""
    card = shown(changed(LISTED[0], intake="いまは見合わせ中です"))
    assert dict(card.facts)[seed_pack().texts["label_intake"][0]] == "いまは見合わせ中です"


def test_courses_and_magazines_are_kinds_of_their_own() -> None:
    """R-116: each is found by its kind, and the person may take part in them as well."""
    for kind in ("supporter_training", "platform", "magazine"):
        found = a_release().find(Query(kinds=(kind,)), {}, A_DAY)
        assert any(kind in seed_pack().resources[hit.id].kinds for hit in found.hits)

"""Every service we took in, asked for by its name and by its area and kind, held against the facts it was taken from.

The facts lie beside the repository (`../shared/data/systems.yaml`); without them these tests are skipped, and say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest
import yaml

from bot.content import areas
from bot.flows.effects import Effect
from bot.flows.model import Query
from bot.messages import Card
from bot.testing import A_DAY, a_release
from tests.house import ROOT
from tests.strategies import Watched, seed_pack

FACTS = ROOT.parent / "shared" / "data" / "systems.yaml"
KINDS_ASKED_FOR = {"work_experience", "money_planning"}
WAYS = {"phone": "電話", "visit": "行って", "online": "オンライン", "outreach_visit": "来てもらって"}
WHO = {"self": "ご本人", "family": "ご家族", "supporter": "支援の立場の人", "community": "地域の人"}
RULES = {
    "residents_only": "residents",
    "prefecture": "prefecture",
    "anyone": "anyone",
    "outside_welcome": "outsiders",
    "not_stated": "unknown",
}


@cache
def systems() -> list[dict[str, Any]]:
    if not FACTS.exists():
        return []
    found: list[dict[str, Any]] = yaml.safe_load(FACTS.read_text("utf-8"))["systems"]
    return found


def each() -> pytest.MarkDecorator:
    known: list[Any] = [*systems()] or [
        pytest.param({}, marks=pytest.mark.skip(f"needs {FACTS.name} beside the repository"))
    ]
    return pytest.mark.parametrize("system", known, ids=lambda one: one.get("id", "none"))


def is_listed(system: dict[str, Any]) -> bool:
    return system["readiness"] in ("usable_after_check", "partial") and system["status"] == "active_at_source"


def asked(text: str) -> list[Card]:
    """The cards the bot answers these words with, from the first screen on."""
    talk = Watched(released=a_release())
    talk.text("はじめ")
    return [
        card
        for effect in talk.text(text)
        if (reply := getattr(effect, "reply", None))
        for card in reply.cards
    ]


def card_of(system: dict[str, Any]) -> Card:
    card = a_release().show(system["id"], A_DAY)
    assert card is not None
    return card


@each()
def test_asked_by_name_the_bot_tells_of_it(system: dict[str, Any]) -> None:
    """By its whole name, by what stands in 「」 and in kana: it is among what is shown, mostly alone (R-098, R-100)."""
    resource = seed_pack().resources[system["id"]]
    assert system["name"] in [card.title for card in asked(system["name"])]
    for words in (*re.findall(r"「(.+?)」", system["name"]), *resource.aliases[:1], *resource.readings[:1]):
        wanted = a_release().asked(words)
        assert wanted is not None, words
        ids = " ".join(value for name, value in wanted.answers if name in ("entry", "found")).split()
        assert system["id"] in ids, words


@each()
def test_by_area_and_kind_it_is_listed_where_it_may_be(system: dict[str, Any]) -> None:
    """Listed in its town and its prefecture if its readiness allows; else never, wherever one looks."""
    resource = seed_pack().resources[system["id"]]
    age = "18歳になる前" if (system["audience"]["age_max"] or 99) < 18 else ""
    where = ["言わない"]
    if system["prefecture"] != areas.NATIONWIDE:
        where += [system["prefecture"], f"{system['prefecture']}{resource.municipality}"]
    for area in where:
        query = Query(kinds=(system["kind"],), use=("area", "age"))
        found = a_release().find(query, {"area": area, "age": age}, A_DAY)
        hits = {hit.id: hit.why for hit in found.hits}
        assert (system["id"] in hits) is is_listed(system), (area, found)
        assert hits.get(system["id"], "") == "", "it is what was looked for"


WORDS = {
    "ibasho": "居場所",
    "online_ibasho": "居場所",
    "consultation_desk": "窓口",
    "hotline": "窓口",
    "outreach": "訪問",
    "family_group": "家族会",
    "family_class": "家族教室",
    "peer_group": "当事者会",
    "supporter_training": "講座",
    "work_experience": "働くこと",
    "money_planning": "親なきあと",
    "magazine": "読みもの",
    "portal": "読みもの",
    "event": "イベント",
    "platform": "集まり",
}
"""What people call the kinds. 「そのほか」 has no word: it is come upon by its area."""
MOST_PAGES = 20


def gone_through(talk: Watched, effects: Iterable[Effect]) -> dict[str, str]:
    """Every card of a list, page by page, with why it stands there."""
    found: dict[str, str] = {}
    for _ in range(MOST_PAGES):
        replies = [reply for effect in effects if (reply := getattr(effect, "reply", None))]
        new = {
            card.title: dict(card.facts).get("ここに出るわけ", "")
            for reply in replies
            for card in reply.cards
        }
        if new.keys() <= found.keys():
            break
        found |= new
        effects = talk.text("ほかのもの")
    return found


@each()
def test_asked_by_area_and_kind_the_bot_lists_it(system: dict[str, Any]) -> None:
    """In a talk, in words (宮城県仙台市の居場所) or by its area alone: it comes as what was looked for, or never."""
    resource, word = seed_pack().resources[system["id"]], WORDS.get(system["kind"])
    where = (
        "" if system["prefecture"] == areas.NATIONWIDE else f"{system['prefecture']}{resource.municipality}"
    )
    talk = Watched(released=a_release())
    talk.text("さがす")
    if where and word:
        effects = talk.text(f"{where}の{word}")
    else:
        talk.text("地域から")
        effects = talk.text(where or "まだ言いたくない")
    if (system["audience"]["age_max"] or 99) < 18:
        talk.text("年れいでえらぶ")
        effects = talk.text("18歳になる前")
    found = gone_through(talk, effects)
    if is_listed(system):
        assert found.get(system["name"]) == ""
    else:
        assert system["name"] not in found


@each()
def test_what_is_told_are_the_facts(system: dict[str, Any]) -> None:
    """Audience, residence, age, hours, ways, cost, anonymity, place and address: as the facts have them, or 未確認."""
    resource, card = seed_pack().resources[system["id"]], card_of(system)
    facts = dict(card.facts)
    assert card.title == system["name"]
    assert (resource.kind, list(resource.also)) == (system["kind"], system["also_kinds"])
    assert (resource.prefecture, resource.operator) == (system["prefecture"], system["operator"])
    town = system["municipality"]
    assert resource.municipality == (town if town and areas.area_of(system["prefecture"], town) else "")
    assert set(facts["だれが"].split("、")) == {WHO[who] for who in system["audience"]["who"]}
    assert resource.residence.rule == RULES[system["residence"]["rule"]]
    least, most = system["audience"]["age_min"], system["audience"]["age_max"]
    age = resource.age
    assert (least, most) == ((age.least, age.most) if age else (None, None))
    assert (age is not None and not age.firm) is ("主に" in (system["audience"]["age_note"] or ""))
    for number in (least, most):
        assert number is None or f"{number}" in facts["年齢"] or "小学生" in facts["年齢"]
    ways = {WAYS[way] for way in system["access"] if way in WAYS}
    assert set(facts.get("入り方", "").split("、")) - {""} == ways
    assert [link.url for link in card.links] == (
        [system["contact"]["url"]] if system["contact"]["url"] and is_listed(system) else []
    )
    assert facts.get("メール") == system["contact"]["email"]
    stated = system["opening_hours"] or ""
    told = [f"{hour}時" for hour in re.findall(r"(\d+):00", stated)]
    told += re.findall(r"平日|祝日|年末年始|[月火水木金土](?=[・～曜 ])", stated)
    assert [one for one in told if one not in facts.get("時間", "")] == []
    assert facts["もと"].endswith(str(system["as_of"]))


@each()
def test_nothing_unconfirmed_is_stated_as_fact(system: dict[str, Any]) -> None:
    """What the facts leave open is named as 未確認; no date is printed; no number is told that the facts lack."""
    card = card_of(system)
    facts, unknown = dict(card.facts), set(card.unknown)
    assert card.unknown_label == "未確認"
    assert card.date is None
    for field, label in (("cost", "費用"), ("anonymity", "名前を言うか")):
        assert (label in unknown) is (system[field] is None)
    if system["residence"]["rule"] == "not_stated" and not system["residence"]["note"]:
        assert "住まい" in unknown
    if not system["access"]:
        assert "入り方" in unknown
    if not any(system["audience"][field] for field in ("age_min", "age_max", "age_note")):
        assert "年齢" in unknown
    if system["opening_hours"] is None:
        assert "時間" not in facts
    if not {"booking_required", "no_reservation", "web_booking"} & set(system["access"]):
        booked = facts.get("予約")
        assert booked is None or system["id"] == "fukuoka-vroom"  # its facts tell of a registration
    assert "確かめた日" in unknown
    standing = facts.get("いま", "")
    assert bool(standing) is not is_listed(system)
    if system["readiness"] == "name_only":
        assert "未確認" in standing
    if system["status"] == "ended":
        assert "終わった" in standing
    if system["schedule"] and is_listed(system):
        assert facts["日にち"].endswith("（最新は主催者の案内で）")
    known = {int(digits) for digits in re.findall(r"\d+", yaml.safe_dump(system, allow_unicode=True))}
    told = {
        int(digits) for label, value in card.facts if label != "もと" for digits in re.findall(r"\d+", value)
    }
    assert told <= known | {1, 2}, told - known


def test_every_one_is_here_once_and_none_besides() -> None:
    """131 of them."""
    if not systems():
        pytest.skip(f"needs {FACTS.name} beside the repository")
    assert sorted(one["id"] for one in systems()) == sorted(seed_pack().resources)
    assert len(seed_pack().resources) == 131


def test_their_words_are_ours() -> None:
    """No description takes over a run of twelve characters from the facts' own, names and addresses aside."""
    if not systems():
        pytest.skip(f"needs {FACTS.name} beside the repository")
    for system in systems():
        theirs = system["summary_ja"].replace(system["name"], "")
        ours = seed_pack().resources[system["id"]].summary.replace(system["name"], "")
        runs = {theirs[at : at + 12] for at in range(len(theirs) - 11)}
        assert not [run for run in runs if run in ours], system["id"]

"""What `check` finds. Every kind of issue it can tell of has a case here, and what we ship has none."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot.content import codec
from bot.content.check import check, check_documents
from bot.content.issues import Issue, sentences
from bot.content.model import Age, Article, Borders, Hotline, Letter, Resource, Source
from bot.content.pack import Pack, entry_words
from bot.content.schedule import Schedule
from bot.content.words import WordRules
from bot.errors import ContentError
from bot.flows import model
from bot.handoff.hours import OpeningHours
from bot.handoff.risk import Rules
from tests.strategies import seed_pack

Change = Callable[[Pack], Pack]
MENU = model.Menu(say=("はい。",))
SOURCE = Source(title="x", seen_in_source="x")
RESOURCE = Resource(
    id="r",
    name="見本",
    kind="ibasho",
    prefecture="大阪府",
    summary="見本です。",
    source=SOURCE,
)


TODAY = date(2026, 11, 21)
BROKEN = Path(__file__).parent / "broken"


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A file of `broken/`: its first lines say at which path what is told of it."""

    name: str
    path: str
    code: str
    text: str

    def issues(self) -> list[Issue]:
        """What is found when the file lies beside the shipped content, in the place of what has the same name."""
        try:
            documents = codec.documents_of(codec.read_yaml(self.text, self.name), self.name)
        except ContentError as error:
            return [Issue(path=error.path, message=error.what)]
        names = {(one.kind, one.name) for one in documents}
        beside = [one for one in shipped() if (one.kind, one.name) not in names]
        return check_documents([*beside, *documents], TODAY)


@cache
def shipped() -> list[codec.Document]:
    return codec.seed()


@cache
def broken() -> tuple[Broken, ...]:
    found = []
    for file in sorted(BROKEN.glob("*.yaml")):
        text = file.read_text("utf-8")
        told = dict(re.findall(r"^# (path|code): (.+)$", text, re.MULTILINE))
        found.append(Broken(name=file.name, text=text, **told))
    return tuple(found)


def texts(**changed: tuple[str, ...] | None) -> Change:
    """Named texts changed, or left out where None."""

    def change(pack: Pack) -> Pack:
        found: dict[str, Any] = {**pack.texts, **changed}
        return replace(pack, texts={key: value for key, value in found.items() if value is not None})

    return change


def flow(entry: tuple[str, ...] = (), /, **steps: model.AnyStep) -> Change:
    """One flow more, F-X, with these steps."""

    def change(pack: Pack) -> Pack:
        flows = {**pack.flows, "F-X": model.Flow(id="F-X", name="見本", entry=entry, steps=steps)}
        return replace(pack, flows=flows, entries=entry_words(flows))

    return change


def commands(**words: str) -> Change:
    return lambda pack: replace(pack, commands={**pack.commands, **{word: to for to, word in words.items()}})


def sticker(word: str, keyword: str = "見本") -> Change:
    return lambda pack: replace(pack, stickers={**pack.stickers, keyword: word})


def without(command: str) -> Change:
    return lambda pack: replace(
        pack, commands={word: to for word, to in pack.commands.items() if to != command}
    )


def resource(**fields: Any) -> Change:
    return lambda pack: replace(pack, resources={"r": msgspec.structs.replace(RESOURCE, **fields)})


def article(**fields: Any) -> Change:
    known = Article(id="a", title="見本", pages=("はい。",))
    found = msgspec.structs.replace(known, **fields)
    return lambda pack: replace(pack, articles={found.id: found})


def question(**fields: Any) -> Change:
    known = model.Question(id="q", leads_to="F-START/hello", all=(("はい",),))
    return lambda pack: replace(pack, questions=(msgspec.structs.replace(known, **fields),))


def scheduled(**fields: Any) -> Change:
    return resource(schedule=Schedule(**fields))


def sourced(**fields: Any) -> Change:
    return resource(source=Source(title="x", seen_in_source="x", **fields))


def line(**fields: Any) -> Change:
    known: dict[str, Any] = {"id": "x", "name": "見本の電話", "number": "000", "about": "見本", "hours": "昼"}
    return lambda pack: replace(pack, hotlines=(Hotline(**known | fields),))


def asks(**fields: Any) -> Change:
    return flow(a=model.Ask(say=("はい。",), to="b", **fields), b=MENU)


def offers(*labels: str, to: str = "a") -> Change:
    return flow(a=model.Menu(say=("はい。",), choices=dict.fromkeys(labels, to)))


def lists(**fields: Any) -> Change:
    return flow(a=model.ShowResources(say=("はい。",), query=model.Query(**fields)))


APPROVED: dict[str, Any] = {"proposed_by": "mori", "approved_by": "mizuno", "checked_until": date(2027, 1, 1)}
LONG, LABEL = "あ" * 121, "あ" * 21
TEN = {f"ボタン{number}": "a" for number in range(10)}

CASES: dict[str, tuple[Change, str, str]] = {
    "text missing": (texts(later=None), "texts/later", "text_missing"),
    "text empty": (texts(later=()), "texts/later", "text_no_bubble"),
    "text with an empty bubble": (texts(later=("",)), "texts/later[0]", "bubble_empty"),
    "text too long": (texts(more=("短い。", LONG)), "texts/more[1]", "bubble_length"),
    "too many bubbles": (texts(later=("あ",) * 4), "texts/later", "bubbles"),
    "target missing": (texts(free_text=("F-X/a",)), "texts/free_text", "target_missing"),
    "safety card missing": (texts(safety_abuse=("F-X/a",)), "texts/safety_abuse", "target_missing"),
    "safety card no menu": (texts(safety_abuse=("F-DATA/gone",)), "texts/safety_abuse", "target_kind"),
    "free text erases": (texts(free_text=("F-DATA/gone",)), "texts/free_text", "target_kind"),
    "withdraw does not": (texts(withdraw=("F-SAFE/card",)), "texts/withdraw", "target_kind"),
    "two exits": (texts(exits=("あとで", "やめる")), "texts/exits", "exits_three"),
    "exit too long": (texts(exits=("あとで", "やめる", LABEL)), f"texts/exits/{LABEL}", "label_length"),
    "button too long": (texts(nav_person=(LABEL,)), f"texts/nav_person/{LABEL}", "label_length"),
    "no number": (texts(see_entry=("見る",)), "texts/see_entry", "see_entry"),
    "one way to a person": (texts(person=("F-HUMAN/who",)), "texts/person", "person_two"),
    "unknown command": (commands(dance="おどる"), "commands/dance", "command_unknown"),
    "no word for a command": (without("forget"), "commands/forget", "command_no_word"),
    "menu of two": (texts(rich_menu=("はじめ", "さがす")), "texts/rich_menu", "rich_menu"),
    "menu to nowhere": (texts(rich_menu=("はて",) * 6), "texts/rich_menu/はて", "rich_menu_word"),
    "long bar": (texts(rich_menu_bar=("あ" * 15,)), "texts/rich_menu_bar", "rich_menu_bar"),
    "sticker that ends": (sticker("やめる"), "stickers/やめる", "sticker_command"),
    "sticker that chooses": (sticker("家族のこと"), "stickers/家族のこと", "sticker_label"),
    "sticker that alarms": (sticker("死にたい"), "stickers/死にたい", "sticker_alarm"),
    "sticker without a word": (sticker("　"), "stickers/　", "sticker_word"),
    "sticker without a keyword": (sticker("はて", ""), "stickers", "sticker_keyword"),
    "command nobody can write": (commands(stop=""), "commands/stop", "word_unwritable"),
    "entry of another flow": (flow(("ジブン",), a=MENU), "flow/F-X/entry", "entry_taken"),
    "entry nobody can write": (flow(("。",), a=MENU), "flow/F-X/entry", "word_unwritable"),
    "entry that is a command": (flow(("モドル",), a=MENU), "flow/F-X/entry", "entry_command"),
    "entry that erases": (flow(("けして",), a=model.Forget()), "flow/F-X/entry", "entry_deed"),
    "entry that hands over": (
        flow(("よんで",), a=model.Goto(to="b"), b=model.Handoff(say=("渡しました。",))),
        "flow/F-X/entry",
        "entry_deed",
    ),
    "slash in an id": (flow(**{"a/b": MENU}), "flow/F-X/steps/a/b", "id_slash"),
    "ids too long": (flow(**{"a" * 60: MENU}), f"flow/F-X/steps/{'a' * 60}", "id_long"),
    "bubble too long": (flow(a=model.Menu(say=(LONG,))), "flow/F-X/steps/a/say[0]", "bubble_length"),
    "four bubbles": (flow(a=model.Menu(say=("あ",) * 4)), "flow/F-X/steps/a/say", "bubbles"),
    "unknown field": (flow(a=model.Menu(say=("はい。{name}",))), "flow/F-X/steps/a/say[0]", "field_not_known"),
    "says nothing": (flow(a=model.Menu()), "flow/F-X/steps/a/say", "says_nothing"),
    "says nothing yet": (flow(a=model.Menu(say=("{hours}。",))), "flow/F-X/steps/a/say", "says_nothing_yet"),
    "no way out": (flow(a=model.Menu(say=("はい。",), exits="none")), "flow/F-X/steps/a/exits", "no_way_out"),
    "unknown exits": (flow(a=model.Menu(say=("はい。",), exits="some")), "flow/F-X/steps/a/exits", "exits_words"),
    "reserved name": (asks(save="listed"), "flow/F-X/steps/a/save", "save_reserved"),
    "unknown reason": (
        flow(a=model.Handoff(say=("はい。",), reason="boredom")),
        "flow/F-X/steps/a/reason",
        "reason_words",
    ),
    "four entries": (lists(limit=4), "flow/F-X/steps/a/query/limit", "limit"),
    "no entries": (lists(limit=0), "flow/F-X/steps/a/query/limit", "limit"),
    "long pause": (asks(pause=100_000), "flow/F-X/steps/a/pause", "pause"),
    "negative pause": (asks(pause=-1), "flow/F-X/steps/a/pause", "pause"),
    "hushed for ever": (
        flow(a=model.Prefer(say=("はい。",), hush_days=10**9)),
        "flow/F-X/steps/a/hush_days",
        "hush",
    ),
    "condition of nothing": (
        flow(a=model.Menu(say=("はい。",), when={"先": "saved"})),
        "flow/F-X/steps/a/when/先",
        "label_unknown",
    ),
    "unknown condition": (
        flow(a=model.Menu(say=("はい。",), choices={"先": "a"}, when={"先": "not sunny"})),
        "flow/F-X/steps/a/when/先",
        "condition",
    ),
    "silent label of nothing": (
        flow(a=model.Menu(say=("はい。",), skip=("先",))),
        "flow/F-X/steps/a/skip/先",
        "label_unknown",
    ),
    "choices for some only": (
        flow(a=model.Menu(say=("はい。",), exits="none", choices={"先": "a"}, when={"先": "saved"})),
        "flow/F-X/steps/a/exits",
        "choices_for_some",
    ),
    "keeps what cannot be kept": (
        flow(a=model.Keep(say=("はい。",), what="money")),
        "flow/F-X/steps/a/what",
        "vocabulary",
    ),
    "drops what is not there": (
        flow(a=model.Drop(say=("はい。",), what="money")),
        "flow/F-X/steps/a/what",
        "vocabulary",
    ),
    "letters every day": (
        flow(a=model.Letters(say=("はい。",), every="day")),
        "flow/F-X/steps/a/every",
        "vocabulary",
    ),
    "notice a year ahead": (
        flow(a=model.Notice(say=("はい。",), days=365)),
        "flow/F-X/steps/a/days",
        "notice_days",
    ),
    "counts what must not be counted": (
        flow(a=model.Count(name="found_work", to="b"), b=MENU),
        "flow/F-X/steps/a/name",
        "vocabulary",
    ),
    "space in an article's id": (article(id="a b"), "article/a b", "id_spaces"),
    "article without pages": (article(pages=()), "article/a/pages", "article_empty"),
    "letter without a month": (
        lambda pack: replace(pack, letters=(Letter(id="l", months=(13,), text="はい。"),)),
        "letter/l/months",
        "letter_months",
    ),
    "question that leads nowhere": (question(leads_to="F-X/a"), "question/q/leads_to", "target_missing"),
    "question that erases": (question(leads_to="F-DATA/gone"), "question/q/leads_to", "question_deed"),
    "question without words": (question(all=(("。",),)), "question/q/all", "question_words"),
    "circle": (flow(a=model.Goto(to="b"), b=model.Say(say=("はい。",), to="a")), "flow/F-X/steps/a/to", "circle"),
    "circle of one": (flow(a=model.Goto(to="a")), "flow/F-X/steps/a/to", "circle"),
    "too many buttons": (
        flow(a=model.ShowEvents(say=("はい。",), each="b", choices=TEN), b=MENU),
        "flow/F-X/steps/a/choices",
        "choices",
    ),
    "label too long": (offers(LABEL), f"flow/F-X/steps/a/choices/{LABEL}", "label_length"),
    "label empty": (offers(""), "flow/F-X/steps/a/choices/", "label_length"),
    "labels with one key": (offers("あえとう", "さついけ"), "flow/F-X/steps/a/choices", "labels_alike"),
    "label leads nowhere": (
        offers("先", to="F-Y/b"),
        "flow/F-X/steps/a/choices/先",
        "target_missing",
    ),
    "to leads nowhere": (flow(a=model.Goto(to="")), "flow/F-X/steps/a/to", "target_missing"),
    "each leads nowhere": (
        flow(a=model.ShowResources(say=("はい。",), each="b")),
        "flow/F-X/steps/a/each",
        "target_missing",
    ),
    "space in an id": (resource(id="a b"), "resource/a b", "id_spaces"),
    "no web address": (resource(url="ftp://example.org"), "resource/r/url", "url"),
    "unknown schedule": (scheduled(kind="often", wording="x"), "resource/r/schedule/kind", "schedule_kind"),
    "no rule": (scheduled(kind="exact", rrule="第1土曜"), "resource/r/schedule/rrule", "schedule_rule"),
    "rule by the second": (
        scheduled(kind="exact", rrule="FREQ=SECONDLY"),
        "resource/r/schedule/rrule",
        "schedule_rule",
    ),
    "rule that never happens": (
        scheduled(kind="exact", rrule="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
        "resource/r/schedule/rrule",
        "schedule_rule",
    ),
    "rule counted from nowhere": (
        scheduled(kind="exact", rrule="FREQ=MONTHLY;INTERVAL=2;BYDAY=4SA"),
        "resource/r/schedule/since",
        "schedule_since",
    ),
    "no dates": (scheduled(kind="dates"), "resource/r/schedule/dates", "schedule_dates"),
    "a rule of no use": (
        scheduled(kind="roughly", wording="x", rrule="FREQ=DAILY"),
        "resource/r/schedule/rrule",
        "schedule_only",
    ),
    "hours of no use": (
        scheduled(kind="roughly", wording="x", hours=OpeningHours()),
        "resource/r/schedule/hours",
        "schedule_hours",
    ),
    "since long ago": (
        scheduled(kind="exact", rrule="FREQ=DAILY", since=date(1999, 1, 1)),
        "resource/r/schedule/since",
        "schedule_early",
    ),
    "code of no poster": (
        lambda pack: replace(pack, service=msgspec.structs.replace(pack.service, entry_codes=("あ",))),
        "service/entry_codes/あ",
        "entry_code",
    ),
    "no wording": (scheduled(kind="roughly"), "resource/r/schedule/wording", "schedule_wording"),
    "text of a pair": (texts(need_face=("はい",)), "texts/need_face", "text_pair"),
    "one way for words": (texts(asked=("F-FIND/entry",)), "texts/asked", "asked_two"),
    "two questions": (
        flow(a=model.Menu(say=("はじめますか。", "つづけますか。"))),
        "flow/F-X/steps/a/say",
        "questions",
    ),
    "duration by its name": (flow(期間=MENU), "flow/F-X/steps/期間", "duration"),
    "duration asked": (flow(a=model.Menu(say=("いつから家にいますか。",))), "flow/F-X/steps/a", "duration"),
    "duration on a button": (offers("6か月以上"), "flow/F-X/steps/a", "duration"),
    "no such kind": (lists(kinds=("cafe",)), "flow/F-X/steps/a/query/kinds", "query_word"),
    "word in a bubble": (flow(a=model.Menu(say=("がんばって。",))), "flow/F-X/steps/a/say[0]", "word"),
    "word on a button": (offers("今すぐ"), "flow/F-X/steps/a/choices/今すぐ", "word"),
    "word in a text": (texts(later=("お気持ちはよくわかります。",)), "texts/later[0]", "word"),
    "word in a place": (resource(summary="自立をめざします。"), "resource/r/summary", "word"),
    "no such prefecture": (resource(prefecture="見本県"), "resource/r/prefecture", "prefecture"),
    "no such town": (resource(municipality="見本市"), "resource/r/municipality", "municipality"),
    "no such kind of place": (resource(kind="cafe"), "resource/r/kind", "vocabulary"),
    "no such interest": (resource(interests=("つり",)), "resource/r/interests", "vocabulary"),
    "ages the wrong way round": (resource(age=Age(least=64, most=40)), "resource/r/age", "age_order"),
    "nothing said of a place": (resource(summary=" "), "resource/r/summary", "summary_empty"),
    "too much said of a place": (resource(summary=LONG), "resource/r/summary", "bubble_length"),
    "looked at again before": (
        sourced(checked_on=date(2026, 10, 1), recheck_by=date(2026, 9, 1)),
        "resource/r/source",
        "dates_order",
    ),
    "checked tomorrow": (
        sourced(checked_on=date(2026, 11, 22)),
        "resource/r/source/checked_on",
        "checked_in_future",
    ),
    "border of nowhere": (
        lambda pack: replace(pack, borders=(Borders(id="岡山県 総社市", towns=("倉敷市",), source=SOURCE),)),
        "borders/岡山県 総社市",
        "border_town",
    ),
    "nothing to read": (
        lambda pack: replace(pack, articles={"a": Article(id="a", title="見本", pages=())}),
        "article/a/pages",
        "article_empty",
    ),
    "line without hours": (line(hours=None), "hotline/x/hours", "hotline_hours"),
    "line without a number": (line(number=" "), "hotline/x/number", "hotline_number"),
    "line approved by one": (line(**APPROVED | {"approved_by": "mori"}), "hotline/x/approved_by", "hotline_second"),
    "line approved for ever": (line(**APPROVED | {"checked_until": None}), "hotline/x/checked_until", "hotline_until"),
    "line approved too long ago": (
        line(**APPROVED | {"checked_until": date(2026, 11, 20)}),
        "hotline/x/checked_until",
        "hotline_expired",
    ),
    "no desk": (lambda pack: replace(pack, desks=()), "desk", "no_desk"),
    "no rules": (lambda pack: replace(pack, rules=Rules(())), "risk_rule", "no_rules"),
}  # fmt: skip


LOOKS: dict[str, tuple[Change, str, str]] = {
    "plain http": (resource(url="http://example.org"), "resource/r/url", "url_plain"),
    "nobody comes here": (flow(a=MENU), "flow/F-X/steps/a", "unreachable"),
    "three questions in a row": (
        flow(
            ("みほん",),
            a=model.Menu(say=("はじめますか。",), choices={"はい": "b"}),
            b=model.Menu(say=("つづけますか。",), choices={"はい": "c"}),
            c=model.Menu(say=("おわりますか。",)),
        ),
        "flow/F-X/steps/a",
        "questions_in_a_row",
    ),
    "no day to look again": (
        sourced(checked_on=date(2026, 11, 1)),
        "resource/r/source/recheck_by",
        "recheck_missing",
    ),
    "overdue": (sourced(recheck_by=date(2026, 11, 20)), "resource/r/source/recheck_by", "stale"),
}  # fmt: skip
"""What staff should look at, but may publish."""


def pattern(code: str) -> re.Pattern[str]:
    """What the sentence of a code looks like, whatever its values."""
    parts = re.split(r"\{\w+\}", sentences()[code].replace("{{", "{").replace("}}", "}"))
    return re.compile(".*".join(map(re.escape, parts)))


def test_what_we_ship_blocks_nothing_and_its_warnings_were_looked_at() -> None:
    """Ten addresses are plain http in their sources; nothing else is to be looked at."""
    issues = check(codec.build(1, codec.seed()), TODAY)
    assert [issue for issue in issues if issue.blocks] == []
    assert sorted(issue.path for issue in issues) == sorted(
        f"resource/{name}/url"
        for name in (
            *("kitakyushu-step", "kitakyushu-step-fs", "kitakyushu-step-fs40", "kitakyushu-step-online"),
            *(
                "kitakyushu-gop",
                "soja-onetouch",
                "soja-hottouch",
                "soja-hottouch-poem",
                "soja-hottouch-no-kai",
            ),
            "soja-supporter-kouza",
        )
    )
    assert {issue.message for issue in issues} == {sentences()["url_plain"]}


@pytest.mark.parametrize("name", [*CASES, *LOOKS])
def test_an_issue_is_found_where_it_is(name: str) -> None:
    """Each case breaks the shipped content in one way; the issue has its path and, but for some, keeps it from
    being published."""
    change, path, code = {**CASES, **LOOKS}[name]
    issues = check(change(seed_pack()), TODAY)
    found = [issue for issue in issues if issue.path == path and pattern(code).fullmatch(issue.message)]
    assert found, issues
    assert all(issue.blocks is (name in CASES) for issue in found)


def test_every_kind_of_issue_has_a_case() -> None:
    """A new sentence without a case here, or a broken file that shows it, fails."""
    cases = {code for _, _, code in (*CASES.values(), *LOOKS.values())}
    assert cases | {one.code for one in broken()} | ELSEWHERE == sentences().keys()


def test_words_of_a_rule_that_only_warns_do_not_block() -> None:
    """Severity is set by rule (R-043)."""
    rules = [msgspec.structs.replace(rule, blocks=False) for rule in seed_pack().words.rules]
    mild = replace(seed_pack(), words=WordRules(rules))
    issues = check(flow(a=model.Menu(say=("がんばって。",)))(mild), TODAY)
    assert [issue.blocks for issue in issues if "がんば" in issue.message] == [False]


def test_a_word_comes_with_category_reason_and_what_to_say_instead() -> None:
    """R-043."""
    (issue,) = [
        one for one in check(texts(later=("がんばって。",))(seed_pack())) if one.path == "texts/later[0]"
    ]
    (rule,) = [rule for rule in seed_pack().words.rules if rule.id == "N2"]
    for part in ("がんば", rule.category, rule.reason, *rule.instead):
        assert part in issue.message


@pytest.mark.parametrize(
    "text",
    ["ひきこもり支援センター「ワンタッチ」の案内です。", "「ひきこもりVOICE STATION（事例ページ）」です。"],
)
def test_official_names_may_be_what_they_are(text: str) -> None:
    """R-014, R-045: the word stands in names of places, and nowhere else."""

    def found(said: str) -> list[Issue]:
        return [one for one in check(texts(later=(said,))(seed_pack())) if one.path == "texts/later[0]"]

    assert not found(text)
    assert found("ひきこもりの人へ。")


TO_DO = re.compile(r"ください|かわりに：")
ENGLISH = re.compile(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}")
QUOTING = {"yaml_broken", "schedule_rule", "word_rule_pattern"}
"""Sentences that quote what a parser says, in brackets."""
DATED = {
    "event_name",
    "event_day",
    "series_missing",
    "event_was",
    "event_was_only",
    "event_last",
    "begins_missing",
} | {*("id_letters", "event_capacity", "place_missing", "day_twice", "id_taken")}
"""Sentences that tests/content/test_events.py shows."""
ELSEWHERE = DATED | {
    "folder_unreadable",
    "file_unreadable",
    "kind_needed",
    "file_too_large",
    "shift_days",
    "field_wrong",
    *("too_large", "too_many_files", "zip_broken", "id_changed"),
}
"""Sentences that tests/content/test_codec.py and test_export.py show."""


def test_every_broken_file_is_found() -> None:
    """Forty files and more, each broken in one way: each is told with its path, in a plain sentence of what to do."""
    assert len(broken()) >= 40
    for one in broken():
        issues = one.issues()
        found = [
            issue for issue in issues if issue.path == one.path and pattern(one.code).fullmatch(issue.message)
        ]
        assert found, (one.name, issues)
        assert all(TO_DO.search(issue.message) for issue in found), found
        english = [issue for issue in issues if ENGLISH.search(issue.message)]
        assert not english or one.code in QUOTING, english

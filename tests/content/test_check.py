"""What `check` finds. Every kind of issue it can tell of has a case here, and what we ship has none."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from bot.content import check as checking
from bot.content import codec
from bot.content.check import Issue, check
from bot.content.model import Article, Letter, Resource, Source
from bot.content.pack import Pack, entry_words
from bot.content.schedule import Schedule
from bot.flows import model
from bot.handoff.risk import Rules
from tests.strategies import seed_pack

Change = Callable[[Pack], Pack]
MENU = model.Menu(say=("はい。",))
RESOURCE = Resource(
    id="r",
    name="見本",
    kind="ibasho",
    prefecture="見本県",
    summary="見本です。",
    source=Source(title="x", seen_in_source="x"),
)


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


def asks(**fields: Any) -> Change:
    return flow(a=model.Ask(say=("はい。",), to="b", **fields), b=MENU)


def offers(*labels: str, to: str = "a") -> Change:
    return flow(a=model.Menu(say=("はい。",), choices=dict.fromkeys(labels, to)))


def lists(**fields: Any) -> Change:
    return flow(a=model.ShowResources(say=("はい。",), query=model.Query(**fields)))


LONG, LABEL = "あ" * 121, "あ" * 21
TEN = {f"ボタン{number}": "a" for number in range(10)}

CASES: dict[str, tuple[Change, str, str]] = {
    "text missing": (texts(later=None), "texts/later", "is missing"),
    "text empty": (texts(later=()), "texts/later", "needs at least one bubble"),
    "text with an empty bubble": (texts(later=("",)), "texts/later[0]", "is empty"),
    "text too long": (texts(more=("短い。", LONG)), "texts/more[1]", "121 characters"),
    "too many bubbles": (texts(later=("あ",) * 4), "texts/later", "4 bubbles"),
    "target missing": (texts(free_text=("F-X/a",)), "texts/free_text", "leads to F-X/a, which does not exist"),
    "safety card missing": (texts(safety_abuse=("F-X/a",)), "texts/safety_abuse", "does not exist"),
    "safety card no menu": (texts(safety_abuse=("F-DATA/gone",)), "texts/safety_abuse", "must be of kind menu"),
    "free text erases": (texts(free_text=("F-DATA/gone",)), "texts/free_text", "must be of kind menu"),
    "withdraw does not": (texts(withdraw=("F-SAFE/card",)), "texts/withdraw", "must be of kind withdraw"),
    "two exits": (texts(exits=("あとで", "やめる")), "texts/exits", "three labels"),
    "exit too long": (texts(exits=("あとで", "やめる", LABEL)), f"texts/exits/{LABEL}", "21 characters"),
    "button too long": (texts(nav_person=(LABEL,)), f"texts/nav_person/{LABEL}", "LINE allows"),
    "no number": (texts(see_entry=("見る",)), "texts/see_entry", "needs {n}"),
    "one way to a person": (texts(person=("F-HUMAN/who",)), "texts/person", "two targets"),
    "unknown command": (commands(dance="おどる"), "commands/dance", "is one of"),
    "no word for a command": (without("forget"), "commands/forget", "at least one word"),
    "menu of two": (texts(rich_menu=("はじめ", "さがす")), "texts/rich_menu", "needs 6 words"),
    "menu to nowhere": (texts(rich_menu=("はて",) * 6), "texts/rich_menu/はて", "opens nothing"),
    "long bar": (texts(rich_menu_bar=("あ" * 15,)), "texts/rich_menu_bar", "LINE allows 14"),
    "sticker that ends": (sticker("やめる"), "stickers/やめる", "must not do"),
    "sticker that chooses": (sticker("家族のこと"), "stickers/家族のこと", "must not make"),
    "sticker that alarms": (sticker("死にたい"), "stickers/死にたい", "a guess must not"),
    "sticker without a word": (sticker("　"), "stickers/　", "a word of 1 to"),
    "sticker without a keyword": (sticker("はて", ""), "stickers", "no sticker can have"),
    "command nobody can write": (commands(stop=""), "commands/stop", "nobody can write"),
    "entry of another flow": (flow(("ジブン",), a=MENU), "flow/F-X/entry", "already opens F-SELF"),
    "entry nobody can write": (flow(("。",), a=MENU), "flow/F-X/entry", "nobody can write"),
    "entry that is a command": (flow(("モドル",), a=MENU), "flow/F-X/entry", "means back everywhere"),
    "entry that erases": (flow(("けして",), a=model.Forget()), "flow/F-X/entry", "ask first"),
    "entry that hands over": (
        flow(("よんで",), a=model.Goto(to="b"), b=model.Handoff(say=("渡しました。",))),
        "flow/F-X/entry",
        "ask first",
    ),
    "slash in an id": (flow(**{"a/b": MENU}), "flow/F-X/steps/a/b", "must not contain /"),
    "ids too long": (flow(**{"a" * 60: MENU}), f"flow/F-X/steps/{'a' * 60}", "bytes"),
    "bubble too long": (flow(a=model.Menu(say=(LONG,))), "flow/F-X/steps/a/say[0]", "121 characters"),
    "four bubbles": (flow(a=model.Menu(say=("あ",) * 4)), "flow/F-X/steps/a/say", "4 bubbles"),
    "unknown field": (flow(a=model.Menu(say=("はい。{name}",))), "flow/F-X/steps/a/say[0]", "{name} is not"),
    "says nothing": (flow(a=model.Menu()), "flow/F-X/steps/a/say", "says nothing"),
    "says nothing yet": (flow(a=model.Menu(say=("{hours}。",))), "flow/F-X/steps/a/say", "fields are not known"),
    "no way out": (flow(a=model.Menu(say=("はい。",), exits="none")), "flow/F-X/steps/a/exits", "neither exits"),
    "unknown exits": (flow(a=model.Menu(say=("はい。",), exits="some")), "flow/F-X/steps/a/exits", "std or none"),
    "reserved name": (asks(save="listed"), "flow/F-X/steps/a/save", "reserved"),
    "unknown reason": (
        flow(a=model.Handoff(say=("はい。",), reason="boredom")),
        "flow/F-X/steps/a/reason",
        "is one of",
    ),
    "four entries": (lists(limit=4), "flow/F-X/steps/a/query/limit", "1 to 3"),
    "no entries": (lists(limit=0), "flow/F-X/steps/a/query/limit", "1 to 3"),
    "long pause": (asks(pause=100_000), "flow/F-X/steps/a/pause", "0 to 600"),
    "negative pause": (asks(pause=-1), "flow/F-X/steps/a/pause", "0 to 600"),
    "hushed for ever": (
        flow(a=model.Prefer(say=("はい。",), hush_days=10**9)),
        "flow/F-X/steps/a/hush_days",
        "0 to 3650",
    ),
    "condition of nothing": (
        flow(a=model.Menu(say=("はい。",), when={"先": "saved"})),
        "flow/F-X/steps/a/when/先",
        "no choice",
    ),
    "unknown condition": (
        flow(a=model.Menu(say=("はい。",), choices={"先": "a"}, when={"先": "not sunny"})),
        "flow/F-X/steps/a/when/先",
        "or not and one",
    ),
    "silent label of nothing": (
        flow(a=model.Menu(say=("はい。",), skip=("先",))),
        "flow/F-X/steps/a/skip/先",
        "no choice",
    ),
    "choices for some only": (
        flow(a=model.Menu(say=("はい。",), exits="none", choices={"先": "a"}, when={"先": "saved"})),
        "flow/F-X/steps/a/exits",
        "without any choice",
    ),
    "keeps what cannot be kept": (
        flow(a=model.Keep(say=("はい。",), what="money")),
        "flow/F-X/steps/a/what",
        "entry, written or wishes",
    ),
    "drops what is not there": (
        flow(a=model.Drop(say=("はい。",), what="money")),
        "flow/F-X/steps/a/what",
        "is one of",
    ),
    "letters every day": (
        flow(a=model.Letters(say=("はい。",), every="day")),
        "flow/F-X/steps/a/every",
        "is one of",
    ),
    "notice a year ahead": (
        flow(a=model.Notice(say=("はい。",), days=365)),
        "flow/F-X/steps/a/days",
        "1 to 14",
    ),
    "counts what must not be counted": (
        flow(a=model.Count(name="found_work", to="b"), b=MENU),
        "flow/F-X/steps/a/name",
        "R-122",
    ),
    "space in an article's id": (article(id="a b"), "article/a b", "spaces"),
    "article without pages": (article(pages=()), "article/a/pages", "at least one page"),
    "letter without a month": (
        lambda pack: replace(pack, letters=(Letter(id="l", months=(13,), text="はい。"),)),
        "letter/l/months",
        "1 to 12",
    ),
    "question that leads nowhere": (question(leads_to="F-X/a"), "question/q/leads_to", "does not exist"),
    "question that erases": (question(leads_to="F-DATA/gone"), "question/q/leads_to", "only tells"),
    "question without words": (question(all=(("。",),)), "question/q/all", "every group"),
    "circle": (flow(a=model.Goto(to="b"), b=model.Say(say=("はい。",), to="a")), "flow/F-X/steps/a/to", "circle"),
    "circle of one": (flow(a=model.Goto(to="a")), "flow/F-X/steps/a/to", "circle"),
    "too many buttons": (
        flow(a=model.ShowEvents(say=("はい。",), each="b", choices=TEN), b=MENU),
        "flow/F-X/steps/a/choices",
        "13 choices; 10 are allowed",
    ),
    "label too long": (offers(LABEL), f"flow/F-X/steps/a/choices/{LABEL}", "LINE allows"),
    "label empty": (offers(""), "flow/F-X/steps/a/choices/", "LINE allows"),
    "labels with one key": (offers("あえとう", "さついけ"), "flow/F-X/steps/a/choices", "too alike"),
    "label leads nowhere": (
        offers("先", to="F-Y/b"),
        "flow/F-X/steps/a/choices/先",
        "leads to F-Y/b, which does not exist",
    ),
    "to leads nowhere": (flow(a=model.Goto(to="")), "flow/F-X/steps/a/to", "leads to nowhere"),
    "each leads nowhere": (
        flow(a=model.ShowResources(say=("はい。",), each="b")),
        "flow/F-X/steps/a/each",
        "leads to b",
    ),
    "space in an id": (resource(id="a b"), "resource/a b", "spaces"),
    "plain http": (resource(url="http://example.org"), "resource/r/url", "https://"),
    "unknown schedule": (scheduled(kind="often", wording="x"), "resource/r/schedule/kind", "is one of"),
    "no rule": (scheduled(kind="exact", rrule="第1土曜"), "resource/r/schedule/rrule", "no recurrence rule"),
    "rule by the second": (scheduled(kind="exact", rrule="FREQ=SECONDLY"), "resource/r/schedule/rrule", "FREQ is"),
    "rule that never happens": (
        scheduled(kind="exact", rrule="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
        "resource/r/schedule/rrule",
        "never happens",
    ),
    "rule counted from nowhere": (
        scheduled(kind="exact", rrule="FREQ=MONTHLY;INTERVAL=2;BYDAY=4SA"),
        "resource/r/schedule/since",
        "first date",
    ),
    "no wording": (scheduled(kind="roughly"), "resource/r/schedule/wording", "needs the wording"),
    "no desk": (lambda pack: replace(pack, desks=()), "desk", "at least one desk"),
    "no rules": (lambda pack: replace(pack, rules=Rules(())), "risk_rule", "at least one rule"),
}  # fmt: skip


def test_what_we_ship_has_no_issue_at_all() -> None:
    """Neither a blocking one nor one to look at."""
    assert check(codec.build(1, codec.seed())) == []


@pytest.mark.parametrize("name", CASES)
def test_an_issue_is_found_where_it_is(name: str) -> None:
    """Each case breaks the shipped content in one way; the issue has its path and keeps it from being published."""
    change, path, told = CASES[name]
    issues = check(change(seed_pack()))
    found = [issue for issue in issues if issue.path == path and told in issue.message]
    assert found, issues
    assert all(issue.blocks for issue in found)


def test_every_kind_of_issue_has_a_case() -> None:
    """A new issue in `check` without a case above fails here."""
    found = [issue.message for change, _, _ in CASES.values() for issue in check(change(seed_pack()))]
    missing = [pattern for pattern in messages() if not any(re.fullmatch(pattern, text) for text in found)]
    assert not missing


def messages() -> Iterator[str]:
    """What `check` can say, as patterns, read from its own source."""
    for node in ast.walk(ast.parse(inspect.getsource(checking))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == Issue.__name__:
            (message,) = [keyword.value for keyword in node.keywords if keyword.arg == "message"]
            parts = message.values if isinstance(message, ast.JoinedStr) else [message]
            yield "".join(
                re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".*" for part in parts
            )

"""The content we ship, read with the eyes of the requirements: words to avoid, lengths, what is never asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.content.check import TARGET_TEXTS
from bot.content.check_words import MAX_LABEL
from bot.content.pack import is_safety
from bot.flows import model
from bot.flows.engine import MAX_LENGTH
from bot.flows.template import MAX_BUBBLES
from bot.testing import A_DAY, a_release
from tests.strategies import seed_pack

NG = {
    "N1 lecturing": r"周りのことも|普通は|常識|べきです|するべき|すべき",
    "N2 cheering on": r"がんば|頑張|もう少しの努力|きっとできる|前向き",
    "N3 parents' age": r"親も年|将来どう|いつまでも",
    "N4 reproach": r"何がしたい|現実を見|甘え|怠け",
    "N5 labelling": r"あなたは.*な人|それは無理|タイプですね",
    "N6 as to a child": r"えらい|よくできました|すごい",
    "N7 hurrying, repairing": r"早め|早く|今すぐ|いますぐ|急い|治す|治る|直す|直る|訓練",
    "N8 comparing": r"みなさんは|同年代|さんは働け",
    "N9 work as the goal": r"就職に向け|次は仕事|社会復帰",
    "N10 blaming the family": r"育て方|甘やか|相談していれば",
    "N11 illness as identity": r"問題のある方|症状を改善",
    "N12 burden": r"迷惑",
    "N13 pushing help": r"ぜひ|必ず|お待ちして",
    "N14 assumed understanding": r"お気持ち|わかりますよ|よくわかります|あなたのような方",
    "R-014 independence": r"自立|更生|脱ひきこもり|克服|改善させ",
    "R-040 judging plans": r"まだ若い|今からでも|もったいない",
    "R-012 cheering marks": r"[!！]",
    "R-019 streaks": r"連続|達成|ごぶさた|最近見て",
    "R-003 diagnosis": r"診断|病名|通院|お薬|障害者手帳",
    "R-008 gender": r"性別|男性ですか|女性ですか",
    "R-045 the word itself": r"ひきこもり|引きこもり",
}
QUESTION = re.compile(r"[?？]|(?:です|ます|でしょう)か[。\n]?|何歳|何年")


def bubbles() -> Iterator[tuple[str, str]]:
    """Every bubble the bot can say, with its path."""
    pack = seed_pack()
    for key, said in pack.texts.items():
        if key not in TARGET_TEXTS and not is_safety(key):
            yield from ((f"texts/{key}", bubble) for bubble in said)
    for flow in pack.flows.values():
        for name, step in flow.steps.items():
            yield from ((f"{flow.id}/{name}", bubble) for bubble in step.say)
    for article in pack.articles.values():
        yield from ((f"article/{article.id}", page) for page in article.pages)
    for letter in pack.letters:
        yield f"letter/{letter.id}", letter.text


def labels() -> Iterator[tuple[str, str]]:
    for flow in seed_pack().flows.values():
        for name, step in flow.steps.items():
            yield from ((f"{flow.id}/{name}", label) for label in step.choices)
    for article in seed_pack().articles.values():
        yield f"article/{article.id}", article.title
    for key in ("exits", "nav_bring", "nav_person", "nav_resume", "nav_restart", "nav_withdraw", "see_entry"):
        yield from ((f"texts/{key}", label) for label in seed_pack().texts[key])


@pytest.mark.parametrize("rule", NG)
def test_no_bubble_and_no_button_says_what_hurts(rule: str) -> None:
    """Words of N1–N14 occur nowhere in what the bot says; nor do commands and cheers (R-012), diagnosis (R-003),
    next stages (R-017), and judgement of plans (R-040)."""
    said = [*bubbles(), *labels(), *(("name", flow.name) for flow in seed_pack().flows.values())]
    assert [(path, text) for path, text in said if re.search(NG[rule], text)] == []


def test_bubbles_and_buttons_are_short() -> None:
    """120 characters a bubble, three bubbles, 20 characters a button (R-038, LINE)."""
    assert [(path, text) for path, text in bubbles() if len(text) > MAX_LENGTH] == []
    assert [(path, label) for path, label in labels() if len(label) > MAX_LABEL] == []
    steps = [step for flow in seed_pack().flows.values() for step in flow.steps.values()]
    assert all(len(step.say) <= MAX_BUBBLES for step in steps)


def test_a_step_asks_one_question_at_most() -> None:
    """R-025: one question a message."""
    for flow in seed_pack().flows.values():
        for name, step in flow.steps.items():
            assert sum(len(QUESTION.findall(bubble)) for bubble in step.say) <= 1, f"{flow.id}/{name}"


def test_every_sentence_is_whole() -> None:
    """A bubble ends where a sentence ends; a comma in a list of the file has cut none in two."""
    of_one_word = (
        *("why_", "who_", "way_", "age_", "residence_", "sense_", "need_", "money_", "hotline_sample"),
        *(
            "label_",
            "fact_",
            "kind_",
            "nav_",
            "command_",
            "speaker_",
            "stored_",
            "quoted",
            "preview_written",
            "day",
        ),
        *("exits", "see_entry", "alert_subject", "alert_level_", "unknown", "opening", "shift", "rich_menu"),
        *(
            "wait_minutes",
            "wait_hours",
            "wait_until",
            "wait_between",
            "told_",
            "same_day",
            "time_of_day",
            "peer_wishes",
            "language_",
        ),
    )
    for path, bubble in bubbles():
        if not path.removeprefix("texts/").startswith(of_one_word):
            end = "." if path.partition("[")[0].endswith("_en") else ("。", "）", "}", "」")
            assert bubble.endswith(end), (path, bubble)


def test_the_first_screen_has_an_entry_for_everybody() -> None:
    """R-046: the person, the family, supporters, and who does not say; nobody loses anything."""
    first = seed_pack().flows["F-START"].steps["hello"]
    assert list(first.choices)[:4] == ["自分のこと", "家族のこと", "支援や地域の立場", "言わずに見る"]
    assert {"つらさが強いとき", "わたしの記録"} <= set(first.choices)


def test_work_is_never_suggested_unasked() -> None:
    """R-016: one choice under 自分のこと, never the first, leads to work; nothing else does."""
    about_work = [(path, label) for path, label in labels() if re.search("仕事|働く", label)]
    standing = {"福祉や医療の仕事", "学校の仕事", "絵や手しごと"}  # whose standing it is, not what is offered
    assert [one for one in about_work if one[1] not in standing] == [("F-SELF/menu", "働くことも見たい")]
    assert "働くことも見たい" not in list(seed_pack().flows["F-SELF"].steps["menu"].choices)[:3]


def test_only_the_hidden_screen_has_no_exits() -> None:
    """R-018: every step has the three exits; the hidden screen has つづき alone, which betrays nothing."""
    steps = [
        (f"{flow.id}/{name}", step)
        for flow in seed_pack().flows.values()
        for name, step in flow.steps.items()
    ]
    without = {path: step for path, step in steps if step.exits == model.NO_EXITS}
    assert list(without) == ["F-HOME/hide"]
    assert list(without["F-HOME/hide"].choices) == ["つづき"]


def test_safety_is_one_tap_from_where_families_are() -> None:
    """R-058, and the card itself never asks to persuade, endure or record."""
    assert "F-HOME/card" in seed_pack().flows["F-FAMILY"].steps["menu"].choices.values()
    card = "".join(seed_pack().flows["F-HOME"].steps["card"].say)
    assert not re.search(r"話し合|がまん|我慢|記録し|写真|日記", card)


def test_nothing_is_claimed_that_nobody_checked() -> None:
    """No entry says it was checked or agreed to; every one names its source and when it was seen there."""
    for resource in seed_pack().resources.values():
        assert (resource.source.checked_on, resource.agreement) == (None, "unknown")
        assert resource.source.title
        assert re.fullmatch(r"20\d\d(-\d\d){0,2}", resource.source.seen_in_source)
        assert resource.schedule is None or resource.schedule.kind != "exact"
        assert not (resource.is_listed and resource.schedule and resource.schedule.kind == "dates")


def test_numbers_to_call_are_the_two_everybody_knows() -> None:
    """The other lines wait for two people's approval; until then they are told to nobody (R-079)."""
    lines = seed_pack().hotlines
    assert {line.number for line in lines if line.always} == {"110", "119"}
    assert all(
        (line.proposed_by, line.approved_by, line.checked_until) == (None, None, None) for line in lines
    )
    said = a_release().values(A_DAY)["open_lines"]
    assert set(re.findall(r"[#\d][\d-]{2,}", said)) == {"110", "119"}


def test_a_demonstration_marks_lines_nobody_approved() -> None:
    """Shown as samples there, text first; every one but 110 and 119 is marked, and all fit a bubble."""
    said = replace(a_release(), samples=True).values(A_DAY)["open_lines"]
    first, *others = said.split("、")
    assert first.startswith("あなたのいばしょ talkme.jp（見本・未確認")
    assert all("見本" in line for line in (first, *others) if "119" not in line and "110" not in line)
    assert len(said) < MAX_LENGTH


def test_nobody_is_promised_a_reader() -> None:
    """Hours are for each place to say: the shipped desk has none, and no text names any (R-083)."""
    assert all(desk.shifts == () for desk in seed_pack().desks)
    assert [
        text for _, text in bubbles() if re.search(r"(誰か|だれか)が(読んで|見て)います|すぐ(に)?返事", text)
    ] == []


def test_a_limit_comes_with_its_reason() -> None:
    """R-032: where something is not done, or a person cannot go on, the same step says why."""
    because = re.compile("ため|ので|から|決まり|考えたときだけ")
    near = seed_pack().flows["F-SUPPORT"].steps["near"].say
    school = seed_pack().flows["F-SUPPORT"].steps["school"].say
    anonymous = seed_pack().flows["F-HUMAN"].steps["who"].say
    assert all(because.search("".join(said)) for said in (near, school, anonymous))


def test_nothing_but_text_is_ever_needed() -> None:
    """R-067: no step asks for a voice, a photo, a place on a map or a number; every question can be passed by a tap."""
    asks = {
        f"{flow.id}/{name}": step
        for flow in seed_pack().flows.values()
        for name, step in flow.steps.items()
        if isinstance(step, model.Ask)
    }
    assert [path for path, step in asks.items() if not step.choices] == []
    wanted = re.compile("写真を送|電話番号|位置情報|声を送|録音")
    assert [path for path, text in bubbles() if wanted.search(text)] == []


def test_age_decides_nothing() -> None:
    """R-007: no step asks how old somebody is; who says so is shown what is there for all."""
    assert [text for _, text in bubbles() if re.search("何歳|おいくつ|年齢を(教|書|えら)", text)] == []
    young = seed_pack().flows["F-SELF"].steps["young"].choices
    assert set(young.values()) <= {"F-FIND/online", "F-FIND/desk", "F-READ/list", "F-WRITE/open"}


def test_who_comes_back_is_told_who_will_read() -> None:
    """R-111, R-112: the same person, another one, or nobody: it is the person's to choose, and is said before."""
    person = seed_pack().flows["F-RETURN"].steps["person"]
    assert list(person.choices)[:2] == ["まえの人がいい", "ほかの人がいい"]
    assert "先に知らせます" in person.say[0]


def test_being_left_alone_holds_for_all_of_us() -> None:
    """R-088, R-090: one word stops what is sent unasked, for a year, and what was ordered can go, too."""
    steps = seed_pack().flows["F-QUIET"].steps
    ok, gone = steps["ok"], steps["all"]
    assert isinstance(ok, model.Prefer)
    assert ok.hush_days == 365
    assert isinstance(gone, model.Drop)
    assert gone.what == "subscriptions"

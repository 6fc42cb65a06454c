"""Risk words: what must hit, what must not, how it is written, and where it stands."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.errors import ContentError
from bot.handoff.risk import LEVELS, MAX_SCANNED, Level, RiskRule, Rules, compile_rules, fold, highest
from tests.strategies import seed_pack

SEED = seed_pack().rules
RULE = RiskRule(
    id="R-1",
    category="suicide",
    level="high",
    terms=("しにたい",),
    unless=("わたしにたいして",),
    hits=("もう しにたい",),
    misses=("わたしにたいして",),
    author="test",
    date="2026-11-21",
)


# --- the rules we ship ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", SEED.rules, ids=lambda rule: rule.id)
def test_the_rules_together_agree_with_every_example(rule: RiskRule) -> None:
    """Each example that must hit does so among all rules, with that rule named; at least at its level."""
    for text in rule.hits:
        hits = SEED.scan(text)
        assert rule.id in [hit.rule for hit in hits]
        assert highest(hits) >= LEVELS[rule.level]
    for text in rule.misses:
        assert rule.id not in [hit.rule for hit in SEED.scan(text)]


@pytest.mark.parametrize(
    "text",
    [
        "死にたい",
        "しにたい",
        "シニタイ",
        "ｼﾆﾀｲ",
        "し に た い",
        "し　に\nた\tい",
        "死・に・た・い",
        "し_に.た/い",
        "し\u200bに\u200dた\ufe0fい",
        "４にたい",
        "４　に　た　い",
        "SHINITAI",
        "ｓｈｉｎｉｔａｉ",
        "死にたい！！！",
        "あーあ。しにたいよ、もう",
        "死にたくない。でも、死にたい",
        "母が死にたいと言っています",
    ],
)
def test_the_way_it_is_written_does_not_matter(text: str) -> None:
    """Width, kana, case, spaces, separators and invisible characters hide nothing."""
    assert highest(SEED.scan(text)) is Level.HIGH


@pytest.mark.parametrize(
    "text", ["なぐられました", "ナグラレマシタ", "ﾅｸﾞﾗﾚﾏｼﾀ", "なく\u3099られました", "なく\u309bられました"]
)
def test_voiced_sounds_are_one_with_their_mark(text: str) -> None:
    """Half width, decomposed or with a mark of its own: ぐ is ぐ."""
    assert [hit.rule for hit in SEED.scan(text)] == ["A-01"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "こんにちは",
        "死ぬほど眠い",
        "必死でやった",
        "わたしにたいして冷たい",
        "死にたくないから病院に行く",
        "スマホの電池が死んだ",
        "アリスカフェに行った",
        "包丁をといだ",
        "汚れが消えたい… とは言わない、消えた",
        "お腹がもう限界",
    ],
)
def test_everyday_words_do_not_hit(text: str) -> None:
    """Idioms, negations and accidental strings of letters call nobody."""
    assert SEED.scan(text) == ()


def test_the_most_urgent_comes_first() -> None:
    """One message, several rules: the highest level leads, and no later comfort lowers it."""
    hits = SEED.scan("もう限界です。死にたい。今から死ぬ。でも大丈夫です")
    assert [hit.level for hit in hits] == sorted((hit.level for hit in hits), reverse=True)
    assert highest(hits) is Level.EMERGENCY
    assert {hit.rule for hit in hits} == {"S-10", "S-01", "C-01"}
    assert highest(()) is Level.NONE


# --- where it stands ------------------------------------------------------------------------------------------

around = st.text(st.sampled_from("あア㍿ｱ\u3099\uff9e \n💊\u200bﬀé"), max_size=8)
gaps = st.lists(st.sampled_from(("", " ", "\u200b", "・", "　")), min_size=3, max_size=3)


@given(around, around, gaps)
def test_a_hit_points_into_the_original(before: str, after: str, gap: list[str]) -> None:
    """Whatever stands around and between, the span is where the words are written."""
    written = "し" + gap[0] + "に" + gap[1] + "た" + gap[2] + "い"
    text = f"{before}\n{written}\n{after}"
    (hit,) = Rules((RULE,)).scan(text)
    assert text[hit.start : hit.end] == written


@given(st.text())
@example("\ud83d死にたい\ud83d")
@example("\u3099")
def test_a_scan_never_raises_and_stays_within_the_text(text: str) -> None:
    """Any string of characters is scanned; spans lie inside it and tell of the rule's own words."""
    for hit in SEED.scan(text):
        assert 0 <= hit.start < hit.end <= len(text)
        rule = next(rule for rule in SEED.rules if rule.id == hit.rule)
        assert any(fold(term).text in fold(text[hit.start : hit.end]).text for term in rule.terms)


@given(st.text(st.sampled_from("死しシにニたタいイ 。"), max_size=24))
def test_spaces_and_width_change_no_result(text: str) -> None:
    """With a space after every character the same rules hit."""
    spaced = "".join(f"{char} " for char in text)
    assert [hit.rule for hit in SEED.scan(text)] == [hit.rule for hit in SEED.scan(spaced)]


def test_a_very_long_text_is_read_up_to_its_limit() -> None:
    """Longer than any channel sends: read to the limit, in time that does not grow beyond."""
    assert SEED.scan("あ" * (MAX_SCANNED - 4) + "死にたい")
    assert SEED.scan("あ" * MAX_SCANNED + "死にたい") == ()


# --- rules of one's own ---------------------------------------------------------------------------------------


def test_a_term_is_vetoed_where_it_stands_and_nowhere_else() -> None:
    """`unless` takes back one spot; the same words elsewhere still hit."""
    rules = Rules((RULE,))
    assert rules.scan("わたしにたいして") == ()
    (hit,) = rules.scan("わたしにたいして冷たいから、しにたい")
    assert hit.start == 14


def test_near_words_must_occur_too() -> None:
    """With `near`, the term alone is not enough."""
    rules = Rules((replace_rule(terms=("薬",), near=("全部", "ぜんぶ"), unless=()),))
    assert rules.scan("薬をもらった") == ()
    assert rules.scan("薬を ゼンブ のんだ")


def test_no_rules_find_nothing() -> None:
    """Also when every term folds to nothing."""
    assert Rules(()).scan("死にたい") == ()
    assert Rules((replace_rule(terms=("。", " ")),)).scan("。 。") == ()


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"hits": ("こんにちは",)}, "risk/R-1/hits[0]"),
        ({"hits": ("しにたい", "死")}, "risk/R-1/hits[1]"),
        ({"misses": ("しにたい",)}, "risk/R-1/misses[0]"),
        ({"unless": ()}, "risk/R-1/misses[0]"),
        ({"hits": ()}, "risk/R-1"),
        ({"misses": ()}, "risk/R-1"),
        ({"level": "urgent"}, "risk/R-1/level"),
        ({"terms": ()}, "risk/R-1/hits[0]"),
    ],
)
def test_a_rule_that_disagrees_with_itself_is_refused(changes: dict[str, object], path: str) -> None:
    """Loading fails, and tells which rule and which example."""
    with pytest.raises(ContentError) as caught:
        compile_rules((replace_rule(**changes),))
    assert caught.value.path == path


def replace_rule(**changes: object) -> RiskRule:
    return msgspec.structs.replace(RULE, **changes)


def test_a_hit_holds_no_words() -> None:
    """What is kept of a hit is rule, category, level and place; never the text."""
    (hit,) = SEED.scan("もう死にたいです")
    assert "死" not in repr(hit)
    assert replace(hit, start=0, end=0) != hit

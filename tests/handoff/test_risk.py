"""Risk words: what must hit, what must not, how it is written, where it stands, and how long it may take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.errors import ContentError
from bot.handoff import dictionary
from bot.handoff.risk import (
    LEVELS,
    MAX_SCANNED,
    Level,
    RiskClass,
    RiskRule,
    RiskSpelling,
    RiskVeto,
    Rules,
    compile_rules,
    fold,
    highest,
    morphology,
    normalise,
    scan,
)
from tests.strategies import seed_pack

SEED = seed_pack().rules
RULE = RiskRule(
    id="R-1",
    category="suicide",
    level="high",
    any=("しにたい",),
    unless=("わたしにたいして",),
    hits=("もう しにたい",),
    misses=("わたしにたいして",),
    author="test",
    date="2026-11-21",
)


@pytest.fixture(params=["surface", "dictionary"])
def read_by(request: pytest.FixtureRequest) -> Iterator[str]:
    """Without the dictionary, and with it."""
    before = morphology.current()
    morphology.use(None)
    if request.param == "dictionary":
        assert dictionary.load()
    yield request.param
    morphology.use(before)


def replace_rule(**changes: object) -> RiskRule:
    return msgspec.structs.replace(RULE, **changes)


# --- the rules we ship ----------------------------------------------------------------------------------------


def test_the_rules_together_agree_with_every_example(read_by: str) -> None:
    """Each example that must hit does so among all rules, with that rule named; at least at its level."""
    for rule in SEED.rules:
        for text in rule.hits:
            hits = SEED.scan(text)
            assert rule.id in [hit.rule for hit in hits], text
            assert highest(hits) >= LEVELS[rule.level]
        for text in rule.misses:
            assert rule.id not in [hit.rule for hit in SEED.scan(text)], text


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
        "死...にたい",
        "し_に.た/い",
        "し\u200bに\u200dた\ufe0fい",
        "しにたぁーい",
        "しにたいいいい",
        "死にたぃ",
        "しにたひ",
        "４にたい",
        "４　に　た　い",
        "タヒにたい",
        "ﾀﾋにたい",
        "氏にたい",
        "〇にたい",
        "＊にたい",
        "SHINITAI",
        "ｓｈｉｎｉｔａｉ",
        "mou shinitai yo",
        "死にたい！！！",
        "死にたいｗｗｗ",
        "あーあ。しにたいよ、もう",
        "死にたくない。でも、死にたい",
        "母が死にたいと言っています",
    ],
)
def test_the_way_it_is_written_does_not_matter(text: str, read_by: str) -> None:
    """Width, kana, case, spaces, separators, lengthening, masks and slang hide nothing."""
    assert highest(SEED.scan(text)) is Level.HIGH


@pytest.mark.parametrize(
    "text",
    [
        "死にてえ",
        "死にてー",
        "しにてぇ",
        "死にたか",
        "死にたいねん",
        "死んでまいたい",
        "死にたいべ",
        "死にでぇじゃ",
        "死んじまいたい",
        "死にたなってきた",
        "死にたみがすごい",
        "死のうかな",
        "死にたくなる夜ばっか",
        "消えちゃいたい",
        "消えてしまいたい",
    ],
)
def test_inflection_and_dialect(text: str, read_by: str) -> None:
    """What a verb can sound like, in Tokyo, Osaka, Fukuoka or Tsugaru."""
    assert highest(SEED.scan(text)) is Level.HIGH


@pytest.mark.parametrize(
    "text",
    [
        "息子が死にたいと申しております",
        "娘が「消えたい」と漏らしました",
        "利用者の方が死にたいとおっしゃいます",
        "弟の検索履歴に楽に死ねる方法とありました",
        "日記に死にたいと書いてあった",
    ],
)
def test_words_of_others_hit(text: str, read_by: str) -> None:
    """Quotation marks and と言う take nothing back: family and supporters report."""
    assert highest(SEED.scan(text)) is Level.HIGH


@pytest.mark.parametrize(
    "text",
    [
        "死にたいわけじゃないけど、消えたい",
        "死にたくないとは言えない。むしろ死にたい",
        "また死にたくなってきた。昔みたいに",
        "死にたいわけじゃないって言ったけど、あれ嘘です",
    ],
)
def test_what_takes_back_is_taken_back_itself(text: str, read_by: str) -> None:
    """A denial reaches its own clause; contrast, 嘘 and また arm again."""
    assert highest(SEED.scan(text)) is Level.HIGH


@pytest.mark.parametrize(
    "text",
    [
        "いま屋上の柵の外に座ってる",
        "次の電車で終わり。黄色い線の外にいる",
        "薬ぜんぶ飲んだ。眠くなってきた",
        "首にロープかけた",
        "遺書を書いて机に置いた。今夜で最後",
        "血が止まらない。手首",
        "息子が包丁を持って廊下に立っています",
        "ひも くびに まいた いす ける だけ",
        "いま おとうさんに おふろに しずめられた にげた またくる",
        "灯油をまいた",
        "母の意識がない。息をしてない",
        "胸が締めつけられて左手がしびれる",
    ],
)
def test_what_cannot_wait(text: str, read_by: str) -> None:
    """Place and now, means and state, farewell, body, arms: an emergency, with or without a word for death."""
    assert highest(SEED.scan(text)) is Level.EMERGENCY


@pytest.mark.parametrize(
    "text", ["なぐられました", "ナグラレマシタ", "ﾅｸﾞﾗﾚﾏｼﾀ", "なく\u3099られました", "なく\u309bられました"]
)
def test_voiced_sounds_are_one_with_their_mark(text: str) -> None:
    """Half width, decomposed or with a mark of its own: ぐ is ぐ."""
    assert "A-HIT" in [hit.rule for hit in SEED.scan(text)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "こんにちは",
        "死ぬほど眠い",
        "必死でやった",
        "わたしにたいして冷たい",
        "死にたくないから病院に行く",
        "死にたいとかじゃなくて眠い",
        "自殺願望はありません",
        "スマホの電池が死んだ",
        "足が死んだ",
        "アリスカフェに行った",
        "タヒチ旅行の写真",
        "OD錠と普通の錠剤",
        "包丁をといだ",
        "キャンプ用のロープを買った",
        "お腹がもう限界",
        "ドラマの主人公が自殺した",
        "ゲームで殺されまくった",
        "自殺対策の研修の資料はありますか",
        "中学のとき死にたかったけど、今は元気です",
        "履歴を消したい",
        "屋上庭園の写真",
        "「自殺とか考えてる？」って聞かれたけど、一ミリもない",
        "中二の夏は毎日死にたいって日記に書いてた",
        "そんな ないしょばなし たのしんだ",
        "わたし、リストカットはしたことないです",
    ],
)
def test_everyday_words_do_not_hit(text: str, read_by: str) -> None:
    """Idioms, negations, the past, media, questions and accidental strings of letters call nobody."""
    assert SEED.scan(text) == ()


def test_the_most_urgent_comes_first() -> None:
    """One message, several rules: the highest level leads, and no later comfort lowers it."""
    hits = SEED.scan("もう限界です。死にたい。今から死にます。でも大丈夫です")
    assert [hit.level for hit in hits] == sorted((hit.level for hit in hits), reverse=True)
    assert highest(hits) is Level.EMERGENCY
    assert {"S-NOW", "S-WISH", "C-LIMIT"} <= {hit.rule for hit in hits}
    assert highest(()) is Level.NONE


@pytest.mark.parametrize(
    ("text", "speaker"),
    [("死にたい", "self"), ("息子が死にたいと言う", "family"), ("利用者の方が死にたいと", "supporter")],
)
def test_who_writes(text: str, speaker: str) -> None:
    """A guess by the words, for the wording of the card."""
    assert SEED.speaker(text) == speaker


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


words = st.text() | st.text(
    st.sampled_from("死しシにニたタいイ殺すなぐられるー〜ぁぃ。、\n *＊xタヒ💊くてないけど母が"), max_size=60
)


@given(words)
@example("\ud83d死にたい\ud83d")
@example("\u3099")
@example("タヒ")
@example("*" * 50)
def test_a_scan_never_raises_and_stays_within_the_text(text: str) -> None:
    """Any string of characters is scanned, twice alike; spans lie inside it; every hit names a rule."""
    dictionary.load()
    hits = SEED.scan(text)
    assert hits == SEED.scan(text)
    for hit in hits:
        assert 0 <= hit.start < hit.end <= len(text)
        assert hit.rule in {rule.id for rule in SEED.rules}


@given(st.text(st.sampled_from("死しシにニたタいイ 。"), max_size=24))
def test_spaces_and_width_change_no_fold(text: str) -> None:
    """With a space after every character the same text is searched."""
    spaced = "".join(f"{char} " for char in text)
    assert fold(text).text == fold(spaced).text


def test_a_very_long_text_is_read_up_to_its_limit() -> None:
    """Longer than any channel sends: read to the limit, in time that does not grow beyond."""
    assert SEED.scan("本日は" * ((MAX_SCANNED - 6) // 3) + "。死にたい")
    assert SEED.scan("本日は" * (MAX_SCANNED // 3 + 1) + "。死にたい") == ()


def test_work_is_bounded_however_often_a_word_is_written() -> None:
    """A rule looks at a bounded number of spots: growth of a text adds no more candidates than that a rule."""
    short = len(list(SEED.candidates("死にたくない。" * 100)))
    assert len(list(SEED.candidates("死にたくない。" * 2_000))) == short


# --- rules of one's own ---------------------------------------------------------------------------------------


def test_a_word_takes_back_its_own_clause_and_nothing_else() -> None:
    """`unless` takes back one spot; the same words elsewhere still hit."""
    rules = Rules((RULE,))
    assert rules.scan("わたしにたいして") == ()
    (hit,) = rules.scan("わたしにたいして冷たいから、しにたい")
    assert hit.start == 14


@pytest.mark.parametrize(
    ("scope", "text", "found"),
    [
        ("clause", "薬をぜんぶのんだ", True),
        ("clause", "薬をもらった、ぜんぶ読んだ", False),
        ("sentence", "薬をもらった、ぜんぶ読んだ", True),
        ("sentence", "薬をもらった。ぜんぶ読んだ", True),
        ("sentence", "薬をもらって帰りました。本は図書館で借りて、家でぜんぶ読みました", False),
        ("message", "薬をもらった。ぜんぶ読んだ", True),
    ],
)
def test_near_words_must_occur_in_scope(scope: str, text: str, found: bool) -> None:
    """With `near`, the spot alone is not enough. A very short text is one sentence."""
    rule = replace_rule(any=("薬",), near=(("全部", "ぜんぶ"),), unless=(), scope=scope)
    assert bool(Rules((rule,)).scan(text)) is found


def test_near_words_must_be_within_reach() -> None:
    rule = replace_rule(any=("薬",), near=(("ぜんぶ",),), unless=(), within=4)
    assert Rules((rule,)).scan("薬をぜんぶ")
    assert not Rules((rule,)).scan("薬はまだのんでいないがぜんぶある")


def test_a_class_brings_its_verbs_in_their_forms() -> None:
    """`DIE.wish` is every wish to die; `DIE` any form; a class may take in another's forms."""
    die = RiskClass(id="DIE", godan=("死ぬ",), ichidan=("消える",))
    gone = RiskClass(id="GONE", words=("さよなら",), of=("DIE.wish",))
    rules = Rules((replace_rule(any=("GONE",), unless=()),), (die, gone))
    assert rules.scan("死にてえ")
    assert rules.scan("消えちゃいたい")
    assert rules.scan("さよなら")
    assert rules.scan("死んだ") == ()


def test_a_spelling_stands_for_its_word_everywhere() -> None:
    rules = Rules(
        (replace_rule(any=("死にたい",), unless=()),),
        (),
        (),
        (RiskSpelling(id="死", written=("氏",), before=("に",)),),
    )
    assert rules.scan("氏にたい")
    assert rules.scan("氏名") == ()


@pytest.mark.parametrize(
    ("veto", "text", "found"),
    [
        (RiskVeto(id="v", any=("ほど",), where="after", reach=2), "しにたいほど", False),
        (RiskVeto(id="v", any=("ほど",), where="after", reach=2), "しにたい、とても言えないほど", True),
        (RiskVeto(id="v", any=("昔",), where="before", reach=3), "昔はしにたい", False),
        (RiskVeto(id="v", any=("昔",), where="message", rearm=("今も",)), "昔。しにたい", False),
        (RiskVeto(id="v", any=("昔",), where="message", rearm=("今も",)), "昔。今もしにたい", True),
        (RiskVeto(id="v", any=("昔",), where="message", near=(("平気",),)), "昔。しにたい", True),
        (RiskVeto(id="v", any=("昔",), where="message", near=(("平気",),)), "昔。しにたい。平気", False),
        (RiskVeto(id="v", any=("昔",), where="sentence"), "昔。しにたい", True),
        (RiskVeto(id="v", any=("昔",), where="around", reach=5), "昔。しにたい", False),
        (RiskVeto(id="v", any=("もうしにたいな",), where="over"), "もうしにたいな", False),
    ],
)
def test_where_a_veto_counts(veto: RiskVeto, text: str, found: bool) -> None:
    rules = Rules((replace_rule(unless=("v",)),), (), (veto,))
    assert bool(rules.scan(text)) is found


def test_no_rules_find_nothing() -> None:
    assert Rules(()).scan("死にたい") == ()


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"hits": ("こんにちは",)}, "risk_rule/R-1/hits[0]"),
        ({"hits": ("しにたい", "死")}, "risk_rule/R-1/hits[1]"),
        ({"misses": ("しにたい",)}, "risk_rule/R-1/misses[0]"),
        ({"unless": ()}, "risk_rule/R-1/misses[0]"),
        ({"hits": ()}, "risk_rule/R-1"),
        ({"misses": ()}, "risk_rule/R-1"),
        ({"level": "urgent"}, "risk_rule/R-1/level"),
        ({"scope": "page"}, "risk_rule/R-1/scope"),
        ({"any": ()}, "risk_rule/R-1/any"),
        ({"any": ("NOBODY",)}, "risk_rule/R-1/any"),
        ({"any": ("。",)}, "risk_rule/R-1/any"),
        ({"unless": ("NOBODY.wish",)}, "risk_rule/R-1/unless"),
    ],
)
def test_a_rule_that_disagrees_with_itself_is_refused(changes: dict[str, object], path: str) -> None:
    """Loading fails, and tells which rule and which example."""
    with pytest.raises(ContentError) as caught:
        compile_rules((replace_rule(**changes),))
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("one", "path"),
    [
        (RiskClass(id="A", godan=("死",)), "risk_class/A"),
        (RiskClass(id="A", ichidan=("死ぬ",)), "risk_class/A"),
        (RiskClass(id="A", of=("A",)), "risk_class/A"),
        (RiskClass(id="A", of=("B",)), "risk_class/A"),
        (RiskClass(id="A"), "risk_rule/R-1/any"),
    ],
)
def test_a_class_that_means_nothing_is_refused(one: RiskClass, path: str) -> None:
    with pytest.raises(ContentError) as caught:
        compile_rules((replace_rule(any=("A",)),), (one,))
    assert caught.value.path == path


def test_the_reason_is_told() -> None:
    """Why an example does not hit: the veto or what was missing."""
    with pytest.raises(ContentError, match="わたしにたいして"):
        compile_rules((replace_rule(hits=("わたしにたいして",)),))


def test_a_hit_holds_no_words() -> None:
    """What is kept of a hit is rule, category, level and place; never the text."""
    hit, *_ = SEED.scan("自傷しました")
    assert "自" not in repr(hit)
    assert replace(hit, start=0, end=0) != hit


# --- cost and bounds ------------------------------------------------------------------------------------------


@given(st.text(alphabet="死にたいしニタぁィーー〜〜。、 　☆*＊xタヒﾀﾋカ゛ﾞガ゚はパＡａ1１ww\n😀", max_size=30))
def test_runs_fold_as_their_characters_do(text: str) -> None:
    """Taking whole runs is only quicker: text, places, clauses and sentences are those of one by one."""
    whole = fold(text)
    out = normalise._Out()
    normalise._fold_slowly(text, out)
    assert whole == out.done()


@given(st.text(alphabet="死にたいしニタぁィーー〜〜。、 　☆*＊xタヒﾀﾋカ゛ﾞガ゚はパＡａ1１ww\n😀", max_size=30))
def test_the_short_way_folds_the_same(text: str) -> None:
    assert normalise.folded_text(text) == fold(text).text


@given(st.sampled_from([text for rule in SEED.rules for text in (*rule.hits, *rule.misses)]))
def test_looking_only_where_all_words_occur_finds_the_same(text: str) -> None:
    """The rules that are passed over could not have hit."""
    read = {one.rule for one in SEED.candidates(text) if not one.because}
    assert {hit.rule for hit in SEED.scan(text)} == read


def test_a_scan_that_would_take_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It raises, so that the turn goes to people unscanned, instead of holding everybody up."""
    text = "しにたい。わたしにたいして。" * 20
    rules = Rules(
        [replace_rule(any=("わたしにたいして", "しにたい"), near=(("たい",),), unless=("しにたい",))]
    )
    assert rules.scan(text) == ()
    monkeypatch.setattr(scan, "MAX_WORK", 10)
    with pytest.raises(scan.ScanTooLong):
        rules.scan(text)


def test_a_chain_is_one_of_each_in_a_row() -> None:
    """An empty word leaves its place out; forms of verbs may be links."""
    links = (("死ぬ", "DIE.wish"), ("気", "つもり"), ("は", "も"), ("", "全然"), ("ない",))
    one = RiskClass(id="NEVER", chain=links)
    die = RiskClass(id="DIE", godan=("死ぬ",))
    rule = replace_rule(any=("NEVER",), unless=(), hits=("死ぬ気は全然ない",), misses=("死ぬ気がある",))
    rules = compile_rules([rule], [one, die])
    assert rules.scan("死ぬつもりもない")
    assert not rules.scan("死ぬつもり、もない")
    assert not rules.scan("死ぬつもりがないのに気もない")


def test_a_chain_of_too_many_words_is_refused() -> None:
    many = tuple(f"語{n}" for n in range(200))
    one = RiskClass(id="MANY", chain=(many, many, many))
    with pytest.raises(ContentError) as refused:
        Rules([replace_rule(any=("MANY",))], [one])
    assert refused.value.path == "risk_class/MANY/chain"


def test_a_disguise_in_kana_throughout_is_read() -> None:
    """Every word of a term may stand in kana at once, as children and Latin letters write."""
    spellings = (RiskSpelling(id="薬", written=("くすり",)), RiskSpelling(id="飲ん", written=("のん",)))
    rules = Rules([replace_rule(any=("薬を飲んだ",), unless=())], (), (), spellings)
    assert rules.scan("くすり を のんだ")
    assert rules.scan("kusuriwo nonda")
    assert not rules.scan("くすりや のんだ")

"""What comes of risk words: each level, category and speaker, in every mode; bursts; lines that may be told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from admin.simulation import BEGIN, CONTACT
from bot import safety
from bot.content.model import Hotline
from bot.content.pack import Released
from bot.conversation import RISK_UNANSWERED, take_turn
from bot.flows import effects as fx
from bot.flows.engine import MAX_LENGTH
from bot.flows.template import MAX_BUBBLES
from bot.handoff.hours import TOKYO, Shift
from bot.handoff.risk import LEVELS, Level, window
from bot.messages import Address, Inbound, Kind
from bot.talk import Heard, Mode, Talk, Turn, WokeUp
from tests.strategies import seed_pack

SEED = Released(latest=seed_pack())
TEXTS = {
    ("emergency", "suicide", "self"): "いま屋上の柵の外に座ってる",
    ("emergency", "suicide", "family"): "息子がロープいま結び終えたと電話してきました",
    ("emergency", "suicide", "supporter"): "担当の方からロープいま結び終えたと連絡がきました",
    ("emergency", "self_harm", "self"): "さっき手首切った。血が止まらない",
    ("emergency", "abuse", "self"): "父に首しめられて、いま風呂場に鍵かけてる。ドアどんどん叩いてくる",
    ("emergency", "violence", "family"): "息子が包丁を持って居間に立っております",
    ("emergency", "medical", "self"): "胸が締めつけられて左手がしびれる",
    ("high", "suicide", "self"): "もう死にたいです",
    ("high", "suicide", "family"): "娘が死にたいと申しております",
    ("high", "suicide", "supporter"): "利用者の方が死にたいとおっしゃいます",
    ("high", "self_harm", "self"): "またリスカした",
    ("high", "abuse", "self"): "きのう物を投げられて、手にけがをしました",
    ("high", "violence", "self"): "人を殺したいと思ってしまう",
    ("high", "medical", "self"): "2ヶ月ほぼ食べてない。BMI計算したら12台だった",
    ("emergency", "self_harm", "family"): "娘が今、手首を切りました。血が止まりません",
    ("emergency", "self_harm", "supporter"): "利用者の方が腕を切って、血が止まらないと連絡がありました",
    ("emergency", "abuse", "family"): "孫が父親に首を絞められて、いま押し入れに隠れています",
    (
        "emergency",
        "abuse",
        "supporter",
    ): "訪問先です。いま部屋の中で娘さんが殴られています。「やめて」と叫んでいます",
    ("emergency", "violence", "self"): "包丁を持って父の部屋の前にいる。今夜やる",
    ("emergency", "violence", "supporter"): "担当の方が刃物を持って家族に向けていると電話がありました",
    ("emergency", "medical", "family"): "息子がけいれんしています。呼んでも反応がありません",
    ("emergency", "medical", "supporter"): "訪問先の方が倒れていて、呼びかけに反応しません",
    ("high", "self_harm", "family"): "娘の腕に新しい切り傷がたくさんありました",
    ("high", "self_harm", "supporter"): "利用者の方がリストカットをしたと話されました",
    ("high", "abuse", "family"): "孫が父親に殴られて、背中にあざがあります",
    ("high", "abuse", "supporter"): "担当の方が、夫に殴られると話されました",
    ("high", "violence", "family"): "息子に殴られました",
    ("high", "violence", "supporter"): "利用者の方が、お母さまを殴ると話されています",
    ("high", "medical", "family"): "娘がひと月お風呂にも入らず、水しか飲みません",
    ("high", "medical", "supporter"): "利用者の方が、頭の中で死ねという声が聞こえると話されます",
}
CARDS = {
    ("emergency", "suicide", "self"): "F-NOW/now",
    ("emergency", "suicide", "family"): "F-NOW/family_now",
    ("emergency", "suicide", "supporter"): "F-NOW/supporter_now",
    ("emergency", "self_harm", "self"): "F-NOW/now",
    ("emergency", "abuse", "self"): "F-NOW/home_now",
    ("emergency", "violence", "family"): "F-NOW/home_now",
    ("emergency", "medical", "self"): "F-NOW/body",
    ("high", "suicide", "self"): "F-SAFE/card",
    ("high", "suicide", "family"): "F-NOW/family",
    ("high", "suicide", "supporter"): "F-NOW/supporter",
    ("high", "self_harm", "self"): "F-SAFE/card",
    ("high", "abuse", "self"): "F-HOME/card",
    ("high", "violence", "self"): "F-HOME/card",
    ("high", "medical", "self"): "F-NOW/body",
    ("emergency", "self_harm", "family"): "F-NOW/family_now",
    ("emergency", "self_harm", "supporter"): "F-NOW/supporter_now",
    ("emergency", "abuse", "family"): "F-NOW/home_now",
    ("emergency", "abuse", "supporter"): "F-NOW/home_now",
    ("emergency", "violence", "self"): "F-NOW/home_now",
    ("emergency", "violence", "supporter"): "F-NOW/home_now",
    ("emergency", "medical", "family"): "F-NOW/body",
    ("emergency", "medical", "supporter"): "F-NOW/body",
    ("high", "self_harm", "family"): "F-NOW/family",
    ("high", "self_harm", "supporter"): "F-NOW/supporter",
    ("high", "abuse", "family"): "F-HOME/card",
    ("high", "abuse", "supporter"): "F-HOME/card",
    ("high", "violence", "family"): "F-HOME/card",
    ("high", "violence", "supporter"): "F-HOME/card",
    ("high", "medical", "family"): "F-NOW/body",
    ("high", "medical", "supporter"): "F-NOW/body",
}
CONCERN = "もう限界です"
CONCERNS = {
    ("hopelessness", "self"): "もう限界です",
    ("hopelessness", "family"): "娘が「生きてる意味がない」とこぼします",
    ("hopelessness", "supporter"): "利用者の方が、生きる意味がないと話されます",
    ("suicide", "self"): "死んだじいちゃんのとこ行きたい",
    ("suicide", "family"): "息子が、死んだ犬がうらやましいと言います",
    ("suicide", "supporter"): "利用者の方が、亡くなった友人がうらやましいと話されます",
    ("self_harm", "self"): "切りたい衝動がすごいけど今日は耐えてる",
    ("self_harm", "family"): "娘が切りたい衝動と毎日たたかっていると言います",
    ("self_harm", "supporter"): "利用者の方が、切りたい衝動を我慢していると話されました",
    ("abuse", "self"): "父の足音が聞こえると体が固まる",
    ("abuse", "family"): "娘は主人の怒鳴り声に毎日おびえています",
    ("abuse", "supporter"): "利用者の方が、怒鳴り声が怖くて家にいるのがつらいと話されます",
    ("violence", "self"): "腹が立つと壁を殴ってしまいます",
    ("violence", "family"): "息子が壁に穴を開けました",
    ("violence", "supporter"): "担当の方が、物に当たって壁を殴ると話されました",
    ("medical", "self"): "二週間ほとんど眠れない。おかしくなりそう",
    ("medical", "family"): "息子がもう一週間眠れていないようです。つらそうです",
    ("medical", "supporter"): "利用者の方が三週間眠れないと話されます。苦しそうです",
}


def says(text: str, talk: Talk, after: timedelta = timedelta()) -> Turn:
    address = Address(account="test", key="")
    inbound = Inbound(address=address, dedupe_key="", sent_at=BEGIN, kind=Kind.TEXT, text=text, choice_id="")
    return take_turn(SEED, SEED.rules, talk, Heard(inbound=inbound, seq=3), BEGIN + after)


def in_mode(mode: Mode) -> Talk:
    """Waiting and human, as they come of a wish for a person (the ticket of a request)."""
    talk = Talk(contact_id=CONTACT)
    if mode is Mode.BOT:
        return talk
    waiting = says("もう死にたいです", talk).talk
    return replace(waiting, mode=mode, recent=())


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("who", TEXTS, ids="-".join)
def test_every_danger_in_every_mode(who: tuple[str, str, str], mode: Mode) -> None:
    """The fitting card comes first and people are called; with a counselor there is an alarm and a timer."""
    turn = says(TEXTS[who], in_mode(mode))
    assert max(hit.level for hit in turn.risk_hits) is LEVELS[who[0]]
    assert turn.talk.ticket is not None
    assert turn.talk.ticket.priority >= LEVELS[who[0]]
    cards = [effect.reply for effect in turn.effects if isinstance(effect, fx.SayFirst)]
    if mode is Mode.HUMAN:
        assert not cards
        assert fx.RaisePriority(alarm=True) in turn.effects
        (wake,) = (effect for effect in turn.effects if isinstance(effect, fx.WakeAt))
        late = take_turn(SEED, SEED.rules, turn.talk, WokeUp(reason=wake.reason, seq=4), wake.at)
        cards = [effect.reply for effect in late.effects if isinstance(effect, fx.SayFirst)]
        assert wake.reason == RISK_UNANSWERED
    else:
        (card,) = cards
        assert card.texts[:2] == card_texts(CARDS[who])
        assert isinstance(turn.effects[0], fx.SayFirst)
        assert turn.talk.mode is Mode.WAITING
    (card,) = cards
    assert len(card.texts) <= MAX_BUBBLES
    assert all(len(text) <= MAX_LENGTH for text in card.texts)
    assert not any("？" in text or "?" in text for text in card.texts)


def card_texts(place: str) -> tuple[str, ...]:
    flow, step = place.split("/")
    values = SEED.values(BEGIN)
    texts = SEED.latest.flows[flow].steps[step].say
    return tuple(text.replace("{human_now_or_not}", values["human_now_or_not"]) for text in texts)


@pytest.mark.parametrize("flow", ["F-FAMILY", "F-SUPPORT"])
def test_the_way_people_came_tells_who_writes(flow: str) -> None:
    """A father in the path for families needs no word for son."""
    sprint_talk = says({"F-FAMILY": "家族", "F-SUPPORT": "支援者"}[flow], Talk(contact_id=CONTACT)).talk
    assert sprint_talk.session is not None
    assert sprint_talk.session.flow == flow
    turn = says("死にたいと言っています", sprint_talk)
    (card,) = (effect.reply for effect in turn.effects if isinstance(effect, fx.SayFirst))
    place = {"F-FAMILY": "F-NOW/family", "F-SUPPORT": "F-NOW/supporter"}[flow]
    assert card.texts[:2] == card_texts(place)


@pytest.mark.parametrize("text", ["今夜自殺するけん探さんで", "自〇したいって毎日考えてる"])
def test_a_word_within_ones_own_death_is_no_violence(text: str) -> None:
    """The card for who is about to die, not the one for who is attacked: 殺す stands in 自殺する."""
    hits = SEED.rules.scan(text)
    assert "violence" in {hit.category for hit in hits}
    assert safety.leading(hits)[1] == "suicide"


def test_a_concern_is_no_alarm() -> None:
    """One gentle line with a way to a person, and no ticket; with a counselor nothing of the kind."""
    turn = says(CONCERN, in_mode(Mode.BOT))
    assert turn.talk.ticket is None
    assert not [effect for effect in turn.effects if isinstance(effect, fx.SayFirst | fx.OpenTicket)]
    assert len(turn.talk.concerns) == 1
    human = says(CONCERN, in_mode(Mode.HUMAN))
    assert [effect for effect in human.effects if not isinstance(effect, fx.Record)] == [fx.Relay()]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("who", CONCERNS, ids="-".join)
def test_every_concern_in_every_mode(who: tuple[str, str], mode: Mode) -> None:
    """Counted for whoever writes, and never a card or an alarm; a counselor reads it anyway."""
    if mode is Mode.HUMAN:
        turn = says(CONCERNS[who], in_mode(mode))
        assert [effect for effect in turn.effects if not isinstance(effect, fx.Record)] == [fx.Relay()]
        return
    turn = says(CONCERNS[who], in_mode(mode))
    assert max(hit.level for hit in turn.risk_hits) is Level.CONCERN
    assert who[0] in {hit.category for hit in turn.risk_hits}
    assert len(turn.talk.concerns) == 1
    assert not [effect for effect in turn.effects if isinstance(effect, fx.SayFirst)]
    assert fx.RaisePriority(alarm=True) not in turn.effects


def test_each_rule_that_hits_is_counted() -> None:
    """Daily counts by rule: staff tune by numbers, without anybody's words."""
    turn = says("もう死にたいです", in_mode(Mode.BOT))
    counted = {effect.count for effect in turn.effects if isinstance(effect, fx.Record)}
    most = turn.risk_hits[: safety.MAX_COUNTED]
    assert counted >= {f"risk:{hit.rule}" for hit in most}
    assert most


# --- bursts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bubbles", "seconds", "level"),
    [
        (("し", "に", "たい"), 5, Level.HIGH),
        (("死に", "たい"), 60, Level.HIGH),
        (("もう薬ぜんぶ", "飲んだ"), 30, Level.EMERGENCY),
        (("し", "に", "たい"), 70, Level.NONE),
        (("死に", "たい"), 121, Level.NONE),
        (("こんにちは", "寒いですね"), 5, Level.NONE),
    ],
)
def test_a_sentence_split_over_bubbles(bubbles: tuple[str, ...], seconds: int, level: Level) -> None:
    """Three bubbles within two minutes are read together."""
    talk = in_mode(Mode.BOT)
    turn = None
    for place, bubble in enumerate(bubbles):
        turn = says(bubble, talk, timedelta(seconds=seconds * place))
        talk = turn.talk
    assert turn is not None
    assert max((hit.level for hit in turn.risk_hits), default=Level.NONE) == level


def test_a_burst_is_told_once() -> None:
    """What the bubbles before already said does not hit again."""
    first = says("死にたい", in_mode(Mode.BOT))
    assert says("ごはん食べた", first.talk, timedelta(seconds=5)).risk_hits == ()


def test_what_is_kept_of_a_burst_is_little() -> None:
    """Two short bubbles at most; a long text, 止める and hiding leave none."""
    talk = in_mode(Mode.BOT)
    for text in ("あ", "い", "う"):
        talk = says(text, talk).talk
    assert [bubble.text for bubble in talk.recent] == ["い", "う"]
    assert says("あ" * (window.LONGEST + 1), talk).talk.recent == ()
    assert says("やめる", talk).talk.recent == ()
    assert says("画面をかくす", talk).talk.recent == ()
    assert "う" not in repr(talk)


# --- lines that may be told ----------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [-1, 0, 1])
def test_lines_come_from_the_approved_list(days: int) -> None:
    """Only approved lines that were checked until today or later; 110 and 119 always (R-079)."""
    pack = seed_pack()
    always = tuple(line for line in pack.hotlines if line.always)
    approved = Hotline(
        id="a",
        name="あ",
        number="0120-000-001",
        about="毎日",
        shifts=(Shift(days="月火水木金土日", opens="0:00", closes="24:00"),),
        proposed_by="mori",
        approved_by="mizuno",
        checked_until=BEGIN.astimezone(TOKYO).date() + timedelta(days=days),
    )
    unapproved = Hotline(
        id="b", name="い", number="0120-000-002", about="毎日", checked_until=date(2099, 1, 1)
    )
    released = Released(latest=replace(pack, hotlines=(*always, approved, unapproved)))
    told = released.values(BEGIN)["open_lines"]
    assert always
    assert all(line.number in told for line in always)
    assert (approved.number in told) is (days >= 0)
    assert unapproved.number not in told


def test_the_closest_card_is_looked_for_first() -> None:
    keys = safety.card_keys(Level.EMERGENCY, "abuse", "family")
    assert keys[0] == "safety_emergency_abuse_family"
    assert keys[-1] == "safety"
    assert set(safety.card_keys(Level.HIGH, "abuse", "family")) < set(keys)

"""The order of policy in single turns: what the golden conversations do not show."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from admin.simulation import BEGIN, CONTACT, reply_of
from bot.content.pack import Released
from bot.conversation import LATE, RISK_UNANSWERED, take_turn
from bot.flows import effects as fx
from bot.flows import model
from bot.flows.nodes import PAUSE
from bot.handoff.risk import Level, RiskHit, Rules
from bot.handoff.ticket import Reason
from bot.messages import Address, Inbound, Kind, Purpose, Reply
from bot.talk import Event, Heard, Mode, Preferences, Talk, Turn, WokeUp
from tests.strategies import Watched, seed_pack

SEED = Released(latest=seed_pack())
DANGER, CONCERN = "もう死にたいです", "もう限界です"


class BrokenRules(Rules):
    """A detector that fails on every text."""

    def is_silent(self, text: str) -> bool:
        raise RuntimeError(text)

    def scan(self, text: str) -> tuple[RiskHit, ...]:
        raise RuntimeError(text)


def heard(text: str = "", kind: Kind = Kind.TEXT, choice_id: str = "") -> Heard:
    address = Address(account="test", key="")
    inbound = Inbound(
        address=address, dedupe_key="", sent_at=BEGIN, kind=kind, text=text, choice_id=choice_id
    )
    return Heard(inbound=inbound, seq=7)


def turn_of(event: Event, talk: Talk | None = None, rules: Rules = SEED.rules) -> Turn:
    return take_turn(SEED, rules, talk or Talk(contact_id=CONTACT), event, BEGIN)


def in_mode(mode: Mode) -> Talk:
    """A talk that came to a mode by what people do."""
    watched = Watched(released=SEED)
    watched.text("書く")
    if mode is not Mode.BOT:
        watched.text("人と話したい")
        watched.text("このまま渡す")
    if mode is Mode.HUMAN:
        watched.claim()
    assert watched.talk.mode is mode
    return watched.talk


def said(turn: Turn) -> list[Reply]:
    return [reply for effect in turn.effects if (reply := reply_of(effect)) is not None]


@pytest.mark.parametrize("mode", Mode)
def test_a_failing_scan_brings_people(mode: Mode) -> None:
    """Fail open: when the detector fails, the message goes to people in every mode, and the person is answered."""
    turn = turn_of(heard("何でもない"), in_mode(mode), BrokenRules(()))
    assert turn.talk.ticket is not None
    assert turn.talk.ticket.is_open
    if mode is Mode.HUMAN:
        assert fx.RaisePriority(alarm=True) in turn.effects
    else:
        assert turn.talk.mode is Mode.WAITING
        assert {fx.OpenTicket(), fx.RaisePriority()} & set(turn.effects)
    if mode is Mode.BOT:
        assert turn.talk.ticket.reason is Reason.UNSCANNED
        assert said(turn) or turn.effects[0] == fx.WakeAt(reason=PAUSE, at=BEGIN + timedelta(seconds=20))


@pytest.mark.parametrize("mode", Mode)
def test_leaving_and_taking_back_are_not_answered(mode: Mode) -> None:
    """A block is noted and a withdrawn message counted; nothing is said to either."""
    talk = in_mode(mode)
    assert turn_of(heard(kind=Kind.LEFT), talk).effects == (
        fx.SetReachable(reachable=False),
        fx.Record(count="left"),
    )
    assert turn_of(heard(kind=Kind.UNSENT), talk).effects == (fx.Record(count="unsent"),)


@pytest.mark.parametrize("mode", [Mode.WAITING, Mode.HUMAN])
def test_who_comes_back_while_people_are_there_hears_no_menu(mode: Mode) -> None:
    """Unblocking us in the middle of a handoff is told to the people, not answered by the machine."""
    turn = turn_of(heard(kind=Kind.JOINED), in_mode(mode))
    assert turn.effects == (fx.SetReachable(reachable=True), fx.Relay())


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.STICKER, Kind.UNSUPPORTED])
def test_every_text_is_scanned_whatever_brought_it(kind: Kind) -> None:
    """The words that come with a sticker or an odd event count as well."""
    assert turn_of(heard(DANGER, kind)).talk.mode is Mode.WAITING


@pytest.mark.parametrize(
    ("text", "flow"),
    [(DANGER, "F-SAFE"), ("父に殴られています", "F-HOME"), ("母が包丁を持って廊下に立ってる", "F-NOW")],
)
def test_the_card_is_of_the_category(text: str, flow: str) -> None:
    """Hurt at home gets the words about safety at home; anything else the general card."""
    first = turn_of(heard(text)).effects[0]
    assert isinstance(first, fx.SayFirst)
    assert {choice.id.partition("/")[0] for choice in first.reply.choices} - {"exit"} == {flow}


def test_a_quiet_person_gets_the_card_without_a_sound() -> None:
    """Silence is kept for the safety card as for anything else; that it is sent does not change."""
    talk = Talk(contact_id=CONTACT, preferences=Preferences(silent=True))
    first = turn_of(heard(DANGER), talk).effects[0]
    assert isinstance(first, fx.SayFirst)
    assert first.reply.silent


@pytest.mark.parametrize(
    ("hours", "opens"),
    [((0, 23), True), ((0, 25), False), ((0, 25, 100), True), ((0, 100, 169), False), ((0, 1), True)],
)
def test_concerns_add_up(hours: tuple[int, ...], opens: bool) -> None:
    """Two within a day or three within a week open a ticket; fewer, or further apart, do not."""
    watched = Watched(released=SEED)
    for hour in hours:
        assert watched.talk.ticket is None
        watched.now = BEGIN + timedelta(hours=hour)
        watched.text(CONCERN)
    assert (watched.talk.ticket is not None) is opens
    if opens:
        assert watched.talk.ticket is not None
        assert watched.talk.ticket.priority is Level.CONCERN


def test_a_concern_says_one_line_and_offers_a_person() -> None:
    """The line joins the answer, within three bubbles, with 人に渡す first."""
    watched = Watched(released=SEED)
    watched.text("家族のこと")
    watched.text(CONCERN)
    (reply,) = said(watched.turns[-1][2])
    assert seed_pack().texts["concern"][0] in reply.texts[-1]
    assert reply.choices[0].label == "人に渡す"
    assert [choice.label for choice in reply.choices].count("人に渡す") == 1


@pytest.mark.parametrize("mode", Mode)
def test_a_due_time_nobody_asked_for_changes_nothing(mode: Mode) -> None:
    """An unknown wake-up, or one whose reason is gone, is only counted."""
    talk = in_mode(mode)
    assert turn_of(WokeUp(reason="unknown", seq=8), talk).effects == ()
    elsewhere = replace(talk, session=None)
    assert turn_of(WokeUp(reason=PAUSE, seq=8), elsewhere).effects == ()
    assert turn_of(WokeUp(reason=RISK_UNANSWERED, seq=8)).effects == ()


def test_an_answered_cry_brings_no_card_later() -> None:
    """The counselor's reply ends the wait for one."""
    watched = Watched(released=SEED, talk=in_mode(Mode.HUMAN))
    watched.text(DANGER)
    watched.reply("読みました。")
    assert watched.after(3_600) == []


@pytest.mark.parametrize("word", ["1", "２", "①"])
def test_a_bare_number_takes_no_request_back(word: str) -> None:
    """While waiting, 「1」 is for the people who will read, though 取り消す is the first button on the screen."""
    watched = Watched(released=SEED, talk=in_mode(Mode.WAITING))
    assert watched.talk.session is not None
    assert next(iter(seed_pack().flows["F-HUMAN"].steps["sent"].choices)) == "取り消す"
    assert fx.Relay() in watched.text(word)
    assert watched.talk.mode is Mode.WAITING


def test_words_of_a_button_work_while_waiting() -> None:
    """The words themselves do: 取り消す takes the request back in one message, without a reason."""
    watched = Watched(released=SEED, talk=in_mode(Mode.WAITING))
    assert fx.RestTicket() in watched.text("取り消す")
    assert watched.talk.mode is Mode.BOT


def test_an_answer_is_taken_as_it_was_written() -> None:
    """What is asked is kept in the person's words, and handed over as a wish with its name."""
    watched = Watched(released=SEED)
    for text in ("人と話したい", "つづける", "夜だけ、ゆっくり", "名前で呼ばないで", "送る"):
        watched.text(text)
    assert watched.talk.ticket is not None
    assert dict(watched.talk.ticket.wishes) == {
        "進め方": "夜だけ、ゆっくり",
        "気をつけること": "名前で呼ばないで",
    }


def test_hiding_is_owed_even_if_the_thread_is_claimed_meanwhile() -> None:
    """The button that hides the screen sends words that a claim does not cancel."""
    watched = Watched(released=SEED)
    watched.text("安全のこと")
    watched.choice("画面をかくす")
    (effect,) = watched.turns[-1][2].effects
    assert isinstance(effect, fx.Say)
    assert effect.purpose is Purpose.HIDE
    step = seed_pack().flows["F-HOME"].steps["hide"]
    assert isinstance(step, model.Menu)
    assert effect.reply.texts == seed_pack().texts["neutral"]


@pytest.mark.parametrize("mode", Mode)
def test_a_turn_names_no_words_in_its_repr(mode: Mode) -> None:
    """Whatever is logged of an event or a turn, the person's own words are not in it."""
    secret = "ひみつのことば"
    turn = turn_of(heard(secret), in_mode(mode))
    assert secret not in f"{turn!r}{heard(secret)!r}"


def test_wishes_are_in_no_repr() -> None:
    """Nor are the words handed over with a request."""
    watched = Watched(released=SEED)
    for text in ("人と話したい", "つづける", "ひみつのことば", "とくにない", "送る"):
        watched.text(text)
    assert watched.talk.ticket is not None
    assert watched.talk.ticket.wishes
    requested = fx.RequestPerson(reason="request", wishes=watched.talk.ticket.wishes)
    assert "ひみつのことば" not in f"{watched.talk!r}{watched.turns!r}{requested!r}"


@pytest.mark.parametrize(
    ("talk", "more", "choices"),
    [
        (Talk(contact_id=CONTACT), (), ("nav_restart",)),
        (in_mode(Mode.BOT), ("welcome_back",), ("nav_resume", "nav_restart")),
        (in_mode(Mode.WAITING), ("already_waiting",), ()),
    ],
    ids=["anew", "on the way", "waiting"],
)
def test_who_may_have_got_no_answer_hears_one_quiet_line(
    talk: Talk, more: tuple[str, ...], choices: tuple[str, ...]
) -> None:
    """True for the mode, with the way on, without a sound; nothing else changes (decision 010)."""
    turn = turn_of(WokeUp(reason=LATE, seq=8), talk)
    [effect] = turn.effects
    assert isinstance(effect, fx.Say)
    assert (effect.purpose, effect.reply.silent) == (Purpose.LATE, True)
    assert effect.reply.texts == tuple(text for key in ("late", *more) for text in SEED.text(key))
    labels = [choice.label for choice in effect.reply.choices]
    assert labels == [SEED.text(key)[0] for key in choices] + list(SEED.text("exits"))
    assert turn.talk == replace(talk, revision=talk.revision + 1)


def test_nothing_of_the_machine_is_said_beside_a_counselor_about_late_answers() -> None:
    assert turn_of(WokeUp(reason=LATE, seq=8), in_mode(Mode.HUMAN)).effects == ()

"""What holds in every conversation, with the shipped content and with any content that passes `check`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.simulation import reply_of
from bot.content.check import MAX_ID_BYTES, MAX_LABEL, check
from bot.content.pack import Pack, Released
from bot.conversation import MOST_CHOICES, take_turn
from bot.flows import effects as fx
from bot.flows import engine, model
from bot.flows.matching import visible
from bot.flows.session import MAX_ANSWER, MAX_ANSWERS, MAX_TRAIL
from bot.handoff.risk import Level, highest
from bot.handoff.ticket import Status
from bot.messages import EXITS, Kind, Purpose, Reply
from bot.talk import Event, HandedBack, Heard, Mode, Talk, Turn, WokeUp
from tests.strategies import Move, Watched, moves, packs, reread, seed_pack

MOST_EFFECTS = 8
OWED = {Purpose.SAFETY, Purpose.RECEIPT, Purpose.HIDE, Purpose.STOP}


@st.composite
def seed_conversations(draw: st.DrawFn) -> Watched:
    return played(seed_pack(), draw(moves(seed_pack())))


@st.composite
def random_conversations(draw: st.DrawFn) -> Watched:
    pack = draw(packs())
    return played(pack, draw(moves(pack)))


def played(pack: Pack, what: list[Move]) -> Watched:
    """A conversation played to its end. That it can be is the first property: no turn raises."""
    watched = Watched(released=Released(latest=pack))
    watched.joined()
    for move in what:
        watched.make(move)
    return watched


conversations = seed_conversations() | random_conversations()


@given(packs())
def test_random_packs_pass_check(pack: Pack) -> None:
    """The random content of these tests is content that could be published."""
    assert [] == check(pack)


@given(conversations)
def test_a_turn_is_bounded_and_counted(watched: Watched) -> None:
    """Few effects, three bubbles, choices that fit, and state that cannot grow without end."""
    for before, _, turn in watched.turns:
        assert len(turn.effects) <= MOST_EFFECTS
        assert before.revision + 1 == turn.talk.revision
        for reply in replies(turn):
            assert len(reply.texts) <= engine.MAX_BUBBLES
            assert not reply.is_empty
            assert all(text.strip() for text in reply.texts)
            assert len(reply.choices) <= MOST_CHOICES + 3
            assert all(len(choice.id.encode()) <= MAX_ID_BYTES for choice in reply.choices)
            assert all(0 < len(choice.label) <= MAX_LABEL for choice in reply.choices)
        session = turn.talk.session
        if session is not None:
            assert len(session.trail) <= MAX_TRAIL
            assert len(session.answers) <= MAX_ANSWERS
            assert all(len(answer) <= MAX_ANSWER for answer in session.answers.values())
        assert len(turn.talk.concerns) <= 10
        assert turn.talk.ticket is None or len(turn.talk.ticket.hits) <= 20


@given(conversations)
def test_every_cry_is_answered_and_queued(watched: Watched) -> None:
    """A text whose scan says high opens or raises a ticket in every mode; while no human has it, the card is first."""
    for before, event, turn in watched.turns:
        if not isinstance(event, Heard) or event.inbound.kind in (
            Kind.CHOICE,
            Kind.UNSENT,
            Kind.JOINED,
            Kind.LEFT,
        ):
            continue
        level = highest(watched.released.rules.scan(visible(event.inbound.text)))
        if level < Level.HIGH:
            continue
        assert turn.risk_hits
        assert turn.talk.ticket is not None
        assert turn.talk.ticket.is_open
        assert turn.talk.ticket.priority >= level
        assert turn.talk.ticket.hits
        if before.mode is Mode.HUMAN:
            assert fx.RaisePriority(alarm=True) in turn.effects
        else:
            assert isinstance(turn.effects[0], fx.SayFirst)
            assert turn.talk.session == before.session  # whatever was running goes on
            assert {fx.OpenTicket(), fx.RaisePriority()} & set(turn.effects)


@given(conversations)
def test_the_machine_is_silent_while_a_human_has_the_thread(watched: Watched) -> None:
    """Mode human yields no words of the machine but safety, receipt, hide and stop; what is said is relayed."""
    for before, event, turn in watched.turns:
        if before.mode is not Mode.HUMAN or isinstance(event, HandedBack):
            continue
        assert turn.talk.mode is Mode.HUMAN
        for effect in turn.effects:
            assert not isinstance(effect, fx.Say) or effect.purpose in OWED
        if isinstance(event, Heard) and event.inbound.kind in (Kind.TEXT, Kind.CHOICE, Kind.STICKER):
            assert {type(effect) for effect in turn.effects} & {fx.Relay, fx.ForgetContact}


@given(conversations)
def test_nobody_is_met_with_silence(watched: Watched) -> None:
    """What a person writes or taps is answered, or collected for an answer, or told to people who will answer."""
    for before, event, turn in watched.turns:
        if not isinstance(event, Heard) or event.inbound.kind in (Kind.LEFT, Kind.UNSENT, Kind.JOINED):
            continue
        answers = (fx.Say, fx.SayFirst, fx.ForgetContact, fx.WakeAt)
        answers = answers if before.mode is Mode.BOT else (*answers, fx.Relay)
        assert any(isinstance(effect, answers) for effect in turn.effects)


@given(conversations)
def test_mode_and_ticket_agree_and_no_ticket_is_lost(watched: Watched) -> None:
    """Bot: no ticket or a resting one; waiting: a waiting one; human: an active one. It never vanishes by itself."""
    status = {Mode.WAITING: Status.WAITING, Mode.HUMAN: Status.ACTIVE}
    for before, event, turn in watched.turns:
        ticket = turn.talk.ticket
        if ticket is None:
            assert turn.talk.mode is Mode.BOT
            assert before.ticket is None
        else:
            assert ticket.status is status.get(turn.talk.mode, Status.RESTING)
            assert before.ticket is None or ticket.id == before.ticket.id
        if before.ticket is not None and before.ticket.is_open and isinstance(event, Heard | WokeUp):
            assert turn.talk.ticket is not None
            if not turn.talk.ticket.is_open:
                assert fx.RestTicket() in turn.effects
                assert before.ticket.priority < Level.HIGH


@given(conversations)
def test_every_waiting_step_has_exits(watched: Watched) -> None:
    """Words of the machine that offer anything offer the three exits, but where a step says none (R-018)."""
    for _, _, turn in watched.turns:
        for effect in turn.effects:
            if isinstance(effect, fx.Say) and effect.purpose is Purpose.BOT and effect.reply.choices:
                offered = {choice.id for choice in effect.reply.choices}
                assert offered >= set(EXITS) or step_of(watched, turn.talk).exits == model.NO_EXITS


@given(conversations)
def test_published_content_leads_nobody_nowhere(watched: Watched) -> None:
    """Content that passes `check` never strands a person."""
    for _, _, turn in watched.turns:
        assert not any(isinstance(effect, fx.Stranded) for effect in turn.effects)


@given(st.data())
def test_a_turn_of_any_talk_with_content_that_went_away(data: st.DataObject) -> None:
    """A talk in the middle of one content meets another content: nothing raises, and it is answered."""
    first, second = data.draw(packs()), replace(data.draw(packs()), number=2)
    watched = played(first, data.draw(moves(first)))
    talk = reread(watched.talk)
    watched = Watched(released=Released(latest=second), talk=talk, now=watched.now, seq=watched.seq)
    for move in data.draw(moves(second)):
        watched.make(move)
    test_nobody_is_met_with_silence.hypothesis.inner_test(watched)  # type: ignore[attr-defined]
    test_mode_and_ticket_agree_and_no_ticket_is_lost.hypothesis.inner_test(watched)  # type: ignore[attr-defined]


def replies(turn: Turn) -> Iterator[Reply]:
    return (reply for effect in turn.effects if (reply := reply_of(effect)) is not None)


def step_of(watched: Watched, talk: Talk) -> model.AnyStep:
    assert talk.session is not None
    return watched.released.flows(talk.session.release)[talk.session.flow].steps[talk.session.step]

"""What holds in every conversation, with the shipped content and with any content that passes `check`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from admin.simulation import reply_of
from bot.content.check import check
from bot.content.check_flows import MAX_ID_BYTES
from bot.content.check_words import MAX_LABEL
from bot.content.pack import Pack, Released
from bot.conversation import MOST_CHOICES
from bot.flows import effects as fx
from bot.flows import model
from bot.flows.session import MAX_ANSWER, MAX_ANSWERS, MAX_TRAIL
from bot.flows.template import MAX_BUBBLES
from bot.handoff.risk import Level, highest
from bot.handoff.ticket import Status
from bot.messages import EXIT_PERSON, EXITS, Kind, Purpose, Reply
from bot.talk import HandedBack, Heard, Mode, Talk, Turn, WokeUp
from tests.strategies import Move, Watched, moves, packs, reread, safety_cards, seed_pack

MOST_EFFECTS = 8
OWED = {Purpose.SAFETY, Purpose.RECEIPT, Purpose.HIDE, Purpose.STOP}


def played(pack: Pack, what: list[Move]) -> Watched:
    """A conversation played to its end. That it can be is the first property: no turn raises."""
    watched = Watched(released=Released(latest=pack))
    watched.joined()
    for move in what:
        watched.make(move)
    return watched


def a_turn_is_bounded_and_counted(watched: Watched) -> None:
    """Few effects, three bubbles, choices that fit, and state that cannot grow without end."""
    for before, _, turn in watched.turns:
        assert len(turn.effects) <= MOST_EFFECTS
        assert before.revision + 1 == turn.talk.revision
        for reply in replies(turn):
            assert len(reply.texts) <= MAX_BUBBLES
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


def every_cry_is_answered_and_queued(watched: Watched) -> None:
    """A text whose scan says high opens or raises a ticket in every mode; while no human has it, the card is first."""
    for before, event, turn in watched.turns:
        if not isinstance(event, Heard) or event.inbound.kind in (
            Kind.CHOICE,
            Kind.UNSENT,
            Kind.JOINED,
            Kind.LEFT,
        ):
            continue
        level = highest(watched.released.rules.scan(event.inbound.text))
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


def the_machine_is_silent_while_a_human_has_the_thread(watched: Watched) -> None:
    """Mode human yields no words of the machine but safety, receipt, hide and stop; what is said is relayed."""
    for before, event, turn in watched.turns:
        if before.mode is not Mode.HUMAN or isinstance(event, HandedBack):
            continue
        assert turn.talk.mode is Mode.HUMAN
        for effect in turn.effects:
            assert not isinstance(effect, fx.Say) or effect.purpose in OWED
        if isinstance(event, Heard) and event.inbound.kind in (Kind.TEXT, Kind.CHOICE, Kind.STICKER):
            assert {type(effect) for effect in turn.effects} & {fx.Relay, fx.ForgetContact}


def nobody_is_met_with_silence(watched: Watched) -> None:
    """What a person writes or taps is answered, or collected for an answer, or told to people who will answer."""
    for before, event, turn in watched.turns:
        if not isinstance(event, Heard) or event.inbound.kind in (Kind.LEFT, Kind.UNSENT, Kind.JOINED):
            continue
        answered = fx.Say | fx.SayFirst | fx.ForgetContact | fx.WakeAt
        relayed = before.mode is not Mode.BOT and fx.Relay() in turn.effects
        assert relayed or any(isinstance(effect, answered) for effect in turn.effects)


def mode_and_ticket_agree_and_no_ticket_is_lost(watched: Watched) -> None:
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


def every_waiting_step_has_exits(watched: Watched) -> None:
    """Words of the machine that offer anything offer the three exits, but where a step says none (R-018)."""
    for _, _, turn in watched.turns:
        for effect in turn.effects:
            if isinstance(effect, fx.Say) and effect.purpose is Purpose.BOT and effect.reply.choices:
                offered = {choice.id for choice in effect.reply.choices}
                assert offered >= set(EXITS) or says_no_exits(watched, turn.talk, offered)


def published_content_leads_nobody_nowhere(watched: Watched) -> None:
    """Content that passes `check` never strands a person."""
    for _, _, turn in watched.turns:
        assert not any(isinstance(effect, fx.Stranded) for effect in turn.effects)


def replies(turn: Turn) -> Iterator[Reply]:
    return (reply for effect in turn.effects if (reply := reply_of(effect)) is not None)


def says_no_exits(watched: Watched, talk: Talk, offered: set[str]) -> bool:
    """Whether the step these choices are of wants none; what is said aside is not where the talk stands."""
    flows = watched.released.flows(watched.released.number)
    aside = [choice.split("/") for choice in offered if choice.count("/") == 2]
    steps = [flows[flow].steps.get(step) for flow, step, _ in aside if flow in flows]
    return any(step is not None and step.exits == model.NO_EXITS for step in steps) or (
        step_of(watched, talk).exits == model.NO_EXITS
    )


def step_of(watched: Watched, talk: Talk) -> model.AnyStep:
    assert talk.session is not None
    return watched.released.flows(talk.session.release)[talk.session.flow].steps[talk.session.step]


LAWS: tuple[Callable[[Watched], None], ...] = (
    a_turn_is_bounded_and_counted,
    every_cry_is_answered_and_queued,
    the_machine_is_silent_while_a_human_has_the_thread,
    nobody_is_met_with_silence,
    mode_and_ticket_agree_and_no_ticket_is_lost,
    every_waiting_step_has_exits,
    published_content_leads_nobody_nowhere,
)


@settings(max_examples=3 * settings().max_examples)
@given(st.data())
def test_laws_hold_with_the_shipped_content(data: st.DataObject) -> None:
    """Every law above, in conversations over the seed."""
    watched = played(seed_pack(), data.draw(moves(seed_pack())))
    for law in LAWS:
        law(watched)


@given(st.data())
def test_laws_hold_with_any_content_that_passes_check(data: st.DataObject) -> None:
    """Every law above, with random flows that could be published."""
    pack = data.draw(packs())
    assert not [issue for issue in check(pack) if issue.blocks]
    watched = played(pack, data.draw(moves(pack)))
    for law in LAWS:
        law(watched)


@given(st.data())
def test_a_talk_goes_on_when_all_its_content_went_away(data: st.DataObject) -> None:
    """In the middle of one content another takes its place: nothing raises, and every law but one still holds."""
    first, second = data.draw(packs()), replace(data.draw(packs()), number=2)
    talk = reread(played(first, data.draw(moves(first))).talk)
    watched = Watched(released=Released(latest=second), talk=talk)
    for move in data.draw(moves(second)):
        watched.make(move)
    for law in LAWS[:-1]:
        law(watched)


@given(st.data())
def test_a_pinned_talk_plays_its_own_release(data: st.DataObject) -> None:
    """With the older release at hand, a new one in the middle strands nobody, within seven days."""
    first, second = data.draw(packs()), replace(data.draw(packs()), number=2)
    watched = played(first, data.draw(moves(first)))
    watched.released = Released(latest=second, older={1: first})
    for move in data.draw(moves(second)):
        if move.do != "after":
            watched.make(move)
    for law in LAWS[:-2]:
        law(watched)


# --- from every step of the seed ------------------------------------------------------------------------------


def reachable() -> dict[str, Watched]:
    """Every step of the seed where one can stand, by taps from the start, with a conversation that stands there."""
    start = played(seed_pack(), [])
    found, todo, tapped = dict[str, Watched](), deque([start]), set[str]()
    while todo:
        watched = todo.popleft()
        session = watched.talk.session
        if session is not None:
            found.setdefault(f"{session.flow}/{session.step}", watched)
        for choice in watched.choices:
            if choice.id in tapped:  # the same button leads to the same step
                continue
            tapped.add(choice.id)
            after = replace(watched, due={}, earlier={}, turns=[])
            after.tap(choice.id)
            todo.append(after)
    return found


def told_by_themselves() -> set[str]:
    """Steps that answer a question in words, or come by themselves: all they tell is told elsewhere, too."""
    pack = seed_pack()
    keys = ("returned", "rejoined", "letter_card", "notice_card")
    return {one.leads_to for one in pack.questions} | {target for key in keys for target in pack.texts[key]}


def test_every_step_of_the_seed_can_be_reached_by_taps() -> None:
    """Nothing has to be typed to get anywhere (R-010); steps that pass or end are met on the way.

    Safety cards come by themselves; `test_safety` looks at each.
    """
    places = {
        f"{flow.id}/{name}"
        for flow in seed_pack().flows.values()
        for name, step in flow.steps.items()
        if isinstance(step, model.PLACES)
    }
    words_only = told_by_themselves() | safety_cards() | {"F-RETURN/person", "F-NOTICE/about", "F-FIND/found"}
    elsewhere = {"F-HUMAN/language"}  # only with a desk for another language: handoff/test_languages
    assert places - words_only - elsewhere <= set(reachable())


def test_a_person_is_two_turns_away_from_every_step_of_the_seed() -> None:
    """人と話したい and one tap more, and the conversation waits for a person; everywhere, whatever was running."""
    for place, watched in reachable().items():
        if watched.talk.mode is not Mode.BOT:
            continue
        asked = replace(watched, due={}, earlier={}, turns=[])
        asked.tap(EXIT_PERSON)
        taps = [replace(asked, due={}, earlier={}, turns=[]) for _ in asked.choices]
        for tap, choice in zip(taps, asked.choices, strict=True):
            tap.tap(choice.id)
        assert any(tap.talk.mode is Mode.WAITING for tap in taps), place


def test_a_person_can_be_asked_for_in_words_in_every_mode() -> None:
    """The words alone do it, too; somebody who waits already is told so."""
    watched = played(seed_pack(), [Move("text", "人と話したい"), Move("text", "このまま渡す")])
    assert watched.talk.mode is Mode.WAITING
    told = watched.text("人と話したい")
    assert [seed_pack().texts["already_waiting"]] == [reply.texts for reply in map(reply_of, told) if reply]

"""「ウェブで話す」 in single turns: who is offered it, in which mode, and what is told at an address that was left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from admin.simulation import BEGIN, CONTACT, reply_of
from bot.content.pack import Released
from bot.conversation import take_turn
from bot.flows import effects as fx
from bot.flows import web
from bot.messages import SILENCED_BY_CLAIM, Address, Choice, Inbound, Kind, Purpose, Reply
from bot.talk import Heard, Mode, Talk, Turn
from tests.flows.test_turns import in_mode
from tests.strategies import seed_pack

SEED = Released(latest=seed_pack(), base="https://engawa.example.jp")
WORD = "ウェブで話す"


def heard(text: str = "", *, choice_id: str = "", account: str = "line", kind: Kind | None = None) -> Heard:
    inbound = Inbound(
        address=Address(account=account, key=""),
        dedupe_key="",
        sent_at=BEGIN,
        kind=kind or (Kind.CHOICE if choice_id else Kind.TEXT),
        text=text,
        choice_id=choice_id,
    )
    return Heard(inbound=inbound, seq=7)


def turn_of(event: Heard, talk: Talk | None = None, content: Released = SEED) -> Turn:
    return take_turn(content, content.rules, talk or Talk(contact_id=CONTACT), event, BEGIN)


def offers(turn: Turn) -> list[Choice]:
    replies = [reply for effect in turn.effects if (reply := reply_of(effect)) is not None]
    return [choice for reply in replies for choice in reply.choices if choice.id == web.CHOICE]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    "event", [heard(WORD), heard("ウエブで話す".replace("エ", "ェ")), heard(choice_id=web.CHOICE)]
)
def test_it_can_be_asked_for_at_any_time(event: Heard, mode: Mode) -> None:
    """In every mode, by word and by tap: an invitation, and the talk stays as it was. A counselor sees the wish."""
    talk = in_mode(mode)
    turn = turn_of(event, talk)
    assert isinstance(turn.effects[0], fx.InviteToWeb)
    assert (fx.Relay() in turn.effects) is (mode is Mode.HUMAN)
    assert replace(turn.talk, revision=talk.revision) == talk


@pytest.mark.parametrize("event", [heard("人と話したい"), heard("相談"), heard("わたしの記録")])
def test_it_is_offered_where_the_content_says(event: Heard) -> None:
    """Before the exits, at the steps of `web_at`; not elsewhere."""
    turn = turn_of(event)
    [choice] = offers(turn)
    assert choice.label == WORD
    [said] = [effect.reply for effect in turn.effects if isinstance(effect, fx.Say)]
    assert [one.id.partition("/")[0] for one in said.choices[-4:]] == ["nav", "exit", "exit", "exit"]
    assert offers(turn_of(heard("はじめ"))) == []


def test_it_is_not_offered_where_it_leads_nowhere() -> None:
    """Without a public address, and on the web itself: no choice, and the word is answered truthfully."""
    for content, account in ((replace(SEED, base=""), "line"), (SEED, web.WEB)):
        assert offers(turn_of(heard("人と話したい", account=account), content=content)) == []
        turn = turn_of(heard(WORD, account=account), content=content)
        assert not any(isinstance(effect, fx.InviteToWeb) for effect in turn.effects)
        assert [effect.reply.texts for effect in turn.effects if isinstance(effect, fx.Say)] == [
            SEED.text("web_none")
        ]
        human = turn_of(heard(WORD, account=account), in_mode(Mode.HUMAN), content)
        assert human.effects == (fx.Relay(),)


def test_a_reply_with_no_room_stays_as_it_is() -> None:
    """Thirteen choices are the most LINE takes."""
    full = Reply(texts=("a",), choices=tuple(Choice(id=f"x/{n}", label=str(n)) for n in range(13)))
    assert web._with_choice(full, Choice(id=web.CHOICE, label=WORD)) == full


def test_who_writes_at_a_left_address_is_told_once() -> None:
    moved = Talk(contact_id=CONTACT, moved=True)
    first = turn_of(heard("家族"), moved)
    [said] = [effect.reply for effect in first.effects if isinstance(effect, fx.Say)]
    assert said.texts[0].startswith(SEED.text("moved")[0])
    assert len(said.texts) <= 3
    assert all(len(text) <= 120 for text in said.texts)
    second = turn_of(heard("家族"), first.talk)
    assert not any(
        SEED.text("moved")[0] in text
        for effect in second.effects
        if isinstance(effect, fx.Say)
        for text in effect.reply.texts
    )


def test_a_cry_for_help_comes_before_that() -> None:
    """The safety card stays as it is; the word about the move waits for the next answer."""
    moved = Talk(contact_id=CONTACT, moved=True)
    turn = turn_of(heard("もう死にたいです"), moved)
    assert isinstance(turn.effects[0], fx.SayFirst)
    assert SEED.text("moved")[0] not in "".join(turn.effects[0].reply.texts)
    assert turn.talk.moved
    gone = turn_of(heard(kind=Kind.LEFT), moved)
    assert gone.talk.moved


def test_an_invitation_is_no_word_a_claim_stops() -> None:
    """It was asked for: it is none of the machine's own words."""
    assert Purpose.MOVE not in SILENCED_BY_CLAIM
    silent = turn_of(
        heard(WORD),
        replace(in_mode(Mode.BOT), preferences=replace(Talk(contact_id="").preferences, silent=True)),
    )
    invitation = silent.effects[0]
    assert isinstance(invitation, fx.InviteToWeb)
    assert invitation.reply.silent

"""What each person says, and what must come back: the same words played through the pure `take_turn`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from admin.simulation import Simulation, reply_of
from bot.content import codec
from bot.content.pack import Released
from bot.flows import effects as fx
from bot.messages import Reply

# Entry words, labels and plain words. What an answer says to them depends on where the talk stands, so a lost
# or doubled turn shows in the answers after it. None of them is about the time of day.
WORDS = (
    "はじめ",
    "家族",
    "自分",
    "さがす",
    "支援者",
    "記録",
    "もどる",
    "まだわからない",
    "自分の休みと体調",
    "福祉や医療の仕事",
    "近所・地域",
    "はじめにもどる",
    "しずかな通知にする",
    "音を元にもどす",
    "うまく言えません",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A person joins, then writes `words` one by one; each gets one of `replies`, the joining first."""

    words: tuple[str, ...]
    replies: tuple[Reply, ...]


def scripts(random: Random, now: datetime, lengths: Sequence[int]) -> list[Script]:
    """One script for each person. Neighbouring replies differ; none lists places, which are drawn by lot."""
    released = Released(latest=codec.build(1, codec.seed()))
    return [_script(random, Simulation(released=released, now=now), length) for length in lengths]


def _script(random: Random, simulation: Simulation, length: int) -> Script:
    replies = [_only(simulation.joined())]
    words: list[str] = []
    while len(words) < length:
        before, word = simulation.talk, random.choice(WORDS)
        reply = _only(simulation.text(word))
        if reply.cards or _seen(reply) == _seen(replies[-1]):
            simulation.talk = before
            continue
        words.append(word)
        replies.append(reply)
    return Script(words=tuple(words), replies=tuple(replies))


def _only(effects: list[fx.Effect]) -> Reply:
    """The one thing said."""
    (reply,) = [reply for effect in effects if (reply := reply_of(effect)) is not None]
    return reply


def _seen(reply: Reply) -> tuple[object, ...]:
    return reply.texts, [choice.label for choice in reply.choices]

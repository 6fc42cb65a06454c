"""Simulated people for new counselors: what such a person writes, and what they do with what they get. Pure.

Nobody is at the other end. There is no contact, ticket or line of a thread here, so that nothing that counts, queues,
alerts or sends can take a practice for a conversation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from bot.errors import BadInput
from bot.flows.matching import fold

PIECE = 120  # characters that read well in one bubble
MOST_SAID = 120
THEM, YOU, PAUSE = "them", "you", "pause"

Manner = Literal["presses", "asks_more", "asks", "long", "says", "any"]


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the person does once with a reply of this manner; saying nothing is an answer, too.

    `presses`: the word check finds something; `asks_more`: more than one question; `asks`: one; `long`: over 120
    characters; `says`: one of `words` is in it; `any`: whatever it is. `minutes` pass before; `tells` is what a
    colleague would say of it afterwards.
    """

    manner: Manner = "any"
    words: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    minutes: int = 0
    tells: str = ""


class Hope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something worth saying to this person: whether one of `words` was written, told afterwards either way."""

    words: tuple[str, ...]
    met: str
    missed: str


class Practice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A simulated person: how they are called, why they come, how they would like it to go, and what they do.

    `level` and `category` stand where a ticket shows them (0 none to 3 emergency); `answers` are tried in their order,
    each once; when none is left, the person is silent.
    """

    id: str
    name: str
    nickname: str
    about: str
    level: int = 0
    category: str = ""
    wishes: tuple[str, ...] = ()
    opening: tuple[str, ...]
    answers: tuple[Answer, ...] = ()
    goodbye: tuple[str, ...] = ()
    hopes: tuple[Hope, ...] = ()

    def __post_init__(self) -> None:
        if not self.opening or not 0 <= self.level <= 3:
            raise ValueError("はじめのことばと、0から3までの段階がいります")


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a practice: by the person, by who practises, or a pause; `minutes` since it began."""

    by: str
    text: str = ""
    minutes: int = 0

    def __repr__(self) -> str:
        return f"Said({self.by})"


class Practised(msgspec.Struct, frozen=True, kw_only=True):
    """How far a practice has come. `used` are places of answers that were given."""

    practice: str
    said: tuple[Said, ...] = ()
    used: tuple[int, ...] = ()
    seen: bool = False
    over: bool = False
    draft: str = ""

    def __repr__(self) -> str:
        return f"Practised({self.practice}, {len(self.said)} lines)"

    @property
    def minutes(self) -> int:
        return self.said[-1].minutes if self.said else 0

    @property
    def replies(self) -> tuple[str, ...]:
        """What was written to the person, in order."""
        return tuple(one.text for one in self.said if one.by == YOU)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """How a reply sounds: how many questions, whether the word check finds something, its longest piece."""

    questions: int = 0
    presses: bool = False
    longest: int = 0


def begin(script: Practice) -> Practised:
    """The person has written, and waits."""
    return Practised(practice=script.id, said=tuple(Said(by=THEM, text=text) for text in script.opening))


def confirm(session: Practised) -> Practised:
    """The wishes were read (R-030)."""
    return msgspec.structs.replace(session, seen=True)


def keep(session: Practised, draft: str) -> Practised:
    """What is being written, until it is sent."""
    return session if session.over else msgspec.structs.replace(session, draft=draft)


def reply(script: Practice, session: Practised, text: str, heard: Heard) -> Practised:
    """What was written, and what the person does with it. Raises BadInput when there is nobody to write to."""
    if session.over or not session.seen:
        raise BadInput("This practice is over, or its wishes were not read yet.")
    now = session.minutes + 1
    said = [*session.said, Said(by=YOU, text=text, minutes=now)]
    found = _answer(script, session, text, heard)
    used = session.used if found is None else (*session.used, found)
    answer = Answer() if found is None else script.answers[found]
    if answer.minutes:
        said.append(Said(by=PAUSE, minutes=now + answer.minutes))
    said += [Said(by=THEM, text=one, minutes=now + answer.minutes) for one in answer.says]
    full = len(said) >= MOST_SAID
    return msgspec.structs.replace(session, said=tuple(said), used=used, draft="", over=full)


def hand_back(script: Practice, session: Practised) -> Practised:
    """The counselor ends it, and the person may say a last word."""
    if session.over:
        return session
    last = tuple(Said(by=THEM, text=text, minutes=session.minutes + 1) for text in script.goodbye)
    return msgspec.structs.replace(session, said=(*session.said, *last), over=True, draft="")


def afterwards(script: Practice, session: Practised) -> list[str]:
    """What a colleague would say of the whole: of answers that were given, then of what was worth saying."""
    told = [script.answers[at].tells for at in session.used if at < len(script.answers)]
    written = fold("\n".join(session.replies))
    told += [hope.met if _says(hope.words, written) else hope.missed for hope in script.hopes]
    return [one for one in dict.fromkeys(told) if one]


def _answer(script: Practice, session: Practised, text: str, heard: Heard) -> int | None:
    words = fold(text)
    left = (at for at in range(len(script.answers)) if at not in session.used)
    return next((at for at in left if _fits(script.answers[at], words, heard)), None)


def _fits(answer: Answer, words: str, heard: Heard) -> bool:
    match answer.manner:
        case "presses":
            return heard.presses
        case "asks_more":
            return heard.questions > 1
        case "asks":
            return heard.questions == 1
        case "long":
            return heard.longest > PIECE
        case "says":
            return _says(answer.words, words)
        case "any":
            return True


def _says(words: tuple[str, ...], folded: str) -> bool:
    return any(fold(word) in folded for word in words)

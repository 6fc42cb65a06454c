"""Playing a draft as somebody would meet it: with the real turns and what each channel can show.

Nothing is written and nothing is sent: a preview is a `Simulation`, played anew from its moves each time it is looked
at, so that it is the same in every process and needs no memory of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from admin.simulation import Simulation, reply_of
from admin.words import marked
from bot.channels.line.messages import CAPABILITIES as LINE
from bot.channels.render import Capabilities, card_text, render
from bot.channels.telegram.sender import CAPABILITIES as TELEGRAM
from bot.content.pack import Released
from bot.conversation.policy import LONG_AGO
from bot.errors import BadInput
from bot.flows import effects as fx
from bot.flows import model
from bot.handoff.hours import TOKYO
from bot.messages import EXITS, Choice, Reply

CHANNELS: dict[str, Capabilities | None] = {"line": LINE, "telegram": TELEGRAM, "web": None}
"""What each channel can show; the web chat takes everything."""
PERSONS = {"self": "F-SELF", "family": "F-FAMILY", "supporter": "F-SUPPORT", "unsaid": ""}
"""Who somebody said they are: by the flow they went to from the start."""
HOURS = (3, 10, 15, 22)
MOST_MOVES = 40
LONGEST = 500  # characters of one move
TAP, WRITE = "*", "="
DOOR = "preview"
"""A flow of the preview's own, that leads to the step looked at: no content can have it, for its sign."""

DEEDS: dict[type[fx.Effect], str] = {
    fx.OpenTicket: marked("Here the conversation goes to people. In a preview nobody is asked."),
    fx.WithdrawRequest: marked("Here the request for a person is taken back."),
    fx.ForgetContact: marked("Here everything is erased. In a preview there is nothing to erase."),
    fx.SetPreference: marked("Here it is noted how quiet we are to be."),
    fx.Stranded: marked("The flow leads nowhere here. People are told so, and come back to the start."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """Who looks: what they said they are, by which channel they come, at which hour, and whether they were away."""

    person: str = "family"
    channel: str = "line"
    hour: int = 22
    returning: bool = False

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Persona:
        """From the fields of a form; what is not known is as it is by itself."""
        hour = form.get("hour", "")
        known = cls()
        return cls(
            person=form["person"] if form.get("person") in PERSONS else known.person,
            channel=form["channel"] if form.get("channel") in CHANNELS else known.channel,
            hour=int(hour) if hour in map(str, HOURS) else known.hour,
            returning=form.get("returning") == "1",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """One line on the phone: `who` is bot, me, or deed (what happens unseen, a text for the catalogue)."""

    who: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button as the channel shows it. `cut`: its words were too long there. `exit`: one of the three ways out."""

    id: str
    label: str
    cut: bool = False
    exit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What stands on the phone, and the step it came to; empty when the conversation ended."""

    bubbles: tuple[Bubble, ...]
    buttons: tuple[Button, ...]
    flow: str = ""
    step: str = ""


def moves_of(text: str) -> tuple[str, ...]:
    """The moves of a form's field, a line each. Raises BadInput for what is none, or too many."""
    moves = tuple(line for line in text.split("\n") if line)
    if len(moves) > MOST_MOVES:
        raise BadInput("The preview is long enough. Begin it again.")
    if any(move[0] not in (TAP, WRITE) or len(move) > LONGEST for move in moves):
        raise BadInput("This form cannot be read.")
    return moves


def play(released: Released, target: str, persona: Persona, moves: Sequence[str], now: datetime) -> Played:
    """Goes to `target` (`FLOW/step`) as this person on that day, then makes the moves. `released` holds the draft."""
    there = now.astimezone(TOKYO).replace(hour=persona.hour, minute=0, second=0, microsecond=0)
    simulation = Simulation(released=_with_door(released, target), now=there)
    bubbles = list[Bubble]()
    _come_as(simulation, PERSONS[persona.person])
    said = simulation.tap(model.choice_id(DOOR, "at", model.choice_key(DOOR)))
    bubbles += _shown(said, persona)
    if persona.returning:
        simulation.now += LONG_AGO + timedelta(hours=12)
        bubbles.append(Bubble(who="deed", text=AWAY))
        bubbles += _made(simulation, WRITE + "…", persona)
    for move in moves:
        bubbles += _made(simulation, move, persona)
    session = simulation.talk.session
    if session is not None and session.flow == DOOR:
        session = None
    return Played(
        bubbles=tuple(bubbles),
        buttons=_buttons(simulation.choices, persona),
        flow=session.flow if session else "",
        step=session.step if session else "",
    )


AWAY = marked("A day later they are here again.")


def _with_door(released: Released, target: str) -> Released:
    """The same content with a way to the target: a step that is no place, so that nobody goes back to it."""
    at = model.End(say=(DOOR,), choices={DOOR: target})
    door = model.Flow(id=DOOR, name=DOOR, steps={"at": at})
    pack = released.latest
    return replace(released, latest=pack.with_flows({**pack.flows, DOOR: door}))


def _come_as(simulation: Simulation, flow: str) -> None:
    """From the start by the button that leads to this flow, as people come."""
    simulation.joined()
    released = simulation.released
    home, first = model.resolve(released.text("start")[0], "")
    steps = released.latest.flows[home].steps if home in released.latest.flows else {}
    if flow and first in steps:
        for label, target in steps[first].choices.items():
            if model.resolve(target, home)[0] == flow:
                simulation.tap(model.choice_id(home, first, model.choice_key(label)))
                return


def _made(simulation: Simulation, move: str, persona: Persona) -> list[Bubble]:
    """One move and what is said to it."""
    if move[0] == WRITE:
        mine, said = move[1:], simulation.text(move[1:])
    else:
        shown = {choice.id: choice.label for choice in simulation.choices}
        mine = shown.get(move[1:]) or simulation.released.label(move[1:])
        said = simulation.tap(move[1:])
    written = [Bubble(who="me", text=mine)] if mine else []  # a button that nothing knows has no words
    return [*written, *_shown(said, persona)]


def _shown(said: Sequence[fx.Effect], persona: Persona) -> list[Bubble]:
    found = []
    for effect in said:
        if (reply := reply_of(effect)) is not None:
            found += [Bubble(who="bot", text=text) for text in _texts(reply, CHANNELS[persona.channel])]
        if type(effect) in DEEDS:
            found.append(Bubble(who="deed", text=DEEDS[type(effect)]))
    return found


def _texts(reply: Reply, capabilities: Capabilities | None) -> tuple[str, ...]:
    """Bubbles as the channel has them: split, joined, and with the words of buttons there is no room for."""
    if capabilities is None:
        return (*reply.texts, *map(card_text, reply.cards))
    return render(reply, capabilities).texts


def _buttons(choices: tuple[Choice, ...], persona: Persona) -> tuple[Button, ...]:
    capabilities = CHANNELS[persona.channel]
    shown = render(Reply(choices=choices), capabilities).choices if capabilities else choices
    known = {choice.id: choice.label for choice in choices}
    return tuple(
        Button(id=one.id, label=one.label, cut=one.label != known[one.id], exit=one.id in EXITS)
        for one in shown
    )

"""`engawa simulate`: a conversation in the terminal or from a script, with the real flows, rules and turns.

A script is YAML: `at:` an instant, `say:` a list of entries such as `text: こんにちは`, `choice: 家族のこと`,
`joined: true`, `after: 20` (seconds pass and due times come), `claim: true`, `hand_back: true`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import typer
import yaml

from bot.content import codec
from bot.content.pack import Released
from bot.conversation import take_turn
from bot.errors import BadInput
from bot.flows import effects as fx
from bot.handoff import ticket as tickets
from bot.messages import Address, Choice, Inbound, Kind, Reply
from bot.talk import Event, HandedBack, Heard, Mode, Talk, WokeUp

BEGIN = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
CONTACT = "0" * 31 + "1"
ANYBODY = Address(account="simulated", key="")
STAFF = "simulated"


@dataclass
class Simulation:
    """One person and the machine. Everything said is in `said`, oldest first, as (who, reply or words)."""

    released: Released
    now: datetime = BEGIN
    talk: Talk = field(default_factory=lambda: Talk(contact_id=CONTACT))
    seq: int = 0
    due: dict[str, datetime] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()

    def joined(self) -> list[fx.Effect]:
        return self._hear(Kind.JOINED)

    def text(self, text: str) -> list[fx.Effect]:
        return self._hear(Kind.TEXT, text=text)

    def choice(self, label: str) -> list[fx.Effect]:
        """Taps a button that was shown last. Raises BadInput when there is none with this label."""
        for choice in self.choices:
            if choice.label == label:
                return self._hear(Kind.CHOICE, text=label, choice_id=choice.id)
        shown = "、".join(choice.label for choice in self.choices)
        raise BadInput(f"There is no button {label}. Shown are: {shown}")

    def after(self, seconds: float) -> list[fx.Effect]:
        """Time passes; what is due happens in order."""
        end = self.now + timedelta(seconds=seconds)
        effects: list[fx.Effect] = []
        while due := sorted((at, reason) for reason, at in self.due.items() if at <= end):
            self.now, reason = due[0]
            del self.due[reason]
            self.seq += 1
            effects += self._turn(WokeUp(reason=reason, seq=self.seq))
        self.now = end
        return effects

    def claim(self) -> list[fx.Effect]:
        """A counselor takes the conversation."""
        if self.talk.ticket is None:
            raise BadInput("There is nothing to claim.")
        ticket = tickets.claim(self.talk.ticket, STAFF, self.now)
        self.talk = replace(self.talk, ticket=ticket, mode=Mode.HUMAN, held=False)
        return []

    def hand_back(self) -> list[fx.Effect]:
        if self.talk.ticket is None:
            raise BadInput("There is nothing to hand back.")
        self.talk = replace(self.talk, ticket=tickets.hand_back(self.talk.ticket, STAFF))
        return self._turn(HandedBack())

    def _hear(self, kind: Kind, *, text: str = "", choice_id: str = "") -> list[fx.Effect]:
        self.seq += 1
        inbound = Inbound(
            address=ANYBODY, dedupe_key="", sent_at=self.now, kind=kind, text=text, choice_id=choice_id
        )
        return self._turn(Heard(inbound=inbound, seq=self.seq))

    def _turn(self, event: Event) -> list[fx.Effect]:
        turn = take_turn(self.released, self.released.rules, self.talk, event, self.now)
        self.talk = turn.talk
        for effect in turn.effects:
            if isinstance(effect, fx.WakeAt):
                self.due[effect.reason] = effect.at
            elif isinstance(effect, fx.CancelWake):
                self.due.pop(effect.reason, None)
            elif isinstance(effect, fx.ForgetContact):
                self.talk, self.due = Talk(contact_id=CONTACT), {}
            reply = reply_of(effect)
            if reply is not None:
                self.choices = reply.choices
        return list(turn.effects)

    def play(self, entry: dict[str, Any]) -> list[fx.Effect]:
        """One entry of a script. Raises BadInput for one that cannot be read."""
        match entry:
            case {"text": str(text)}:
                return self.text(text)
            case {"choice": str(label)}:
                return self.choice(label)
            case {"joined": True}:
                return self.joined()
            case {"after": int() | float() as seconds}:
                return self.after(seconds)
            case {"claim": True}:
                return self.claim()
            case {"hand_back": True}:
                return self.hand_back()
        raise BadInput(f"This entry cannot be played: {', '.join(map(str, entry))}")


def reply_of(effect: fx.Effect) -> Reply | None:
    """What an effect says to the person, if anything."""
    match effect:
        case fx.Say(reply=reply) | fx.SayFirst(reply=reply) | fx.ForgetContact(receipt=reply):
            return reply
    return None


def heard_from(effects: list[fx.Effect]) -> list[dict[str, Any]]:
    """What came of an entry, as plain data for scripts and goldens: words, cards, buttons, and what moved."""
    found: list[dict[str, Any]] = []
    for effect in effects:
        reply = reply_of(effect)
        if reply is None:
            if not isinstance(effect, fx.Record | fx.CancelWake | fx.SetReachable | fx.SilenceBot):
                found.append({"effect": type(effect).__name__})
            continue
        said: dict[str, Any] = {"bot": list(reply.texts)}
        if not isinstance(effect, fx.Say):
            said["effect"] = type(effect).__name__
        if reply.cards:
            said["cards"] = [card.title for card in reply.cards]
        if reply.choices:
            said["choices"] = [choice.label for choice in reply.choices]
        found.append(said)
    return found


def run(script: Path | None, *, repro: bool) -> int:
    """Plays a script (0 when it could be played to the end), or talks in the terminal."""
    simulation = Simulation(released=Released(latest=codec.build(1, codec.seed())))
    played: list[dict[str, Any]] = []
    if script is None:
        _talk(simulation, played)
    else:
        data = codec.read_yaml(script.read_text("utf-8"), script.name)
        if not isinstance(data, dict) or not isinstance(data.get("say"), list):
            raise BadInput(f"{script.name}: needs a list `say:` of entries.")
        for entry in data["say"]:
            if not isinstance(entry, dict):
                raise BadInput(f"{script.name}: every entry is a mapping, e.g. `text: こんにちは`.")
            typer.echo(yaml.safe_dump(entry, allow_unicode=True).strip())
            _print(simulation.play(entry))
            played.append(entry)
    if repro:
        typer.echo(yaml.safe_dump({"say": played}, allow_unicode=True, sort_keys=False))
    return 0


def _talk(simulation: Simulation, played: list[dict[str, Any]]) -> None:
    typer.echo(
        "Write, or tap with *label. +20 lets seconds pass; ! claims, !! hands back; an empty line ends."
    )
    _print(simulation.joined())
    played.append({"joined": True})
    while line := input("> ").strip():
        entry = _entry(line)
        try:
            _print(simulation.play(entry))
            played.append(entry)
        except BadInput as error:
            typer.echo(str(error))


def _entry(line: str) -> dict[str, Any]:
    if line == "!":
        return {"claim": True}
    if line == "!!":
        return {"hand_back": True}
    if line[0] == "+" and line[1:].isdigit():
        return {"after": int(line[1:])}
    return {"choice": line[1:]} if line[0] == "*" else {"text": line}


def _print(effects: list[fx.Effect]) -> None:
    for said in heard_from(effects):
        for text in said.get("bot", []):
            typer.echo(f"  {text}")
        for title in said.get("cards", []):
            typer.echo(f"  ▢ {title}")
        if "choices" in said:
            typer.echo("  " + " ".join(f"［{label}］" for label in said["choices"]))
        if "effect" in said:
            typer.echo(f"  ({said['effect']})")

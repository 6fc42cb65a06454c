"""`engawa simulate`: a conversation in the terminal or from a script, with the real flows, rules and turns.

A script is YAML: `at:` when it begins (optional), `say:` a list of entries, each one of
`text: こんにちは` · `choice: 家族のこと` (a button shown last) · `earlier: 家族のこと` (one of an older message) ·
`tap: F-START/hello/0a1b2c3d` (any button id) · `joined`, `left`, `unsent`, `sticker`, `photo`: true ·
`after: 20` (seconds pass and due times come) · `claim: true` · `reply: はい` (the counselor's) · `hand_back: true`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import typer
import yaml

from bot.channels.render import card_text
from bot.content import codec
from bot.content.pack import Released
from bot.conversation import RISK_UNANSWERED, take_turn
from bot.errors import BadInput, EngawaError
from bot.flows import effects as fx
from bot.flows.reminders import LOOSE
from bot.handoff import ticket as tickets
from bot.messages import Address, Choice, Inbound, Kind, Purpose, Reply
from bot.talk import Event, HandedBack, Heard, Mode, Talk, WokeUp

BEGIN = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
CONTACT = "0" * 31 + "1"
ANYBODY = Address(account="simulated", key="")
STAFF = "simulated"
LONGEST = 10 * 366 * 86_400  # seconds
ANSWER = "then"  # in goldens: what came of an entry; not played
SILENT_KINDS = {
    "joined": Kind.JOINED,
    "left": Kind.LEFT,
    "unsent": Kind.UNSENT,
    "sticker": Kind.STICKER,
    "photo": Kind.UNSUPPORTED,
}


@dataclass
class Simulation:
    """One person, the machine and a counselor. `choices` are the buttons shown last, `earlier` all there ever were."""

    released: Released
    now: datetime = BEGIN
    talk: Talk = field(default_factory=lambda: Talk(contact_id=CONTACT))
    seq: int = 0
    due: dict[str, datetime] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    earlier: dict[str, Choice] = field(default_factory=dict)

    def joined(self) -> list[fx.Effect]:
        return self.hear(Kind.JOINED)

    def text(self, text: str) -> list[fx.Effect]:
        return self.hear(Kind.TEXT, text=text)

    def choice(self, label: str, *, earlier: bool = False) -> list[fx.Effect]:
        """Taps a button that was shown last (or ever). Raises BadInput when there is none with this label."""
        shown = self.earlier if earlier else {choice.label: choice for choice in self.choices}
        if label not in shown:
            raise BadInput(f"There is no button {label}. Shown are: {'、'.join(shown)}")
        return self.tap(shown[label].id)

    def tap(self, choice_id: str) -> list[fx.Effect]:
        return self.hear(Kind.CHOICE, choice_id=choice_id)

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
        self.talk = replace(self.talk, ticket=tickets.hand_back(self.talk.ticket, STAFF, self.now))
        return self._turn(HandedBack())

    def reply(self, text: str) -> list[fx.Effect]:
        """What the counselor writes."""
        if self.talk.mode is not Mode.HUMAN:
            raise BadInput("No counselor has the conversation.")
        self.due.pop(RISK_UNANSWERED, None)
        return [fx.Say(reply=Reply(texts=(text,)), purpose=Purpose.COUNSELOR)]

    def hear(self, kind: Kind, *, text: str = "", choice_id: str = "") -> list[fx.Effect]:
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
                self.earlier |= {choice.label: choice for choice in reply.choices}
        return list(turn.effects)

    def play(self, entry: dict[str, Any]) -> list[fx.Effect]:
        """One entry of a script. Raises BadInput for one that cannot be read."""
        match entry:
            case {"text": str(text)}:
                return self.text(text)
            case {"choice": str(label)}:
                return self.choice(label)
            case {"earlier": str(label)}:
                return self.choice(label, earlier=True)
            case {"tap": str(choice_id)}:
                return self.tap(choice_id)
            case {"after": int() | float() as seconds} if 0 <= seconds <= LONGEST:
                return self.after(seconds)
            case {"claim": True}:
                return self.claim()
            case {"reply": str(text)}:
                return self.reply(text)
            case {"hand_back": True}:
                return self.hand_back()
        for name, kind in SILENT_KINDS.items():
            if entry.get(name) is True:
                return self.hear(kind)
        raise BadInput(f"This entry cannot be played: {', '.join(map(str, entry))}")


def reply_of(effect: fx.Effect) -> Reply | None:
    """What an effect says to the person, if anything."""
    match effect:
        case (
            fx.Say(reply=reply)
            | fx.SayFirst(reply=reply)
            | fx.InviteToWeb(reply=reply)
            | fx.ForgetContact(receipt=reply)
        ):
            return reply
    return None


def heard_from(effects: list[fx.Effect]) -> list[dict[str, Any]]:
    """What came of an entry, as plain data for scripts and goldens: words, cards, buttons, and what moved."""
    found: list[dict[str, Any]] = []
    for effect in effects:
        reply = reply_of(effect)
        if reply is None:
            routine = isinstance(effect, fx.WakeAt) and effect.reason == LOOSE
            if not routine and not isinstance(
                effect, fx.Record | fx.CancelWake | fx.SetReachable | fx.SilenceBot
            ):
                found.append({"effect": type(effect).__name__})
            continue
        purpose = effect.purpose if isinstance(effect, fx.Say) else None
        said: dict[str, Any] = {"counselor" if purpose is Purpose.COUNSELOR else "bot": list(reply.texts)}
        if purpose is None:
            said["effect"] = type(effect).__name__
        elif purpose in (Purpose.HIDE, Purpose.STOP):
            said["purpose"] = purpose.value
        if reply.silent:
            said["silent"] = True
        if reply.cards:
            said["cards"] = [card_text(card) for card in reply.cards]
        if reply.choices:
            said["choices"] = [choice.label for choice in reply.choices]
        found.append(said)
    return found


def run(script: Path | None, *, repro: bool) -> int:
    """Plays a script (0 when it could be played to the end), or talks in the terminal."""
    simulation = Simulation(released=Released(latest=codec.build(1, codec.seed())))
    played: list[dict[str, Any]] = []
    begin = BEGIN
    if script is None:
        _talk(simulation, played)
    else:
        data = _read(script)
        if not isinstance(data, dict) or not isinstance(data.get("say"), list):
            raise BadInput(f"{script.name}: needs a list `say:` of entries.")
        begin = data.get("at", BEGIN)
        if not isinstance(begin, datetime) or begin.tzinfo is None:
            raise BadInput(
                f"{script.name}: `at:` is an instant with its zone, e.g. 2026-11-21T19:00:00+09:00."
            )
        simulation.now = begin
        for entry in data["say"]:
            if not isinstance(entry, dict):
                raise BadInput(f"{script.name}: every entry is a mapping, e.g. `text: こんにちは`.")
            said = {key: value for key, value in entry.items() if key != ANSWER}
            typer.echo(yaml.safe_dump(said, allow_unicode=True).strip())
            _print(simulation.play(entry))
            played.append(said)
    if repro:
        typer.echo(yaml.safe_dump({"at": begin, "say": played}, allow_unicode=True, sort_keys=False))
    return 0


def _read(script: Path) -> Any:
    try:
        return codec.read_yaml(script.read_text("utf-8"), script.name)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{script} cannot be read as UTF-8 text.") from error


def _talk(simulation: Simulation, played: list[dict[str, Any]]) -> None:
    typer.echo(
        "Write, or tap with *label. +20 lets seconds pass; ! claims, !! hands back; an empty line ends."
    )
    _print(simulation.joined())
    played.append({"joined": True})
    while line := _line():
        entry = _entry(line)
        try:
            _print(simulation.play(entry))
            played.append(entry)
        except EngawaError as error:
            typer.echo(str(error))


def _line() -> str:
    try:
        return input("> ").strip()
    except EOFError:
        return ""


def _entry(line: str) -> dict[str, Any]:
    if line == "!":
        return {"claim": True}
    if line == "!!":
        return {"hand_back": True}
    if line[0] == "+" and line[1:].isdecimal():
        return {"after": int(line[1:])}
    return {"choice": line[1:]} if line[0] == "*" else {"text": line}


def _print(effects: list[fx.Effect]) -> None:
    for said in heard_from(effects):
        for text in said.get("bot", []):
            typer.echo(f"  {text}")
        for text in said.get("counselor", []):
            typer.echo(f"  > {text}")
        for card in said.get("cards", []):
            typer.echo("  ▢ " + card.replace("\n", "\n    "))
        if "choices" in said:
            typer.echo("  " + " ".join(f"［{label}］" for label in said["choices"]))
        if "effect" in said:
            typer.echo(f"  ({said['effect']})")

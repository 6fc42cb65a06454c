"""Golden conversations: YAML that counselors can read, `engawa simulate` can play and the tests compare.

`title`, `about`, `at` and `with` (documents beside the shipped ones) begin a file; `shows` names the requirements it
stands for, `never` the words that must not come from the machine in it. `say` lists what happens. Under each entry
stands `then`: what came of it. `publish` puts documents in the place of others, as a new release.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from admin.simulation import ANSWER, BEGIN, Simulation, heard_from
from bot.content import codec
from bot.content.check import check
from bot.content.codec import Document
from bot.content.pack import Pack, Released
from bot.flows import engine, model
from bot.messages import Choice
from tests.strategies import reread, seed_documents

FOLDER = Path(__file__).parent.parent / "golden"
EXITS = ["あとで", "やめる", "人と話したい"]
THE_EXITS = "（あとで・やめる・人と話したい）"
NOTES = ("note", "publish", ANSWER)


@dataclass
class Played:
    """What a golden conversation gave: the file as it should be, and every step the person came through."""

    document: dict[str, Any]
    places: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)


@cache
def files() -> tuple[Path, ...]:
    return tuple(sorted(FOLDER.glob("*.yaml")))


def read(path: Path) -> dict[str, Any]:
    data = codec.read_yaml(path.read_text("utf-8"), path.name)
    assert isinstance(data, dict)
    return data


def play(document: dict[str, Any]) -> Played:
    """Plays every entry anew. The talk is written and read back between any two of them."""
    documents = _beside(seed_documents(), document.get("with", []))
    simulation = Simulation(released=Released(latest=_pack(1, documents)), now=document.get("at", BEGIN))
    assert isinstance(simulation.now, datetime)
    played = Played(document={**document, "say": []})
    mode = simulation.talk.mode
    for entry in document["say"]:
        if "publish" in entry:
            documents = _beside(documents, entry["publish"])
            _publish(simulation, documents)
            played.document["say"].append(entry)
            continue
        _note_target(played, simulation, entry)
        came = [_readable(one) for one in heard_from(simulation.play(_asked(entry)))]
        if simulation.talk.mode is not mode:
            mode = simulation.talk.mode
            came.append({"mode": mode.value})
        simulation.talk = reread(simulation.talk)
        _note_places(played, simulation)
        played.document["say"].append({**_without_answer(entry), ANSWER: came})
    return played


def dump(document: dict[str, Any]) -> str:
    return yaml.dump(document, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1_000)


def broken_promises(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Each `never` that came from the machine after all, with the words it stands in."""
    said = [
        text
        for entry in document["say"]
        for one in entry.get(ANSWER, ())
        for text in (*one.get("bot", ()), *one.get("cards", ()), *one.get("choices", ()))
    ]
    return [(never, text) for never in document.get("never", ()) for text in said if never in text]


# --- content --------------------------------------------------------------------------------------------------


def _beside(documents: Iterable[Document], added: Iterable[dict[str, Any]]) -> list[Document]:
    """The documents with others beside them, or in the place of those with the same name."""
    found = {(one.kind, one.name): one for one in documents}
    for data in added:
        for one in codec.documents_of(data, "golden"):
            found[one.kind, one.name] = one
    return list(found.values())


def _pack(number: int, documents: list[Document]) -> Pack:
    pack = codec.build(number, documents)
    assert not [issue for issue in check(pack) if issue.blocks]
    return pack


def _publish(simulation: Simulation, documents: list[Document]) -> None:
    before = simulation.released
    older = {**before.older, before.number: before.latest}
    simulation.released = Released(latest=_pack(before.number + 1, documents), older=older)


# --- entries --------------------------------------------------------------------------------------------------


def _without_answer(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != ANSWER}


def _asked(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in NOTES}


def _readable(one: dict[str, Any]) -> dict[str, Any]:
    """The three exits stand under nearly everything: told in one word."""
    choices = one.get("choices")
    return {**one, "choices": [*choices[:-3], THE_EXITS]} if choices and choices[-3:] == EXITS else one


def _note_target(played: Played, simulation: Simulation, entry: dict[str, Any]) -> None:
    """What a button leads to is come through, even if it passes or ends."""
    known: dict[str, Choice] = {
        **simulation.earlier,
        **{choice.label: choice for choice in simulation.choices},
    }
    choice = known.get(entry.get("choice") or entry.get("earlier") or "")
    chosen = choice and engine.chosen(simulation.released, simulation.talk.session, choice.id, simulation.now)
    if chosen:
        step = engine.leads_to(simulation.released, chosen)
        place = "/".join(model.resolve(chosen.target, chosen.session.flow))
        _note(played, place, step)


def _note_places(played: Played, simulation: Simulation) -> None:
    session = simulation.talk.session
    if session is None:
        return
    for place in (*session.trail, f"{session.flow}/{session.step}"):
        flow, step = model.resolve(place, "")
        found = simulation.released.flows(session.release).get(flow)
        _note(played, place, found.steps.get(step) if found else None)


def _note(played: Played, place: str, step: model.AnyStep | None) -> None:
    if step is not None:
        played.places.add(place)
        played.kinds.add(str(type(step).__struct_config__.tag))


# --- YAML -----------------------------------------------------------------------------------------------------


class _Dumper(yaml.SafeDumper):
    """Lists of buttons on one line, no aliases: for reading, not for machines."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_sequence(
        self, tag: str, sequence: Any, flow_style: bool | None = None
    ) -> yaml.SequenceNode:
        on_one_line = (
            bool(sequence)
            and len(sequence) > 1
            and all(isinstance(one, str) and 0 < len(one) <= 20 and "\n" not in one for one in sequence)
        )
        return super().represent_sequence(tag, sequence, flow_style=on_one_line or not sequence)

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)

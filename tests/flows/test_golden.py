"""Golden conversations are played as they stand. `pytest --update-golden` writes them; the diff is the review."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from bot.flows.nodes import KINDS
from tests.flows import golden
from tests.flows.golden import Played
from tests.strategies import safety_cards, seed_pack


@cache
def played(path: Path) -> Played:
    return golden.play(golden.read(path))


@pytest.mark.parametrize("path", golden.files(), ids=lambda path: path.stem)
def test_a_golden_conversation_goes_as_written(path: Path, pytestconfig: pytest.Config) -> None:
    """What the person reads is what the file says, word for word."""
    found = golden.dump(played(path).document)
    if pytestconfig.getoption("--update-golden"):
        path.write_text(found, "utf-8")
    assert path.read_text("utf-8") == found


@pytest.mark.parametrize(
    "path", [path for path in golden.files() if "never" in golden.read(path)], ids=lambda path: path.stem
)
def test_what_must_never_be_said_is_not_said(path: Path) -> None:
    """The words a journey forbids occur in no bubble, card or button of the machine."""
    assert golden.broken_promises(played(path).document) == []


def test_a_broken_promise_is_found() -> None:
    """Where a forbidden word is said after all, in a bubble or on a button, it is told with its place."""
    said = [{"text": "はい", "then": [{"bot": ["早めに。"], "choices": ["急ぐ"]}]}]
    found = golden.broken_promises({"never": ["早め", "急", "のんびり"], "say": said})
    assert found == [("早め", "早めに。"), ("急", "急ぐ")]


@pytest.mark.parametrize("flow", seed_pack().flows)
def test_every_flow_we_ship_has_a_golden(flow: str) -> None:
    """`tests/golden/<flow>.yaml` comes through every step of its flow; safety cards come by themselves."""
    steps = {f"{flow}/{step}" for step in seed_pack().flows[flow].steps} - safety_cards()
    assert steps <= played(golden.FOLDER / f"{flow}.yaml").places


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__struct_config__.tag)
def test_every_kind_of_step_has_a_golden(kind: type) -> None:
    """A new kind of step needs a conversation `kind-<its name>.yaml` that comes through one."""
    tag = kind.__struct_config__.tag  # type: ignore[attr-defined]
    assert tag in played(golden.FOLDER / f"kind-{tag}.yaml").kinds

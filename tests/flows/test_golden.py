"""Golden conversations are played as they stand. `pytest --update-golden` writes them; the diff is the review."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from bot.flows.nodes import KINDS
from tests.flows import golden
from tests.flows.golden import Played
from tests.strategies import seed_pack


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


@pytest.mark.parametrize("flow", seed_pack().flows)
def test_every_flow_we_ship_has_a_golden(flow: str) -> None:
    """`tests/golden/<flow>.yaml` comes through every step of its flow."""
    steps = {f"{flow}/{step}" for step in seed_pack().flows[flow].steps}
    assert steps <= played(golden.FOLDER / f"{flow}.yaml").places


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__struct_config__.tag)
def test_every_kind_of_step_has_a_golden(kind: type) -> None:
    """A new kind of step needs a conversation `kind-<its name>.yaml` that comes through one."""
    tag = kind.__struct_config__.tag  # type: ignore[attr-defined]
    assert tag in played(golden.FOLDER / f"kind-{tag}.yaml").kinds

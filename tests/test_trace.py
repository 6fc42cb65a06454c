"""Requirements and the tests that name them."""

from __future__ import annotations

import pytest

from tests import trace
from tests.flows import golden
from tests.strategies import seed_pack


def test_every_number_is_known() -> None:
    """No test and no flow names a requirement that does not exist."""
    known = set(trace.requirements())
    assert set(trace.named()) <= known
    assert {number for flow in seed_pack().flows.values() for number in flow.source} <= known


def test_requirements_say_how_firm_and_where() -> None:
    for number, one in trace.requirements().items():
        assert one["level"] in ("M", "S"), number
        assert set(one["areas"]) <= {"BOT", "CON", "EDI", "STA", "OPS", "ALL"}, number
        assert one["about"]


@pytest.mark.parametrize("flow", seed_pack().flows)
def test_what_a_flow_is_for_is_tested_somewhere(flow: str) -> None:
    """Every must a shipped flow names as its source is named by a test."""
    known, tests = trace.requirements(), trace.named()
    musts = {number for number in seed_pack().flows[flow].source if known[number]["level"] == "M"}
    assert musts - tests.keys() == set()


def test_what_must_never_be_said_is_written_down_for_every_journey() -> None:
    """Each journey names the words that must not come, and what it stands for."""
    for path in golden.files():
        if path.stem.startswith("C-"):
            data = golden.read(path)
            assert data.get("never"), path.stem
            assert data.get("shows"), path.stem

"""A small storm in the suite; the whole one is `make chaos`. It fails when an invariant breaks, not when it is slow."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.chaos.__main__ import table
from tests.chaos.claims import Claims
from tests.chaos.judge import Verdict, judge
from tests.chaos.run import Plan, run
from tests.kill9.counting import Answer, Count
from tests.provision import postgresql

SMALL = {"messages": 30, "contacts": 9, "in_danger": 2, "streams": 20, "seed": 5}
Row = namedtuple("Row", ("contact_id", "seq", "purpose", "state"))


async def test_a_storm_over_sqlite(tmp_path: Path) -> None:
    """Kills, a frozen process, a clock that jumps, platforms that fail: what was accepted is answered, once."""
    faults = ("kill", "clock jump", "platform outage", "idle streams")
    plan = Plan(database="sqlite", faults=faults, strikes=4, **SMALL)
    report = await run(plan, f"sqlite:///{tmp_path / 'engawa.sqlite3'}", tmp_path)
    print(table(report))
    assert report.problems == []
    assert report.struck.total() == 4
    assert report.tickets == 2


@pytest.mark.postgresql
async def test_a_storm_over_postgresql(tmp_path: Path) -> None:
    """The database crashes, refuses writes and is slow; web and worker processes are killed."""
    faults = ("database away", "read only", "kill")
    plan = Plan(database="postgresql", faults=faults, strikes=3, workers=1, **SMALL)
    with postgresql.Server(durable=True) as server, server.databases.fresh() as url:
        report = await run(plan, url, tmp_path, server=server)
    print(table(report))
    assert report.problems == []
    assert report.tickets == 2


A, B, C, D = SAID = [("a",), ("b",), ("c",), ("d",)]
LATE = ("late",)


@pytest.mark.parametrize(
    ("unknown", "heard", "verdict"),
    [
        pytest.param("", SAID, Verdict(count=Count(answered=4)), id="as it should be"),
        pytest.param("b", [A, C, D], Verdict(count=Count(answered=3), excused=1), id="a later one came"),
        pytest.param("", [A, C, D], Verdict(count=Count(answered=3, lost=1, misplaced=1)), id="lost"),
        pytest.param("c", [A, C, D], Verdict(count=Count(answered=3, lost=1, misplaced=1)), id="another one"),
        pytest.param("bc", [A, D], Verdict(count=Count(answered=2), excused=2), id="two in a row"),
        pytest.param("d", [A, B, C, LATE], Verdict(count=Count(answered=3), excused=1), id="the last, told"),
        pytest.param("d", [A, B, C], Verdict(count=Count(answered=3), untold=1), id="the last, not told"),
        pytest.param("d", [A, LATE, B, C], Verdict(count=Count(answered=3), untold=1), id="told too early"),
        pytest.param("d", SAID, Verdict(count=Count(answered=4)), id="it came all the same"),
        pytest.param(
            "b", [A, C, B, D], Verdict(count=Count(answered=3, misplaced=1), excused=1), id="too late"
        ),
        pytest.param("b", [A, B, B, C, D], Verdict(count=Count(answered=4, repeated=1)), id="twice"),
    ],
)
def test_the_judge_of_answers(unknown: str, heard: Sequence[Answer], verdict: Verdict) -> None:
    """An answer of unknown outcome may be missing where the person was told; never out of order, never a known one."""
    flags = [answer[0] in unknown for answer in SAID]
    assert judge(SAID, flags, heard, lambda answer: answer == LATE) == verdict


def test_the_judge_of_claims() -> None:
    """Only what the machine began after the claim counts, and only what it must not say then."""
    claims = Claims()
    claims._begun["a"] = {1}
    rows = [
        Row("a", 1, "bot", "sent"),
        Row("a", 2, "bot", "cancelled"),
        Row("a", 3, "safety", "sent"),
        Row("a", 4, "counselor", "sent"),
        Row("b", 2, "bot", "sent"),
    ]
    assert claims.broken(rows) == 0
    assert claims.broken([*rows, Row("a", 5, "bot", "sent"), Row("a", 6, "late", "uncertain")]) == 2

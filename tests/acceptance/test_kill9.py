"""The process is killed at random moments of a busy run: what was acknowledged is answered, in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kill9.__main__ import table
from tests.kill9.counting import Answer, Count, Tally, compare
from tests.kill9.run import Plan, run

KILLS = 10
A, B, C, D = SAID = [("a",), ("b",), ("c",), ("d",)]


async def test_kills_lose_nothing_and_repeat_only_what_telegram_cannot_tell(
    database_url: str, tmp_path: Path
) -> None:
    """Ten kills of the real command amid messages on all channels, some of them right after a start."""
    database = database_url.partition(":")[0]
    plan = Plan(database=database, messages=200, contacts=24, kills=KILLS, seed=9)
    report = await run(plan, database_url, tmp_path)
    print(table(report))
    assert report.problems() == []
    assert report.kills >= KILLS
    assert report.kills_after_start >= 3
    assert [tally.acknowledged for tally in report.tallies] == [tally.sent for tally in report.tallies]
    assert sum(tally.in_flight for tally in report.tallies) > 0, "no kill struck a send: that proves little"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_kills_lose_nothing_that_is_fetched(database_url: str, tmp_path: Path) -> None:
    """By long polling, kills fall between storing and confirming, too: the same updates come again, and are known."""
    plan = Plan(
        database="sqlite",
        channels=("telegram",),
        messages=120,
        contacts=16,
        kills=6,
        seed=4,
        polling=True,
    )
    report = await run(plan, database_url, tmp_path)
    print(table(report))
    assert report.problems() == []
    assert [tally.acknowledged for tally in report.tallies] == [tally.sent for tally in report.tallies]


@pytest.mark.parametrize(
    ("heard", "found"),
    [
        pytest.param(SAID, Count(answered=4), id="as it should be"),
        pytest.param(SAID[:3], Count(answered=3, lost=1), id="last lost"),
        pytest.param(SAID[1:], Count(answered=3, lost=1, misplaced=1), id="first lost"),
        pytest.param([A, B, B, C, D, D], Count(answered=4, repeated=2), id="repeated"),
        pytest.param([A, B, C, A, D], Count(answered=4, misplaced=1), id="repeated late"),
        pytest.param([B, A, C, D], Count(answered=4, misplaced=2), id="swapped"),
        pytest.param([A, C, D], Count(answered=3, lost=1, misplaced=1), id="lost amid"),
        pytest.param([*SAID, ("x",)], Count(answered=4, misplaced=1), id="never said"),
        pytest.param([], Count(lost=4), id="nothing"),
    ],
)
def test_the_judge_sees_what_is_lost_repeated_and_out_of_order(heard: list[Answer], found: Count) -> None:
    """The counting itself, on runs made up by hand."""
    assert compare(SAID, heard) == found


def test_every_breach_is_a_problem() -> None:
    """Whatever the promise does not allow makes the command fail."""
    fine = Tally(channel="telegram", sent=4, acknowledged=4, in_flight=3, count=Count(answered=4, repeated=3))
    assert fine.problems() == []
    broken = Tally(channel="line", sent=5, acknowledged=4, unhandled=1, unexplained=1)
    broken.count = Count(answered=3, lost=1, misplaced=1, repeated=1)
    assert len(broken.problems()) == 5

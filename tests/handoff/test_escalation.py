"""Who is told when: each step in its time, an acknowledgement that holds only so long, clocks that are set."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.handoff import escalation
from bot.handoff.escalation import HOLD, REPEAT, STANDARD, STEPS, Alert, Kind, Step
from bot.handoff.risk import Level
from bot.testing import A_DAY

MINUTE = timedelta(minutes=1)
EMERGENCY = STANDARD[Level.EMERGENCY]


def an_alert(level: Level = Level.EMERGENCY, kind: Kind = Kind.UNCLAIMED) -> Alert:
    return Alert(kind=kind, level=level, raised_at=A_DAY)


def told_over(alert: Alert, steps: tuple[Step, ...], moments: list[datetime]) -> list[tuple[datetime, str]]:
    """Everybody who is told as time passes."""
    said = []
    for now in moments:
        alert, names = escalation.follow(alert, steps, now)
        said += [(now, name) for name in names]
    return said


def test_an_emergency_is_told_to_desk_next_person_lead_and_phone_in_this_order() -> None:
    """R-080: at least two are alarmed, and the last step is repeated until somebody is there."""
    minutes = [A_DAY + number * MINUTE for number in range(41)]
    said = [((at - A_DAY) // MINUTE, name) for at, name in told_over(an_alert(), EMERGENCY, minutes)]
    assert said == [(0, "desk"), (3, "next"), (6, "lead"), (10, "phone"), (25, "phone"), (40, "phone")]


def test_what_nobody_takes_is_told_to_the_lead_even_without_urgency() -> None:
    """R-106: unassigned for hours alerts the lead, at any level."""
    for steps in STANDARD.values():
        assert "lead" in [step.name for step in steps]
    [step] = STANDARD[Level.NONE]
    alert, names = escalation.follow(an_alert(Level.NONE), (step,), A_DAY + step.after - MINUTE)
    assert names == []
    assert escalation.follow(alert, (step,), A_DAY + step.after)[1] == ["lead"]


def test_after_an_outage_all_overdue_steps_are_told_at_once() -> None:
    alert, names = escalation.follow(an_alert(), EMERGENCY, A_DAY + timedelta(hours=2))
    assert names == ["desk", "next", "lead", "phone"]
    assert escalation.follow(alert, EMERGENCY, A_DAY + timedelta(hours=2, minutes=1))[1] == []


def test_a_step_that_reached_nobody_is_followed_by_the_next_at_once() -> None:
    alert, _ = escalation.follow(an_alert(), EMERGENCY, A_DAY)
    soon = A_DAY + timedelta(seconds=5)
    alert, names = escalation.follow(alert, EMERGENCY, soon, lost=True)
    assert names == ["next"]
    assert escalation.follow(alert, EMERGENCY, soon)[1] == []


def test_an_acknowledgement_holds_its_time_and_then_the_steps_go_on() -> None:
    alert, _ = escalation.follow(an_alert(), EMERGENCY, A_DAY)
    seen = A_DAY + MINUTE
    alert = escalation.acknowledge(alert, seen)
    for now in (seen, seen + HOLD - MINUTE):
        held, names = escalation.follow(alert, EMERGENCY, now)
        assert (held, names) == (alert, [])
    alert, names = escalation.follow(alert, EMERGENCY, seen + HOLD)
    assert names == ["next"]
    assert alert.acknowledged_at is None


def test_an_acknowledgement_after_the_last_step_is_followed_by_that_step_again() -> None:
    late = A_DAY + timedelta(hours=1)
    alert, _ = escalation.follow(an_alert(), EMERGENCY, late)
    alert = escalation.acknowledge(alert, late)
    assert escalation.follow(alert, EMERGENCY, late + HOLD)[1] == ["phone"]


@pytest.mark.parametrize("kind", [Kind.UNDELIVERABLE, Kind.ROUND])
def test_what_tells_of_ourselves_is_at_least_high(kind: Kind) -> None:
    assert escalation.steps_of(STANDARD, kind, Level.NONE) == STANDARD[Level.HIGH]


def test_the_watch_is_told_to_the_machine_alone() -> None:
    assert escalation.steps_of(STANDARD, Kind.WATCH, Level.HIGH) == (Step("machine", timedelta()),)


gaps = st.lists(st.integers(0, 30), min_size=1, max_size=4)
moves = st.lists(st.integers(0, 40), max_size=12)


@given(gaps=gaps, moves=moves, back=st.integers(0, 100_000))
def test_a_clock_that_is_set_back_makes_no_wait_longer(gaps: list[int], moves: list[int], back: int) -> None:
    """However far the clock goes back, the next step comes after no more than its own wait."""
    after = [sum(gaps[: number + 1]) for number in range(len(gaps))]
    steps = tuple(Step(name, m * MINUTE) for name, m in zip(STEPS, after, strict=False))
    alert, now = an_alert(), A_DAY
    for move in moves:
        now += move * MINUTE
        alert, _ = escalation.follow(alert, steps, now)
    now -= back * MINUTE
    alert, first = escalation.follow(alert, steps, now)
    longest = max([REPEAT, *(gap * MINUTE for gap in gaps)])
    _, names = escalation.follow(alert, steps, now + longest)
    assert first or names


@given(gaps=gaps, moves=moves, seen=st.lists(st.booleans(), min_size=12, max_size=12))
def test_never_dropped(gaps: list[int], moves: list[int], seen: list[bool]) -> None:
    """Whatever is acknowledged and however time passes, somebody is told again within the longest wait and hold."""
    after = [sum(gaps[: number + 1]) for number in range(len(gaps))]
    steps = tuple(Step(name, m * MINUTE) for name, m in zip(STEPS, after, strict=False))
    alert, now = an_alert(), A_DAY
    for move, sees in zip(moves, seen, strict=False):
        now += move * MINUTE
        alert, names = escalation.follow(alert, steps, now)
        assert set(names) <= {step.name for step in steps}
        if sees:
            alert = escalation.acknowledge(alert, now)
    told = []
    for _ in range(3):  # the hold may end between two looks
        now += max([REPEAT, HOLD, *(gap * MINUTE for gap in gaps)])
        alert, names = escalation.follow(alert, steps, now)
        told += names
    assert told

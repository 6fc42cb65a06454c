"""Who is told of what waits, and when: escalation as arithmetic over instants. Pure; drawn in docs/alerts.md.

An alert is told step by step until somebody acknowledges it or what it tells of is over. Nothing ends it by time:
after the last step that step is repeated, and an acknowledgement holds only so long (R-080, R-106).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from bot.frozen import dataclass, replace
from bot.handoff.risk import Level

STEPS = ("desk", "next", "lead", "phone")
"""Everybody at the desk, the next person, the duty lead, the duty phone by text."""
REPEAT = timedelta(minutes=15)
HOLD = timedelta(minutes=15)


class Kind(StrEnum):
    """What an alert tells of.

    `WATCH` is the synthetic round's own, acknowledged by the machine; `ROUND` tells that a round failed.
    """

    UNCLAIMED = "unclaimed"
    UNDELIVERABLE = "undeliverable"
    ROUND = "round"
    WATCH = "watch"


@dataclass(frozen=True, slots=True)
class Step:
    """Somebody to be told `after` this long without anybody."""

    name: str
    after: timedelta


Plan = Mapping[Level, tuple[Step, ...]]


def _steps(**minutes: int) -> tuple[Step, ...]:
    return tuple(Step(name, timedelta(minutes=after)) for name, after in minutes.items())


STANDARD: Plan = {
    Level.EMERGENCY: _steps(desk=0, next=3, lead=6, phone=10),
    Level.HIGH: _steps(desk=0, next=5, lead=10, phone=20),
    Level.CONCERN: _steps(desk=0, lead=60),
    Level.NONE: _steps(lead=240),
}
"""Used where the settings say nothing (ENGAWA_ALERT_TIMES)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """How far an alert is. `told`: steps told so far, repeats included; `told_at`: when the last of them was."""

    kind: Kind
    level: Level
    raised_at: datetime
    told: int = 0
    told_at: datetime | None = None
    acknowledged_at: datetime | None = None


def steps_of(plan: Plan, kind: Kind, level: Level) -> tuple[Step, ...]:
    """The steps of an alert. What tells of our own failure goes the way of what is high; the watch asks nobody."""
    if kind is Kind.WATCH:
        return (Step("machine", timedelta()),)
    return plan.get(max(level, Level.HIGH) if kind is not Kind.UNCLAIMED else level, ())


def follow(
    alert: Alert, steps: Sequence[Step], now: datetime, *, lost: bool = False
) -> tuple[Alert, list[str]]:
    """The alert as it shall be by now, and the steps to be told. The same alert when there is nothing to do.

    `lost`: nothing of the step told last could be delivered, so the next one is told at once.
    """
    if not steps:
        return alert, []
    alert = _resumed(_forward(alert, steps, now), steps, now)
    if alert.acknowledged_at is not None:
        return alert, []
    due = sum(1 for step in steps if alert.raised_at + step.after <= now)
    if lost and 0 < alert.told < len(steps):
        due = max(due, alert.told + 1)
    if alert.told >= len(steps):
        if alert.told_at is None or now - alert.told_at < REPEAT:
            return alert, []
        return replace(alert, told=alert.told + 1, told_at=now), [steps[-1].name]
    if due <= alert.told:
        return alert, []
    named = [step.name for step in steps[alert.told : due]]
    return replace(alert, told=due, told_at=now), named


def acknowledge(alert: Alert, now: datetime) -> Alert:
    """Somebody takes it upon them: it is silent for `HOLD`, and then goes on unless it is over."""
    return replace(alert, acknowledged_at=now)


def _forward(alert: Alert, steps: Sequence[Step], now: datetime) -> Alert:
    """A clock that was set back: as if what happened last had happened just now, so that waits do not grow."""
    last = max(at for at in (alert.raised_at, alert.told_at, alert.acknowledged_at) if at is not None)
    if last <= now:
        return alert
    return replace(
        alert,
        raised_at=now - _passed(alert, steps),
        told_at=now if alert.told_at is not None else None,
        acknowledged_at=now if alert.acknowledged_at is not None else None,
    )


def _resumed(alert: Alert, steps: Sequence[Step], now: datetime) -> Alert:
    """An acknowledgement that has held its time ends; the steps go on from where they were."""
    if alert.acknowledged_at is None or now - alert.acknowledged_at < HOLD:
        return alert
    told_at = now - REPEAT if alert.told >= len(steps) else alert.told_at
    return replace(alert, acknowledged_at=None, raised_at=now - _next(alert, steps), told_at=told_at)


def _passed(alert: Alert, steps: Sequence[Step]) -> timedelta:
    """The time the last step told stands for."""
    return steps[min(alert.told, len(steps)) - 1].after if alert.told else timedelta()


def _next(alert: Alert, steps: Sequence[Step]) -> timedelta:
    """The time the next step stands for."""
    return steps[min(alert.told, len(steps) - 1)].after

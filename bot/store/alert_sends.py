"""Telling as rows: what leaves now, what became of it, and what console and doctor know of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update

from bot.frozen import dataclass
from bot.handoff.escalation import Alert, Kind
from bot.handoff.risk import Level
from bot.handoff.ticket import Status
from bot.store import reach
from bot.store.alerts import alert_of
from bot.store.schema import alert_sends, alerts, staff, tickets

LEASE = timedelta(seconds=60)
WAITS = (15, 30, 60, 120, 300)  # seconds before the next try


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One telling of one alert to one target. `waiting`: how many wait at this level or above."""

    alert_id: str
    operator_id: str
    target: str
    told: int
    attempts: int
    kind: Kind
    level: Level
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """An alert for the console. `undelivered`: nobody at all has been reached by it, and somebody should have."""

    alert_id: str
    ticket_id: str | None
    alert: Alert
    acknowledged_by: str | None
    told: Sequence[tuple[str, bool]]

    @property
    def undelivered(self) -> bool:
        return bool(self.told) and not any(arrived for _, arrived in self.told)


def take(connection: Connection, now: datetime, limit: int = 20) -> list[Send]:
    """Sends to start now; whoever dies with them leaves them to be sent again when the lease is over.

    A clock that was set back makes no send wait longer than its longest wait.
    """
    latest = now + max(LEASE, timedelta(seconds=WAITS[-1]))
    rows = connection.execute(
        select(alert_sends)
        .where((alert_sends.c.due_at <= now) | (alert_sends.c.due_at > latest))
        .order_by(alert_sends.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if not rows:
        return []
    of = {
        row.alert_id: row
        for row in connection.execute(
            select(alerts).where(alerts.c.alert_id.in_(sorted({row.alert_id for row in rows})))
        )
    }
    for row in rows:
        connection.execute(
            update(alert_sends).where(_same(row)).values(due_at=now + LEASE, attempts=row.attempts + 1)
        )
    return [
        Send(
            alert_id=row.alert_id,
            operator_id=of[row.alert_id].operator_id,
            target=row.target,
            told=row.told,
            attempts=row.attempts + 1,
            kind=Kind(of[row.alert_id].kind),
            level=Level(of[row.alert_id].level),
            waiting=_count(connection, of[row.alert_id]),
        )
        for row in rows
    ]


def recover(connection: Connection, now: datetime) -> None:
    """At the start of the only process there is: nobody else is sending, so whatever is not sent is due at once."""
    connection.execute(update(alert_sends).where(alert_sends.c.due_at.is_not(None)).values(due_at=now))


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether `take` would find anything."""
    latest = now + max(LEASE, timedelta(seconds=WAITS[-1]))
    due = (alert_sends.c.due_at <= now) | (alert_sends.c.due_at > latest)
    return connection.scalar(select(alert_sends.c.alert_id).where(due).limit(1)) is not None


def _same(row: Any) -> Any:
    return (
        (alert_sends.c.alert_id == row.alert_id)
        & (alert_sends.c.target == row.target)
        & (alert_sends.c.told == row.told)
    )


def _count(connection: Connection, alert: Any) -> int:
    query = select(func.count()).where(
        tickets.c.operator_id == alert.operator_id,
        tickets.c.status == Status.WAITING,
        tickets.c.priority >= alert.level,
    )
    return connection.scalar(query) or 0


def finish(connection: Connection, send: Send, now: datetime, error: str = "") -> None:
    """What became of a try. One that failed is tried again for as long as its alert is there."""
    if not error:
        connection.execute(
            update(alert_sends).where(_same(send)).values(sent_at=now, due_at=None, error_code=None)
        )
        return
    wait = timedelta(seconds=WAITS[min(send.attempts, len(WAITS)) - 1])
    is_open = select(alerts.c.alert_id).where(alerts.c.alert_id == send.alert_id, alerts.c.ended_at.is_(None))
    connection.execute(
        update(alert_sends)
        .where(_same(send), alert_sends.c.sent_at.is_(None))
        .values(failed_at=now, error_code=error, due_at=None)
    )
    connection.execute(
        update(alert_sends)
        .where(_same(send), alert_sends.c.sent_at.is_(None), alert_sends.c.alert_id.in_(is_open))
        .values(due_at=now + wait)
    )


def open_ones(connection: Connection, operator_id: str) -> list[Open]:
    """The alerts of an operator that are not over, the most urgent and oldest first."""
    rows = connection.execute(
        select(alerts, staff.c.display_name)
        .outerjoin(staff, staff.c.staff_id == alerts.c.acknowledged_by)
        .where(alerts.c.operator_id == operator_id, alerts.c.ended_at.is_(None))
        .order_by(alerts.c.level.desc(), alerts.c.raised_at, alerts.c.alert_id)
        .limit(200)
    ).all()
    sends = connection.execute(
        select(alert_sends.c.alert_id, alert_sends.c.target, func.max(alert_sends.c.sent_at).label("sent_at"))
        .where(alert_sends.c.alert_id.in_([row.alert_id for row in rows]))
        .group_by(alert_sends.c.alert_id, alert_sends.c.target)
        .order_by(func.min(alert_sends.c.told), alert_sends.c.target)
    ).all()
    told, names = defaultdict(list), reach.named(connection, [send.target for send in sends])
    for send in sends:
        told[send.alert_id].append((names.get(send.target, send.target), send.sent_at is not None))
    return [
        Open(
            alert_id=row.alert_id,
            ticket_id=row.ticket_id,
            alert=alert_of(row),
            acknowledged_by=row.display_name,
            told=told[row.alert_id],
        )
        for row in rows
    ]


def not_working(connection: Connection, operator_id: str) -> list[tuple[str, str]]:
    """Targets whose last try failed, with our code for why: an alert that could not be delivered is told of."""
    rows = connection.execute(
        select(
            alert_sends.c.target,
            func.max(alert_sends.c.failed_at).label("failed_at"),
            func.max(alert_sends.c.sent_at).label("sent_at"),
            func.max(alert_sends.c.error_code).label("code"),
        )
        .join(alerts, alerts.c.alert_id == alert_sends.c.alert_id)
        .where(alerts.c.operator_id == operator_id)
        .group_by(alert_sends.c.target)
        .order_by(alert_sends.c.target)
    )
    failing = [
        (row.target, row.code or "")
        for row in rows
        if row.failed_at is not None and (row.sent_at is None or row.failed_at > row.sent_at)
    ]
    names = reach.named(connection, [target for target, _ in failing])
    return [(names.get(target, target), code) for target, code in failing]

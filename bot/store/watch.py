"""The synthetic round's rows. Its person belongs to an operator of its own, so that nothing else ever counts it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select, update

from bot.frozen import dataclass
from bot.store.dialect import upsert
from bot.store.schema import alert_sends, alerts, daily_counts, operators, tickets, watch_rounds

OPERATOR = "watch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """How the last rounds went, and when the outside monitor was told."""

    passed_at: datetime | None = None
    failed_at: datetime | None = None
    failure_code: str = ""
    pinged_at: datetime | None = None
    ping_code: str = ""

    @property
    def is_failing(self) -> bool:
        return self.failed_at is not None and (self.passed_at is None or self.failed_at > self.passed_at)


def be_there(connection: Connection) -> None:
    """Makes sure that the operator of the watch is known."""
    statement = upsert(connection.dialect, operators).values(operator_id=OPERATOR)
    connection.execute(statement.on_conflict_do_nothing())


def claim(connection: Connection, operator_id: str, now: datetime, every: timedelta) -> bool:
    """Whether a round is due and this process begins it. A clock that was set back delays none."""
    statement = upsert(connection.dialect, watch_rounds).values(operator_id=operator_id, due_at=now + every)
    statement = statement.on_conflict_do_update(
        index_elements=["operator_id"],
        set_={"due_at": now + every},
        where=or_(watch_rounds.c.due_at <= now, watch_rounds.c.due_at > now + every),
    )
    return connection.execute(statement.returning(watch_rounds.c.operator_id)).first() is not None


def last(connection: Connection, operator_id: str) -> Round | None:
    """The rounds so far; None before the first."""
    row = connection.execute(
        select(watch_rounds).where(watch_rounds.c.operator_id == operator_id)
    ).one_or_none()
    if row is None:
        return None
    return Round(
        passed_at=row.passed_at,
        failed_at=row.failed_at,
        failure_code=row.failure_code or "",
        pinged_at=row.pinged_at,
        ping_code=row.ping_code or "",
    )


def is_acknowledged(connection: Connection) -> bool:
    """Whether the machine has taken the round's alert."""
    query = select(alerts.c.alert_id).where(
        alerts.c.operator_id == OPERATOR, alerts.c.ended_at.is_(None), alerts.c.acknowledged_at.isnot(None)
    )
    return connection.scalar(query.limit(1)) is not None


def has_ticket(connection: Connection) -> bool:
    return (
        connection.scalar(select(tickets.c.ticket_id).where(tickets.c.operator_id == OPERATOR).limit(1))
        is not None
    )


def sweep_away(connection: Connection) -> None:
    """What a round leaves behind its contact."""
    ours = select(alerts.c.alert_id).where(alerts.c.operator_id == OPERATOR)
    connection.execute(delete(alert_sends).where(alert_sends.c.alert_id.in_(ours)))
    connection.execute(delete(alerts).where(alerts.c.operator_id == OPERATOR))
    connection.execute(delete(daily_counts).where(daily_counts.c.operator_id == OPERATOR))


def passed(connection: Connection, operator_id: str, now: datetime) -> None:
    _set(connection, operator_id, passed_at=now)


def failed(connection: Connection, operator_id: str, now: datetime, code: str) -> None:
    _set(connection, operator_id, failed_at=now, failure_code=code)


def pinged(connection: Connection, operator_id: str, now: datetime, code: str) -> None:
    """`code` tells why the outside monitor could not be told; empty when it was."""
    values: dict[str, object] = {"ping_code": code} if code else {"ping_code": None, "pinged_at": now}
    _set(connection, operator_id, **values)


def _set(connection: Connection, operator_id: str, **values: object) -> None:
    connection.execute(update(watch_rounds).where(watch_rounds.c.operator_id == operator_id).values(values))

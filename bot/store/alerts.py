"""Alerts as rows: what waits is found, not announced, so nothing between raising and telling can lose one.

`sweep` holds the alerts there are against the tickets there are: whoever opened a ticket need not know of alerts, no
message pays for them, and a process that died in between left the ticket, which the next sweep finds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, tuple_, update

from bot.clock import new_id
from bot.frozen import dataclass
from bot.handoff import escalation
from bot.handoff.escalation import Alert, Kind, Plan
from bot.handoff.risk import Level
from bot.handoff.ticket import Status
from bot.messages import Purpose
from bot.store import reach
from bot.store.dialect import alone, upsert
from bot.store.outbox import IS_UNSENT
from bot.store.reach import Reach, Targets
from bot.store.schema import alert_sends, alerts, contacts, operators, outbox, tickets
from bot.store.watch import OPERATOR as WATCHED

KEPT_FOR = timedelta(days=30)
FOUND_BY_SWEEP = frozenset({Kind.UNCLAIMED, Kind.WATCH})
MACHINE = "machine"


# --- what there is to tell of -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Known:
    row: Any
    alert: Alert
    lost: bool
    reach: Reach


def needed(connection: Connection, plan: Plan, targets: Targets, now: datetime) -> bool:
    """Whether a sweep has anything to do. Reads only."""
    wanted, known = _waiting(connection), _known(connection, now)
    fresh = wanted.keys() - {(one.row.operator_id, one.row.subject) for one in known}
    return bool(fresh) or any(
        _is_over(one, wanted) or _followed(one, plan, targets, now) != (one.alert, []) for one in known
    )


def sweep(connection: Connection, plan: Plan, targets: Targets, now: datetime) -> bool:
    """Raises, follows and ends alerts; whether anything is to be sent. One process at a time does it."""
    if not alone(connection, "alerts"):
        return False
    wanted = _waiting(connection)
    _raise(connection, wanted, _known(connection, now), now)
    told = False
    for one in _known(connection, now):
        if _is_over(one, wanted):
            end(connection, [one.row.alert_id], now)
            continue
        alert, steps = _followed(one, plan, targets, now)
        if alert != one.alert:
            _keep(connection, one.row, alert)
        watched = one.alert.kind is Kind.WATCH
        names = [MACHINE] * bool(steps) if watched else one.reach.names(targets, steps, one.row.desk_id, now)
        told = bool(names) or told
        if names:
            common = {"alert_id": one.row.alert_id, "told": alert.told, "attempts": 0, "due_at": now}
            connection.execute(
                insert(alert_sends), [{**common, "target": name} for name in sorted(set(names))]
            )
    return told


def _waiting(connection: Connection) -> dict[tuple[str, str], Any]:
    """Open calls by operator and subject: a ticket that is opened again, or raised, is a subject of its own."""
    query = (
        select(
            tickets.c.operator_id,
            tickets.c.ticket_id,
            tickets.c.priority,
            tickets.c.opened_at,
            tickets.c.opened_seq,
        )
        .join(operators, operators.c.operator_id == tickets.c.operator_id)
        .where(tickets.c.status == Status.WAITING)
    )
    return {
        (row.operator_id, f"{row.ticket_id}/{row.opened_seq}/{row.priority}"): row
        for row in connection.execute(query)
    }


def _known(connection: Connection, now: datetime) -> list[_Known]:
    query = select(alerts, tickets.c.desk_id).outerjoin(tickets, tickets.c.ticket_id == alerts.c.ticket_id)
    rows = connection.execute(query.where(alerts.c.ended_at.is_(None))).all()
    reached = reach.of(connection, now) if rows else {}
    sends = defaultdict(list)
    if rows:
        query = select(alert_sends).where(alert_sends.c.alert_id.in_([row.alert_id for row in rows]))
        for send in connection.execute(query):
            sends[send.alert_id, send.told].append(send)
    found = []
    for row in rows:
        last = sends[row.alert_id, row.told]
        lost = bool(last) and all(send.sent_at is None and send.failed_at is not None for send in last)
        found.append(_Known(row, alert_of(row), lost, reached.get(row.operator_id, Reach())))
    return found


def alert_of(row: Any) -> Alert:
    """How far an alert is, from its row."""
    return Alert(
        kind=Kind(row.kind),
        level=Level(row.level),
        raised_at=row.raised_at,
        told=row.told,
        told_at=row.told_at,
        acknowledged_at=row.acknowledged_at,
    )


def _is_over(one: _Known, wanted: Mapping[tuple[str, str], Any]) -> bool:
    return one.alert.kind in FOUND_BY_SWEEP and (one.row.operator_id, one.row.subject) not in wanted


def _followed(one: _Known, plan: Plan, targets: Targets, now: datetime) -> tuple[Alert, list[str]]:
    """Steps nobody is ever named for are passed over; one for which nobody is there now leads to the next at once."""
    kind, desk_id = one.alert.kind, one.row.desk_id
    may = {*targets, *one.reach.steps(desk_id), MACHINE}
    steps = [step for step in escalation.steps_of(plan, kind, one.alert.level) if step.name in may]
    alert, due = escalation.follow(one.alert, steps, now, lost=one.lost)
    while (
        due
        and alert.told < len(steps)
        and kind is not Kind.WATCH
        and not one.reach.is_there(targets, due, desk_id, now)
    ):
        alert, further = escalation.follow(alert, steps, now, lost=True)
        if not further:
            break
        due = further
    return alert, due


def _raise(
    connection: Connection,
    wanted: Mapping[tuple[str, str], Any],
    known: Iterable[_Known],
    now: datetime,
) -> None:
    names = {(one.row.operator_id, one.row.subject) for one in known}
    told_of = {one.row.ticket_id for one in known}
    for (operator_id, subject), row in wanted.items():
        if (operator_id, subject) in names:
            continue
        kind = Kind.WATCH if operator_id == WATCHED else Kind.UNCLAIMED
        # one that was raised later is urgent from now on; the time it waited before was another level's
        since = now if row.ticket_id in told_of else min(row.opened_at, now)
        raise_one(
            connection,
            operator_id,
            kind,
            Level(row.priority),
            since,
            subject=subject,
            ticket_id=row.ticket_id,
        )


def raise_one(
    connection: Connection,
    operator_id: str,
    kind: Kind,
    level: Level,
    raised_at: datetime,
    *,
    subject: str = "",
    ticket_id: str | None = None,
) -> None:
    """A new alert, unless there is one of this subject."""
    alert_id = new_id()
    statement = upsert(connection.dialect, alerts).on_conflict_do_nothing(
        index_elements=["operator_id", "subject"]
    )
    connection.execute(
        statement.values(
            alert_id=alert_id,
            operator_id=operator_id,
            subject=subject or alert_id,
            kind=kind,
            level=int(level),
            ticket_id=ticket_id,
            raised_at=raised_at,
            told=0,
        )
    )


def _keep(connection: Connection, row: Any, alert: Alert) -> None:
    values: dict[str, Any] = {
        "raised_at": alert.raised_at,
        "told": alert.told,
        "told_at": alert.told_at,
        "acknowledged_at": alert.acknowledged_at,
    }
    if alert.acknowledged_at is None:
        values["acknowledged_by"] = None
    connection.execute(update(alerts).where(alerts.c.alert_id == row.alert_id).values(values))


def end(connection: Connection, alert_ids: Collection[str], now: datetime) -> None:
    """What they told of is over: nothing more is sent, and the ticket is forgotten."""
    chosen = alerts.c.alert_id.in_(sorted(alert_ids))
    connection.execute(
        update(alerts).where(chosen).values(ended_at=now, ticket_id=None, subject=alerts.c.alert_id)
    )
    connection.execute(
        update(alert_sends).where(alert_sends.c.alert_id.in_(sorted(alert_ids))).values(due_at=None)
    )


def end_kind(connection: Connection, operator_id: str, kind: Kind, now: datetime) -> bool:
    """Ends what there is of a kind; whether there was any."""
    found = connection.scalars(
        select(alerts.c.alert_id).where(
            alerts.c.operator_id == operator_id, alerts.c.kind == kind, alerts.c.ended_at.is_(None)
        )
    ).all()
    if found:
        end(connection, found, now)
    return bool(found)


# --- what a counselor wrote, and did not arrive ------------------------------------------------------------------


def undeliverable(
    connection: Connection, failed: Collection[tuple[str, int]], gone: Collection[str], now: datetime
) -> list[str]:
    """Raises an alert for each message of a counselor that is lost; returns their contacts.

    To be called before what waits for people who are `gone` is cancelled.
    """
    condition = tuple_(outbox.c.contact_id, outbox.c.seq).in_(sorted(failed))
    query = (
        select(outbox.c.contact_id, outbox.c.seq, contacts.c.operator_id, tickets.c.ticket_id)
        .join(contacts, contacts.c.contact_id == outbox.c.contact_id)
        .join(tickets, tickets.c.contact_id == outbox.c.contact_id)
        .where(
            outbox.c.purpose == Purpose.COUNSELOR,
            or_(condition, outbox.c.contact_id.in_(sorted(gone)) & IS_UNSENT),
        )
    )
    rows = connection.execute(query).all()
    for row in rows:
        raise_one(
            connection,
            row.operator_id,
            Kind.UNDELIVERABLE,
            Level.HIGH,
            now,
            subject=f"{row.ticket_id}/out",
            ticket_id=row.ticket_id,
        )
    return sorted({row.contact_id for row in rows})


def acknowledge(connection: Connection, operator_id: str, alert_id: str, who: str, now: datetime) -> bool:
    """Whether there was such an alert. One that tells of what cannot be mended is over once it is seen."""
    row = connection.execute(
        select(alerts)
        .where(
            alerts.c.alert_id == alert_id, alerts.c.operator_id == operator_id, alerts.c.ended_at.is_(None)
        )
        .with_for_update()
    ).one_or_none()
    if row is None:
        return False
    connection.execute(
        update(alerts).where(alerts.c.alert_id == alert_id).values(acknowledged_by=who, acknowledged_at=now)
    )
    connection.execute(update(alert_sends).where(alert_sends.c.alert_id == alert_id).values(due_at=None))
    if row.kind == Kind.UNDELIVERABLE:
        end(connection, [alert_id], now)
    return True


def forget_old(connection: Connection, now: datetime) -> None:
    """Alerts that were over long ago."""
    old = select(alerts.c.alert_id).where(alerts.c.ended_at < now - KEPT_FOR)
    connection.execute(delete(alert_sends).where(alert_sends.c.alert_id.in_(old)))
    connection.execute(delete(alerts).where(alerts.c.ended_at < now - KEPT_FOR))

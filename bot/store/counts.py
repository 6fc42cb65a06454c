"""Daily counts: how often something happened, never to whom."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from sqlalchemy import Connection, Dialect, func, or_, select
from sqlalchemy.sql.dml import UpdateBase

from bot.store.batch import Batch
from bot.store.dialect import upsert
from bot.store.schema import daily_counts


def _adding(dialect: Dialect) -> UpdateBase:
    statement = upsert(dialect, daily_counts)
    return statement.on_conflict_do_update(
        index_elements=["operator_id", "day", "name"],
        set_={"count": daily_counts.c.count + statement.excluded.count},
    )


_ADD = Batch(_adding)


def add(connection: Connection, operator_id: str, day: date, counted: Mapping[str, int]) -> None:
    """Adds to the day's counts. Never linked to a person (R-124)."""
    rows = [
        {"operator_id": operator_id, "day": day, "name": name, "count": number}
        for name, number in sorted(counted.items())
    ]
    _ADD.run(connection, rows)


def between(connection: Connection, operator_id: str, first: date, last: date, kind: str) -> dict[str, int]:
    """What was counted as `kind/…` from one day to another, both included, by what stands behind the stroke."""
    name = daily_counts.c.name
    statement = (
        select(name, func.sum(daily_counts.c.count))
        .where(daily_counts.c.operator_id == operator_id, daily_counts.c.day.between(first, last))
        .where(name.startswith(f"{kind}/", autoescape=True))
        .group_by(name)
    )
    return {row[0].removeprefix(f"{kind}/"): int(row[1]) for row in connection.execute(statement)}


def by_month(
    connection: Connection, operator_id: str, names: Collection[str], first: date, last: date
) -> dict[date, dict[str, int]]:
    """Sums of the days from `first` to `last` by month, of these names and of whatever they are counted by."""
    wanted = or_(
        *(daily_counts.c.name.startswith(f"{name}/", autoescape=True) for name in names),
        daily_counts.c.name.in_(names),
    )
    query = select(daily_counts.c.day, daily_counts.c.name, daily_counts.c.count.label("number")).where(
        daily_counts.c.operator_id == operator_id,
        daily_counts.c.day.between(first, last),
        wanted,
    )
    found: dict[date, dict[str, int]] = {}
    for row in connection.execute(query):
        month = found.setdefault(row.day.replace(day=1), {})
        month[row.name] = month.get(row.name, 0) + row.number
    return found

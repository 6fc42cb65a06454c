"""Daily counts: how often something happened, never to whom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection, Dialect
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

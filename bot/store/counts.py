"""Daily counts: how often something happened, never to whom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection

from bot.store.dialect import upsert
from bot.store.schema import daily_counts


def add(connection: Connection, operator_id: str, day: date, counted: Mapping[str, int]) -> None:
    """Adds to the day's counts. Never linked to a person (R-124)."""
    statement = upsert(connection, daily_counts)
    statement = statement.on_conflict_do_update(
        index_elements=["operator_id", "day", "name"],
        set_={"count": daily_counts.c.count + statement.excluded.count},
    )
    rows = [
        {"operator_id": operator_id, "day": day, "name": name, "count": number}
        for name, number in sorted(counted.items())
    ]
    connection.execute(statement, rows)

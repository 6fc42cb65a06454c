"""Instants, and what the database itself keeps from happening."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError, StatementError

from bot.store.schema import Instant, talks, timeline, wakeups
from tests.store.ready import NOW, Store

DIALECT = sqlite.dialect()
TOKYO = timezone(timedelta(hours=9))


def again(value: datetime) -> datetime:
    """The instant as it comes back from a column."""
    found = Instant().process_result_value(Instant().process_bind_param(value, DIALECT), DIALECT)
    assert found is not None
    return found


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=365_000)))
def test_instants_do_not_drift(since: timedelta) -> None:
    """An instant keeps its millisecond, however often it is written and read."""
    value = datetime.fromtimestamp(0, UTC) + since
    stored = again(value)
    assert timedelta() <= value - stored < timedelta(milliseconds=1)
    assert again(stored) == stored


def test_instants_are_aware(store: Store) -> None:
    """Any zone comes back as the same instant in UTC; a time without a zone is refused."""
    contact_id = store.contact("a")
    local = NOW.astimezone(TOKYO)
    store.run(
        lambda connection: connection.execute(
            insert(wakeups).values(contact_id=contact_id, reason="a", due_at=local)
        )
    )
    found = store.value(select(wakeups.c.due_at))
    assert (found, found.tzinfo) == (NOW, UTC)
    with pytest.raises(StatementError):
        store.value(select(wakeups.c.reason).where(wakeups.c.due_at == NOW.replace(tzinfo=None)))


def test_nothing_without_its_contact(store: Store) -> None:
    """A line or a talk of a contact that does not exist cannot exist, on SQLite too."""
    for table, more in (
        (timeline, {"seq": 1, "author": "bot", "sealed_body": b""}),
        (talks, {"mode": "bot", "revision": 0, "last_seq": 0, "sealed_state": b""}),
    ):
        with pytest.raises(IntegrityError):
            store.run(
                lambda connection, table=table, more=more: connection.execute(
                    insert(table).values(contact_id="0" * 32, **more)
                )
            )

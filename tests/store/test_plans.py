"""What waits is found by the index of what waits, so that no message costs more for all that was said before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event

from bot.store import due, outbox
from tests.store.ready import NOW, Store
from tests.store.sends import depart

ASKS: dict[str, Callable[[Store], object]] = {
    "who has something unsent": lambda store: store.run(outbox.with_unsent, [store.contact("a")]),
    "what leaves now": depart,
    "when the next is due": lambda store: store.run(due.next_due),
    "what was left by who died": lambda store: store.run(outbox.recover, NOW),
}


@contextmanager
def statements(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """What runs over the outbox meanwhile, with its parameters."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, text: str, values: Any, *_rest: object) -> None:
        if "outbox" in text:
            seen.append((text, values))

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(store.engine, "before_cursor_execute", note)


def plan(connection: Connection, text: str, values: Any) -> str:
    if connection.dialect.name == "sqlite":
        return str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all())
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # it reads a table of three rows as a whole
    return str(connection.exec_driver_sql(f"EXPLAIN {text}", values).all())


@pytest.mark.parametrize("asked", ASKS)
def test_what_waits_is_found_without_reading_what_was_sent(store: Store, asked: str) -> None:
    store.say(store.contact("a"))
    with statements(store) as seen:
        ASKS[asked](store)
    first, values = seen[0]
    assert "ix_outbox_unsent" in store.run(plan, first, values)

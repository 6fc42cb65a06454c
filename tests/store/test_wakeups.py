"""Due times and daily counts: the rows that are written over."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from bot.store import counts, wakeups
from bot.store.schema import daily_counts
from bot.store.schema import wakeups as rows
from tests.store.ready import NOW, OPERATOR, Store, at_once, raised


def test_a_later_time_replaces(store: Store) -> None:
    """One due time a contact and reason: setting it again moves it; cancelling takes only that one."""
    a, b = store.contact("a"), store.contact("b")
    soon, late = NOW + timedelta(seconds=20), NOW + timedelta(seconds=40)
    assert store.run(wakeups.next_due) is None
    store.run(wakeups.set_all, {(a, "pause"): soon, (a, "risk"): late, (b, "pause"): late})
    assert store.run(wakeups.next_due) == soon
    store.run(wakeups.set_all, {(a, "pause"): late})
    assert store.run(wakeups.next_due) == late
    store.run(wakeups.cancel, [(a, "pause"), (b, "risk")])
    found = {(row.contact_id, row.reason): row.due_at for row in store.rows(select(rows))}
    assert found == {(a, "risk"): late, (b, "pause"): late}


def test_counts_add_up(store: Store) -> None:
    """Each day and name counts for itself, and knows nobody."""
    today, tomorrow = NOW.date(), (NOW + timedelta(days=1)).date()
    store.run(counts.add, OPERATOR, today, {"erased": 1, "left": 2})
    store.run(counts.add, OPERATOR, today, {"left": 3})
    store.run(counts.add, OPERATOR, tomorrow, {"left": 1})
    found = {(row.day, row.name): row.count for row in store.rows(select(daily_counts))}
    assert found == {(today, "erased"): 1, (today, "left"): 5, (tomorrow, "left"): 1}


def test_counts_of_several_processes(store: Store) -> None:
    """What several processes count at the same time is all there."""
    with store.another() as b, store.another() as c:

        def count(one: Store) -> None:
            for _ in range(20):
                one.run(counts.add, OPERATOR, NOW.date(), {"left": 1, "erased": 2})

        assert raised(at_once(lambda: count(store), lambda: count(b), lambda: count(c))) == []
    found = {row.name: row.count for row in store.rows(select(daily_counts))}
    assert found == {"left": 60, "erased": 120}


def test_counts_of_a_kind_are_read_for_a_span(store: Store) -> None:
    """Both ends included, days added up, other kinds and other operators left out."""
    for days, name, number in (
        (0, "gap/27/any", 2),
        (1, "gap/27/any", 3),
        (2, "gap/27/any", 9),
        (0, "gaps/x", 1),
    ):
        store.run(counts.add, OPERATOR, (NOW + timedelta(days=days)).date(), {name: number, "g%p/x": 1})
    last = (NOW + timedelta(days=1)).date()
    assert store.run(counts.between, OPERATOR, NOW.date(), last, "gap") == {"27/any": 5}
    assert store.run(counts.between, OPERATOR, NOW.date(), last, "g%p") == {"x": 3}
    assert store.run(counts.between, "nobody", NOW.date(), last, "gap") == {}

"""Free ways to answer that nobody used yet: the newest of each contact, once, and not for long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, select, update

from bot.messages import HINT_FRESH, ReplyHint
from bot.store import conversations, hints
from bot.store.conversations import Loaded
from bot.store.schema import reply_hints
from tests.store.ready import NOW, Store

SECOND = timedelta(seconds=1)


def loaded(store: Store, contact_id: str) -> Loaded:
    found: dict[str, Loaded] = store.run(conversations.load, store.sealer, [contact_id])
    return found[contact_id]


def keep(store: Store, one: Loaded, token: str, age: timedelta = timedelta(0)) -> None:
    hint = ReplyHint(token=token, received_at=NOW - age)
    store.run(hints.keep, {one.contact_id: (one, hint)}, NOW)


def take(store: Store, *asking: Loaded, after: timedelta = timedelta(0)) -> dict[str, str]:
    found = store.run(hints.take, {one.contact_id: one for one in asking}, NOW + after)
    return {contact_id: hint.token for contact_id, (_, hint) in found.items()}


def test_the_newest_is_taken_once(store: Store) -> None:
    """A newer one replaces an older one; who takes it has it alone; nobody gets another's."""
    a, b = loaded(store, store.contact("a")), loaded(store, store.contact("b"))
    keep(store, a, "old", SECOND)
    keep(store, a, "new")
    keep(store, b, "other")
    assert take(store, a) == {a.contact_id: "new"}
    assert take(store, a, b) == {b.contact_id: "other"}
    assert store.rows(select(reply_hints)) == []


def test_an_old_one_is_neither_kept_nor_given(store: Store) -> None:
    """At the end of its life it is over, also when the clock has not come round yet."""
    a = loaded(store, store.contact("a"))
    keep(store, a, "x", HINT_FRESH)
    assert store.rows(select(reply_hints)) == []
    keep(store, a, "x")
    assert take(store, a, after=HINT_FRESH) == {}


def test_what_is_over_is_forgotten(store: Store) -> None:
    """The tick deletes what is past its end, and knows when to look."""
    a, b = loaded(store, store.contact("a")), loaded(store, store.contact("b"))
    assert store.run(hints.next_end) is None
    keep(store, a, "x", HINT_FRESH - SECOND)
    keep(store, b, "x")
    assert store.run(hints.next_end) == NOW + SECOND
    store.run(hints.drop_old, NOW + SECOND)
    assert [row.contact_id for row in store.rows(select(reply_hints))] == [b.contact_id]


@pytest.mark.parametrize("moved", [True, False])
def test_a_damaged_one_costs_a_push_and_nothing_else(store: Store, moved: bool) -> None:
    """A cell that does not open, or stands in another's row, is no hint; the others are there."""
    a, b = loaded(store, store.contact("a")), loaded(store, store.contact("b"))
    keep(store, a, "mine")
    keep(store, b, "other")

    def spoil(connection: Connection) -> None:
        cell = connection.scalar(
            select(reply_hints.c.sealed_hint).where(reply_hints.c.contact_id == b.contact_id)
        )
        damaged = cell if moved else b"\x01\x07contact"
        row = update(reply_hints).where(reply_hints.c.contact_id == a.contact_id)
        connection.execute(row.values(sealed_hint=damaged))

    store.run(spoil)
    assert take(store, a, b) == {b.contact_id: "other"}

"""Pages of the queue by keyset: every ticket once, in one order, whatever the size; and counts of the groups."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.handoff.risk import Level
from bot.handoff.ticket import Status
from bot.store import queue, staff
from bot.store.queue import Place, Wanted
from tests.store.ready import NOW, OPERATOR, Store
from tests.store.test_tickets import waiting, write

LEVELS = (Level.NONE, Level.HIGH, Level.NONE, Level.EMERGENCY, Level.CONCERN, Level.NONE, Level.HIGH)
WAITING = Wanted(operator_id=OPERATOR, status=Status.WAITING)


def pages(store: Store, wanted: Wanted, size: int) -> list[list[str]]:
    """All pages of this size, as contacts."""
    found, place = list[list[str]](), None
    while rows := store.run(queue.page, store.sealer, wanted, place, size):
        found.append([row.ticket.contact_id for row in rows])
        last = rows[-1].ticket
        place = Place(priority=last.priority, opened_at=last.opened_at, ticket_id=last.id)
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_every_ticket_once_in_one_order(store: Store, size: int) -> None:
    for number, level in enumerate(LEVELS):
        waiting(store, f"u{number}", level, number // 3)  # some came at the same moment
    whole = pages(store, WAITING, 50)[0]
    assert len(set(whole)) == len(LEVELS)
    assert [contact for page in pages(store, WAITING, size) for contact in page] == whole
    assert all(len(page) == size for page in pages(store, WAITING, size)[:-1])


def test_what_is_wanted_and_how_many_there_are(store: Store) -> None:
    me = store.run(staff.add, OPERATOR, "mizuno", "みずの", "counselor", None)
    other = store.run(staff.add, OPERATOR, "sakurai", "さくらい", "counselor", None)
    people = [waiting(store, f"u{number}", Level.NONE, number) for number in range(6)]
    kept = {
        people[1]: (Status.ACTIVE, me),
        people[2]: (Status.ACTIVE, other),
        people[3]: (Status.RESTING, me),
    }
    kept[people[4]] = (Status.RESTING, other)
    for row in store.run(queue.page, store.sealer, WAITING, None, 50):
        if row.ticket.contact_id in kept:
            status, keeper = kept[row.ticket.contact_id]
            write(store, row.ticket.contact_id, replace(row.ticket, status=status, assignee=keeper))
    active = replace(WAITING, status=Status.ACTIVE)
    assert pages(store, replace(active, keeper=me), 50) == [[people[1]]]
    assert pages(store, replace(active, beside=me), 50) == [[people[2]]]
    assert pages(store, replace(WAITING, desk_id="nowhere"), 50) == []
    assert pages(store, replace(WAITING, account_id="nowhere"), 50) == []
    assert pages(store, replace(WAITING, operator_id="other"), 50) == []
    numbers = store.run(queue.numbers, OPERATOR, me)
    assert (numbers.waiting, numbers.mine, numbers.team, numbers.resting) == (2, 1, 1, 1)
    assert numbers.oldest == NOW

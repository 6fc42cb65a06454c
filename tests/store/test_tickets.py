"""Tickets: one a contact, the most urgent first, the desk's words kept sealed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from bot.handoff import ticket as moves
from bot.handoff.risk import Level
from bot.handoff.ticket import Reason, Status, Ticket
from bot.store import conversations, staff, tickets
from bot.store.schema import tickets as rows
from tests.store.ready import NOW, OPERATOR, Store


def write(store: Store, contact_id: str, ticket: Ticket) -> None:
    """Saves a ticket and the talk that names it, as a commit does."""

    def change(connection: object) -> None:
        loaded = conversations.load(connection, store.sealer, [contact_id])[contact_id]  # type: ignore[arg-type]
        talk = conversations.bumped(loaded, replace(loaded.talk, ticket=ticket))
        conversations.save(connection, [(loaded, talk, loaded.last_seq)])  # type: ignore[arg-type]
        tickets.save(connection, [(loaded, ticket)])  # type: ignore[arg-type]

    store.run(change)


def waiting(store: Store, person: str, level: Level, minutes: int = 0) -> str:
    contact_id = store.contact(person)
    ticket = moves.opened(None, contact_id, 0, Reason.REQUEST, level, 1, NOW + timedelta(minutes=minutes), ())
    write(store, contact_id, replace(ticket, desk_id="main"))
    return contact_id


def queue(
    store: Store, status: Status = Status.WAITING, assignee: str | None = None
) -> list[tickets.Waiting]:
    found: list[tickets.Waiting] = store.run(tickets.queue, store.sealer, OPERATOR, status, assignee)
    return found


def test_the_order_of_the_queue(store: Store) -> None:
    """The most urgent first; among equals who waits longest."""
    people = {
        waiting(store, "late", Level.NONE, 3): 3,
        waiting(store, "early", Level.NONE, 1): 2,
        waiting(store, "urgent", Level.EMERGENCY, 9): 0,
        waiting(store, "high", Level.HIGH, 5): 1,
    }
    assert [people[one.ticket.contact_id] for one in queue(store)] == [0, 1, 2, 3]
    assert store.run(tickets.counts, OPERATOR) == {"waiting": 4}
    assert queue(store)[0].nickname
    assert store.run(tickets.queue, store.sealer, "other", Status.WAITING, None) == []


def test_one_ticket_a_contact(store: Store) -> None:
    """A second ticket for the same contact cannot exist; the one there is changes in place."""
    contact_id = waiting(store, "a", Level.NONE)
    known = store.load(contact_id)
    assert known.talk.ticket is not None
    second = replace(known.talk.ticket, id="f" * 32)
    with pytest.raises(IntegrityError):
        store.run(tickets.save, [(replace(known, talk=replace(known.talk, ticket=None)), second)])
    write(store, contact_id, moves.raise_to(known.talk.ticket, Level.HIGH))
    assert store.value(select(func.count()).select_from(rows)) == 1
    assert store.load(contact_id).talk.ticket == replace(known.talk.ticket, priority=Level.HIGH)


def test_a_damaged_ticket_is_still_shown(store: Store) -> None:
    """Whose cells do not open keeps its place in the queue, without its words; the others are whole (B3)."""
    damaged, whole = waiting(store, "a", Level.HIGH), waiting(store, "b", Level.NONE)
    statement = update(rows).where(rows.c.contact_id == damaged).values(sealed_detail=b"\x01\x07contact")
    store.run(lambda connection: connection.execute(statement))
    assert [one.ticket.contact_id for one in queue(store)] == [damaged, whole]
    assert queue(store)[0].ticket.priority is Level.HIGH


def test_the_way_of_a_ticket(store: Store) -> None:
    """Waiting, active with its keeper's name, resting, waiting again: each state is found where it belongs."""
    contact_id = waiting(store, "a", Level.HIGH)
    mizuno = store.run(staff.add, OPERATOR, "mizuno", "みずの", "counselor", None)
    ticket = store.load(contact_id).talk.ticket
    assert ticket is not None
    write(store, contact_id, moves.claim(ticket, mizuno, NOW))
    assert queue(store) == []
    [active] = queue(store, Status.ACTIVE)
    assert (active.keeper, active.ticket.assignee, active.ticket.claimed_at) == ("みずの", mizuno, NOW)
    assert [one.ticket.id for one in queue(store, Status.ACTIVE, mizuno)] == [ticket.id]
    assert queue(store, Status.ACTIVE, "somebody") == []
    assert store.run(tickets.keeper, mizuno) == "みずの"
    assert store.run(tickets.keeper, None) is None
    rested = moves.hand_back(active.ticket, mizuno, NOW)
    write(store, contact_id, rested)
    assert [one.ticket.priority for one in queue(store, Status.RESTING)] == [Level.NONE]
    write(store, contact_id, moves.reopen(rested, Reason.REQUEST, Level.NONE, 5, NOW))
    [again] = queue(store)
    assert (again.ticket.id, again.ticket.opened_seq, again.ticket.assignee) == (ticket.id, 5, mizuno)


def test_whose_ticket(store: Store) -> None:
    """A ticket of another operator is nobody's."""
    contact_id = waiting(store, "a", Level.NONE)
    [one] = queue(store)
    assert store.run(tickets.contact_of, OPERATOR, one.ticket.id) == contact_id
    assert store.run(tickets.contact_of, "other", one.ticket.id) is None
    assert store.run(tickets.contact_of, OPERATOR, "0" * 32) is None

"""Contacts and talks: made once, loaded under a lock, saved by revision."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.errors import Conflict
from bot.flows.session import Session
from bot.handoff import ticket as moves
from bot.handoff.risk import Level, RiskHit
from bot.handoff.ticket import Reason, Status, Ticket
from bot.messages import Address
from bot.store import conversations, staff, tickets
from bot.store.schema import contacts, talks
from bot.talk import Mode, Preferences
from tests.store.ready import NOW, OPERATOR, Store, at_once, blocked, raised


def a_ticket(contact_id: str, **changes: Any) -> Ticket:
    hits = (RiskHit(rule="S-01", category="suicide", level=Level.HIGH, start=0, end=3),)
    ticket = moves.opened(None, contact_id, 0, Reason.RISK, Level.HIGH, 1, NOW, hits)
    return replace(ticket, desk_id="main", wishes=(("進め方", "ゆっくり"),), **changes)


def open_ticket(store: Store, contact_id: str) -> Ticket:
    """The contact waits for a person."""

    def change(connection: Any) -> None:
        loaded = conversations.load(connection, store.sealer, [contact_id])[contact_id]
        talk = replace(loaded.talk, ticket=a_ticket(contact_id), mode=Mode.WAITING)
        conversations.save(connection, [(loaded, conversations.bumped(loaded, talk), loaded.last_seq)])
        tickets.save(connection, [(loaded, a_ticket(contact_id))])

    store.run(change)
    found = store.load(contact_id).talk.ticket
    assert found is not None
    return found


def claim(store: Store, contact_id: str, staff_id: str) -> None:
    """What the desk does, in one transaction: the ticket and the mode."""

    def change(connection: Any) -> None:
        loaded = conversations.load(connection, store.sealer, [contact_id])[contact_id]
        assert loaded.talk.ticket is not None
        claimed = moves.claim(loaded.talk.ticket, staff_id, NOW)
        talk = conversations.bumped(loaded, replace(loaded.talk, ticket=claimed, mode=Mode.HUMAN))
        conversations.save(connection, [(loaded, talk, loaded.last_seq)])
        tickets.save(connection, [(loaded, claimed)])

    store.run(change)


class TestContacts:
    def test_made_once(self, store: Store) -> None:
        """The same address is the same contact; another account or another person is another one."""
        addresses = [Address(account=account, key=key) for account in ("a", "b") for key in ("1", "2")]
        held = store.run(conversations.hold, store.sealer, OPERATOR, addresses)
        made = {address: one.contact_id for address, one in held.items()}
        assert len(set(made.values())) == 4
        again = store.run(conversations.hold, store.sealer, OPERATOR, addresses)
        assert {address: one.contact_id for address, one in again.items()} == made
        assert store.run(conversations.find, store.sealer, OPERATOR, addresses[2]) == made[addresses[2]]
        nobody = Address(account="a", key="3")
        assert store.run(conversations.find, store.sealer, OPERATOR, nobody) is None
        assert store.value(select(func.count()).select_from(talks)) == 4

    def test_a_new_talk(self, store: Store) -> None:
        """A contact begins with the machine, reachable, unnamed but for a nickname that says nothing."""
        loaded = store.load(store.contact("U-1"))
        assert (loaded.talk.mode, loaded.talk.revision, loaded.last_seq) == (Mode.BOT, 0, 1)
        assert (loaded.talk.session, loaded.talk.ticket, loaded.reachable) == (None, None, True)
        assert loaded.nickname
        assert "U-1" not in loaded.nickname

    def test_reachable(self, store: Store) -> None:
        """Who blocked us is remembered until they come back."""
        a, b = store.contact("a"), store.contact("b")
        store.run(conversations.set_reachable, {a: False})
        assert (store.load(a).reachable, store.load(b).reachable) == (False, True)
        store.run(conversations.set_reachable, {a: True})
        assert store.load(a).reachable


class TestTalks:
    def test_all_of_it_comes_back(self, store: Store) -> None:
        """Session, preferences, concerns, flags and the ticket with its wishes and hits: as they were saved."""
        contact_id = store.contact("a")
        session = Session(flow="F", step="s", release=1, started_at=NOW, answers={"x": "あ"}, trail=("F/r",))
        ticket = open_ticket(store, contact_id)
        changes: dict[str, Any] = {
            "session": session,
            "preferences": Preferences(silent=True, hush_until=NOW + timedelta(days=7)),
            "concerns": (NOW, NOW + timedelta(seconds=1)),
            "held": True,
            "away": True,
            "mode": Mode.WAITING,
        }
        before = store.load(contact_id).talk
        assert before.ticket == ticket == a_ticket(contact_id)
        after = store.set_talk(contact_id, **changes)
        assert after == replace(before, revision=before.revision + 1, **changes)

    def test_who_comes_second_is_told(self, store: Store) -> None:
        """A talk that moved on since it was loaded is not overwritten, and nothing of the batch is written."""
        a, b = store.contact("a"), store.contact("b")
        old = [store.load(a), store.load(b)]
        store.set_talk(b, held=True)
        stale = [(one, replace(conversations.bumped(one, one.talk), away=True), 9) for one in old]
        with pytest.raises(Conflict):
            store.run(conversations.save, stale)
        assert [store.load(one).talk.away for one in (a, b)] == [False, False]
        assert store.load(a).last_seq == 1

    def test_locked_ones_are_left_to_who_has_them(self, postgresql_store: Store) -> None:
        """Work is handed out: a contact another process holds is skipped, or waited for where that is asked."""
        store = postgresql_store
        a, b = store.contact("a"), store.contact("b")
        with store.another() as other, store.engine.connect() as holding:
            with holding.begin():
                conversations.load(holding, store.sealer, [a])
                free = other.run(conversations.load, store.sealer, [a, b], wait=False)
                assert list(free) == [b]
                assert list(other.run(conversations.load, store.sealer, [a, b], lock=False)) == sorted([a, b])
                waiting = blocked(store, lambda: other.load(a))
                assert not waiting.done()
            assert waiting.result(timeout=10).contact_id == a

    def test_what_was_waited_for_is_seen_whole(self, postgresql_store: Store) -> None:
        """Who waited for a lock sees the talk and its ticket as they are now, not a ticket of before."""
        store = postgresql_store
        contact_id = store.contact("a")
        open_ticket(store, contact_id)
        mizuno, ito = (store.run(staff.add, OPERATOR, one, one, "counselor", None) for one in ("m", "i"))
        with store.another() as other, store.engine.connect() as first:
            with first.begin():
                loaded = conversations.load(first, store.sealer, [contact_id])[contact_id]
                assert loaded.talk.ticket is not None
                claimed = moves.claim(loaded.talk.ticket, mizuno, NOW)
                talk = replace(loaded.talk, ticket=claimed, mode=Mode.HUMAN)
                conversations.save(first, [(loaded, conversations.bumped(loaded, talk), 1)])
                tickets.save(first, [(loaded, claimed)])
                second = blocked(store, lambda: claim(other, contact_id, ito))
            with pytest.raises(Conflict):
                second.result(timeout=10)
        ticket = store.load(contact_id).talk.ticket
        assert ticket is not None
        assert (ticket.status, ticket.assignee) == (Status.ACTIVE, mizuno)

    def test_batches_that_overlap(self, postgresql_store: Store) -> None:
        """Batches given in opposite orders lock in one order, so that they never wait for each other."""
        store = postgresql_store
        people = [store.contact(str(number)) for number in range(12)]

        def touch(one: Store, order: list[str]) -> None:
            def change(connection: Any) -> None:
                held = conversations.load(connection, one.sealer, order)
                conversations.save(
                    connection, [(it, conversations.bumped(it, it.talk), it.last_seq) for it in held.values()]
                )

            for _ in range(10):
                one.run(change)

        with store.another() as b, store.another() as c:
            outcomes = at_once(
                lambda: touch(store, people),
                lambda: touch(b, people[::-1]),
                lambda: touch(c, people[6:] + people[:6]),
            )
        assert raised(outcomes) == []
        assert {store.load(one).talk.revision for one in people} == {30}


def test_contacts_of_operators_are_apart(store: Store) -> None:
    """The same person with another operator has another pseudonym: nothing links the two."""
    keyring = store.sealer.keyring
    address = Address(account="line", key="U-1")
    assert keyring.address_key("default", address) != keyring.address_key("other", address)
    assert keyring.address_key("default", address) != keyring.dedupe_digest("default", "line", "U-1")
    store.accept(store.event("U-1"))
    stored = store.value(select(contacts.c.address_key))
    assert bytes(stored) == keyring.address_key(OPERATOR, Address(account="fake", key="U-1"))

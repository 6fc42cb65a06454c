"""What leaves when: a bounded number for each account, the safety card first, and what is too old not at all."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.messages import GROWS_STALE, Address, Hold, Outgoing, Purpose
from bot.store import conversations, departures, due, outbox
from bot.store.outbox import STALE, STALE_AFTER
from bot.store.schema import outbox as rows
from tests.store.ready import NOW, OPERATOR, Store
from tests.store.sends import LATER, depart, ended, seqs, start, states

MOMENT = timedelta(milliseconds=1)
OWED = sorted(set(Purpose) - GROWS_STALE)


def contact_on(store: Store, account: str, person: str) -> str:
    """A contact that writes to this account."""

    address = Address(account=account, key=person)
    return str(store.run(conversations.hold, store.sealer, OPERATOR, [address])[address].contact_id)


class TestRoom:
    def test_a_full_account_uses_up_nothing_of_another(self, store: Store) -> None:
        """Older messages of an account without room do not keep newer ones of another from leaving."""
        for number in range(5):
            store.say(contact_on(store, "slow", str(number)))
        other = contact_on(store, "quick", "a")
        store.say(other, at=NOW + LATER)
        found = depart(store, NOW + LATER, most=3, room={"slow": 0})
        assert [one.contact_id for one in found.leaving] == [other]
        assert not found.more
        assert store.run(due.next_due, ["slow"]) == (None, NOW + LATER + outbox.LEASE)
        assert store.run(due.next_due) == (NOW, NOW + LATER + outbox.LEASE)

    def test_each_account_has_a_bound_of_its_own(self, store: Store) -> None:
        """As many as there is room for leave, of each account, and that there are more is told."""
        for account in ("a", "b", "c"):
            for number in range(4):
                store.say(contact_on(store, account, str(number)))
        found = depart(store, most=3, room={"a": 1, "b": 9})
        left = [one.address.account for one in found.leaving]
        assert {account: left.count(account) for account in "abc"} == {"a": 1, "b": 4, "c": 3}
        assert found.more

    def test_the_safety_card_first(self, store: Store) -> None:
        """When there is room for one only, it is the card, however long others have waited."""
        for number in range(3):
            store.say(store.contact(str(number)))
        card = store.contact("in danger")
        store.say(card, purpose=Purpose.SAFETY, at=NOW + LATER)
        assert [one.contact_id for one in start(store, NOW + LATER, limit=1)] == [card]


class TestStale:
    def test_a_menu_is_dropped_after_an_hour(self, store: Store) -> None:
        """Not a moment earlier; it is cancelled, and what was queued behind it is next."""
        contact_id = store.contact("a")
        store.say(contact_id)
        store.say(contact_id, purpose=Purpose.COUNSELOR)
        [tried] = start(store, NOW + STALE_AFTER - MOMENT)
        store.run(outbox.finish, [ended(tried, outbox.QUEUED)])
        found = depart(store, NOW + STALE_AFTER)
        [dropped] = found.dropped
        assert (dropped.seq, dropped.code, dropped.uncertain) == (2, STALE, False)
        assert (found.leaving, found.more) == ([], True)
        assert states(store, contact_id) == {2: outbox.CANCELLED, 3: outbox.QUEUED}
        assert seqs(start(store, NOW + STALE_AFTER)) == [3]

    def test_what_may_have_arrived_is_uncertain(self, store: Store) -> None:
        """A menu that was tried without a clear outcome ends as uncertain, with the same reason."""
        contact_id = store.contact("a")
        store.say(contact_id)
        [tried] = start(store)
        store.run(outbox.finish, [ended(tried, outbox.QUEUED, may_have_arrived=True)])
        [dropped] = depart(store, NOW + STALE_AFTER).dropped
        assert dropped.uncertain
        assert states(store, contact_id) == {2: outbox.UNCERTAIN}
        assert store.value(select(rows.c.error_code)) == STALE

    @pytest.mark.parametrize("purpose", OWED)
    def test_what_a_person_is_owed_never_becomes_stale(self, store: Store, purpose: Purpose) -> None:
        contact_id = store.contact("a")
        seq = store.say(contact_id, purpose=purpose)
        found = depart(store, NOW + timedelta(hours=23))
        assert (seqs(found.leaving), found.dropped) == ([seq], [])

    def test_a_held_menu_is_looked_at_when_it_is_stale(self, store: Store) -> None:
        """A hold longer than that leaves nobody waiting for it; what is owed is held as long as it takes."""
        menu, card = store.contact("a"), store.contact("b")
        store.say(menu)
        store.say(card, purpose=Purpose.SAFETY)
        hold = Hold(until=NOW + timedelta(days=3), code="quota")
        assert depart(store, route=lambda *_: hold).leaving == []
        due = {row.contact_id: row.due_at for row in store.rows(select(rows))}
        assert due == {menu: NOW + STALE_AFTER, card: hold.until}
        assert len(depart(store, NOW + STALE_AFTER).dropped) == 1

    def test_who_is_left_unanswered(self, store: Store) -> None:
        """Those whose newest message was dropped; not who gets, or got, something after it."""
        alone, followed, reached = (store.contact(name) for name in ("alone", "followed", "reached"))
        for contact_id in (alone, followed, reached):
            store.say(contact_id)
        store.say(followed, purpose=Purpose.COUNSELOR)
        store.say(reached, purpose=Purpose.SAFETY)
        [card] = [one for one in start(store, route=_only_safety) if one.contact_id == reached]
        store.run(outbox.finish, [ended(card)])
        found = depart(store, NOW + STALE_AFTER)
        assert len(found.dropped) == 3
        assert store.run(departures.left_unanswered, found.dropped) == [alone]

    @pytest.mark.parametrize(("purpose", "told"), [(Purpose.BOT, True), (Purpose.LATE, False)])
    def test_what_has_no_safe_way_left(self, store: Store, purpose: Purpose, told: bool) -> None:
        """Who may not have got an answer is told so; who may not have got that line is not told again."""
        contact_id = store.contact("a")
        store.say(contact_id, purpose=purpose)
        start(store)
        [dropped] = depart(store, NOW + LATER, route=lambda *_: None).dropped
        assert (dropped.code, dropped.uncertain) == ("no_way", True)
        assert store.run(departures.left_unanswered, [dropped]) == [contact_id] * told


class TestGone:
    def test_nothing_leaves_for_who_is_gone(self, store: Store) -> None:
        """A try that came back after the person had blocked us is not repeated, whatever it was."""
        contact_id = store.contact("a")
        store.say(contact_id, purpose=Purpose.SAFETY)
        [tried] = start(store)
        store.run(conversations.set_reachable, {contact_id: False})
        store.run(outbox.finish, [ended(tried, outbox.QUEUED)])
        found = depart(store, NOW + LATER)
        assert (found.leaving, [one.code for one in found.dropped]) == ([], ["contact_gone"])
        assert states(store, contact_id) == {2: outbox.CANCELLED}


def _only_safety(outgoing: Outgoing, _now: datetime) -> str | Hold:
    return "push" if outgoing.purpose is Purpose.SAFETY else Hold(until=NOW + LATER, code="pacing")

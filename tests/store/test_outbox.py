"""What is to be sent: in order per contact, durable before each call, true about what may have arrived."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from bot.messages import Purpose, ReplyHint
from bot.store import due, outbox
from bot.store.outbox import Outcome
from bot.store.schema import timeline as lines
from tests.store.ready import NOW, Store, at_once, raised
from tests.store.sends import LATER, ended, seqs, start, states


class TestStart:
    def test_only_the_head_of_each_contact(self, store: Store) -> None:
        """One message at a time per person, in order; people do not wait for each other."""
        a, b = store.contact("a"), store.contact("b")
        for contact_id in (a, a, b, a):
            store.say(contact_id)
        first = start(store)
        assert {(one.contact_id, one.seq) for one in first} == {(a, 2), (b, 2)}
        assert start(store) == []
        assert store.run(outbox.finish, [ended(one) for one in first]) == [
            one.contact_id == a for one in first
        ]
        assert seqs(start(store)) == [3]

    def test_what_a_channel_is_told(self, store: Store) -> None:
        """Address, words, purpose, try, token and a key that stays the same on every try."""
        contact_id = store.contact("U-1")
        hint = ReplyHint(token="token", received_at=NOW)
        store.say(contact_id, "こんにちは", Purpose.STOP, hint=hint)
        [first] = start(store)
        assert (first.address.account, first.address.key) == ("fake", "U-1")
        assert (first.reply.texts, first.purpose, first.hint) == (("こんにちは",), Purpose.STOP, hint)
        assert (first.attempt, first.via, first.may_have_arrived, first.earlier_via) == (
            1,
            "push",
            False,
            None,
        )
        store.run(outbox.finish, [ended(first, outbox.QUEUED, error_code="throttled")])
        [second] = start(store)
        assert (second.attempt, second.earlier_via, second.earlier_error) == (2, "push", "throttled")
        assert (second.key, second.queued_at) == (first.key, first.queued_at)

    def test_the_longest_due_first(self, store: Store) -> None:
        """No more than there is room for, and then who waits longest."""
        people = [store.contact(str(number)) for number in range(4)]
        for number, contact_id in enumerate(people):
            store.say(contact_id, at=NOW - timedelta(seconds=number))
        assert {one.contact_id for one in start(store, limit=2)} == set(people[2:])

    def test_not_before_its_time(self, store: Store) -> None:
        """A message that waits for its next try holds the ones behind it; order is never traded for speed."""
        contact_id = store.contact("a")
        store.say(contact_id)
        store.say(contact_id)
        [first] = start(store)
        store.run(outbox.finish, [ended(first, outbox.QUEUED, due_at=NOW + LATER)])
        assert start(store) == []
        assert store.run(due.next_due) == (NOW + LATER, None)
        assert seqs(start(store, NOW + LATER)) == [2]
        assert store.run(outbox.unsent_count) == 2

    def test_safety_goes_first(self, store: Store) -> None:
        """The safety card overtakes everything queued, also what is just being sent."""
        contact_id = store.contact("a")
        store.say(contact_id)
        store.say(contact_id)
        [sending] = start(store)
        card = store.say(contact_id, purpose=Purpose.SAFETY)
        [first] = start(store)
        assert (first.seq, first.purpose) == (card, Purpose.SAFETY)
        assert start(store) == []
        store.run(outbox.finish, [ended(sending), ended(first)])
        assert seqs(start(store)) == [3]

    def test_not_worth_another_try(self, store: Store) -> None:
        """Where the channel sees no way any more, the message ends as uncertain: it may have arrived."""
        contact_id = store.contact("a")
        store.say(contact_id)
        start(store)
        assert start(store, NOW + LATER, route=lambda *_: None) == []
        assert states(store, contact_id) == {2: outbox.UNCERTAIN}

    def test_two_processes_share(self, postgresql_store: Store) -> None:
        """Each message is started by one process only."""
        store = postgresql_store
        for number in range(30):
            store.say(store.contact(str(number)))
        with store.another() as other:
            outcomes = at_once(lambda: start(store), lambda: start(other))
            outcomes.append(start(other))
        assert raised(outcomes) == []
        started = [one.contact_id for outcome in outcomes for one in outcome]
        assert len(started) == len(set(started)) == 30

    def test_a_damaged_cell_harms_nobody_else(self, store: Store) -> None:
        """A message whose cell does not open ends as failed; everybody else's goes out."""
        damaged, whole = store.contact("a"), store.contact("b")
        for contact_id in (damaged, whole):
            store.say(contact_id)
        cell = (lines.c.contact_id == damaged) & (lines.c.seq == 2)
        sealed = bytearray(store.value(select(lines.c.sealed_body).where(cell)))
        sealed[-1] ^= 1
        store.run(
            lambda connection: connection.execute(update(lines).where(cell).values(sealed_body=bytes(sealed)))
        )
        assert [one.contact_id for one in start(store)] == [whole]
        assert states(store, damaged) == {2: outbox.FAILED}


class TestFinish:
    @pytest.mark.parametrize("state", [outbox.SENT, outbox.FAILED, outbox.UNCERTAIN])
    def test_the_end(self, store: Store, state: str) -> None:
        """Sent, failed and uncertain are ends."""
        contact_id = store.contact("a")
        store.say(contact_id)
        [one] = start(store)
        assert store.run(outbox.finish, [ended(one, state, error_code="x")]) == [False]
        assert states(store, contact_id) == {2: state}
        assert start(store, NOW + LATER) == []
        assert store.run(due.next_due) == (None, None)
        assert store.run(outbox.unsent_count) == 0

    def test_a_late_finish_changes_nothing(self, store: Store) -> None:
        """A try that lost its lease to a later one cannot mark it, whatever it found out."""
        contact_id = store.contact("a")
        store.say(contact_id)
        [first] = start(store)
        [second] = start(store, NOW + LATER)
        for state in (outbox.SENT, outbox.FAILED, outbox.QUEUED):
            store.run(outbox.finish, [ended(first, state)])
            assert states(store, contact_id) == {2: outbox.SENDING}
        store.run(outbox.finish, [ended(second)])
        store.run(outbox.finish, [ended(second, outbox.QUEUED)])
        assert states(store, contact_id) == {2: outbox.SENT}

    def test_a_doubt_is_kept(self, store: Store) -> None:
        """What may have arrived once may have arrived, until a try has a clear outcome."""
        contact_id = store.contact("a")
        store.say(contact_id)
        [first] = start(store)
        doubt = ended(first, outbox.QUEUED, may_have_arrived=True)
        store.run(outbox.finish, [doubt])
        [second] = start(store)
        assert second.may_have_arrived
        store.run(outbox.finish, [replace(doubt, attempt=2, may_have_arrived=False)])
        assert not start(store)[0].may_have_arrived

    def test_of_an_erased_contact(self, store: Store) -> None:
        """A message that comes back after its contact is gone marks nothing."""
        assert store.run(
            outbox.finish, [Outcome(contact_id="0" * 32, seq=1, attempt=1, state=outbox.SENT, due_at=NOW)]
        ) == [False]


class TestLease:
    def test_a_dead_process(self, store: Store) -> None:
        """A send nobody came back from is tried again after its lease, in doubt."""
        contact_id = store.contact("a")
        store.say(contact_id)
        start(store)
        assert start(store, NOW + outbox.LEASE - timedelta(milliseconds=1)) == []
        [again] = start(store, NOW + outbox.LEASE)
        assert (again.attempt, again.may_have_arrived, again.earlier_via) == (2, True, "push")

    def test_the_only_process_starts_anew(self, store: Store) -> None:
        """Where there is one process only, nothing can be on its way at its start: no lease is waited for."""
        a, b = store.contact("a"), store.contact("b")
        store.say(a)
        start(store)
        store.say(b)
        assert store.run(outbox.recover, NOW) == 1
        assert [(one.contact_id, one.may_have_arrived) for one in start(store)] == sorted(
            [(a, True), (b, False)]
        )


def test_nothing_without_a_cause(store: Store) -> None:
    """A row that does not say why it exists cannot exist (R-011)."""
    contact_id = store.contact("a")
    key = store.load(contact_id).key
    common: dict[str, Any] = {
        "key": key,
        "contact_id": contact_id,
        "seq": 9,
        "state": outbox.QUEUED,
        "now": NOW,
    }
    row = outbox.row(purpose=Purpose.BOT, cause="event:1", **common)
    with pytest.raises(IntegrityError):
        store.run(outbox.add, [{**row, "cause": None}])
    with pytest.raises(TypeError, match="cause"):
        outbox.row(purpose=Purpose.BOT, **common)

"""A claim silences the machine: what is queued is cancelled, and nothing starts beside it or after it."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from bot.messages import SILENCED_BY_CLAIM, Purpose
from bot.store import conversations, departures, outbox
from bot.store.schema import outbox as rows
from bot.talk import Mode
from tests.store.ready import NOW, Store, blocked
from tests.store.sends import LATER, by_push, ended, seqs, start, states


class TestSilence:
    def test_the_machine_falls_silent(self, store: Store) -> None:
        """A claim cancels what the machine has queued for this person, and nothing else."""
        a, b = store.contact("a"), store.contact("b")
        kept = [store.say(a, purpose=purpose) for purpose in Purpose if purpose not in SILENCED_BY_CLAIM]
        silenced = [store.say(a, purpose=purpose) for purpose in sorted(SILENCED_BY_CLAIM)]
        store.say(b)
        store.run(outbox.silence, [a])
        ends = dict.fromkeys(kept, outbox.QUEUED) | dict.fromkeys(silenced, outbox.CANCELLED)
        assert states(store, a) == ends
        assert states(store, b) == {2: outbox.QUEUED}
        codes = store.rows(select(rows.c.error_code).where(rows.c.state == outbox.CANCELLED))
        assert {row.error_code for row in codes} == {"silenced"}

    def test_nothing_of_the_machine_starts(self, store: Store) -> None:
        """While a counselor has the thread: never tried words are cancelled, tried ones stay uncertain."""
        people = [store.contact(str(number)) for number in range(3)]
        for contact_id in people:
            store.say(contact_id)
        tried = start(store, limit=1)[0]
        store.run(outbox.finish, [ended(tried, outbox.QUEUED, may_have_arrived=True)])
        for contact_id in people:
            store.set_mode(contact_id, Mode.HUMAN)
            store.say(contact_id, purpose=Purpose.COUNSELOR)
        assert start(store) == []
        for contact_id in people:
            ended_as = outbox.UNCERTAIN if contact_id == tried.contact_id else outbox.CANCELLED
            assert states(store, contact_id) == {2: ended_as, 3: outbox.QUEUED}
        assert seqs(start(store)) == [3, 3, 3]

    def test_who_blocked_us(self, store: Store) -> None:
        """Everything queued is cancelled; what is being sent ends by itself."""
        contact_id = store.contact("a")
        store.say(contact_id)
        start(store)
        store.say(contact_id, purpose=Purpose.SAFETY)
        store.run(outbox.cancel_all, [contact_id])
        assert states(store, contact_id) == {2: outbox.SENDING, 3: outbox.CANCELLED}

    def test_a_claim_and_a_retry_do_not_overlap(self, postgresql_store: Store) -> None:
        """While a claim is being written, another process starts nothing of this person's; then it sees the claim."""
        store = postgresql_store
        contact_id = store.contact("a")
        store.say(contact_id)
        start(store)
        with store.another() as other, store.engine.connect() as claiming:
            with claiming.begin():
                loaded = conversations.load(claiming, store.sealer, [contact_id])[contact_id]
                talk = conversations.bumped(loaded, replace(loaded.talk, mode=Mode.HUMAN))
                conversations.save(claiming, [(loaded, talk, loaded.last_seq)])
                outbox.silence(claiming, [contact_id])
                assert start(other, NOW + LATER) == []
                assert states(other, contact_id) == {2: outbox.SENDING}
            assert start(other, NOW + LATER) == []
            assert states(other, contact_id) == {2: outbox.UNCERTAIN}

    def test_a_claim_waits_for_what_is_just_starting(self, postgresql_store: Store) -> None:
        """A send that began before the claim is committed before it, so that the counselor sees it."""
        store = postgresql_store
        contact_id = store.contact("a")
        store.say(contact_id)
        with store.another() as other, store.engine.connect() as sending:
            with sending.begin():
                [one] = departures.start(sending, store.sealer, NOW, by_push, 10).leaving
                claiming = blocked(store, lambda: other.run(outbox.silence, [contact_id]))
                assert not claiming.done()
            claiming.result(timeout=10)
        assert states(store, contact_id) == {one.seq: outbox.SENDING}

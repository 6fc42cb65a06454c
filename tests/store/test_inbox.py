"""Events taken in: once each, durable, in one order per contact."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from bot.errors import Conflict
from bot.messages import Address, Inbound, Kind
from bot.store import conversations, dedupe, erase, inbox, intake, wakeups
from bot.store.schema import contacts, talks, timeline
from bot.store.schema import dedupe as dedupe_table
from bot.store.schema import inbox as rows
from tests.store.ready import NOW, OPERATOR, Store, at_once, blocked, raised


def seqs(accepted: list[intake.Accepted]) -> list[tuple[int | None, bool]]:
    return [(one.seq, one.fresh) for one in accepted]


class TestAccept:
    def test_each_contact_counts_for_itself(self, store: Store) -> None:
        """A batch of several people: each one's events are numbered from 1, in the order given."""
        events = [store.event(person) for person in ("a", "b", "a", "c", "a")]
        assert seqs(store.accept(*events)) == [(1, True), (1, True), (2, True), (1, True), (3, True)]
        assert seqs(store.accept(store.event("a"), store.event("b"))) == [(4, True), (2, True)]
        assert store.value(select(func.count()).select_from(rows)) == 7
        assert store.value(select(func.count()).select_from(timeline)) == 7

    def test_twice_in_one_batch(self, store: Store) -> None:
        """The same event three times in one webhook is one event, in the place of the first."""
        one, other = store.event("a", key="same"), store.event("a")
        assert seqs(store.accept(one, one, other, one)) == [(1, True), (1, False), (2, True), (1, False)]
        assert store.value(select(func.count()).select_from(rows)) == 2

    def test_again_later(self, store: Store) -> None:
        """A redelivery gets the same place, also once the event was handled; another account's key is its own."""
        event = store.event("a", key="same")
        store.accept(event)
        contact_id = store.contact("a")
        store.run(inbox.done, [(contact_id, 1)])
        assert seqs(store.accept(event, store.event("a"))) == [(1, False), (2, True)]
        elsewhere = replace(event, address=Address(account="other", key="a"))
        assert seqs(store.accept(elsewhere)) == [(1, True)]
        assert store.value(select(func.count()).select_from(contacts)) == 2

    def test_one_sequence_for_both_directions(self, store: Store) -> None:
        """What we say takes numbers from the same count as what the person writes."""
        contact_id = store.contact("a")
        store.run(
            lambda connection: conversations.save(
                connection,
                [
                    (loaded, conversations.bumped(loaded, loaded.talk), 7)
                    for loaded in conversations.load(connection, store.sealer, [contact_id]).values()
                ],
            )
        )
        assert seqs(store.accept(store.event("a"))) == [(8, True)]

    def test_words_and_tokens_lie_sealed(self, store: Store) -> None:
        """Text, platform id and reply token are in no plain column; with the key they come back as they were."""
        store.accept(store.event("U-canary-id", "canary-text", token="canary-token"))
        contact_id = store.contact("U-canary-id")
        for table in (contacts, talks, timeline, rows, dedupe_table):
            for row in store.rows(select(table)):
                for value in row:
                    content = value if isinstance(value, bytes) else str(value).encode()
                    assert b"canary" not in content, (table.name, row)
        [event] = store.run(inbox.pending, {contact_id: store.load(contact_id)})[contact_id]
        assert event.heard.texts == ("canary-text",)
        assert event.hint.token == "canary-token"

    @pytest.mark.parametrize("text", ["\x00", "👩‍👩‍👧‍👦" * 50, "\u202e逆さ", "あ" * 20_000, "\u200b"])
    def test_any_text_comes_back_as_it_was(self, store: Store, text: str) -> None:
        """NUL, joined emoji, right-to-left marks, very long and invisible texts."""
        store.accept(store.event("a", text))
        contact_id = store.contact("a")
        [event] = store.run(inbox.pending, {contact_id: store.load(contact_id)})[contact_id]
        assert inbox.inbound_of(event, "fake").text == text


class TestAcceptAtOnce:
    """Several processes take the same webhook at the same moment."""

    def test_once_each(self, store: Store) -> None:
        """Four connections, the same twenty events: each is stored once, and all hear the same place."""
        events = [store.event(f"person-{number % 5}") for number in range(20)]
        with store.another() as a, store.another() as b, store.another() as c:
            outcomes = at_once(*[lambda one=one: insistently(one, events) for one in (store, a, b, c)])
        assert raised(outcomes) == []
        places = [[accepted.seq for accepted in outcome] for outcome in outcomes]
        assert places == [places[0]] * 4
        assert sum(accepted.fresh for outcome in outcomes for accepted in outcome) == 20
        assert store.value(select(func.count()).select_from(rows)) == 20
        assert store.value(select(func.count()).select_from(contacts)) == 5

    def test_one_person_from_all_sides(self, store: Store) -> None:
        """Different events of one person through four connections: no number is lost or given twice."""
        store.contact("a")
        with store.another() as b, store.another() as c, store.another() as d:
            batches = [[store.event("a") for _ in range(5)] for _ in range(4)]
            calls = [
                lambda one=one, batch=batch: [insistently(one, [event])[0] for event in batch]
                for one, batch in zip((store, b, c, d), batches, strict=True)
            ]
            outcomes = at_once(*calls)
        assert raised(outcomes) == []
        assert sorted(accepted.seq for outcome in outcomes for accepted in outcome) == list(range(2, 22))
        for outcome in outcomes:
            assert [one.seq for one in outcome] == sorted(one.seq for one in outcome)

    def test_new_people_in_any_order(self, postgresql_store: Store) -> None:
        """Two processes meet the same new people in opposite orders: neither waits for the other for ever."""
        store = postgresql_store
        with store.another() as other:
            for round_ in range(10):
                events = [store.event(f"{round_}-{number}") for number in range(12)]
                outcomes = at_once(
                    partial(insistently, store, events), partial(insistently, other, events[::-1])
                )
                assert raised(outcomes) == []

    def test_erased_at_the_same_moment(self, postgresql_store: Store) -> None:
        """An event that waits for a contact just being erased is not lost: it begins a new contact."""
        store = postgresql_store
        before = store.contact("a")
        with store.another() as other, store.engine.connect() as erasing:
            with erasing.begin():
                loaded = conversations.load(erasing, store.sealer, [before])[before]
                for table in erase.DELETED:
                    erasing.execute(table.delete().where(table.c.contact_id == before))
                waiting = blocked(store, lambda: insistently(other, [store.event("a", "まだいます")]))
                assert loaded.contact_id == before
            [accepted] = waiting.result()
        assert (accepted.seq, accepted.fresh) == (1, True)
        assert store.contact("a") != before


def insistently(store: Store, events: list[Inbound]) -> list[intake.Accepted]:
    """As the lane does it: who collides looks again, once."""
    try:
        return store.accept(*events)
    except (IntegrityError, Conflict):
        pass
    try:
        return store.accept(*events)
    except (IntegrityError, Conflict):
        return [store.accept(event)[0] for event in events]


class TestHandling:
    def test_pending_in_order(self, store: Store) -> None:
        """A contact's events come in their order, at most a handful at a time, parked ones left out."""
        store.accept(*[store.event("a", str(number)) for number in range(20)])
        contact_id = store.contact("a")
        store.run(inbox.failed, contact_id, 2, park=True)
        events = store.run(inbox.pending, {contact_id: store.load(contact_id)})[contact_id]
        assert [event.seq for event in events] == [1, *range(3, 18)]
        assert len(events) == inbox.MAX_PER_CONTACT
        store.run(inbox.done, [(contact_id, event.seq) for event in events])
        events = store.run(inbox.pending, {contact_id: store.load(contact_id)})[contact_id]
        assert [event.seq for event in events] == [18, 19, 20]

    def test_failures_are_counted(self, store: Store) -> None:
        """A failed event stays, with its count; a parked one waits for people and holds up nobody."""
        contact_id = store.contact("a")
        store.run(inbox.failed, contact_id, 1, park=False)
        [event] = store.run(inbox.pending, {contact_id: store.load(contact_id)})[contact_id]
        assert event.attempts == 1
        assert store.run(inbox.waiting_contacts, 10) == [contact_id]
        store.run(inbox.failed, contact_id, 1, park=True)
        assert store.run(inbox.waiting_contacts, 10) == []
        assert store.rows(select(rows.c.attempts, rows.c.parked)) == [(2, True)]

    def test_who_waits_longest_is_first(self, store: Store) -> None:
        """Contacts by their oldest event, at most as many as asked for."""
        for minutes, person in enumerate(("c", "a", "b", "a", "c")):
            store.accept(store.event(person), now=NOW + timedelta(minutes=minutes))
        order = [store.contact(person) for person in ("c", "a", "b")]
        assert store.run(inbox.waiting_contacts, 10) == order
        assert store.run(inbox.waiting_contacts, 2) == order[:2]
        store.run(inbox.done, [(order[0], 1)])
        assert store.run(inbox.waiting_contacts, 10) == [order[1], order[2], order[0]]

    def test_as_the_core_meets_it(self, store: Store) -> None:
        """The platform id stays behind; kind, words, choice and instant come along."""
        event = replace(store.event("U-1", "はい"), kind=Kind.CHOICE, choice_id="F-START/hello/00")
        store.accept(event)
        contact_id = store.contact("U-1")
        [found] = store.run(inbox.pending, {contact_id: store.load(contact_id)})[contact_id]
        inbound = inbox.inbound_of(found, "fake")
        expected = replace(event, address=Address(account="fake", key=""), dedupe_key="")
        assert inbound == expected


class TestWake:
    def test_due_times_become_events(self, store: Store) -> None:
        """What is due takes its place in the contact's order; what is not stays; nothing is done twice."""
        a, b = store.contact("a"), store.contact("b")
        due = {(a, "pause"): NOW, (a, "later"): NOW + timedelta(seconds=1), (b, "pause"): NOW}
        store.run(wakeups.set_all, due)
        assert store.run(wakeups.wake, NOW) == 2
        assert store.run(wakeups.wake, NOW) == 0
        events = store.run(inbox.pending, {a: store.load(a)})[a]
        assert [(event.seq, event.wake_reason, event.heard) for event in events[1:]] == [(2, "pause", None)]
        assert store.run(wakeups.next_due) == NOW + timedelta(seconds=1)
        assert seqs(store.accept(store.event("a"))) == [(3, True)]

    def test_two_clocks_tick_once(self, postgresql_store: Store) -> None:
        """Two processes that both think it is time wake each contact once."""
        store = postgresql_store
        contacts_ = [store.contact(f"person-{number}") for number in range(20)]
        store.run(wakeups.set_all, dict.fromkeys([(one, "pause") for one in contacts_], NOW))
        with store.another() as other:
            woken = at_once(lambda: store.run(wakeups.wake, NOW), lambda: other.run(wakeups.wake, NOW))
        assert sum(woken) == 20
        assert store.value(select(func.count()).select_from(rows).where(rows.c.wake_reason == "pause")) == 20


class TestKeys:
    def test_once(self, store: Store) -> None:
        """A key is new once in its scope."""
        first = [store.run(dedupe.first_time, store.sealer, OPERATOR, "s", "k", NOW) for _ in range(3)]
        assert first == [True, False, False]
        assert store.run(dedupe.first_time, store.sealer, OPERATOR, "other", "k", NOW)

    def test_old_keys_are_forgotten(self, store: Store) -> None:
        """A redelivery is recognised for at least seven days; later the key is gone, and it names nobody anyway."""
        event = store.event("a", key="same")
        store.accept(event)
        assert store.run(dedupe.forget_old, NOW + timedelta(days=7)) == 0
        assert seqs(store.accept(event)) == [(1, False)]
        assert store.run(dedupe.forget_old, NOW + timedelta(days=10)) == 1

"""Staff and their sessions: secrets lie as hashes, end in time, and work once where they should."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from bot.errors import Conflict
from bot.store import sittings, staff
from bot.store.schema import one_time_logins, staff_sessions
from bot.store.schema import staff as members
from tests.store.ready import NOW, OPERATOR, Store, at_once

TOKEN = "t" * 43


def add(store: Store, login: str = "mizuno") -> str:
    return str(store.run(staff.add, OPERATOR, login, "みずの", "counselor", None))


def member_of(store: Store, token: str = TOKEN, after: timedelta = timedelta()) -> str | None:
    found = store.run(sittings.sitting, token, NOW + after)
    return found.member.staff_id if found else None


def disable(store: Store, staff_id: str) -> None:
    statement = update(members).where(members.c.staff_id == staff_id).values(disabled_at=NOW)
    store.run(lambda connection: connection.execute(statement))


class TestMembers:
    def test_a_login_is_taken_once(self, store: Store) -> None:
        """The second one with the same login is told."""
        staff_id = add(store)
        with pytest.raises(Conflict):
            add(store)
        found = store.run(staff.by_login, OPERATOR, "mizuno")
        assert (found.staff_id, found.display_name, found.role) == (staff_id, "みずの", "counselor")
        assert store.run(staff.by_login, OPERATOR, "nobody") is None
        assert store.run(staff.by_login, "other", "mizuno") is None
        assert store.run(staff.count, OPERATOR) == 1

    def test_who_left(self, store: Store) -> None:
        """A disabled member cannot sign in, and open sessions end at once."""
        staff_id = add(store)
        store.run(staff.begin_session, staff_id, TOKEN, NOW)
        assert member_of(store) == staff_id
        disable(store, staff_id)
        assert member_of(store) is None
        assert store.run(staff.by_login, OPERATOR, "mizuno") is None
        assert store.run(staff.count, OPERATOR) == 0


class TestOneTime:
    def test_works_once(self, store: Store) -> None:
        """A one-time password lets its member in once, in its time, and nobody else."""
        staff_id, other = add(store), add(store, "ito")
        store.run(staff.offer_one_time_login, staff_id, "secret", NOW + timedelta(hours=24))
        assert not store.run(staff.use_one_time_login, other, "secret", NOW)
        assert not store.run(staff.use_one_time_login, staff_id, "wrong", NOW)
        assert store.run(staff.use_one_time_login, staff_id, "secret", NOW)
        assert not store.run(staff.use_one_time_login, staff_id, "secret", NOW)

    def test_too_late_or_replaced(self, store: Store) -> None:
        """It ends with its time, and with the next one."""
        staff_id = add(store)
        store.run(staff.offer_one_time_login, staff_id, "first", NOW + timedelta(hours=24))
        assert not store.run(staff.use_one_time_login, staff_id, "first", NOW + timedelta(hours=24))
        store.run(staff.offer_one_time_login, staff_id, "second", NOW + timedelta(hours=24))
        assert not store.run(staff.use_one_time_login, staff_id, "first", NOW)
        assert store.run(staff.use_one_time_login, staff_id, "second", NOW)

    def test_twice_at_once(self, store: Store) -> None:
        """Two browsers with the same one-time password: exactly one gets in."""
        staff_id = add(store)
        with store.another() as other:
            for number in range(10):
                secret = f"secret-{number}"
                store.run(staff.offer_one_time_login, staff_id, secret, NOW + timedelta(hours=1))
                used = at_once(
                    *[
                        lambda one=one, secret=secret: one.run(
                            staff.use_one_time_login, staff_id, secret, NOW
                        )
                        for one in (store, other)
                    ]
                )
                assert sorted(used) == ["", staff.SECOND]


class TestSessions:
    def test_idle_and_absolute_ends(self, store: Store) -> None:
        """Half an hour without a sign, or twelve hours in all, end a session to the second."""
        staff_id = add(store)
        store.run(staff.begin_session, staff_id, TOKEN, NOW)
        a_second = timedelta(seconds=1)
        assert member_of(store, after=staff.IDLE - a_second) == staff_id
        assert member_of(store, after=staff.IDLE) is None
        passed = timedelta()
        while passed < staff.ABSOLUTE - a_second:
            passed = min(passed + staff.IDLE - a_second, staff.ABSOLUTE - a_second)
            assert member_of(store, after=passed) == staff_id
            store.run(staff.touch_session, TOKEN, NOW + passed)
        assert member_of(store, after=staff.ABSOLUTE) is None

    def test_signing_out(self, store: Store) -> None:
        """An ended session is over; other sessions of the same member go on."""
        staff_id = add(store)
        for token in (TOKEN, "other"):
            store.run(staff.begin_session, staff_id, token, NOW)
        store.run(staff.end_session, TOKEN)
        assert (member_of(store), member_of(store, "other")) == (None, staff_id)

    def test_old_sessions_are_dropped(self, store: Store) -> None:
        """What is over leaves the table; what lives stays."""
        staff_id = add(store)
        store.run(staff.begin_session, staff_id, "old", NOW - timedelta(hours=13))
        store.run(staff.touch_session, "old", NOW)
        store.run(staff.begin_session, staff_id, "idle", NOW - timedelta(minutes=31))
        store.run(staff.begin_session, staff_id, TOKEN, NOW)
        assert store.run(staff.drop_ended_sessions, NOW) == 2
        assert member_of(store) == staff_id

    def test_the_database_holds_no_usable_secret(self, store: Store) -> None:
        """What lies in the table opens nothing (B16): neither as it is nor in hex."""
        staff_id = add(store)
        store.run(staff.begin_session, staff_id, TOKEN, NOW)
        store.run(staff.offer_one_time_login, staff_id, "secret", NOW + timedelta(hours=1))
        [kept] = store.rows(select(staff_sessions.c.token_hash))
        [offered] = store.rows(select(one_time_logins.c.secret_hash))
        stored = bytes(kept.token_hash)
        assert stored == staff.hashed(TOKEN)
        assert TOKEN.encode() not in stored
        for attempt in (stored.hex(), stored.decode("latin-1")):
            assert member_of(store, attempt) is None
        assert not store.run(staff.use_one_time_login, staff_id, bytes(offered.secret_hash).hex(), NOW)
        assert store.value(select(func.count()).select_from(one_time_logins)) == 1


def test_a_new_password_ends_every_session(store: Store) -> None:
    """Of that member only; a one-time password that was given out ends as well (B15)."""
    mizuno, other = add(store), add(store, "other")
    for staff_id, token in ((mizuno, TOKEN), (mizuno, "s" * 43), (other, "o" * 43)):
        store.run(staff.begin_session, staff_id, token, NOW)
    store.run(staff.offer_one_time_login, mizuno, "secret", NOW + timedelta(hours=1))
    store.run(staff.set_password, mizuno, "hash")
    assert (member_of(store), member_of(store, "s" * 43)) == (None, None)
    assert member_of(store, "o" * 43) == other
    assert store.rows(select(one_time_logins)) == []

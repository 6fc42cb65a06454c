"""Who has a conversation open on their screen, told across processes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from bot.store import presences, staff
from bot.store.schema import presences as rows
from tests.store.ready import NOW, OPERATOR, Store

FOR = timedelta(seconds=35)


@pytest.fixture
def members(store: Store) -> tuple[str, str]:
    found = [
        str(store.run(staff.add, OPERATOR, login, name, "counselor", None))
        for login, name in (("mizuno", "みずの"), ("sakurai", "さくらい"))
    ]
    return found[0], found[1]


def look(store: Store, contact_id: str, staff_id: str, at: datetime = NOW, *, first: bool = True) -> None:
    store.run(presences.look, contact_id, staff_id, at, at + FOR, first=first)


def beside(store: Store, contact_id: str, staff_id: str, at: datetime = NOW) -> list[str]:
    found: list[str] = store.run(presences.beside, contact_id, staff_id, at)
    return found


def test_two_see_each_other(store: Store, members: tuple[str, str]) -> None:
    """The other one by name, never oneself, and nobody who looks at somebody else."""
    mizuno, sakurai = members
    here, there = store.contact("u1"), store.contact("u2")
    look(store, here, mizuno)
    look(store, there, sakurai)
    assert beside(store, here, mizuno) == []
    look(store, here, sakurai)
    assert (beside(store, here, mizuno), beside(store, here, sakurai)) == (["さくらい"], ["みずの"])
    store.run(presences.look_away, here, sakurai)
    assert beside(store, here, mizuno) == []


def test_who_is_not_heard_of_is_gone(store: Store, members: tuple[str, str]) -> None:
    """A process that died takes nothing back: what it told ends by itself, and leaves no row."""
    mizuno, sakurai = members
    here, later = store.contact("u1"), NOW + FOR
    look(store, here, mizuno)
    look(store, here, mizuno, NOW + timedelta(seconds=15), first=False)
    assert beside(store, here, sakurai, later) == ["みずの"]
    assert beside(store, here, sakurai, later + timedelta(seconds=15)) == []
    look(store, here, sakurai, later + timedelta(seconds=15))
    assert store.value(select(func.count()).select_from(rows)) == 1


def test_nobody_looks_at_who_is_not_there(store: Store, members: tuple[str, str]) -> None:
    """A page that is still open after its person was erased brings nothing back."""
    with pytest.raises(IntegrityError):
        look(store, "0" * 32, members[0])

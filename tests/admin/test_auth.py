"""Patience with wrong sign-ins, the mark of forms, cookies."""

from __future__ import annotations

import pytest

from admin.auth import Cookies, Session, hash_password
from bot.channels.patience import FORGOTTEN_AFTER, FREE_TRIES, LONGEST_DELAY, Delays
from bot.errors import Busy
from bot.store.staff import Member

MEMBER = Member(staff_id="s", operator_id="o", login="l", display_name="n", role="counselor")


class Watch:
    """A clock that waits only on paper."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def delays(self) -> Delays:
        return Delays(now=lambda: self.now, sleep=self.sleep)


async def test_wrong_tries_wait_longer_each_time_but_never_for_ever() -> None:
    watch = Watch()
    delays = watch.delays()
    for _ in range(12):
        await delays.before("mizuno", "192.0.2.1")
    assert watch.slept[:4] == [0.5, 1.0, 2.0, 4.0]
    assert max(watch.slept) == LONGEST_DELAY
    assert len(watch.slept) == 12 - FREE_TRIES - 1


async def test_patience_is_per_name_and_network_and_ends_with_success() -> None:
    watch = Watch()
    delays = watch.delays()
    for _ in range(FREE_TRIES + 1):
        await delays.before("mizuno", "192.0.2.1")
    await delays.before("mizuno", "192.0.2.2")
    await delays.before("sakurai", "192.0.2.1")
    assert watch.slept == []
    delays.succeeded("mizuno", "192.0.2.1")
    await delays.before("mizuno", "192.0.2.1")
    assert watch.slept == []


async def test_patience_comes_back_after_a_quarter_of_an_hour() -> None:
    watch = Watch()
    delays = watch.delays()
    for _ in range(6):
        await delays.before("mizuno", "192.0.2.1")
    watch.slept.clear()
    watch.now += FORGOTTEN_AFTER + LONGEST_DELAY
    await delays.before("mizuno", "192.0.2.1")
    assert watch.slept == []


async def test_many_tries_at_once_queue_up_and_then_are_turned_away() -> None:
    watch = Watch()
    still = Delays(now=lambda: 1000.0, sleep=watch.sleep)
    for _ in range(8):
        await still.before("mizuno", "192.0.2.1")
    with pytest.raises(Busy):
        await still.before("mizuno", "192.0.2.1")
    assert watch.slept == sorted(watch.slept)


def test_the_mark_of_a_form_belongs_to_one_session() -> None:
    mine, other = Session(member=MEMBER, token="a" * 43), Session(member=MEMBER, token="b" * 43)
    assert mine.is_ours(mine.csrf)
    assert not mine.is_ours(other.csrf)
    assert not mine.is_ours("")
    assert not mine.is_ours("文字")
    assert mine.token not in repr(mine)
    assert mine.token not in mine.csrf


def test_https_binds_cookies_to_the_host() -> None:
    assert Cookies(secure=True).session.startswith("__Host-")
    assert Cookies(secure=False).session == "engawa_staff"


def test_passwords_lie_as_argon2id() -> None:
    assert hash_password("きたまどの しおり").startswith("$argon2id$")

"""`engawa staff …`: a new start for who forgot or lost something, and leaving."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from admin import membership
from bot.config import Settings, load
from bot.errors import BadInput, NotFound
from bot.store import factors, staff
from bot.store.database import make_engine, parse_url, transact
from bot.store.schema import one_time_logins, recovery_codes, staff_factors, staff_sessions
from bot.store.sealed import Sealer
from bot.testing import FakeClock

NEW = "縁側で ねこが 三びき 昼寝"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    url = f"sqlite:///{tmp_path / 'engawa.sqlite3'}"
    return load({"ENGAWA_DATABASE_URL": url, "ENGAWA_KEYS": membership.new_key()})


@pytest.fixture
def engine(settings: Settings) -> Engine:
    """A database with somebody in it who has everything one can lose."""
    membership.add(settings, "mizuno", "みずの", "counselor")
    membership.set_password(settings, "mizuno", NEW)
    made, now = make_engine(parse_url(settings.database_url)), FakeClock().now()
    [member] = membership.members(settings)
    transact(made, factors.add, Sealer(settings.keyring), member, factors.TOTP, b"secret", now)
    transact(made, factors.offer_codes, member.staff_id, ["a", "b"])
    transact(made, staff.begin_session, member.staff_id, "token", now)
    return made


def left(engine: Engine) -> list[int]:
    """How many sessions, second factors, recovery codes and one-time passphrases there are."""
    tables = (staff_sessions, staff_factors, recovery_codes, one_time_logins)
    return [
        transact(engine, lambda c, table=table: c.scalar(select(func.count()).select_from(table)))
        for table in tables
    ]


def test_a_forgotten_passphrase_leaves_the_second_factor(settings: Settings, engine: Engine) -> None:
    assert left(engine) == [1, 1, 2, 0]
    secret = membership.renew(settings, "mizuno")
    assert len(secret.replace("-", "")) == 24
    assert left(engine) == [0, 1, 2, 1]
    assert membership.members(settings)[0].password_hash is None


def test_a_lost_factor_takes_the_passphrase_with_it(settings: Settings, engine: Engine) -> None:
    """One of the two alone must never let anybody in."""
    membership.reset_factor(settings, "mizuno")
    assert left(engine) == [0, 0, 0, 1]
    assert membership.members(settings)[0].password_hash is None


async def test_who_leaves_has_nothing_left_to_enter_by(settings: Settings, engine: Engine) -> None:
    await membership.disable(settings, "mizuno")
    assert left(engine) == [0, 0, 0, 0]
    assert membership.members(settings) == []
    with pytest.raises(NotFound):
        membership.renew(settings, "mizuno")


def test_a_weak_passphrase_is_refused_here_too(settings: Settings, engine: Engine) -> None:
    with pytest.raises(BadInput, match="first that are tried"):
        membership.set_password(settings, "mizuno", "mizuno-mizuno")
    engine.dispose()

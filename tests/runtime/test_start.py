"""How many processes may work on one database."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from admin import serving
from bot.app import Engawa, Roles
from bot.config import Settings, load
from bot.errors import ConfigError, StoreUnavailable
from bot.testing import A_KEY


def settings(path: Path) -> Settings:
    return load({"ENGAWA_KEYS": A_KEY, "ENGAWA_DATABASE_URL": f"sqlite:///{path / 'engawa.db'}"})


def test_split_roles_need_a_server(tmp_path: Path) -> None:
    """SQLite cannot be shared between processes; who splits roles on it hears what to set."""
    given = settings(tmp_path)
    for roles in (Roles(web=True, worker=False), Roles(web=False, worker=True)):
        with pytest.raises(ConfigError) as told:
            Engawa(given, roles=roles)
        assert "ENGAWA_DATABASE_URL=postgresql://" in str(told.value)


async def test_one_server_a_file(tmp_path: Path) -> None:
    """A second server on the same file is refused in plain words; other commands may use it; then it is free."""
    given = settings(tmp_path)
    first, second, command = Engawa(given), Engawa(given), Engawa(given)
    await first.prepare()
    with pytest.raises(ConfigError, match="served by another process"):
        await second.prepare()
    await command.prepare(alone=False)
    for engawa in (first, second, command):
        await engawa.stop()
    third = Engawa(given)
    await third.prepare()
    await third.stop()


async def test_a_machine_that_starts_before_its_database_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process does not end: it tries again until the database is there, and then opens its port."""
    tries, prepare = [], Engawa.prepare

    async def late(engawa: Engawa) -> None:
        tries.append(engawa)
        if len(tries) < 3:
            raise StoreUnavailable
        await prepare(engawa)

    async def ready(_: Engawa) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(serving, "OUTAGE_WAIT", 0.01)
    monkeypatch.setattr(Engawa, "prepare", late)
    environ = {"ENGAWA_KEYS": A_KEY, "ENGAWA_DATABASE_URL": f"sqlite:///{tmp_path / 'engawa.db'}"}
    await serving.serve(load({**environ, "ENGAWA_PORT": "0"}), Roles(), ready=ready)
    assert len(tries) == 3

"""The head of the chain, kept elsewhere once a day, and the command that holds the chain against it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs
from typer.testing import CliRunner

from admin.cli import app
from bot import audit_heads
from bot.app import Engawa
from bot.store import audit
from bot.store.staff import Member
from bot.testing import A_KEY, FakeClock, an_engawa

MEMBER = Member(staff_id="s1", operator_id="default", login="mizuno", display_name="みずの", role="lead")


@pytest.fixture
async def engawa(tmp_path: Path) -> AsyncIterator[Engawa]:
    came: list[dict[str, object]] = []

    async def take(request: web.Request) -> web.Response:
        came.append(await request.json())
        return web.Response()

    elsewhere = web.Application()
    elsewhere.router.add_post("/heads", take)
    async with TestServer(elsewhere, host="127.0.0.1") as server:
        environ = {
            "ENGAWA_AUDIT_HEADS": str(tmp_path / "heads"),
            "ENGAWA_AUDIT_HEADS_URL": str(server.make_url("/heads")),
        }
        url = f"sqlite:///{tmp_path / 'engawa.sqlite3'}"
        async with an_engawa(url, clock=FakeClock(), environ=environ) as made:
            yield made
        assert all(list(one) == ["audit_head"] for one in came)
        assert came


async def test_a_head_a_day_goes_to_file_log_and_webhook(engawa: Engawa, tmp_path: Path) -> None:
    clock, path = engawa.clock, tmp_path / "heads"
    assert isinstance(clock, FakeClock)
    with capture_logs() as logs:
        await engawa.heads.look()
        assert not path.exists()
        for days in range(3):
            await engawa.trail.note(MEMBER, "read", clock.now())
            for _ in range(3):
                await engawa.heads.look()
                clock.move(timedelta(hours=1))
            clock.move(timedelta(days=1) - timedelta(hours=3))
            assert len(audit_heads.read(path)) == days + 1
    assert [line["seq"] for line in logs if line["event"] == "audit_head"] == [1, 2, 3]
    head = await engawa.database.read(audit.head)
    assert audit_heads.read(path)[-1] == head


async def test_a_place_that_fails_is_told_and_tried_again(engawa: Engawa, tmp_path: Path) -> None:
    path = tmp_path / "heads"
    path.mkdir()
    await engawa.trail.note(MEMBER, "read", engawa.clock.now())
    with capture_logs() as logs:
        await engawa.heads.look()
    assert any(line["event"] == "audit_head_not_kept" for line in logs)
    path.rmdir()
    await engawa.heads.look()
    assert len(audit_heads.read(path)) == 1


async def test_the_command_names_what_is_wrong(
    engawa: Engawa, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-077: verify and export from the command line; a cut end is seen by the file of heads."""
    url = f"sqlite:///{tmp_path / 'engawa.sqlite3'}"
    for name, value in (
        ("ENGAWA_KEYS", A_KEY),
        ("ENGAWA_DATABASE_URL", url),
        ("ENGAWA_AUDIT_HEADS", str(tmp_path / "heads")),
    ):
        monkeypatch.setitem(os.environ, name, value)
    for _ in range(3):
        await engawa.trail.note(MEMBER, "read", engawa.clock.now())
    await engawa.heads.look()
    run = CliRunner()
    said = run.invoke(app, ["audit", "verify"])
    assert (said.exit_code, said.output) == (0, "The chain is whole.\n")
    day = date(2026, 11, 21)
    said = run.invoke(app, ["audit", "export", "--since", day.isoformat(), "--until", day.isoformat()])
    assert said.exit_code == 0
    assert said.stdout.splitlines()[0] == "seq,at,staff,action,purpose,ref"
    assert len([line for line in said.stdout.splitlines() if ",read,records," in line]) == 3
    await engawa.database.write(
        lambda connection: connection.exec_driver_sql("DELETE FROM audit WHERE seq = 3")
    )
    said = run.invoke(app, ["audit", "verify"])
    assert (said.exit_code, said.output) == (1, "the end is cut: it reached event 3, and now ends at 2\n")

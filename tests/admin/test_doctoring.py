"""`engawa doctor`: what platforms tell, in words that say what to do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from admin import doctoring
from bot.channels.base import Health, WebhookState
from bot.config import load
from bot.handoff.alerts import Standing
from bot.runtime.health import ailment
from bot.store.accounts import Account, Checked, Marks
from bot.store.watch import Round
from bot.testing import A_KEY

SETTINGS = load({"ENGAWA_KEYS": A_KEY, "ENGAWA_BASE_URL": "https://engawa.example.jp"})
AT = datetime(2026, 11, 21, 3, 4, tzinfo=UTC)
KNOWN = Account(account_id="line", marks=Marks(), checked=Checked(webhook="ok", pending=2))


def found(health: Health, known: Account | None = None) -> list[doctoring.Finding]:
    return list(doctoring.account_findings(SETTINGS, "line", health, known))


def test_all_is_well() -> None:
    [webhook] = found(Health(webhook=WebhookState.OK, pending=0, quota_left=10, clock_skew=0.4))
    assert (webhook.what, webhook.remedy) == ("line webhook (ok, 0 pending, 10 pushes left)", "")


@pytest.mark.parametrize(
    ("health", "hard"),
    [
        (Health(webhook=WebhookState.UNSET), False),
        (Health(webhook=WebhookState.ELSEWHERE), False),
        (Health(webhook=WebhookState.FAILING, problem="timeout"), False),
        (Health(webhook=WebhookState.OK, problem="timeout", pending=3), False),
        (Health(webhook=WebhookState.UNKNOWN, problem="misconfigured"), True),
        (Health(webhook=WebhookState.UNKNOWN, problem="unreachable"), True),
        (Health(webhook=WebhookState.UNKNOWN, problem="throttled"), False),
        (Health(webhook=WebhookState.UNKNOWN, problem="check_failed"), False),
    ],
)
def test_each_ailment_has_its_remedy(health: Health, hard: bool) -> None:
    """What keeps anything from being sent fails the command; every ailment says what to do."""
    first = found(health, KNOWN)[0]
    assert first.remedy
    assert first.hard is hard
    assert "{" not in first.remedy
    code = ailment(health, 2)
    if code.startswith("webhook_"):
        assert "https://engawa.example.jp/webhooks/line" in first.remedy


def test_quota_and_clock() -> None:
    lines = found(Health(webhook=WebhookState.POLLING, quota_left=0, clock_skew=-61.0))
    assert [line.what for line in lines][1:] == ["line quota", "line clock"]
    assert "61 s" in lines[2].remedy


def test_what_the_server_noticed() -> None:
    """Last received, sent and failed; a failure is only remarkable while nothing was sent since."""
    marks = Marks(received_at=AT, failed_at=AT, failure_code="rejected")
    line = found(Health(webhook=WebhookState.OK), Account(account_id="line", marks=marks))[-1]
    assert "last received 2026-11-21 03:04+00:00" in line.what
    assert "last sent never" in line.what
    assert "(rejected)" in line.what
    assert line.remedy
    marks = Marks(received_at=AT, failed_at=AT, failure_code="rejected", sent_at=AT)
    assert not found(Health(webhook=WebhookState.OK), Account(account_id="line", marks=marks))[-1].remedy


async def test_without_a_channel_and_a_database(tmp_path: object) -> None:
    """A first run, before anything is there, is told in lines and not in a traceback."""
    settings = load({"ENGAWA_KEYS": A_KEY, "ENGAWA_DATABASE_URL": f"sqlite:///{tmp_path}/new.db"})
    lines = [finding async for finding in doctoring.findings(settings)]
    assert any(line.what == "migrations" and line.remedy for line in lines)
    assert any(line.what == "channels: web chat only" for line in lines)


def test_telling_that_does_not_work_is_told() -> None:
    """A target that failed, an alert that reached nobody, a round that failed, a monitor that hears nothing."""
    settings = load(
        {
            "ENGAWA_KEYS": A_KEY,
            "ENGAWA_ALERTS": "lead=https://hooks.example/1",
            "ENGAWA_PING_URL": "https://monitor.example/1",
        }
    )
    well = Round(passed_at=AT, pinged_at=AT)
    said = list(doctoring.telling(settings, Standing(named=True, not_working=[], undelivered=0, watch=well)))
    assert [one.remedy for one in said] == ["", "", ""]
    ill = Round(failed_at=AT, failure_code="not_told", ping_code="unreachable")
    broken = Standing(named=True, not_working=[("lead/1", "unreachable")], undelivered=2, watch=ill)
    said = list(doctoring.telling(settings, broken))
    assert [bool(one.remedy) for one in said] == [False, True, True, True, True]
    assert "not_told" in said[3].remedy
    nothing = Standing(named=False, not_working=[], undelivered=0, watch=None)
    assert all(one.remedy and not one.hard for one in doctoring.telling(SETTINGS, nothing))

"""The settings of alerts: what is taken, and that every mistake is told with what to do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import alerting
from bot.config import load
from bot.errors import ConfigError
from bot.handoff.escalation import STANDARD
from bot.handoff.risk import Level
from bot.testing import A_KEY, FakeChannel, FakeClock

GOOD = {
    "ENGAWA_SMTP": "smtps://u%40x:p%2Fw@mail.example.jp",
    "ENGAWA_ALERT_FROM": "engawa@example.jp",
    "ENGAWA_ALERTS": "desk=mailto:kita@desk.example, desk=teams+https://x.example/1,"
    "lead=slack+https://hooks.example/2?a=b,phone=line/north:U12,next=https://y.example",
    "ENGAWA_ALERT_ACCOUNTS": "on",
    "ENGAWA_ALERT_TIMES": "high=desk:0/lead:15",
}


def test_ways_are_numbered_within_their_step_and_hold_no_address_in_their_names() -> None:
    found = load({"ENGAWA_KEYS": A_KEY, **GOOD}).alerting
    assert [(target.name, target.way) for target in found.targets] == [
        ("desk/1", "mail"),
        ("desk/2", "teams"),
        ("lead/1", "webhook"),
        ("phone/1", "account"),
        ("next/1", "webhook"),
    ]
    assert found.smtp is not None
    assert (found.smtp.host, found.smtp.port, found.smtp.tls) == ("mail.example.jp", 465, True)
    assert (found.smtp.username, found.smtp.password) == ("u@x", "p/w")
    assert [(step.name, step.after) for step in found.plan[Level.HIGH]] == [
        ("desk", timedelta()),
        ("lead", timedelta(minutes=15)),
    ]
    assert found.plan[Level.EMERGENCY] == STANDARD[Level.EMERGENCY]
    channels = {"line/north": FakeChannel("line/north")}
    assert set(alerting.bearers(found, channels, FakeClock())) == {target.name for target in found.targets}
    for secret in ("p/w", "kita@", "hooks.example", "U12"):
        assert secret not in repr(found)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ENGAWA_ALERTS": "boss=mailto:a@example.jp"},
        {"ENGAWA_ALERTS": "desk=mailto:a b@example.jp"},
        {"ENGAWA_ALERTS": "desk=ftp://example.jp"},
        {"ENGAWA_ALERTS": "desk=http://example.jp/hook"},
        {"ENGAWA_ALERTS": "desk=https://user:word@example.jp/hook"},
        {"ENGAWA_ALERTS": "desk=https://"},
        {"ENGAWA_ALERTS": "desk=https://[1"},
        {"ENGAWA_ALERTS": "phone=line:U12"},
        {"ENGAWA_ALERTS": "desk=mailto:a@example.jp"},
        {"ENGAWA_ALERT_TIMES": "high=desk:5/lead:1"},
        {"ENGAWA_ALERT_TIMES": "high=boss:1"},
        {"ENGAWA_ALERT_TIMES": "grave=desk:1"},
        {"ENGAWA_ALERT_TIMES": "high=desk:soon"},
        {"ENGAWA_ALERT_TIMES": "high"},
        {"ENGAWA_SMTP": "mail.example.jp"},
        {"ENGAWA_SMTP": "smtp://mail.example.jp", "ENGAWA_ALERT_FROM": "nobody"},
        {"ENGAWA_SMTP": "smtp://mail.example.jp:99999", "ENGAWA_ALERT_FROM": "a@example.jp"},
        {"ENGAWA_PING_URL": "http://monitor.example/ping"},
        {"ENGAWA_AUDIT_HEADS_URL": "file:///etc/passwd"},
        {"ENGAWA_ROUND_MINUTES": "often"},
        {"ENGAWA_ROUND_MINUTES": "61"},
    ],
)
def test_a_mistake_names_its_variable_and_an_example(wrong: dict[str, str]) -> None:
    """Staff accounts are off unless they are switched on; plain http goes nowhere but to this machine."""
    with pytest.raises(ConfigError) as caught:
        load({"ENGAWA_KEYS": A_KEY, **wrong})
    [problem] = caught.value.problems
    assert any(name in problem for name in wrong)
    assert "ENGAWA_" in problem.partition(". ")[2]

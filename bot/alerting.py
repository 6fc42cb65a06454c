"""Who is told, and how: settings to ways out. Hosts come from here alone, never from content or from people."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from bot.channels.base import Channel
from bot.clock import Clock
from bot.frozen import dataclass
from bot.handoff.escalation import STANDARD, STEPS, Plan, Step
from bot.handoff.risk import LEVELS, Level

if TYPE_CHECKING:
    from bot.channels.alerts import Bearer, Smtp, Webhook

TARGETS_EXAMPLE = "ENGAWA_ALERTS=desk=mailto:desk@example.jp,lead=slack+https://hooks.slack.com/…,phone=mailto:090…@sms.example"
TIMES_EXAMPLE = "ENGAWA_ALERT_TIMES=emergency=desk:0/next:3/lead:6/phone:10,high=desk:0/lead:15"
SMTP_EXAMPLE = "ENGAWA_SMTP=smtp://user:password@mail.example.jp:587"
ADDRESS = re.compile(r"[^\s@<>,:;\"]+@[^\s@<>,:;\"]+")
STAFF_ACCOUNT = re.compile(r"((?:line|telegram)(?:/[A-Za-z0-9-]+)?):([A-Za-z0-9_-]{1,64})")
WEBHOOKS = {
    "slack+https": False,
    "https": False,
    "teams+https": True,
    "slack+http": False,
    "teams+http": True,
}
HERE = frozenset({"127.0.0.1", "::1", "localhost"})
PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Somebody to be told, by `way`: mail, webhook, teams, or account (then `account` names ours)."""

    name: str
    way: str
    address: str = field(repr=False)
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerting:
    """Who is told when. `ping_url` is told of every synthetic round that passes; `round_every` None: no rounds.

    `heads_file` and `heads_url` take the audit chain's daily head. `accounts`: staff may be told on LINE or Telegram.
    """

    targets: tuple[Target, ...] = ()
    plan: Plan = field(default_factory=lambda: STANDARD)
    smtp: Smtp | None = None
    ping_url: str = field(default="", repr=False)
    round_every: timedelta | None = timedelta(minutes=3)
    heads_file: str = ""
    heads_url: str = field(default="", repr=False)
    accounts: bool = False


def load(environ: Mapping[str, str], problems: list[str]) -> Alerting:
    """The settings of alerts; every problem is noted with the variable and an example."""
    smtp = _smtp(environ.get("ENGAWA_SMTP", ""), environ.get("ENGAWA_ALERT_FROM", ""), problems)
    accounts = environ.get("ENGAWA_ALERT_ACCOUNTS", "").strip().lower() in ("1", "true", "on", "yes")
    targets = _targets(environ.get("ENGAWA_ALERTS", ""), problems, accounts=accounts)
    if smtp is None and any(target.way == "mail" for target in targets):
        problems.append(
            f"ENGAWA_ALERTS names a mail address, and ENGAWA_SMTP no server. Example: {SMTP_EXAMPLE}"
        )
    return Alerting(
        targets=targets,
        plan=_plan(environ.get("ENGAWA_ALERT_TIMES", ""), problems),
        smtp=smtp,
        ping_url=_outside("ENGAWA_PING_URL", environ.get("ENGAWA_PING_URL", ""), problems),
        round_every=_every(environ.get("ENGAWA_ROUND_MINUTES", ""), problems),
        heads_file=environ.get("ENGAWA_AUDIT_HEADS", ""),
        heads_url=_outside("ENGAWA_AUDIT_HEADS_URL", environ.get("ENGAWA_AUDIT_HEADS_URL", ""), problems),
        accounts=accounts,
    )


def bearers(alerting: Alerting, channels: Mapping[str, Channel], clock: Clock) -> dict[str, Bearer]:
    """The ways out by target. Nothing is connected yet."""
    made = ((target.name, _bearer(alerting, target, channels, clock)) for target in alerting.targets)
    return {name: bearer for name, bearer in made if bearer is not None}


def personal(
    alerting: Alerting, channels: Mapping[str, Channel], clock: Clock
) -> Callable[[str], Bearer | None]:
    """The way to an address of a member's own: mail, and an account of ours where that is allowed. Never a host that
    somebody typed into a form."""

    def way(where: str) -> Bearer | None:
        target = _target("staff", where)
        if target is None or target.way not in (("mail", "account") if alerting.accounts else ("mail",)):
            return None
        return _bearer(alerting, target, channels, clock)

    return way


def _bearer(
    alerting: Alerting, target: Target, channels: Mapping[str, Channel], clock: Clock
) -> Bearer | None:
    from bot.channels.alerts import Email, StaffAccount, Webhook

    if target.way == "mail":
        return Email(alerting.smtp, target.address) if alerting.smtp is not None else None
    if target.way == "account":
        found = channels.get(target.account)
        return StaffAccount(found, target.address, clock) if found is not None else None
    return Webhook(target.address, teams=target.way == "teams")


def monitor(alerting: Alerting) -> Callable[[], Webhook] | None:
    """What tells the outside monitor of a round that passed; None when there is no monitor."""
    if not alerting.ping_url:
        return None

    def made() -> Webhook:
        from bot.channels.alerts import Webhook

        return Webhook(alerting.ping_url)

    return made


def _targets(text: str, problems: list[str], *, accounts: bool) -> tuple[Target, ...]:
    found: list[Target] = []
    numbers = dict.fromkeys(STEPS, 0)
    for place, item in enumerate(filter(None, (item.strip() for item in text.split(","))), start=1):
        step, _, address = item.partition("=")
        if step not in numbers:
            problems.append(
                f"ENGAWA_ALERTS: entry {place} begins with none of {', '.join(STEPS)}. Example: {TARGETS_EXAMPLE}"
            )
            continue
        numbers[step] += 1
        target = _target(f"{step}/{numbers[step]}", address.strip())
        if target is None:
            problems.append(
                f"ENGAWA_ALERTS: entry {place} is no way to tell anybody. Example: {TARGETS_EXAMPLE}"
            )
        elif target.way == "account" and not accounts:
            problems.append(
                f"ENGAWA_ALERTS: entry {place} is a staff account, and those are off: a phone shows them to others."
                " To allow them: ENGAWA_ALERT_ACCOUNTS=on"
            )
        else:
            found.append(target)
    return tuple(found)


def _target(name: str, address: str) -> Target | None:
    if address.startswith("mailto:"):
        to = address.removeprefix("mailto:")
        fits = ADDRESS.fullmatch(to) and to.isascii() and to.isprintable()
        return Target(name=name, way="mail", address=to) if fits else None
    if found := STAFF_ACCOUNT.fullmatch(address):
        return Target(name=name, way="account", account=found[1], address=found[2])
    scheme = address.partition(":")[0]
    if scheme not in WEBHOOKS:
        return None
    url = address.removeprefix("slack+").removeprefix("teams+")
    way = "teams" if WEBHOOKS[scheme] else "webhook"
    return Target(name=name, way=way, address=url) if _is_outside(url) else None


def _is_outside(url: str) -> bool:
    """An address of the settings that may be asked: https, or http on this machine, and no password in it."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    if not parts.hostname or parts.username is not None or not url.isascii() or not url.isprintable():
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in HERE)


def _outside(variable: str, url: str, problems: list[str]) -> str:
    if url and not _is_outside(url):
        problems.append(
            f"{variable} is no https address. Example: {variable}=https://monitor.example.jp/ping/abc"
        )
    return url


def _plan(text: str, problems: list[str]) -> Plan:
    found: dict[Level, tuple[Step, ...]] = dict(STANDARD)
    levels = {**LEVELS, "none": Level.NONE}
    for item in filter(None, (item.strip() for item in text.split(","))):
        name, _, said = item.partition("=")
        steps = [part.partition(":") for part in said.split("/")]
        minutes = [after for _, _, after in steps]
        fits = name in levels and all(step in STEPS for step, _, _ in steps)
        if not fits or not all(after.isascii() and after.isdigit() and len(after) <= 4 for after in minutes):
            problems.append(f"ENGAWA_ALERT_TIMES: {name!r} cannot be read. Example: {TIMES_EXAMPLE}")
            continue
        plan = tuple(Step(step, timedelta(minutes=int(after))) for step, _, after in steps)
        if sorted(plan, key=lambda step: step.after) != list(plan):
            problems.append(f"ENGAWA_ALERT_TIMES: the times of {name!r} must grow. Example: {TIMES_EXAMPLE}")
            continue
        found[levels[name]] = plan
    return found


def _every(text: str, problems: list[str]) -> timedelta | None:
    if text.strip().lower() in ("off", "0"):
        return None
    if not text:
        return timedelta(minutes=3)
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 60:
        return timedelta(minutes=int(text))
    problems.append(
        "ENGAWA_ROUND_MINUTES is no number of minutes up to 60, and not off. Example: ENGAWA_ROUND_MINUTES=3"
    )
    return None


def _smtp(url: str, sender: str, problems: list[str]) -> Smtp | None:
    if not url:
        return None
    from bot.channels.alerts import Smtp

    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        parts, host, port = urlsplit(""), "", 0
    if not host or not port:
        problems.append(f"ENGAWA_SMTP is no mail server. Example: {SMTP_EXAMPLE}")
        return None
    if not ADDRESS.fullmatch(sender) or not sender.isascii():
        problems.append("ENGAWA_ALERT_FROM is no mail address. Example: ENGAWA_ALERT_FROM=engawa@example.jp")
        return None
    return Smtp(
        host=host,
        port=port,
        tls=parts.scheme == "smtps",
        starttls=host not in HERE,
        sender=sender,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )

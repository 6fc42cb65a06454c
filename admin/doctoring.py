"""`engawa doctor`: every line says ok, or what to do."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import typer
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from bot.app import channels_of
from bot.channels.base import Health
from bot.config import Settings
from bot.content.check import check
from bot.content.library import Library
from bot.errors import EngawaError, SealError
from bot.handoff import dictionary
from bot.handoff.alerts import Standing, by_step, standing
from bot.runtime.health import BEHIND, ailment, asked
from bot.runtime.retention import LATE
from bot.runtime.retention import NAME as RETENTION
from bot.store import accounts, chores, conversations, migrate, outbox, staff
from bot.store.accounts import Account
from bot.store.database import Database
from bot.store.sealed import Sealer
from bot.store.spool import Spool

MAX_SKEW = 5  # seconds
REMEDIES = {
    "webhook_unset": "the platform brings events nowhere; run `engawa line setup` or `engawa telegram setup`,"
    " or set {wanted} in the platform's console",
    "webhook_elsewhere": "the platform brings events to another address than {wanted}; set it anew",
    "webhook_failing": "the platform cannot bring events to {wanted}; look at the TLS proxy and the secret",
    BEHIND: "events pile up at the platform; look whether {wanted} answers from outside",
    "webhook_set": "a webhook keeps updates from being fetched; the server removes it, or run `engawa telegram setup`",
    "polled_elsewhere": "another program fetches this bot's updates; stop it, or take a new token for it",
    "misconfigured": "the platform refuses the token; take it again from the platform's console",
    "unreachable": "the platform cannot be reached; this machine must get out to it over HTTPS",
    "throttled": "the platform asks to slow down; try again later",
}
"""What to do, by ailment (bot.runtime.health)."""
UNKNOWN_REMEDY = "the platform did not answer as it should; try again later, and look at the server's log"
BROKEN = frozenset({"misconfigured", "unreachable"})
"""What makes the command fail: nothing can be sent. A webhook may be set after the server has started."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`remedy` empty means ok. A `hard` one makes the command fail."""

    what: str
    remedy: str = ""
    hard: bool = True


async def run(settings: Settings) -> int:
    """Prints the findings; 0 when nothing hard is wrong."""
    failed = False
    async for finding in findings(settings):
        typer.echo(
            f"{'ok  ' if not finding.remedy else 'look' if not finding.hard else 'FAIL'}  {finding.what}",
            nl=False,
        )
        typer.echo(f": {finding.remedy}" if finding.remedy else "")
        failed = failed or bool(finding.remedy and finding.hard)
    return int(failed)


async def findings(settings: Settings) -> AsyncIterator[Finding]:
    database = Database.open(settings.database_url)
    known: dict[str, Account] = {}
    try:
        async for finding in _database(settings, database):
            yield finding
        with contextlib.suppress(EngawaError, SQLAlchemyError):  # told above
            found = await database.read(accounts.known, migrate.DEFAULT_OPERATOR)
            known = {account.account_id: account for account in found}
    finally:
        await database.close()
    async for finding in _channels(settings, known):
        yield finding
    yield _console(settings)
    yield await asyncio.to_thread(spool, settings)
    missing = "sudachipy or sudachidict-core is not installed; only the surface of texts is searched"
    yield Finding("risk dictionary", "" if dictionary.load() else missing, hard=False)


async def _database(settings: Settings, database: Database) -> AsyncIterator[Finding]:
    try:
        revision = await database.read(migrate.current)
    except EngawaError:
        yield Finding("database", "cannot be reached; check ENGAWA_DATABASE_URL and that the server runs")
        return
    yield Finding("database")
    if revision != migrate.HEAD:
        yield Finding("migrations", "run `engawa migrate`")
        return
    yield Finding("migrations")
    try:
        await database.read(conversations.open_any, Sealer(settings.keyring))
        yield Finding("keys")
    except SealError:
        yield Finding(
            "keys", "the stored cells do not open; add the key they were sealed with to ENGAWA_KEYS"
        )
    try:
        released = await database.read(Library(migrate.DEFAULT_OPERATOR).released)
        issues = [issue for issue in check(released.latest) if issue.blocks]
        first = f"{issues[0].path}: {issues[0].message}" if issues else ""
        yield Finding(f"content, release {released.number}", first)
        if not any(desk.shifts for desk in released.latest.desks):
            yield Finding("desk hours", "not set, so people are not told when somebody reads", hard=False)
    except EngawaError as error:
        yield Finding("content", str(error))
    yield await _retention(database)
    count = await database.read(staff.count, migrate.DEFAULT_OPERATOR)
    yield Finding("staff", "" if count else "nobody can answer yet; run `engawa staff add NAME`", hard=False)
    for finding in telling(settings, await database.read(_standing, settings)):
        yield finding
    unsent = await database.read(outbox.unsent_count)
    yield Finding(
        f"outbox ({unsent} unsent)", "" if unsent < 1000 else "is not draining; see the channels below"
    )


async def _retention(database: Database) -> Finding:
    """Whether old data is forgotten (B11)."""
    last = await database.read(chores.last_done, RETENTION)
    late = last is None or datetime.now(UTC) - last > LATE
    remedy = "nothing was forgotten by age for a day; is the server running, and what does its log say?"
    return Finding(f"retention (last run {_when(last)})", remedy if late else "", hard=last is not None)


def _standing(connection: Connection, settings: Settings) -> Standing:
    targets = by_step({target.name: target for target in settings.alerting.targets})
    return standing(connection, migrate.DEFAULT_OPERATOR, targets)


def telling(settings: Settings, found: Standing) -> Iterator[Finding]:
    """Whether staff can be told, and how the synthetic rounds went."""
    nobody = "nobody is told outside the console; set ENGAWA_ALERTS (docs/alerts.md)"
    yield Finding(
        f"alerts ({len(settings.alerting.targets)} to tell)", "" if found.named else nobody, hard=False
    )
    for name, code in found.not_working:
        yield Finding(f"alerts to {name}", f"the last one was not delivered ({code}); look at ENGAWA_ALERTS")
    if found.undelivered:
        yield Finding(
            f"alerts not delivered: {found.undelivered}", "open /admin/alerts and tell somebody by hand"
        )
    if found.watch is None or settings.alerting.round_every is None:
        yield Finding(
            "synthetic rounds", "none has been made; the server makes one every few minutes", hard=False
        )
        return
    last = found.watch
    failing = f"the last one failed ({last.failure_code}); what people write may not get through"
    yield Finding(
        f"synthetic rounds (last passed {_when(last.passed_at)})", failing if last.is_failing else ""
    )
    if settings.alerting.ping_url:
        trouble = f"cannot be told ({last.ping_code}); look at ENGAWA_PING_URL" if last.ping_code else ""
        yield Finding(f"outside monitor (last told {_when(last.pinged_at)})", trouble, hard=False)
    else:
        yield Finding(
            "outside monitor", "none; a machine that is off tells nobody: set ENGAWA_PING_URL", hard=False
        )


async def _channels(settings: Settings, known: Mapping[str, Account]) -> AsyncIterator[Finding]:
    channels = channels_of(settings)
    if not channels:
        yield Finding("channels: web chat only", "", hard=False)
    try:
        for channel in channels.values():
            await channel.open()
        healths = await asyncio.gather(*(asked(channel) for channel in channels.values()))
        for account, health in zip(channels, healths, strict=True):
            for finding in account_findings(settings, account, health, known.get(account)):
                yield finding
    finally:
        for channel in channels.values():
            await channel.close()


def account_findings(
    settings: Settings, account: str, health: Health, known: Account | None
) -> Iterator[Finding]:
    """What its platform tells of an account just now, and what the server noticed of it before."""
    pending = known.checked.pending if known is not None and known.checked is not None else None
    code = ailment(health, pending)
    told = ", ".join(
        [health.webhook if not health.problem else f"{health.webhook}, {health.problem}"]
        + [f"{health.pending} pending"] * (health.pending is not None)
        + [f"{health.quota_left} pushes left"] * (health.quota_left is not None)
    )
    yield Finding(f"{account} webhook ({told})", remedy(settings, account, code), hard=code in BROKEN)
    if health.quota_left is not None and health.quota_left <= 0:
        yield Finding(
            f"{account} quota",
            "no push is left this month: only free replies go out; raise the plan of the account",
            hard=False,
        )
    if health.clock_skew is not None and abs(health.clock_skew) > MAX_SKEW:
        skew = f"this machine's clock is {abs(health.clock_skew):.0f} s off; set it by NTP"
        yield Finding(f"{account} clock", skew, hard=False)
    if known is not None:
        yield _noticed(account, known)


def remedy(settings: Settings, account: str, code: str) -> str:
    """What to do about an ailment; empty when there is none."""
    wanted = f"{settings.base_url}/webhooks/{account}"
    return REMEDIES.get(code, UNKNOWN_REMEDY).format(wanted=wanted) if code else ""


def _noticed(account: str, known: Account) -> Finding:
    marks = known.marks
    said = [
        f"last received {_when(marks.received_at)}",
        f"last sent {_when(marks.sent_at)}",
        f"last failure {_when(marks.failed_at)}" + (f" ({marks.failure_code})" if marks.failure_code else ""),
    ]
    failing = marks.failed_at is not None and (marks.sent_at is None or marks.failed_at > marks.sent_at)
    told = "the last send failed; see its code" if failing else ""
    return Finding(f"{account} ({', '.join(said)})", told, hard=False)


def _when(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat(" ", "minutes") if at is not None else "never"


def spool(settings: Settings) -> Finding:
    """Whether events have a place to go while the database is away, and whether some are there."""
    if settings.spool is None:
        off = "off: while the database is away, what people write is refused; unset ENGAWA_SPOOL"
        return Finding("spool", off, hard=False)
    found = Spool(settings.spool, Sealer(settings.keyring), migrate.DEFAULT_OPERATOR)
    waiting, aside = found.size()
    told = f"spool ({waiting} bytes wait, {aside} set aside)"
    if aside:
        return Finding(
            told, "events could not be stored; look at the server's log, mend it, and start it again"
        )
    if waiting:
        return Finding(told, "events wait for the database; is it reachable, and is the server running?")
    nearest = next(
        folder
        for folder in (settings.spool.absolute(), *settings.spool.absolute().parents)
        if folder.exists()
    )
    writable = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
    return Finding(
        told, "" if writable else "cannot be written; set ENGAWA_SPOOL to a folder of this user's own"
    )


def _console(settings: Settings) -> Finding:
    if settings.https or settings.on_loopback:
        return Finding("console")
    return Finding(
        "console", "is closed over plain http; set ENGAWA_BASE_URL=https://… behind a TLS proxy", hard=False
    )

"""`engawa doctor`: every line says ok, or what to do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import typer

from bot.channels.http import new_session
from bot.config import Settings
from bot.content.check import check
from bot.content.library import Library
from bot.errors import EngawaError, SealError
from bot.store import conversations, migrate, outbox, staff
from bot.store.database import Database
from bot.store.sealed import Sealer

MAX_SKEW = 5  # seconds


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
    try:
        async for finding in _database(settings, database):
            yield finding
    finally:
        await database.close()
    async for finding in _channels(settings):
        yield finding
    yield _console(settings)


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
    count = await database.read(staff.count, migrate.DEFAULT_OPERATOR)
    yield Finding("staff", "" if count else "nobody can answer yet; run `engawa staff add NAME`", hard=False)
    unsent = await database.read(outbox.unsent_count)
    yield Finding(
        f"outbox ({unsent} unsent)", "" if unsent < 1000 else "is not draining; see the channels below"
    )


async def _channels(settings: Settings) -> AsyncIterator[Finding]:
    if not settings.line and not settings.telegram:
        yield Finding("channels: web chat only", "", hard=False)
    session = new_session()
    try:
        for line in settings.line:
            headers = {"Authorization": f"Bearer {line.access_token}"}
            yield await _asked(session, f"{line.account} token", f"{line.api_base}/v2/bot/info", headers)
            url = f"{line.api_base}/v2/bot/channel/webhook/endpoint"
            yield await _asked(
                session, f"{line.account} webhook", url, headers, wanted=_path(settings, line.account)
            )
        for telegram in settings.telegram:
            base = f"{telegram.api_base}/bot{telegram.bot_token}"
            yield await _asked(session, f"{telegram.account} token", f"{base}/getMe", {})
            wanted = _path(settings, telegram.account)
            yield await _asked(
                session, f"{telegram.account} webhook", f"{base}/getWebhookInfo", {}, wanted=wanted
            )
    finally:
        await session.close()


def _path(settings: Settings, account: str) -> str:
    return f"{settings.base_url}/webhooks/{account}"


async def _asked(
    session: object, what: str, url: str, headers: dict[str, str], *, wanted: str = ""
) -> Finding:
    """One question to a platform: is the token good, does the webhook point here, do the clocks agree."""
    try:
        async with session.get(url, headers=headers, allow_redirects=False) as response:  # type: ignore[attr-defined]
            status, text = response.status, await response.text()
            skew = _skew(response.headers.get("Date", ""))
    except Exception as error:  # noqa: BLE001 - whatever is wrong there is a finding
        return Finding(what, f"the platform cannot be reached ({type(error).__name__})")
    if status in (401, 403, 404) and not (wanted and status == 404):
        return Finding(what, "the platform refuses the token; take it again from the platform's console")
    if wanted and (status == 404 or wanted not in text.replace("\\/", "/")):
        return Finding(
            what, f"does not point to {urlsplit(wanted).path}; set it in the platform's console", hard=False
        )
    if status >= 400:
        return Finding(what, f"the platform answers {status}; try again later", hard=False)
    if skew > MAX_SKEW:
        return Finding(what, f"this machine's clock is {skew:.0f} s off; set it by NTP", hard=False)
    return Finding(what)


def _skew(date: str) -> float:
    try:
        return abs((datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _console(settings: Settings) -> Finding:
    if settings.https or settings.on_loopback:
        return Finding("console")
    return Finding(
        "console", "is closed over plain http; set ENGAWA_BASE_URL=https://… behind a TLS proxy", hard=False
    )

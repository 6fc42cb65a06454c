"""`engawa line …`: what can be set on LINE's side by a program, and in words what cannot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from bot.accounts import LineAccount
from bot.channels.line import richmenu, setup
from bot.channels.line.setup import Done
from bot.config import Settings
from bot.content.library import Library
from bot.content.pack import Released
from bot.errors import BadInput, ConfigError, EngawaError, Misconfigured, SendError
from bot.store import migrate
from bot.store.database import Database

BY_HAND = """\
By hand, once, in LINE Official Account Manager and LINE Developers:
  - Response settings: webhooks on; chat, greeting messages and auto-response messages off. The guide greets.
  - Messaging API: "Use webhook" and "Webhook redelivery" on, so that LINE brings again what was not taken.
  - Messaging API: "Allow bot to join group chats" off. Groups are left anyway.
  - Account settings: a name and a picture that tell nothing to who looks over a shoulder."""


async def run(settings: Settings, *, webhook: bool, font: Path | None = None) -> int:
    """Sets up every LINE account; 0 when nothing is left to mend."""
    if not settings.line:
        raise ConfigError(
            ["No LINE account is configured. Example: ENGAWA_LINE_CHANNEL_ACCESS_TOKEN=…, and the secret"]
        )
    if webhook and not settings.https:
        raise ConfigError(
            ["LINE brings events to https only. Example: ENGAWA_BASE_URL=https://engawa.example.jp"]
        )
    menu = drawn(await _released(settings), font)
    failed = False
    for account in settings.line:
        try:
            done = await _set_up(account, settings.webhook_url(account.account) if webhook else "", menu)
        except SendError as error:
            done = [Done(what="LINE", remedy=_why(error))]
        failed = failed or any(one.remedy for one in done)
        _tell(account.account, done)
    if webhook:
        typer.echo(BY_HAND)
    return int(failed)


async def picture(settings: Settings, font: Path | None = None) -> bytes:
    """The rich menu as a PNG, without a call to LINE."""
    return drawn(await _released(settings), font).picture


def drawn(released: Released, font: Path | None) -> richmenu.Menu:
    """The menu of the published content."""
    bar = next(iter(released.text("rich_menu_bar")), "")
    return richmenu.menu(released.text("rich_menu"), bar, font)


async def _set_up(account: LineAccount, url: str, menu: richmenu.Menu) -> list[Done]:
    async with setup.opened(account.access_token, account.api_base) as line:
        done = await line.webhook(url) if url else []
        return [*done, *await line.rich_menu(menu)]


async def _released(settings: Settings) -> Released:
    database = Database.open(settings.database_url)
    try:
        if await database.read(migrate.current) != migrate.HEAD:
            raise BadInput("The database is not set up yet: run `engawa migrate`.")
        return await database.read(Library(migrate.DEFAULT_OPERATOR).released)
    finally:
        await database.close()


def _why(error: EngawaError) -> str:
    if isinstance(error, Misconfigured):
        return "refuses the channel access token; take it again from LINE's console"
    if isinstance(error, SendError) and error.retryable:
        return f"does not answer as it should ({error.code}); try again later"
    return f"refuses this ({error}); the settings in LINE's console may tell why"


def _tell(account: str, done: Sequence[Done]) -> None:
    for one in done:
        state = "look   " if one.remedy else "changed" if one.changed else "ok     "
        typer.echo(f"{state}  {account} {one.what}" + (f": {one.remedy}" if one.remedy else ""))

"""`engawa telegram setup`: where updates go, and each bot's menu and greeting, from settings and content."""

from __future__ import annotations

from collections.abc import AsyncIterator

import typer

from bot.accounts import TELEGRAM_API, TelegramAccount
from bot.channels.telegram import Telegram
from bot.channels.telegram.setup import Wanted, set_up
from bot.config import Settings
from bot.content.library import Library
from bot.content.pack import Pack
from bot.errors import ConfigError, EngawaError, StoreUnavailable
from bot.store import migrate
from bot.store.database import Database

LANGUAGES = {"": "", "en": "_en"}
"""Telegram's language, and the ending of our texts for it. The service speaks Japanese, whatever the phone speaks."""
MAX_DESCRIPTION, MAX_SHORT = 512, 120  # Bot API, setMyDescription and setMyShortDescription
MAX_COMMAND = 256  # Bot API, BotCommand


async def run(settings: Settings) -> None:
    """Sets up every bot. Raises ConfigError before anything is changed when something is missing."""
    if not settings.telegram:
        raise ConfigError(
            ["ENGAWA_TELEGRAM_BOT_TOKEN is missing. Example: ENGAWA_TELEGRAM_BOT_TOKEN=123456:ABC…"]
        )
    pack = await _content(settings)
    everything = [(account, wanted(settings, account, pack)) for account in settings.telegram]
    for account, how in everything:
        async for line in _done(account, how):
            typer.echo(f"{account.account} {line}")


async def _done(account: TelegramAccount, how: Wanted) -> AsyncIterator[str]:
    channel = Telegram(
        account=account.account,
        bot_token=account.bot_token,
        secret_token=account.secret_token,
        api_base=account.api_base,
    )
    await channel.open()
    try:
        async for line in set_up(channel, how):
            yield line
    finally:
        await channel.close()


async def _content(settings: Settings) -> Pack:
    """The latest release."""
    database = Database.open(settings.database_url)
    try:
        return (await database.read(Library(migrate.DEFAULT_OPERATOR).released)).latest
    except StoreUnavailable as error:
        raise EngawaError(
            "The database cannot be read; run `engawa migrate` or start the server once."
        ) from error
    finally:
        await database.close()


def wanted(settings: Settings, account: TelegramAccount, pack: Pack) -> Wanted:
    """How a bot is to be, by settings and content. Raises ConfigError without an address Telegram could reach."""
    url = "" if account.polling else settings.webhook_url(account.account)
    real = account.api_base == TELEGRAM_API
    if not account.polling and (not url or (real and not settings.https)):
        problem = (
            "ENGAWA_BASE_URL must be the public https address, or set ENGAWA_TELEGRAM_POLLING=on. "
            "Example: ENGAWA_BASE_URL=https://engawa.example.jp"
        )
        raise ConfigError([problem])
    return Wanted(
        webhook_url=url,
        secret_token=account.secret_token,
        commands={language: _commands(pack, ending) for language, ending in LANGUAGES.items()},
        descriptions=_texts(pack, "about", MAX_DESCRIPTION),
        short_descriptions=_texts(pack, "about_short", MAX_SHORT),
    )


def _commands(pack: Pack, ending: str) -> tuple[tuple[str, str], ...]:
    """The words of the content that begin with a slash and have a description, in its order."""
    names = [word.removeprefix("/") for word in pack.commands if word.startswith("/")]
    described = [(name, _text(pack, f"command_{name}", ending)) for name in names]
    return tuple((name, text[:MAX_COMMAND]) for name, text in described if text)


def _texts(pack: Pack, key: str, most: int) -> dict[str, str]:
    """A text by language. Raises ConfigError when it is longer than Telegram takes."""
    found = {language: _text(pack, key, ending) for language, ending in LANGUAGES.items()}
    for text in found.values():
        if len(text) > most:
            raise EngawaError(f"texts/{key} has {len(text)} characters in all; Telegram takes {most}.")
    return {language: text for language, text in found.items() if text}


def _text(pack: Pack, key: str, ending: str) -> str:
    return "\n\n".join(pack.texts.get(key + ending) or pack.texts.get(key, ()))

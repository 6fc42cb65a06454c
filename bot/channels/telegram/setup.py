"""What a bot is told once: where updates go, its menu, its greeting. Reads first, then changes what differs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import field

from telegram import Bot, BotCommand
from telegram.error import BadRequest, TelegramError

from bot.channels.telegram.channel import Telegram
from bot.channels.telegram.client import send_error
from bot.channels.telegram.updates import ALLOWED
from bot.errors import ConfigError
from bot.frozen import dataclass

CONNECTIONS = 40  # webhooks at a time, Telegram's standard
PORTS = "443, 80, 88 or 8443"  # Bot API, setWebhook


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a bot is to be. Texts by language, "" for all others. `webhook_url` empty: updates are fetched."""

    webhook_url: str
    secret_token: str = field(repr=False)
    commands: Mapping[str, tuple[tuple[str, str], ...]]
    descriptions: Mapping[str, str]
    short_descriptions: Mapping[str, str]


async def set_up(channel: Telegram, wanted: Wanted) -> AsyncIterator[str]:
    """Makes it so; tells of each thing what was done. Raises SendError, or ConfigError for a refused address."""
    try:
        yield await _way(channel.bot, wanted)
        for language, commands in wanted.commands.items():
            yield await _commands(channel.bot, language, commands)
        for language, text in wanted.descriptions.items():
            yield await _description(channel.bot, language, text)
        for language, text in wanted.short_descriptions.items():
            yield await _short_description(channel.bot, language, text)
    except TelegramError as error:
        raise send_error(error) from None


async def _way(bot: Bot, wanted: Wanted) -> str:
    """How updates come. Nothing that waits at Telegram is dropped."""
    info = await bot.get_webhook_info()
    if not wanted.webhook_url:
        if not info.url:
            return "webhook: none, as it was; updates are fetched"
        await bot.delete_webhook(drop_pending_updates=False)
        return "webhook: removed; updates are fetched"
    try:
        await bot.set_webhook(
            wanted.webhook_url,
            secret_token=wanted.secret_token,
            allowed_updates=ALLOWED,
            max_connections=CONNECTIONS,
            drop_pending_updates=False,
        )
    except BadRequest:
        problem = (
            "ENGAWA_BASE_URL: Telegram refuses this address. It must be https with a certificate it trusts, "
            f"on port {PORTS}, and its name must be known. Example: ENGAWA_BASE_URL=https://engawa.example.jp"
        )
        raise ConfigError([problem]) from None
    before = (info.url, tuple(info.allowed_updates or ()), info.max_connections)
    if before == (wanted.webhook_url, ALLOWED, CONNECTIONS):
        return "webhook: as it was; the secret was sent again, since Telegram does not show it"
    return f"webhook: set to {wanted.webhook_url}" + (", was another one" if info.url else "")


async def _commands(bot: Bot, language: str, wanted: tuple[tuple[str, str], ...]) -> str:
    what = f"commands{_in(language)}"
    found = await bot.get_my_commands(language_code=language or None)
    if tuple((command.command, command.description) for command in found) == wanted:
        return f"{what}: as they were"
    await bot.set_my_commands([BotCommand(*one) for one in wanted], language_code=language or None)
    return f"{what}: set, {' '.join(f'/{name}' for name, _ in wanted)}"


async def _description(bot: Bot, language: str, wanted: str) -> str:
    """What stands in an empty chat, above the start button."""
    what = f"description{_in(language)}"
    found = await bot.get_my_description(language_code=language or None)
    if found.description == wanted:
        return f"{what}: as it was"
    await bot.set_my_description(wanted, language_code=language or None)
    return f"{what}: set"


async def _short_description(bot: Bot, language: str, wanted: str) -> str:
    """What stands on the bot's page, and beside a link to it."""
    what = f"short description{_in(language)}"
    found = await bot.get_my_short_description(language_code=language or None)
    if found.short_description == wanted:
        return f"{what}: as it was"
    await bot.set_my_short_description(wanted, language_code=language or None)
    return f"{what}: set"


def _in(language: str) -> str:
    return f" ({language})" if language else ""

"""The accounts on LINE and Telegram: one each from variables, any number from a TOML file."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import field
from typing import Any
from urllib.parse import urlsplit

from bot.frozen import dataclass

LINE_API = "https://api.line.me"
TELEGRAM_API = "https://api.telegram.org"
VARIABLES = {
    "line": {
        "channel_secret": "ENGAWA_LINE_CHANNEL_SECRET",
        "access_token": "ENGAWA_LINE_CHANNEL_ACCESS_TOKEN",
        "channel_secret_before": "ENGAWA_LINE_CHANNEL_SECRET_BEFORE",
    },
    "telegram": {
        "bot_token": "ENGAWA_TELEGRAM_BOT_TOKEN",
        "secret_token": "ENGAWA_TELEGRAM_SECRET_TOKEN",
        "secret_token_before": "ENGAWA_TELEGRAM_SECRET_TOKEN_BEFORE",
    },
}
BEFORE = frozenset({"channel_secret_before", "secret_token_before"})
"""What was valid until now and still is, while a secret is being changed; there need not be one."""
FIELDS = {
    "line": {
        "channel_secret": "channel_secret",
        "access_token": "channel_access_token",
        "channel_secret_before": "channel_secret_before",
    },
    "telegram": {name: name for name in ("bot_token", "secret_token", "secret_token_before")},
}
"""What an account needs: by variable for the only one, by field of the TOML file for several."""
SWITCHES: dict[str, dict[str, str]] = {
    "line": {},
    "telegram": {
        "polling": "ENGAWA_TELEGRAM_POLLING",
        "protect_content": "ENGAWA_TELEGRAM_PROTECT_CONTENT",
    },
}
"""What is on or off: by field of the TOML file, and the variable for accounts that do not say."""
ON, OFF = ("1", "true", "on", "yes"), ("", "0", "false", "off", "no")
TELEGRAM_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")  # Bot API, setWebhook


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAccount:
    account: str
    channel_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    channel_secret_before: str = field(default="", repr=False)
    api_base: str = LINE_API


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramAccount:
    """`polling`: updates are fetched, not brought; then `secret_token` may be empty."""

    account: str
    bot_token: str = field(repr=False)
    secret_token: str = field(repr=False)
    secret_token_before: str = field(default="", repr=False)
    api_base: str = TELEGRAM_API
    polling: bool = False
    protect_content: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """An account's fields, checked unless a problem was noted, and what is switched on."""

    fields: dict[str, Any] = field(repr=False)
    switches: dict[str, bool]


def line_accounts(
    environ: Mapping[str, str], file: dict[str, Any], problems: list[str]
) -> tuple[LineAccount, ...]:
    base = web_address("ENGAWA_LINE_API_BASE", environ.get("ENGAWA_LINE_API_BASE") or LINE_API, problems)
    accounts = _configured(environ, file, "line", problems)
    return tuple(LineAccount(account=name, api_base=base, **found.fields) for name, found in accounts.items())


def telegram_accounts(
    environ: Mapping[str, str], file: dict[str, Any], problems: list[str]
) -> tuple[TelegramAccount, ...]:
    base = web_address(
        "ENGAWA_TELEGRAM_API_BASE", environ.get("ENGAWA_TELEGRAM_API_BASE") or TELEGRAM_API, problems
    )
    accounts = _configured(environ, file, "telegram", problems)
    for name, found in accounts.items():
        for field_name in ("secret_token", "secret_token_before"):
            secret = found.fields[field_name]
            if secret and not TELEGRAM_SECRET.fullmatch(str(secret)):
                variable = (
                    VARIABLES["telegram"][field_name]
                    if name == "telegram"
                    else f"ENGAWA_CONFIG [[{name}]] {field_name}"
                )
                problems.append(
                    f"{variable} may hold A-Z, a-z, 0-9, _ and -, at most 256 of them."
                    " Example: ENGAWA_TELEGRAM_SECRET_TOKEN=a-long-random-word"
                )
    return tuple(
        TelegramAccount(account=name, api_base=base, **{**found.fields, **found.switches})
        for name, found in accounts.items()
    )


def _switches(environ: Mapping[str, str], platform: str, problems: list[str]) -> dict[str, bool]:
    """What the variables say for all accounts of a platform."""
    found = {}
    for name, variable in SWITCHES[platform].items():
        given = environ.get(variable, "").strip().lower()
        if given not in (*ON, *OFF):
            problems.append(f"{variable} is neither on nor off. Example: {variable}=on")
        found[name] = given in ON
    return found


def _own_switches(
    account: Mapping[str, Any], standard: dict[str, bool], where: str, problems: list[str]
) -> dict[str, bool]:
    own = {name: account.get(name, value) for name, value in standard.items()}
    for name, value in own.items():
        if not isinstance(value, bool):
            problems.append(f"{where}{name} is neither true nor false. Example: {name} = true")
    return {name: value is True for name, value in own.items()}


def _accounts(file: dict[str, Any], platform: str, problems: list[str]) -> list[dict[str, Any]]:
    accounts = file.get(platform, [])
    if not isinstance(accounts, list) or not all(isinstance(account, dict) for account in accounts):
        problems.append(f"ENGAWA_CONFIG: `{platform}` must be a list. Example: [[{platform}]]")
        return []
    names = [account.get("name") for account in accounts]
    if any(
        not isinstance(name, str) or not name.isascii() or not name.replace("-", "").isalnum()
        for name in names
    ):
        problems.append(
            f'ENGAWA_CONFIG: every [[{platform}]] needs a name of letters and digits. Example: name = "north"'
        )
        return []
    if len(set(names)) != len(names):
        problems.append(
            f'ENGAWA_CONFIG: two [[{platform}]] accounts have the same name. Example: name = "south"'
        )
    return accounts


def _fields(
    source: Mapping[str, Any],
    names: Mapping[str, str],
    where: str,
    problems: list[str],
    optional: Collection[str] = (),
) -> dict[str, str]:
    """The fields of an account, all of them; a half-configured channel is an error."""
    values = {name: source.get(key) or "" for name, key in names.items()}
    for name, value in values.items():
        if name in optional and value == "":
            continue
        if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
            problems.append(f"{where}{names[name]} is missing or not usable. Example: {names[name]}=…")
    return values


def _configured(
    environ: Mapping[str, str], file: dict[str, Any], platform: str, problems: list[str]
) -> dict[str, _Found]:
    """Each account of a platform: the one of the variables, then those of the file."""
    found = {}
    variables, fields = VARIABLES[platform], FIELDS[platform]
    standard = _switches(environ, platform, problems)
    if any(environ.get(variable) for variable in variables.values()):
        values = _fields(environ, variables, "", problems, _optional(standard))
        found[platform] = _Found(fields=values, switches=standard)
    for account in _accounts(file, platform, problems):
        where = f"ENGAWA_CONFIG [[{platform}]] {account['name']}: "
        if not account.keys() <= {"name", *fields.values(), *standard}:
            known = ", ".join((*fields.values(), *standard))
            problems.append(f'{where}has other fields than name, {known}. Example: name = "north"')
        switches = _own_switches(account, standard, where, problems)
        values = _fields(account, fields, where, problems, _optional(switches))
        found[f"{platform}/{account['name']}"] = _Found(fields=values, switches=switches)
    return found


def _optional(switches: Mapping[str, bool]) -> Collection[str]:
    """Who fetches updates needs no secret by which they are known to come from Telegram."""
    return BEFORE | {"secret_token"} if switches.get("polling") else BEFORE


def web_address(name: str, text: str, problems: list[str]) -> str:
    """The address without a slash at its end; notes a problem when it is none."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # e.g. a bracket that is not closed
        usable = False
    if text and not usable:
        problems.append(f"{name} is no web address. Example: {name}=https://engawa.example.jp")
    return text.rstrip("/")

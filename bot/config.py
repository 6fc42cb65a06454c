"""Settings from `ENGAWA_*` variables (and a TOML file for several accounts): read once, all errors at once."""

from __future__ import annotations

import base64
import binascii
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.errors import ConfigError
from bot.store.database import parse_url
from bot.store.sealed import KEY, Keyring, derive

DEFAULT_DATABASE = "sqlite:///engawa.db"
LINE_API = "https://api.line.me"
TELEGRAM_API = "https://api.telegram.org"
KEY_EXAMPLE = "ENGAWA_KEYS=k1:<base64 of 32 random bytes>; `engawa key` makes one"
VARIABLES = {
    "line": {
        "channel_secret": "ENGAWA_LINE_CHANNEL_SECRET",
        "access_token": "ENGAWA_LINE_CHANNEL_ACCESS_TOKEN",
    },
    "telegram": {"bot_token": "ENGAWA_TELEGRAM_BOT_TOKEN", "secret_token": "ENGAWA_TELEGRAM_SECRET_TOKEN"},
}
FIELDS = {
    "line": {"channel_secret": "channel_secret", "access_token": "channel_access_token"},
    "telegram": {"bot_token": "bot_token", "secret_token": "secret_token"},
}
"""What an account needs: by variable for the only one, by field of the TOML file for several."""
LOG_FORMATS = ("console", "json")
TELEGRAM_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")  # Bot API, setWebhook
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAccount:
    account: str
    channel_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    api_base: str = LINE_API


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramAccount:
    account: str
    bot_token: str = field(repr=False)
    secret_token: str = field(repr=False)
    api_base: str = TELEGRAM_API


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a process needs to know from outside. `https` decides on secure cookies."""

    database_url: str = field(repr=False)
    host: str
    port: int
    base_url: str
    trusted_proxies: tuple[str, ...]
    keyring: Keyring
    line: tuple[LineAccount, ...]
    telegram: tuple[TelegramAccount, ...]
    log_format: str

    @property
    def https(self) -> bool:
        return self.base_url.startswith("https://")

    @property
    def on_loopback(self) -> bool:
        return self.host in LOOPBACK


def load(environ: Mapping[str, str]) -> Settings:
    """The settings. Raises ConfigError with every problem: the variable, what is wrong, an example."""
    problems: list[str] = []
    file = _file(environ.get("ENGAWA_CONFIG", ""), problems)
    database_url = environ.get("ENGAWA_DATABASE_URL") or DEFAULT_DATABASE
    try:
        parse_url(database_url)
    except ConfigError as error:
        problems += error.problems
    log_format = environ.get("ENGAWA_LOG_FORMAT") or "console"
    if log_format not in LOG_FORMATS:
        problems.append(f"ENGAWA_LOG_FORMAT is {log_format!r}. Example: ENGAWA_LOG_FORMAT=json")
    keyring = _keyring(environ, problems)
    host = _host(environ.get("ENGAWA_HOST") or "127.0.0.1", problems)
    proxies = _proxies(environ.get("ENGAWA_TRUSTED_PROXIES", ""), problems)
    port = _port(environ.get("ENGAWA_PORT") or "8080", problems)
    base_url = _url("ENGAWA_BASE_URL", environ.get("ENGAWA_BASE_URL", ""), problems)
    line, telegram = _line(environ, file, problems), _telegram(environ, file, problems)
    if problems or keyring is None:
        raise ConfigError(problems)
    return Settings(
        database_url=database_url,
        host=host,
        port=port,
        base_url=base_url,
        trusted_proxies=proxies,
        keyring=keyring,
        line=line,
        telegram=telegram,
        log_format=log_format,
    )


def _file(path: str, problems: list[str]) -> dict[str, Any]:
    if not path:
        return {}
    try:
        found = tomllib.loads(Path(path).read_text("utf-8"))
        if found.keys() <= set(FIELDS):
            return found
        problems.append("ENGAWA_CONFIG: only [[line]] and [[telegram]] are known. Example: [[line]]")
    except (OSError, UnicodeDecodeError) as error:
        problems.append(
            f"ENGAWA_CONFIG cannot be read ({type(error).__name__}). Example: ENGAWA_CONFIG=/etc/engawa.toml"
        )
    except tomllib.TOMLDecodeError as error:
        problems.append(f'ENGAWA_CONFIG is no TOML: {error}. Example: [[line]] and below it name = "north"')
    return {}


def _host(text: str, problems: list[str]) -> str:
    if not text.isascii() or not text.isprintable() or "/" in text or " " in text:
        problems.append("ENGAWA_HOST is no address of this machine. Example: ENGAWA_HOST=127.0.0.1")
    return text


def _proxies(text: str, problems: list[str]) -> tuple[str, ...]:
    found = []
    for place, item in enumerate(filter(None, (item.strip() for item in text.split(","))), start=1):
        try:
            found.append(str(ip_address(item)))
        except ValueError:
            problems.append(
                f"ENGAWA_TRUSTED_PROXIES: entry {place} is no IP address. "
                "Example: ENGAWA_TRUSTED_PROXIES=127.0.0.1,10.0.0.5"
            )
    return tuple(found)


def _port(text: str, problems: list[str]) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65_535:
        return int(text)
    problems.append("ENGAWA_PORT is not a port. Example: ENGAWA_PORT=8080")
    return 0


def _url(name: str, text: str, problems: list[str]) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # e.g. a bracket that is not closed
        usable = False
    if text and not usable:
        problems.append(f"{name} is no web address. Example: {name}=https://engawa.example.jp")
    return text.rstrip("/")


def _keyring(environ: Mapping[str, str], problems: list[str]) -> Keyring | None:
    text, path = environ.get("ENGAWA_KEYS", ""), environ.get("ENGAWA_KEYS_FILE", "")
    if text and path:
        problems.append(f"ENGAWA_KEYS and ENGAWA_KEYS_FILE are both set; keep one. Example: {KEY_EXAMPLE}")
    if path and not text:
        try:
            text = ",".join(Path(path).read_text("utf-8").split())
        except (OSError, UnicodeDecodeError) as error:
            problems.append(
                f"ENGAWA_KEYS_FILE cannot be read ({type(error).__name__}). Example: {KEY_EXAMPLE}"
            )
            return None
    keys: dict[str, bytes] = {}
    for place, item in enumerate(filter(None, text.split(",")), start=1):
        name, _, encoded = item.strip().partition(":")
        key = _key(encoded)
        if not name.isascii() or not name.isalnum() or len(name) > 32 or key is None or name in keys:
            problems.append(f"ENGAWA_KEYS: key {place} is not usable. Example: {KEY_EXAMPLE}")
            return None
        keys[name] = key
    if not keys:
        problems.append(f"ENGAWA_KEYS is missing. Example: {KEY_EXAMPLE}")
        return None
    id_key = derive(list(keys.values())[-1], "id")
    if given := environ.get("ENGAWA_ID_KEY", ""):
        decoded = _key(given)
        if decoded is None:
            problems.append(
                "ENGAWA_ID_KEY is no base64 of 32 bytes. Example: ENGAWA_ID_KEY=<base64 of 32 random bytes>"
            )
            return None
        id_key = decoded
    return Keyring(keys=keys, id_key=id_key)


def _key(encoded: str) -> bytes | None:
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY else None


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
    source: Mapping[str, Any], names: Mapping[str, str], where: str, problems: list[str]
) -> dict[str, str]:
    """The fields of an account, all of them; a half-configured channel is an error."""
    values = {name: source.get(key) or "" for name, key in names.items()}
    for name, value in values.items():
        if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
            problems.append(f"{where}{names[name]} is missing or not usable. Example: {names[name]}=…")
    return values


def _configured(
    environ: Mapping[str, str], file: dict[str, Any], platform: str, problems: list[str]
) -> dict[str, dict[str, str]]:
    """The fields of each account of a platform, by account: the one of the variables, then those of the file."""
    found = {}
    variables = VARIABLES[platform]
    if any(environ.get(variable) for variable in variables.values()):
        found[platform] = _fields(environ, variables, "", problems)
    for account in _accounts(file, platform, problems):
        where = f"ENGAWA_CONFIG [[{platform}]] {account['name']}: "
        fields = FIELDS[platform]
        if not account.keys() <= {"name", *fields.values()}:
            known = ", ".join(fields.values())
            problems.append(f'{where}has other fields than name, {known}. Example: name = "north"')
        found[f"{platform}/{account['name']}"] = _fields(account, fields, where, problems)
    return found


def _line(environ: Mapping[str, str], file: dict[str, Any], problems: list[str]) -> tuple[LineAccount, ...]:
    base = _url("ENGAWA_LINE_API_BASE", environ.get("ENGAWA_LINE_API_BASE") or LINE_API, problems)
    accounts = _configured(environ, file, "line", problems)
    return tuple(LineAccount(account=name, api_base=base, **fields) for name, fields in accounts.items())


def _telegram(
    environ: Mapping[str, str], file: dict[str, Any], problems: list[str]
) -> tuple[TelegramAccount, ...]:
    base = _url("ENGAWA_TELEGRAM_API_BASE", environ.get("ENGAWA_TELEGRAM_API_BASE") or TELEGRAM_API, problems)
    accounts = _configured(environ, file, "telegram", problems)
    for name, fields in accounts.items():
        if fields["secret_token"] and not TELEGRAM_SECRET.fullmatch(fields["secret_token"]):
            variable = (
                "ENGAWA_TELEGRAM_SECRET_TOKEN"
                if name == "telegram"
                else f"ENGAWA_CONFIG [[{name}]] secret_token"
            )
            problems.append(
                f"{variable} may hold A-Z, a-z, 0-9, _ and -, at most 256 of them."
                " Example: ENGAWA_TELEGRAM_SECRET_TOKEN=a-long-random-word"
            )
    return tuple(TelegramAccount(account=name, api_base=base, **fields) for name, fields in accounts.items())

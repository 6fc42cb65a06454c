"""Settings from `ENGAWA_*` variables (and a TOML file for several accounts): read once, all errors at once."""

from __future__ import annotations

import base64
import binascii
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from bot import alerting
from bot.accounts import FIELDS, LineAccount, TelegramAccount, line_accounts, telegram_accounts, web_address
from bot.alerting import Alerting
from bot.errors import ConfigError
from bot.frozen import dataclass
from bot.store.database import parse_url
from bot.store.retention import Keeping, keeping_from
from bot.store.sealed import KEY, Keyring, derive

DEFAULT_DATABASE = "sqlite:///engawa.db"
KEY_EXAMPLE = "ENGAWA_KEYS=k1:<base64 of 32 random bytes>; `engawa key` makes one"
LOG_FORMATS = ("console", "json")
Network = IPv4Network | IPv6Network
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?(:[0-9]{1,5})?")
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a process needs to know from outside. `https` decides on secure cookies."""

    database_url: str = field(repr=False)
    host: str
    port: int
    base_url: str
    admin_host: str = ""
    trusted_proxies: tuple[Network, ...]
    keyring: Keyring
    keys_file: Path | None
    id_key_is_derived: bool
    reread: Callable[[], Keyring | None] = field(repr=False, compare=False)
    erasures: Path | None
    spool: Path | None
    keeping: Keeping
    line: tuple[LineAccount, ...]
    telegram: tuple[TelegramAccount, ...]
    log_format: str
    break_glass: timedelta = timedelta(minutes=30)
    alerting: Alerting = field(default_factory=Alerting)

    @property
    def https(self) -> bool:
        return self.base_url.startswith("https://")

    @property
    def console_url(self) -> str:
        """Where staff go; empty while our address is not known."""
        if not self.admin_host or not self.base_url:
            return self.base_url
        return f"{self.base_url.partition('://')[0]}://{self.admin_host}"

    def webhook_url(self, account: str) -> str:
        """Where an account's platform brings its events; empty while our address is not known."""
        return f"{self.base_url}/webhooks/{account}" if self.base_url else ""

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
    base_url = web_address("ENGAWA_BASE_URL", environ.get("ENGAWA_BASE_URL", ""), problems)
    line, telegram = line_accounts(environ, file, problems), telegram_accounts(environ, file, problems)
    keeping = _keeping(environ.get("ENGAWA_KEEP_DAYS", ""), problems)
    admin_host = _admin_host(environ.get("ENGAWA_ADMIN_HOST", ""), base_url, problems)
    glass = environ.get("ENGAWA_BREAK_GLASS_MINUTES") or "30"
    if not (glass.isascii() and glass.isdigit() and len(glass) <= 3 and 5 <= int(glass) <= 240):
        problems.append("ENGAWA_BREAK_GLASS_MINUTES is 5 to 240. Example: ENGAWA_BREAK_GLASS_MINUTES=30")
        glass = "30"
    alerts = alerting.load(environ, problems)
    if problems or keyring is None:
        raise ConfigError(problems)
    return Settings(
        database_url=database_url,
        host=host,
        port=port,
        base_url=base_url,
        admin_host=admin_host,
        trusted_proxies=proxies,
        keyring=keyring,
        keys_file=Path(environ["ENGAWA_KEYS_FILE"]) if environ.get("ENGAWA_KEYS_FILE") else None,
        id_key_is_derived=not environ.get("ENGAWA_ID_KEY"),
        reread=lambda: _keyring(environ, []),
        erasures=_erasures(environ.get("ENGAWA_ERASURES", ""), database_url),
        spool=_spool(environ.get("ENGAWA_SPOOL", ""), database_url),
        keeping=keeping,
        line=line,
        telegram=telegram,
        log_format=log_format,
        break_glass=timedelta(minutes=int(glass)),
        alerting=alerts,
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


def _erasures(path: str, database_url: str) -> Path | None:
    """Where the erasure journal lies: beside a SQLite file unless told; for PostgreSQL there is no such place."""
    if path:
        return Path(path)
    url = parse_url(database_url)
    return Path(f"{url.database}.erasures") if url.get_backend_name() == "sqlite" else None


def _spool(path: str, database_url: str) -> Path | None:
    """Where events wait while the database is away: beside a SQLite file or in the working directory unless told."""
    if path == "off":
        return None
    url = parse_url(database_url)
    beside = f"{url.database}.spool" if url.get_backend_name() == "sqlite" else "engawa.spool"
    return Path(path or beside)


def _keeping(text: str, problems: list[str]) -> Keeping:
    try:
        return keeping_from(text)
    except ConfigError as error:
        problems += error.problems
        return Keeping()


def _host(text: str, problems: list[str]) -> str:
    if not text.isascii() or not text.isprintable() or "/" in text or " " in text:
        problems.append("ENGAWA_HOST is no address of this machine. Example: ENGAWA_HOST=127.0.0.1")
    return text


def _admin_host(text: str, base_url: str, problems: list[str]) -> str:
    if text and (not HOST.fullmatch(text) or text == base_url.partition("://")[2]):
        problems.append(
            "ENGAWA_ADMIN_HOST is a host name (with its port, if any) other than that of ENGAWA_BASE_URL. "
            "Example: ENGAWA_ADMIN_HOST=staff.engawa.example.jp"
        )
    return text


def _proxies(text: str, problems: list[str]) -> tuple[Network, ...]:
    found = []
    for place, item in enumerate(filter(None, (item.strip() for item in text.split(","))), start=1):
        try:
            network = ip_network(item)
            if network.prefixlen == 0:
                raise ValueError
            found.append(network)
        except ValueError:
            problems.append(
                f"ENGAWA_TRUSTED_PROXIES: entry {place} is no IP address and no network. "
                "Example: ENGAWA_TRUSTED_PROXIES=127.0.0.1,10.0.0.0/24"
            )
    return tuple(found)


def _port(text: str, problems: list[str]) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65_535:
        return int(text)
    problems.append("ENGAWA_PORT is not a port. Example: ENGAWA_PORT=8080")
    return 0


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
    before = []
    for place, item in enumerate(filter(None, environ.get("ENGAWA_ID_KEYS_BEFORE", "").split(",")), start=1):
        decoded = _key(item.strip())
        if decoded is None:
            problems.append(f"ENGAWA_ID_KEYS_BEFORE: key {place} is no base64 of 32 bytes. Example: q83v…=")
            return None
        before.append(decoded)
    return Keyring(keys=keys, id_key=id_key, id_keys_before=tuple(before))


def _key(encoded: str) -> bytes | None:
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY else None

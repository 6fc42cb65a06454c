"""`engawa doctor --security`: each measure looked at on this very machine, and told as pass, FAIL or n/a (B48)."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

import typer

from admin import securing_unit
from bot.config import Settings
from bot.errors import EngawaError
from bot.store import posture
from bot.store.database import parse_url

PASS, FAIL, NOT = "pass", "FAIL", "n/a "
PRIVATE = 0o077
SECRETS = ("ENGAWA_KEYS", "ENGAWA_ID_KEY", "ENGAWA_ID_KEYS_BEFORE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """`remedy` is what to do, or for n/a why it does not apply."""

    what: str
    result: str
    remedy: str = ""


def measure(what: str, good: bool | None, remedy: str = "") -> Measure:
    """`good` None: it cannot be told, or does not apply here."""
    result = NOT if good is None else PASS if good else FAIL
    return Measure(what=what, result=result, remedy="" if good else remedy)


def run(settings: Settings, environ: Mapping[str, str], unit: str) -> int:
    """Prints all measures; 1 when one fails."""
    found = list(measures(settings, environ, unit))
    for one in found:
        typer.echo(f"{one.result}  {one.what}" + (f": {one.remedy}" if one.remedy else ""))
    failed = sum(one.result == FAIL for one in found)
    typer.echo(
        f"{len(found)} measures, {failed} failed, {sum(one.result == NOT for one in found)} not applicable."
    )
    return int(failed > 0)


def measures(settings: Settings, environ: Mapping[str, str], unit: str) -> Iterator[Measure]:
    yield from _keys(settings, environ)
    yield from _files(settings)
    yield from _database(settings)
    yield from _network(settings)
    yield from _machine()
    yield from (measure(*one) for one in securing_unit.measures(unit))
    yield _pinned()


def _keys(settings: Settings, environ: Mapping[str, str]) -> Iterator[Measure]:
    inline = [name for name in SECRETS[:1] if environ.get(name)]
    yield measure(
        "keys in a file, not in the environment", not inline, "use ENGAWA_KEYS_FILE instead of ENGAWA_KEYS"
    )
    pinned = not settings.id_key_is_derived
    yield measure("key of pseudonyms of its own", pinned, "`engawa keys id`, then set ENGAWA_ID_KEY")
    yield measure(
        "no earlier key of pseudonyms",
        not settings.keyring.id_keys_before or None,
        "a change is under way: remove ENGAWA_ID_KEYS_BEFORE 30 days after `engawa keys rehash`",
    )
    backup = bool(environ.get("ENGAWA_BACKUP_KEY"))
    yield measure(
        "backups sealed to an offline key", backup, "`engawa backup-key`, then set ENGAWA_BACKUP_KEY"
    )


def _private(path: Path) -> bool | None:
    try:
        return not path.stat().st_mode & PRIVATE
    except OSError:
        return None


def _files(settings: Settings) -> Iterator[Measure]:
    if settings.keys_file is not None:
        private = _private(settings.keys_file)
        yield measure("key file private", private, f"chmod 600 {settings.keys_file}")
    url = parse_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database)).absolute()
        for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
            if file.exists():
                yield measure(f"{file.name} private", _private(file), f"chmod 600 {file}")
        yield measure("data folder private", _private(path.parent), f"chmod 700 {path.parent}")
        if settings.keys_file is not None:
            apart = settings.keys_file.absolute().parent != path.parent
            yield measure(
                "keys apart from the database", apart, "move ENGAWA_KEYS_FILE out of the data folder"
            )
        yield _sealed_disk(path.parent)
    journal = settings.erasures
    if journal is None:
        yield measure("erasure journal", False, "set ENGAWA_ERASURES to a file on another disk")
        return
    folder = os.access(journal.parent, os.W_OK)
    yield measure("erasure journal writable", folder, f"{journal.parent} is not there or not writable")
    if journal.exists():
        yield measure("erasure journal private", _private(journal), f"chmod 600 {journal}")
    if url.get_backend_name() == "sqlite" and folder:
        other = journal.parent.stat().st_dev != Path(str(url.database)).absolute().parent.stat().st_dev
        yield measure("erasure journal on another disk", other, "set ENGAWA_ERASURES, or copy it away hourly")


def _sealed_disk(folder: Path) -> Measure:
    """Whether what the kernel tells of the folder's device is an encrypted one (dm-crypt)."""
    what, remedy = "data on an encrypted disk", "put the data folder on LUKS"
    if not folder.exists():
        return measure(what, None, "the folder is not there yet")
    device = folder.stat().st_dev
    place = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    if not place.exists():
        return measure(what, None, "the kernel tells nothing of this device (overlay, network)")
    try:
        uuids = [
            file.read_text("ascii")
            for file in (place / "dm/uuid", *place.glob("slaves/*/dm/uuid"))
            if file.exists()
        ]
    except OSError:
        uuids = []
    return measure(what, any(uuid.startswith("CRYPT-") for uuid in uuids), remedy)


def _database(settings: Settings) -> Iterator[Measure]:
    try:
        found = posture.look(parse_url(settings.database_url))
    except EngawaError:
        yield measure("database reached", False, "see `engawa doctor`")
        return
    for what, good, remedy in found:
        yield measure(what, good, remedy)


def _network(settings: Settings) -> Iterator[Measure]:
    yield measure(
        "listens on this machine only", settings.on_loopback, "ENGAWA_HOST=127.0.0.1 behind a TLS proxy"
    )
    yield measure("public address is https", settings.https, "set ENGAWA_BASE_URL=https://…")
    proxies = bool(settings.trusted_proxies)
    yield measure("the proxy is known", proxies, "set ENGAWA_TRUSTED_PROXIES; else all share one patience")


def _machine() -> Iterator[Measure]:
    yield measure("not run by root", os.geteuid() != 0 or None, "this command is; see the service below")
    swaps = _text("/proc/swaps").splitlines()[1:]
    open_swap = [
        line.split()[0] for line in swaps if not line.startswith(("/dev/dm-", "/dev/mapper/", "/dev/zram"))
    ]
    yield measure("no swap in clear", not open_swap, "swapoff, or swap on an encrypted device")
    code = Path(__file__).parent
    loose = bool(code.stat().st_mode & stat.S_IWOTH)
    yield measure("code not writable by others", not loose, f"chmod -R o-w {code.parent}")
    try:
        told = subprocess.run(
            ["/usr/bin/timedatectl", "show", "--property=NTPSynchronized", "--value"],
            capture_output=True, text=True, timeout=5, check=True,
        ).stdout.strip()  # fmt: skip
        yield measure("clock synchronised", told == "yes", "timedatectl set-ntp true")
    except (OSError, subprocess.SubprocessError):
        yield measure("clock synchronised", None, "timedatectl does not answer here")


def _text(path: str) -> str:
    try:
        return Path(path).read_text("ascii", "replace")
    except OSError:
        return ""


def _pinned() -> Measure:
    """Whether exactly the pinned packages are installed (B47)."""
    lock = Path(__file__).parent.parent / "requirements" / "run.txt"
    what = "installed packages are the pinned ones"
    if not lock.exists():
        return measure(what, None, "the lock is not beside the code")
    pins: dict[str, set[str]] = {}  # a package may be pinned differently for each Python
    for line in lock.read_text("utf-8").splitlines():
        name, found, version = line.split(" ")[0].partition("==")
        if found:
            pins.setdefault(name, set()).add(version)
    there = {
        one.metadata["Name"].lower().replace("_", "-").replace(".", "-"): one.version
        for one in distributions()
    }
    off = sorted(name for name, versions in pins.items() if name in there and there[name] not in versions)
    return measure(what, not off, f"not as pinned: {', '.join(off)}; `make setup`")

"""`engawa keys`: the installation's keys, and changing them while people write (docs/operating.md)."""

from __future__ import annotations

import base64
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

import typer

from bot.config import Settings
from bot.errors import BadInput, EngawaError
from bot.store import rekey
from bot.store.database import make_engine, parse_url, transact
from bot.store.sealed import KEY, Sealer

TRIES = 5


def show(settings: Settings) -> None:
    """Each key by name, what it does, and how many cells it seals. No key is printed."""
    engine = make_engine(parse_url(settings.database_url), pool_size=1)
    for place, name in enumerate(settings.keyring.keys):
        count = transact(engine, rekey.using, name)
        typer.echo(f"{name}: {'seals' if place == 0 else 'opens'}, {count} cells")
    where = (
        "derived from the last key; pin it: `engawa keys id`" if settings.id_key_is_derived else "of its own"
    )
    before = len(settings.keyring.id_keys_before)
    typer.echo(f"id key: {where}" + (f", and {before} of before" if before else ""))
    engine.dispose()


def add(settings: Settings) -> None:
    """Puts a new key of this month in front of the others."""
    path = _file(settings)
    name = f"k{datetime.now(UTC):%Y%m}"
    while name in settings.keyring.keys:
        name += "b"
    key = base64.b64encode(secrets.token_bytes(KEY)).decode()
    _replace(path, [f"{name}:{key}", *_lines(path)])
    typer.echo(
        f"{name} seals from now on: a server that reads this file itself takes it at the next rewrapped cell."
    )
    typer.echo("Save the file, apart from the backups. Then: engawa keys rewrap")


def rewrap(settings: Settings) -> None:
    """Seals anew what is under earlier keys, beside the running server."""
    engine, sealer = make_engine(parse_url(settings.database_url), pool_size=1), Sealer(settings.keyring)
    damaged = 0
    for _ in range(TRIES):  # what the server made under the old key meanwhile is found in the next round
        done = rekey.rewrap(engine, sealer)
        typer.echo(f"{done.changed} cells are sealed by {sealer.keyring.sealing_id} now.")
        damaged = done.damaged
        if not done.changed:
            break
    engine.dispose()
    if damaged:
        raise EngawaError(
            f"{damaged} cells do not open and stayed as they are: they are damaged, or a key is missing."
        )


def retire(settings: Settings, name: str) -> None:
    """Removes a key that seals nothing any more from the file."""
    path, keys = _file(settings), list(settings.keyring.keys)
    if name not in keys:
        raise BadInput(f"There is no key {name}. There are: {', '.join(keys)}")
    if name == keys[0]:
        raise BadInput(f"{name} seals. Put another in front first: engawa keys add")
    if name == keys[-1] and settings.id_key_is_derived:
        raise BadInput("People are known by a key derived from it. Pin that one first: engawa keys id")
    engine = make_engine(parse_url(settings.database_url), pool_size=1)
    left = transact(engine, rekey.using, name)
    engine.dispose()
    if left:
        raise BadInput(f"{name} still seals {left} cells. First: engawa keys rewrap")
    _replace(path, [line for line in _lines(path) if not line.startswith(f"{name}:")])
    typer.echo(
        f"{name} is out of the file. Destroy its copies: what old copies of the database hold cannot be read then."
    )


def rehash(settings: Settings) -> None:
    """Gives everybody the pseudonym of ENGAWA_ID_KEY, beside the running server."""
    engine = make_engine(parse_url(settings.database_url), pool_size=1)
    done = rekey.rehash(engine, Sealer(settings.keyring))
    engine.dispose()
    typer.echo(f"{done.changed} people are known by the new key now.")
    typer.echo(
        "Keep ENGAWA_ID_KEYS_BEFORE for 30 days: left addresses and events of before are known by it only."
    )
    if done.damaged:
        raise EngawaError(f"{done.damaged} addresses do not open and stayed as they are.")


def _file(settings: Settings) -> Path:
    if settings.keys_file is None:
        raise BadInput("Keys are changed in a file. Set ENGAWA_KEYS_FILE instead of ENGAWA_KEYS.")
    return settings.keys_file


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").replace(",", " ").split()


def _replace(path: Path, lines: list[str]) -> None:
    """Atomically, readable by its owner only."""
    part = path.with_name(f"{path.name}.new")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise EngawaError(
            f"ENGAWA_KEYS_FILE cannot be written ({type(error).__name__}). Nothing changed."
        ) from error

"""`engawa backup`, `engawa restore` and `engawa backup-key`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import typer

from bot.clock import SystemClock
from bot.config import Settings
from bot.errors import BadInput, ConfigError, EngawaError
from bot.store import archive, backup, chores, erasures, restore
from bot.store.database import make_engine, parse_url, transact
from bot.store.sealed import Sealer


def run(settings: Settings, target: Path, public_key: str) -> None:
    """Writes a backup, reads it back and tells what is in it."""
    if not public_key:
        raise ConfigError(
            [
                "ENGAWA_BACKUP_KEY is missing. Example: ENGAWA_BACKUP_KEY=age1…; `engawa backup-key` makes a pair"
            ]
        )
    recipient = archive.recipient(public_key)
    foot = backup.write(parse_url(settings.database_url), target, recipient, SystemClock().now())
    engine = make_engine(parse_url(settings.database_url), pool_size=1)
    transact(engine, chores.done, backup.NAME, SystemClock().now())
    engine.dispose()
    typer.echo(f"Wrote {target} and read it back: {_told(foot.rows)}.")
    typer.echo(
        f"To read it one needs the backup's secret key, and {', '.join(foot.keys) or 'no key'} of ENGAWA_KEYS."
    )
    if settings.erasures is None:
        typer.echo(
            "No erasure journal is kept: set ENGAWA_ERASURES, or a restore brings the erased back.", err=True
        )


def verify(path: Path, identity_file: Path, known_keys: Mapping[str, bytes] | None) -> None:
    """Reads a backup to its end: every chunk is authentic, every row is whole, the counts agree."""
    reader = archive.Reader()
    with _opened(path) as file:
        head, foot = reader.read(file, _identity(identity_file))
    typer.echo(f"{path} is whole: {_told(foot.rows)}.")
    typer.echo(f"Made {head.made_at:%Y-%m-%d %H:%M} UTC by Engawa {head.version}, schema {head.schema}.")
    restore.check_schema(head)
    if known_keys is not None and (lost := [name for name in foot.keys if name not in known_keys]):
        raise EngawaError(f"Its words need {', '.join(lost)}, which ENGAWA_KEYS does not have.")


def bring_back(
    settings: Settings, path: Path, identity_file: Path, journal: Path | None, *, without_journal: bool
) -> None:
    """Restores a backup into the empty database of the settings."""
    journal = journal or settings.erasures
    if not without_journal and journal is None:
        raise BadInput(
            "Where is the erasure journal? --erasures FILE. Without it, people who had themselves erased return."
        )
    entries = [] if without_journal or journal is None else erasures.read(journal)
    with _opened(path) as file:
        done = restore.restore(
            parse_url(settings.database_url),
            file,
            _identity(identity_file),
            Sealer(settings.keyring),
            entries,
        )
    typer.echo(f"Restored what was there at {done.head.made_at:%Y-%m-%d %H:%M} UTC: {_told(done.rows)}.")
    typer.echo(
        f"{done.kept_absent} who had themselves erased since stayed absent ({len(entries)} in the journal)."
    )
    typer.echo(
        f"{done.given_up} messages were unsent then: they may have left since, and are not sent again."
    )
    typer.echo(
        "Everybody of the staff signs in anew. Look through `staff`: who left since the backup is back."
    )


def make_pair(path: Path) -> None:
    """Writes a new secret key for backups, and prints its public one. Raises BadInput when the file is there."""
    key = archive.new_identity()
    try:
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii"
        ) as file:
            file.write(f"# public key: {key.to_public()}\n{key}\n")
    except OSError as error:
        raise BadInput(
            f"{path} cannot be made ({type(error).__name__}). Name a new file on a medium you take away."
        ) from error
    typer.echo(f"ENGAWA_BACKUP_KEY={key.to_public()}")
    typer.echo(
        f"Take {path} away from this machine, to two places. Whoever has it opens backups; nobody else does.",
        err=True,
    )


def _told(rows: Mapping[str, int]) -> str:
    return (
        f"{rows.get('contacts', 0)} people, {rows.get('timeline', 0)} lines, {sum(rows.values())} rows in all"
    )


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({type(error).__name__}).") from error


def _identity(path: Path) -> archive.Identity:
    try:
        return archive.identity(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"The identity file cannot be read ({type(error).__name__}). Example: --identity backup.key"
        ) from error

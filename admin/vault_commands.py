"""The commands around backups and keys. What they take is loaded by the commands only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bot.errors import BadInput

IdentityFile = Annotated[
    Path | None,
    typer.Option("--identity", help="the file with the backup's secret key (`engawa backup-key`)"),
]


def backup(
    file: Annotated[Path, typer.Argument(help="the backup's file; with --verify one that is there")],
    to: Annotated[str, typer.Option(help="the public key to seal it to; ENGAWA_BACKUP_KEY if left out")] = "",
    verify: Annotated[
        bool, typer.Option("--verify", help="read a backup to its end instead of making one")
    ] = False,
    identity: IdentityFile = None,
) -> None:
    """Back the database up while it is in use, sealed to a key that is not here; or check a backup."""
    from admin import backup as backing_up
    from bot.config import load

    if not verify:
        backing_up.run(load(os.environ), file, to or os.environ.get("ENGAWA_BACKUP_KEY", ""))
        return
    if identity is None:
        raise BadInput(
            "A backup is checked with its secret key. Example: engawa backup --verify FILE --identity backup.key"
        )
    given = os.environ.get("ENGAWA_KEYS") or os.environ.get("ENGAWA_KEYS_FILE")
    backing_up.verify(file, identity, load(os.environ).keyring.keys if given else None)


def restore(
    file: Annotated[Path, typer.Argument(help="the backup")],
    identity: Annotated[Path, typer.Option(help="the file with the backup's secret key")],
    erasures: Annotated[
        Path | None, typer.Option(help="the newest copy of the erasure journal; ENGAWA_ERASURES if left out")
    ] = None,
    without_erasures: Annotated[
        bool, typer.Option(help="there is no journal any more: people who had themselves erased since return")
    ] = False,
) -> None:
    """Bring a backup into an empty database; who had themselves erased since stays absent."""
    from admin import backup as backing_up
    from bot.config import load

    backing_up.bring_back(load(os.environ), file, identity, erasures, without_journal=without_erasures)


def backup_key(
    file: Annotated[
        Path, typer.Argument(help="a new file, on a medium that you take away from this machine")
    ],
) -> None:
    """Make the pair of keys for backups: the secret one into a file, the public one printed."""
    from admin import backup as backing_up

    backing_up.make_pair(file)


keys_app = typer.Typer(no_args_is_help=True, help="The installation's keys, changed while people write.")


def _keys(name: str, *arguments: str) -> None:
    from admin import keys
    from bot.config import load

    getattr(keys, name)(load(os.environ), *arguments)


@keys_app.command("list")
def keys_list() -> None:
    """Name each key and how much it seals. Prints no key."""
    _keys("show")


@keys_app.command("add")
def keys_add() -> None:
    """Put a new key in front of the others in ENGAWA_KEYS_FILE."""
    _keys("add")


@keys_app.command("rewrap")
def keys_rewrap() -> None:
    """Seal anew what is under earlier keys, beside the running server."""
    _keys("rewrap")


@keys_app.command("retire")
def keys_retire(name: Annotated[str, typer.Argument(help="the key's name")]) -> None:
    """Remove a key that seals nothing any more from ENGAWA_KEYS_FILE."""
    _keys("retire", name)


@keys_app.command("id")
def keys_id() -> None:
    """Print the key that pseudonymises people, to pin it as ENGAWA_ID_KEY. It is a secret."""
    import base64

    from bot.config import load

    typer.echo(f"ENGAWA_ID_KEY={base64.b64encode(load(os.environ).keyring.id_key).decode()}")


@keys_app.command("rehash")
def keys_rehash() -> None:
    """Give everybody the pseudonym of a new ENGAWA_ID_KEY, beside the running server."""
    _keys("rehash")


def add_to(app: typer.Typer) -> None:
    """Puts the commands into `engawa`."""
    app.command()(backup)
    app.command()(restore)
    app.command("backup-key")(backup_key)
    app.add_typer(keys_app, name="keys")

"""`engawa demo`: everything on this machine, no account, no token, one command."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import typer

from admin import membership, serving
from bot import logs
from bot.app import Engawa, Roles
from bot.config import load

HOST = "127.0.0.1"
LOGIN = "demo"
TRIED_PORTS = 50


def run(folder: Path, port: int) -> None:
    """Serves the web chat and the console on loopback until it is stopped."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    free = _free_port(port)
    settings = load(
        {
            "ENGAWA_DATABASE_URL": f"sqlite:///{(folder / 'engawa.db').resolve()}",
            "ENGAWA_KEYS_FILE": str(_key_file(folder)),
            "ENGAWA_HOST": HOST,
            "ENGAWA_PORT": str(free),
            "ENGAWA_BASE_URL": f"http://localhost:{free}",
        }
    )
    logs.set_up("console")

    async def ready(engawa: Engawa) -> None:
        engawa.library.samples = True
        secret = await engawa.database.write(
            membership.demo_login, engawa.operator_id, LOGIN, engawa.clock.now()
        )
        typer.echo(
            f"""
  Engawa is running on this machine only.

    Write as a person:     http://localhost:{free}/chat
    Answer as a counselor: http://localhost:{free}/admin
      name:                {LOGIN}
      one-time password:   {secret}

  What is written lies sealed in {folder}/. Ctrl+C stops it.
"""
        )

    serving.forever(serving.serve(settings, Roles(), ready=ready))


def _key_file(folder: Path) -> Path:
    """The demo's own key, readable by its owner only."""
    path = folder / "engawa.keys"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(membership.new_key() + "\n")
    return path


def _free_port(first: int) -> int:
    """The first free port from `first` on; the demo should start although another one is running."""
    for port in range(first, first + TRIED_PORTS):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    return first

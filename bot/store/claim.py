"""A SQLite file is served by one process: it holds a lock beside the file for as long as it lives."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from bot.errors import ConfigError


def only_one(path: Path) -> int:
    """Holds the database file for this process. Raises ConfigError when another one serves it."""
    handle = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise ConfigError(
            [
                "This SQLite database is served by another process. Stop that one, or use PostgreSQL for several."
            ]
        ) from error
    return handle

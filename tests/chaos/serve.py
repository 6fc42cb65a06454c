"""`engawa serve` by a clock that is moved from outside: the file ENGAWA_TEST_CLOCK holds seconds to add."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from admin import cli
from bot.clock import SystemClock

FILE = Path(os.environ["ENGAWA_TEST_CLOCK"])


def _now(_: SystemClock) -> datetime:
    try:
        seconds = float(FILE.read_text() or 0)
    except (OSError, ValueError):  # not there yet, or just being written
        seconds = 0.0
    return datetime.now(UTC) + timedelta(seconds=seconds)


SystemClock.now = _now  # type: ignore[method-assign,assignment]

if __name__ == "__main__":
    cli.main()

"""Strings that occur nowhere else, all places where they could turn up, and every usual disguise."""

from __future__ import annotations

import asyncio
import base64
import gc
import io
import json
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import structlog
from sqlalchemy import select

from bot import logs
from bot.store.database import Database
from bot.store.schema import metadata


def disguises(text: str) -> set[bytes]:
    """The bytes a string may show as: plain, wide, escaped, percent-encoded, hex or base64 at any offset."""
    raw = text.encode()
    found = {
        raw,
        text.encode("utf-16-le"),
        text.encode("utf-16-be"),
        json.dumps(text)[1:-1].encode(),
        repr(raw)[2:-1].encode(),
        quote(text, safe="").encode(),
        quote(text, safe="").lower().encode(),
        raw.hex().encode(),
        raw.hex().upper().encode(),
    }
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # what lies before and after it in the same piece decides the first and last characters
            first, last = (0, 2, 3)[shift], (len(raw) + shift) // 3 * 4
            found.add(encode(bytes(shift) + raw)[first:last])
    return found


class Canaries:
    """Makes and knows them. `found_in` names those that sing somewhere."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def make(self, name: str) -> str:
        """A text with Japanese letters in it, as people write."""
        return self.note(name, f"ひみつ{secrets.token_hex(8)}")

    def plain(self, name: str) -> str:
        """One for places that take ASCII only: tokens, headers, paths."""
        return self.note(name, f"canary-{secrets.token_hex(10)}")

    def note(self, name: str, value: str) -> str:
        """One that somebody else made."""
        assert len(value) >= 8, "too short to be unique"
        self._known[name] = value
        return value

    def known(self, name: str) -> str:
        return self._known[name]

    def __len__(self) -> int:
        return len(self._known)

    def found_in(self, content: bytes) -> list[str]:
        return sorted(
            name
            for name, value in self._known.items()
            if any(disguise in content for disguise in disguises(value))
        )


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """What is logged meanwhile, in both forms, down to DEBUG of every library."""
    root, stream = logging.getLogger(), io.StringIO()
    kept, levels = root.handlers[:], {"": root.level}
    handlers: list[Any] = []
    for form in ("console", "json"):
        logs.set_up(form)
        handlers += root.handlers
    for handler in handlers:
        handler.setStream(stream)
    root.handlers[:] = handlers
    for name in ("", *logging.root.manager.loggerDict):
        levels[name] = logging.getLogger(name).level
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield stream
    root.handlers[:] = kept
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    logging.raiseExceptions = True
    structlog.reset_defaults()


async def noisy_libraries(canaries: Canaries) -> None:
    """Libraries that log what they were given, with errors, extras, stacks and mistakes."""
    words, library = canaries.make("library"), logging.getLogger("some.library")
    library.setLevel(logging.DEBUG)
    library.debug("sent %s", words)
    library.info(words, extra={"payload": words}, stack_info=True)
    library.warning("too few %s %s", words)
    try:
        raise KeyError(words)
    except KeyError:
        library.exception(words)
    structlog.get_logger("turns").error("told", error="KeyError")

    async def lost() -> None:
        raise RuntimeError(words)

    task = asyncio.ensure_future(lost())
    await asyncio.wait([task])
    del task
    gc.collect()


def rows_of(connection: Any, query: Any) -> list[Any]:
    return list(connection.execute(query).all())


async def everything_stored(database: Database) -> bytes:
    """The database as a thief would have it: its files, or every value of every row."""
    if database.is_sqlite:
        path = Path(str(database.url.database))
        files = [file for file in path.parent.rglob("*") if file.is_file() and path.name in str(file)]
        return b"\x00".join(file.read_bytes() for file in files)
    found: list[bytes] = []
    for table in metadata.sorted_tables:
        for row in await database.read(rows_of, select(table)):
            found += [bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row]
    return b"\x00".join(found)

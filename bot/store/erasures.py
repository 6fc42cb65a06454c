"""The erasure journal: who had themselves erased, as hashes of random ids, kept where no backup of the database is.

A row is written with the erase itself; `Wipe` copies it to a file outside, and a restore replays that file. A
contact's id is 122 random bits, so its bare hash cannot be tried out, and no lost key can make the journal useless.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Sequence
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select, update

from bot.errors import EngawaError
from bot.store.dialect import upsert
from bot.store.schema import erasures

CHUNK = 500

Entry = tuple[bytes, date]


def digest_of(contact_id: str) -> bytes:
    return hashlib.sha256(f"engawa/erased/{contact_id}".encode()).digest()


def remember(connection: Connection, contact_id: str, now: datetime) -> None:
    """This contact is erased in this transaction."""
    row = {"digest": digest_of(contact_id), "erased_on": now.date(), "journalled": False}
    connection.execute(insert(erasures).values(row))


def unwritten(connection: Connection) -> list[Entry]:
    """What is not in the journal outside yet."""
    rows = connection.execute(select(erasures).where(erasures.c.journalled.is_(False)))
    return [(bytes(row.digest), row.erased_on) for row in rows]


def written(connection: Connection, entries: Sequence[Entry]) -> None:
    found = erasures.c.digest.in_([digest for digest, _ in entries])
    connection.execute(update(erasures).where(found).values(journalled=True))


def forget_old(connection: Connection, day: date) -> None:
    """Drops rows of before this day; no backup may be older. The file outside stays."""
    connection.execute(delete(erasures).where(erasures.c.erased_on < day))


def adopt(connection: Connection, entries: Sequence[Entry]) -> None:
    """Takes over what a journal outside holds."""
    statement = upsert(connection.dialect, erasures).on_conflict_do_nothing()
    rows = [{"digest": digest, "erased_on": day, "journalled": True} for digest, day in entries]
    for start in range(0, len(rows), CHUNK):
        connection.execute(statement, rows[start : start + CHUNK])


def erased(connection: Connection, contact_ids: Collection[str]) -> list[str]:
    """Those of the contacts that had themselves erased."""
    gone = {bytes(digest) for digest in connection.scalars(select(erasures.c.digest))}
    return [contact_id for contact_id in contact_ids if digest_of(contact_id) in gone]


# --- the file outside -----------------------------------------------------------------------------------------


def append(path: Path, entries: Sequence[Entry]) -> None:
    """Adds to the journal; on disk when this returns. An entry that is there twice does no harm."""
    text = "".join(f"{digest.hex()} {day.isoformat()}\n" for digest, day in entries)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, text.encode("ascii"))
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: Path) -> list[Entry]:
    """All entries. Raises EngawaError for a file that is not there or not whole: an erased person must not return."""
    try:
        lines = path.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EngawaError(
            f"The erasure journal cannot be read ({type(error).__name__}). Name its newest copy: --erasures FILE"
        ) from error
    entries = []
    for number, line in enumerate(lines, start=1):
        name, _, day = line.partition(" ")
        try:
            digest, erased_on = bytes.fromhex(name), date.fromisoformat(day)
        except ValueError:
            digest, erased_on = b"", date.min
        if len(digest) != 32:
            raise EngawaError(f"The erasure journal is damaged in line {number}. Take another copy of it.")
        entries.append((digest, erased_on))
    return entries

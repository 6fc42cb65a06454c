"""The format of a backup: age (age-encryption.org/v1) around gzip around lines of JSON.

First a head, then each table as its name and columns followed by one line a row, at the end a foot with what was
written. Values are as the schema has them, so a backup of one database can be restored to the other. Bytes are
base64, instants milliseconds since 1970, days ISO 8601. Sealed cells stay sealed: without ENGAWA_KEYS nobody reads
them, also with the backup's own key.
"""

from __future__ import annotations

import base64
import io
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import field
from datetime import date, datetime
from typing import Any, BinaryIO

import msgspec
import pyrage
from pyrage.x25519 import Identity, Recipient
from sqlalchemy import Column, Date, LargeBinary, Table
from sqlalchemy.engine.default import DefaultDialect

from bot.errors import BadInput, EngawaError, SealError
from bot.frozen import dataclass
from bot.store.schema import Instant, metadata
from bot.store.sealed import CONTACT_KEY_ID, key_id_of

FORMAT = 1
CHUNK = 1 << 16
LONGEST = 1 << 24  # bytes of one line; no row of ours is near it
GZIP = 31  # zlib's name for a gzip frame


__all__ = ["Identity", "Recipient"]  # and what is made here


class Head(msgspec.Struct, kw_only=True, frozen=True):
    """What a backup is of. `schema` is the database's revision, `version` the Engawa that wrote it."""

    engawa_backup: int
    schema: str
    version: str
    made_at: datetime


class Foot(msgspec.Struct, kw_only=True, frozen=True):
    """What was written: rows by table, and the keys of ENGAWA_KEYS without which it cannot be read."""

    rows: dict[str, int]
    keys: tuple[str, ...]


class _Begins(msgspec.Struct, kw_only=True, frozen=True):
    table: str
    columns: tuple[str, ...]


@dataclass(slots=True)
class Tally:
    """Counts what goes through."""

    rows: Counter[str] = field(default_factory=Counter)
    keys: set[str] = field(default_factory=set)

    def take(self, table: Table, values: dict[str, Any]) -> None:
        self.rows[str(table.name)] += 1
        for name, value in values.items():
            if name.startswith("sealed_") and value is not None:
                self.keys.add(key_id_of(value))

    @property
    def foot(self) -> Foot:
        return Foot(rows=dict(sorted(self.rows.items())), keys=tuple(sorted(self.keys - {CONTACT_KEY_ID})))


_DIALECT = DefaultDialect()
_JSON = msgspec.json.Encoder()
_HEAD, _FOOT = msgspec.json.Decoder(Head), msgspec.json.Decoder(Foot)
_BEGINS, _ROW = msgspec.json.Decoder(_Begins), msgspec.json.Decoder(list[Any])


# --- values ---------------------------------------------------------------------------------------------------


def _told(column: Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(column.type, LargeBinary):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(column.type, Instant):
        return column.type.process_bind_param(value, _DIALECT)
    return value.isoformat() if isinstance(column.type, Date) else value


def _read(column: Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(column.type, LargeBinary):
        return base64.b64decode(value, validate=True)
    if isinstance(column.type, Instant):
        return column.type.process_result_value(value, _DIALECT)
    return date.fromisoformat(value) if isinstance(column.type, Date) else value


# --- writing --------------------------------------------------------------------------------------------------


def lines(head: Head, tables: Iterable[tuple[Table, Iterable[dict[str, Any]]]]) -> Iterator[bytes]:
    """The lines of a backup."""
    tally = Tally()
    yield _JSON.encode(head)
    for table, rows in tables:
        yield _JSON.encode(_Begins(table=str(table.name), columns=tuple(map(str, table.columns.keys()))))
        for row in rows:
            tally.take(table, row)
            yield _JSON.encode([_told(column, row[column.name]) for column in table.columns])
    yield _JSON.encode(tally.foot)


class _Packed(io.RawIOBase):
    """Lines, compressed, as a file to read from: nothing is held but what is being read."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self._source, self._pack, self._left = source, zlib.compressobj(wbits=GZIP), b""
        self._over = False
        self.failure: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left and not self._over:
            try:
                line = next(self._source, None)
            except Exception as error:
                self.failure = error
                raise
            self._over = line is None
            self._left = self._pack.flush() if line is None else self._pack.compress(line + b"\n")
        part, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def recipient(text: str) -> Recipient:
    """The public key a backup is sealed to. Raises BadInput."""
    try:
        return Recipient.from_str(text.strip())
    except pyrage.RecipientError as error:
        raise BadInput(
            "The backup's public key is not usable. Example: --to age1… (from `engawa backup-key`)"
        ) from error


def new_identity() -> Identity:
    """A new secret key for backups; its text is `str`, its public key `to_public`."""
    return Identity.generate()


def identity(text: str) -> Identity:
    """The secret key that opens backups, from the text of its file. Raises BadInput."""
    found = [line.strip() for line in text.splitlines() if line.strip().startswith("AGE-SECRET-KEY-")]
    try:
        return Identity.from_str(found[0])
    except (IndexError, pyrage.IdentityError) as error:
        raise BadInput(
            "The identity file holds no AGE-SECRET-KEY-1… line. Take the file that `engawa backup-key` made."
        ) from error


def write(source: Iterator[bytes], target: BinaryIO, recipients: list[Recipient]) -> None:
    """Seals the lines of a backup to these keys."""
    packed = _Packed(source)
    try:
        pyrage.encrypt_io(io.BufferedReader(packed, CHUNK), target, recipients)
    except pyrage.EncryptError as error:  # age tells of every error as its own
        raise packed.failure or EngawaError("The backup cannot be written: look at the disk.") from error


# --- reading --------------------------------------------------------------------------------------------------


class _Unpacked(io.RawIOBase):
    """Takes what age writes, and hands every whole line on."""

    def __init__(self, take: Any) -> None:
        self._take, self._pack, self._left = take, zlib.decompressobj(wbits=GZIP), b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        packed = bytes(data)
        while packed:
            self._split(self._pack.decompress(packed, CHUNK))
            packed = self._pack.unconsumed_tail
        return len(data)

    def _split(self, plain: bytes) -> None:
        *whole, self._left = (self._left + plain).split(b"\n")
        for line in whole:
            self._take(line)
        if len(self._left) > LONGEST:
            raise BadInput("The backup holds a line no Engawa writes.")

    def finish(self) -> None:
        self._split(self._pack.flush())
        if self._left or not self._pack.eof:
            raise BadInput("The backup ends too early. Take another copy of it.")


class Reader:
    """Reads a backup row by row: `head` is called first, then `row` for every row. Override both."""

    def __init__(self) -> None:
        self._head: Head | None = None
        self._table: Table | None = None
        self._columns: list[Column[Any]] = []
        self._foot: Foot | None = None
        self._failure: Exception | None = None
        self.tally = Tally()

    def head(self, head: Head) -> None:
        """Looks at the head. Raises EngawaError when this backup is not for us."""

    def row(self, table: Table, values: dict[str, Any]) -> None:
        """Takes one row."""

    def read(self, source: BinaryIO, key: Identity) -> tuple[Head, Foot]:
        """Reads it to its end. Raises BadInput for another key, and for anything damaged, missing or too much."""
        unpacked = _Unpacked(self._guarded)
        try:
            pyrage.decrypt_io(source, unpacked, [key])
            if self._failure is None:
                unpacked.finish()
        except pyrage.DecryptError as error:
            why = "The backup does not open: it is damaged, or sealed to another key."
            raise (self._failure or BadInput(why)) from error
        except (zlib.error, OSError) as error:
            raise (self._failure or BadInput("The backup is damaged. Take another copy of it.")) from error
        if self._failure is not None:
            raise self._failure
        if self._head is None or self._foot is None or self.tally.foot != self._foot:
            raise BadInput("The backup is not whole. Take another copy of it.")
        return self._head, self._foot

    def _guarded(self, line: bytes) -> None:
        """An error inside age's own loop would be told as one of age's."""
        if self._failure is not None:
            raise OSError
        try:
            self._line(line)
        except EngawaError as error:
            self._failure = error
            raise OSError from error
        except (msgspec.MsgspecError, ValueError, TypeError, KeyError) as error:
            self._failure = BadInput("The backup holds a line no Engawa writes.")
            raise OSError from error
        except Exception as error:
            self._failure = error
            raise OSError from error

    def _line(self, line: bytes) -> None:
        if self._head is None:
            self._head = _HEAD.decode(line)
            if self._head.engawa_backup != FORMAT:
                raise BadInput("The backup is of a newer Engawa. Use that one.")
            self.head(self._head)
        elif self._foot is not None:
            raise BadInput("The backup goes on after its end.")
        elif line.startswith(b"["):
            self._values(_ROW.decode(line))
        elif line.startswith(b'{"table"'):
            begins = _BEGINS.decode(line)
            self._table = metadata.tables[begins.table]
            self._columns = [self._table.columns[name] for name in begins.columns]
        else:
            self._foot = _FOOT.decode(line)

    def _values(self, found: list[Any]) -> None:
        if self._table is None:
            raise BadInput("The backup holds a row without a table.")
        values = {
            column.name: _read(column, value) for column, value in zip(self._columns, found, strict=True)
        }
        try:
            self.tally.take(self._table, values)
        except SealError as error:
            raise BadInput(f"The backup holds a cell of {self._table.name} that is no envelope.") from error
        self.row(self._table, values)

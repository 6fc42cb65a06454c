"""`engawa restore`: a backup into an empty database, in one transaction; who was erased since stays absent."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, Integer, Table, func, insert, select, text, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError

from bot.errors import BadInput, EngawaError, SealError
from bot.frozen import dataclass
from bot.store import archive, conversations, erasures, migrate, outbox
from bot.store.claim import only_one
from bot.store.database import make_engine, transact
from bot.store.erase import delete_contacts
from bot.store.schema import contacts, metadata, operators
from bot.store.schema import outbox as outbox_table
from bot.store.sealed import Sealer

CHUNK = 500
RESTORED = "restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was done: rows by table, how many erased people stayed absent, how many unsent messages were given up."""

    head: archive.Head
    rows: dict[str, int]
    kept_absent: int
    given_up: int


class _Loading(archive.Reader):
    """Writes what it reads, in chunks."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection
        self._waiting: list[dict[str, Any]] = []
        self._into: Table | None = None

    def head(self, head: archive.Head) -> None:
        check_schema(head)

    def row(self, table: Table, values: dict[str, Any]) -> None:
        if table is not self._into or len(self._waiting) >= CHUNK:
            self.flush()
        self._into = table
        self._waiting.append(values)

    def flush(self) -> None:
        if self._into is not None and self._waiting:
            self._connection.execute(insert(self._into), self._waiting)
        self._waiting = []


def check_schema(head: archive.Head) -> None:
    if head.schema != migrate.HEAD:
        raise EngawaError(
            f"The backup is of schema {head.schema} (Engawa {head.version}), this Engawa has {migrate.HEAD}. Restore "
            f"it with Engawa {head.version}, then start the newer one: it migrates."
        )


def restore(
    url: URL, source: BinaryIO, key: archive.Identity, sealer: Sealer, entries: Sequence[erasures.Entry]
) -> Restored:
    """All or nothing. `entries` is the erasure journal as it is now.

    Raises EngawaError for a database that is not empty, a backup of another schema, or one whose words no key in
    ENGAWA_KEYS opens; BadInput for a damaged backup.
    """
    lock = None
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        lock = only_one(path)
    try:
        migrate.migrate(url)
        with closing(_Engine(url)) as engine:
            return engine.run(source, key, sealer, entries)
    except IntegrityError as error:
        raise BadInput(
            "The backup contradicts itself, or something wrote meanwhile. Nothing was restored."
        ) from error
    finally:
        if lock is not None:
            os.close(lock)


class _Engine:
    def __init__(self, url: URL) -> None:
        self._engine = make_engine(url, pool_size=1)

    def run(self, *args: Any) -> Restored:
        result: Restored = transact(self._engine, _restore, *args)
        return result

    def close(self) -> None:
        self._engine.dispose()


def _restore(
    connection: Connection,
    source: BinaryIO,
    key: archive.Identity,
    sealer: Sealer,
    entries: Sequence[erasures.Entry],
) -> Restored:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    if full := _filled(connection):
        raise EngawaError(
            f"The database is not empty ({full} has rows). Name a new one in ENGAWA_DATABASE_URL."
        )
    connection.execute(operators.delete())
    source.seek(0)
    loading = _Loading(connection)
    head, foot = loading.read(source, key)
    loading.flush()
    _check_keys(connection, sealer, foot)
    erasures.adopt(connection, entries)
    absent = erasures.erased(connection, list(connection.scalars(select(contacts.c.contact_id))))
    for start in range(0, len(absent), CHUNK):
        delete_contacts(connection, absent[start : start + CHUNK])
    given_up = connection.execute(
        update(outbox_table)
        .where(outbox.IS_UNSENT)
        .values(state=outbox.UNCERTAIN, error_code=RESTORED, may_have_arrived=True, sealed_hint=None)
    ).rowcount
    _advance(connection)
    return Restored(head=head, rows=foot.rows, kept_absent=len(absent), given_up=given_up)


def _filled(connection: Connection) -> str:
    """A table that has rows already; the operator that a migration makes does not count."""
    for table in metadata.sorted_tables:
        if table is not operators and connection.execute(select(table).limit(1)).first() is not None:
            return table.name
    return ""


def _check_keys(connection: Connection, sealer: Sealer, foot: archive.Foot) -> None:
    lost = [name for name in foot.keys if name not in sealer.keyring.keys]
    if lost:
        raise EngawaError(
            f"The backup is sealed with {', '.join(lost)}, which ENGAWA_KEYS does not have. Add it. If it is lost, no "
            "word and no address of these people can be read any more, by anybody; nothing was restored."
        )
    try:
        conversations.open_any(connection, sealer)
    except SealError as error:
        raise EngawaError(
            "The backup does not fit ENGAWA_KEYS or ENGAWA_ID_KEY: a key of the same name is another one. "
            "Nothing was restored."
        ) from error


def _advance(connection: Connection) -> None:
    """PostgreSQL counts on behind what was restored, where it gives numbers itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is None or not isinstance(column.type, Integer):
            continue
        sequence = connection.scalar(
            text("SELECT pg_get_serial_sequence(:name, :column)"), {"name": table.name, "column": column.name}
        )
        last = connection.scalar(select(func.max(column)))
        if sequence and last:
            connection.execute(text("SELECT setval(:sequence, :last)"), {"sequence": sequence, "last": last})

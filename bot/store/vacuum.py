"""PostgreSQL: what was erased leaves its files (B8).

A deleted row stays in its page until VACUUM, and its bytes until the page is written over. What makes all other cells
of a person readable is the data key in `contacts`: that table is written anew, so the key is in no file of the database
any more. Write-ahead log, replicas and backups have it until they are recycled (docs/operating.md).

Rows that somebody's older view can still see are written anew as well. Whether there were any is told by the table's
`relfrozenxid`: VACUUM FULL freezes all it may, so that is the horizon before which nothing deleted is left.
"""

from __future__ import annotations

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from bot.store.schema import contacts, metadata

WAIT_MS = 500
"""How long it waits for others to be done with the table; meanwhile nobody else begins."""

PAUSE = 0.2
"""Seconds for what has begun before to end: else some short turn of somebody's would always be in the way."""

_NOTHING_BEFORE = text(
    "SELECT age(relfrozenxid) < age(CAST(CAST(:until AS text) AS xid)) FROM pg_class WHERE oid = to_regclass(:name)"
)


def clear(engine: Engine) -> bool:
    """Whether no key of who was erased before this is left; not while somebody works with the table for long, or looks
    at a view of before this."""
    quoted = engine.dialect.identifier_preparer.quote
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT set_config('statement_timeout', '0', false)"))
        connection.execute(text("SELECT set_config('lock_timeout', :wait, false)"), {"wait": str(WAIT_MS)})
        try:
            until = int(connection.scalar(text("SELECT txid_current()")) or 0) % (1 << 32)
            connection.execute(text("SELECT pg_sleep(:pause)"), {"pause": PAUSE})
            connection.exec_driver_sql(f"VACUUM (FULL, FREEZE) {quoted(contacts.name)}")
            done = bool(connection.scalar(_NOTHING_BEFORE, {"until": str(until), "name": contacts.name}))
            for table in metadata.sorted_tables:
                if "contact_id" in table.c and table is not contacts:
                    connection.exec_driver_sql(f"VACUUM (SKIP_LOCKED) {quoted(table.name)}")
        except DBAPIError:
            return False
        finally:
            connection.invalidate()  # these settings are nobody else's
    return done

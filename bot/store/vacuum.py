"""PostgreSQL: what was erased leaves its files (B8).

A deleted row stays in its page until VACUUM, and its bytes until the page is written over. What makes all other cells
of a person readable is the data key in `contacts`: that table is written anew, so the key is in no file of the database
any more. Write-ahead log, replicas and backups have it until they are recycled (docs/operating.md).
"""

from __future__ import annotations

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from bot.store.schema import contacts, metadata

WAIT_MS = 500
"""How long it waits for others to be done with the table; meanwhile nobody else begins."""


def clear(engine: Engine) -> bool:
    """Whether the table of keys was written anew; not while somebody works with it for long."""
    quoted = engine.dialect.identifier_preparer.quote
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT set_config('statement_timeout', '0', false)"))
        connection.execute(text("SELECT set_config('lock_timeout', :wait, false)"), {"wait": str(WAIT_MS)})
        try:
            connection.exec_driver_sql(f"VACUUM (FULL) {quoted(contacts.name)}")
            for table in metadata.sorted_tables:
                if "contact_id" in table.c and table is not contacts:
                    connection.exec_driver_sql(f"VACUUM (SKIP_LOCKED) {quoted(table.name)}")
        except DBAPIError:
            return False
        finally:
            connection.invalidate()  # these settings are nobody else's
    return True

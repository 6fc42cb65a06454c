"""Triggers inside the database that note what must never happen, at the moment it would be committed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from bot.messages import Purpose

MAY_START = frozenset({Purpose.SAFETY, Purpose.RECEIPT, Purpose.HIDE, Purpose.STOP, Purpose.COUNSELOR})
"""What may leave while a counselor has the thread (docs/modes.md)."""

_ALLOWED = ", ".join(f"'{purpose}'" for purpose in sorted(MAY_START))
_TABLE = "CREATE TABLE noted (contact_id TEXT, seq INTEGER, purpose TEXT)"
_SQLITE = """
CREATE TRIGGER note_{verb} AFTER {verb} ON outbox
WHEN NEW.state = 'sending' AND NEW.purpose NOT IN ({allowed}) AND {begins}
 AND (SELECT mode FROM talks WHERE contact_id = NEW.contact_id) = 'human'
BEGIN INSERT INTO noted VALUES (NEW.contact_id, NEW.seq, NEW.purpose); END
"""
_POSTGRESQL = """
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = 'sending' AND NEW.purpose NOT IN ({allowed})
     AND (TG_OP = 'INSERT' OR NEW.attempts <> OLD.attempts)
     AND (SELECT mode FROM talks WHERE contact_id = NEW.contact_id) = 'human' THEN
    INSERT INTO noted VALUES (NEW.contact_id, NEW.seq, NEW.purpose);
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER note_start AFTER INSERT OR UPDATE ON outbox
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note();
"""


def install(connection: Connection) -> None:
    """From now on every send of the machine that starts although a counselor has the thread is noted.

    SQLite's writes come one after the other, so the moment of the write will do. PostgreSQL looks again at the very
    end of the transaction, with what others have committed by then.
    """
    connection.execute(text(_TABLE))
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_POSTGRESQL.format(allowed=_ALLOWED))
        return
    for verb, begins in (("INSERT", "1"), ("UPDATE", "NEW.attempts <> OLD.attempts")):
        connection.exec_driver_sql(_SQLITE.format(verb=verb, begins=begins, allowed=_ALLOWED))


def noted(connection: Connection) -> list[Any]:
    return list(connection.execute(text("SELECT contact_id, seq, purpose FROM noted")).all())

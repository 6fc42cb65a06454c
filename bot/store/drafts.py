"""What a counselor is writing and has not sent: sealed with the person's key, one a member and person."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from bot.errors import SealError
from bot.store.conversations import Loaded
from bot.store.dialect import upsert
from bot.store.schema import drafts


def _row(contact_id: str, staff_id: str) -> str:
    return f"{contact_id}/{staff_id}"


def save(connection: Connection, loaded: Loaded, staff_id: str, text: str, now: datetime) -> None:
    """Keeps this draft in the place of the last one; an empty one is forgotten."""
    if not text.strip():
        drop(connection, loaded.contact_id, staff_id)
        return
    sealed = loaded.key.seal("drafts", "sealed_draft", _row(loaded.contact_id, staff_id), text.encode())
    statement = upsert(connection.dialect, drafts)
    newer = {name: statement.excluded[name] for name in ("saved_at", "sealed_draft")}
    statement = statement.on_conflict_do_update(index_elements=["contact_id", "staff_id"], set_=newer)
    row = {
        "contact_id": loaded.contact_id,
        "staff_id": staff_id,
        "saved_at": now,
        "sealed_draft": sealed,
    }
    connection.execute(statement, row)


def read(connection: Connection, loaded: Loaded, staff_id: str) -> str:
    """What this member was writing to this person; empty when there is nothing, or it does not open any more."""
    sealed = connection.scalar(
        select(drafts.c.sealed_draft).where(
            drafts.c.contact_id == loaded.contact_id, drafts.c.staff_id == staff_id
        )
    )
    if sealed is None:
        return ""
    try:
        plain = loaded.key.open("drafts", "sealed_draft", _row(loaded.contact_id, staff_id), sealed)
    except SealError:  # a damaged draft must not close the conversation
        return ""
    return plain.decode()


def drop(connection: Connection, contact_id: str, staff_id: str) -> None:
    """Forgets a draft: it was sent, or the conversation is over."""
    connection.execute(delete(drafts).where(drafts.c.contact_id == contact_id, drafts.c.staff_id == staff_id))

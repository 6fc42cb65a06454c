"""Notes of staff about a contact: sealed with the contact's key, gone with the contact."""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select, update

from bot.handoff.notes import Note, NoteKind
from bot.store import body
from bot.store.conversations import Loaded
from bot.store.inbox import cell_row
from bot.store.schema import contacts, notes

OWED = (NoteKind.PROMISE, NoteKind.CONSULT)
"""Kinds whose owner is found without opening anything."""


def add(connection: Connection, loaded: Loaded, note: Note) -> Note:
    """A new note; its number is the next one of the contact, whose lock the caller holds."""
    mine = notes.c.contact_id == loaded.contact_id
    number = (connection.scalar(select(func.max(notes.c.number)).where(mine)) or 0) + 1
    note = body.numbered(note, number)
    connection.execute(
        insert(notes).values(contact_id=loaded.contact_id, number=number, **_cells(loaded, note))
    )
    return note


def change(connection: Connection, loaded: Loaded, note: Note) -> None:
    """The note as it is now. The caller holds the contact's lock."""
    connection.execute(
        update(notes)
        .where(notes.c.contact_id == loaded.contact_id, notes.c.number == note.number)
        .values(**_cells(loaded, note))
    )


def _cells(loaded: Loaded, note: Note) -> dict[str, object]:
    place = cell_row(loaded.contact_id, note.number)
    owner = note.owner if note.kind in OWED else None
    sealed = loaded.key.seal("notes", "sealed_note", place, body.encode(note))
    return {"kind": note.kind, "owner": owner, "open": note.is_open, "sealed_note": sealed}


def of(connection: Connection, loaded: Loaded) -> list[Note]:
    """Every note about a contact, in the order they were written."""
    query = select(notes.c.number, notes.c.sealed_note).where(notes.c.contact_id == loaded.contact_id)
    return [
        body.note(
            loaded.key.open("notes", "sealed_note", cell_row(loaded.contact_id, row.number), row.sealed_note)
        )
        for row in connection.execute(query.order_by(notes.c.number))
    ]


def owing(
    connection: Connection, operator_id: str, staff_id: str, kind: NoteKind = NoteKind.PROMISE
) -> list[str]:
    """The contacts to whom a member still owes something, or about whom they are asked."""
    query = (
        select(notes.c.contact_id)
        .join(contacts, contacts.c.contact_id == notes.c.contact_id)
        .where(contacts.c.operator_id == operator_id, notes.c.owner == staff_id)
        .where(notes.c.kind == kind, notes.c.open.is_(True))
        .order_by(notes.c.contact_id)
        .distinct()
    )
    return list(connection.scalars(query))

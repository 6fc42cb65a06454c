"""Who has a conversation open on their screen now, in whichever process: two in one thread see each other."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from bot.store.dialect import notify, upsert
from bot.store.schema import presences, staff


def topic(contact_id: str) -> str:
    """The topic of who has a conversation open."""
    return f"looking/{contact_id}"


def look(
    connection: Connection, contact_id: str, staff_id: str, now: datetime, until: datetime, *, first: bool
) -> None:
    """This member has it open until then, unless told again; the `first` time others are told so."""
    connection.execute(delete(presences).where(presences.c.until <= now))
    statement = upsert(connection.dialect, presences)
    statement = statement.on_conflict_do_update(
        index_elements=["contact_id", "staff_id"], set_={"until": statement.excluded.until}
    )
    connection.execute(statement, {"contact_id": contact_id, "staff_id": staff_id, "until": until})
    if first:
        notify(connection, {topic(contact_id)})


def look_away(connection: Connection, contact_id: str, staff_id: str) -> None:
    """This member has closed it."""
    here = (presences.c.contact_id == contact_id) & (presences.c.staff_id == staff_id)
    if connection.execute(delete(presences).where(here)).rowcount:
        notify(connection, {topic(contact_id)})


def beside(connection: Connection, contact_id: str, staff_id: str, now: datetime) -> list[str]:
    """Names of the other members who have it open."""
    query = (
        select(staff.c.display_name)
        .join(presences, presences.c.staff_id == staff.c.staff_id)
        .where(presences.c.contact_id == contact_id, presences.c.until > now, staff.c.staff_id != staff_id)
    )
    return sorted(set(connection.scalars(query)))

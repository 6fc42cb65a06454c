"""Every table that knows a contact has a rule in `bot.store.erase`."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Column, ForeignKey, MetaData, String, Table

from bot.store.erase import DELETED
from bot.store.schema import contacts, metadata


def without_rule(known: MetaData, ruled: Collection[str]) -> list[str]:
    """Tables that hold something of a contact, by name or by key, and are not among the ruled ones."""
    found = []
    for table in known.tables.values():
        names = any("contact" in column.name for column in table.columns)
        keys = any(key.column.table.name in {"contacts", "talks"} for key in table.foreign_keys)
        if (names or keys) and table.name not in ruled:
            found.append(table.name)
    return sorted(found)


def test_every_table_has_a_rule() -> None:
    """A new table with a contact needs a line in `DELETED` (B9)."""
    assert without_rule(metadata, {table.name for table in DELETED}) == []


def test_a_forgotten_table_is_found() -> None:
    """The check sees a table without a rule, whether it names the contact or only refers to one."""
    known = MetaData()
    for table in metadata.tables.values():
        table.to_metadata(known)
    Table("jottings", known, Column("contact_id", String(32), primary_key=True))
    Table("marks", known, Column("who", String(32), ForeignKey("contacts.contact_id"), primary_key=True))
    Table("tags", known, Column("tag_id", String(32), primary_key=True))
    assert without_rule(known, {table.name for table in DELETED}) == ["jottings", "marks"]


def test_the_contact_goes_last() -> None:
    """Whoever refers to a row is deleted before it, so that the database itself would tell of a mistake."""
    assert DELETED[-1] is contacts
    places = {table.name: place for place, table in enumerate(DELETED)}
    for table in DELETED:
        for key in table.foreign_keys:
            referred = key.column.table.name
            if referred in places and referred != table.name:
                assert places[table.name] < places[referred]

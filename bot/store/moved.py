"""Addresses that a thread has moved away from: a keyed hash and a day, without the contact.

Whoever comes from there later is told that the thread has moved, and is somebody new.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, select

from bot.store.dialect import upsert
from bot.store.schema import moved_addresses

REMEMBERED_FOR = timedelta(days=30)

_KNOWN = select(moved_addresses.c.address_key).where(
    moved_addresses.c.address_key.in_(bindparam("address_keys", expanding=True))
)


def remember(connection: Connection, address_key: bytes, now: datetime) -> None:
    connection.execute(
        upsert(connection.dialect, moved_addresses)
        .values(address_key=address_key, moved_on=now.date())
        .on_conflict_do_update(index_elements=["address_key"], set_={"moved_on": now.date()})
    )


def known(connection: Connection, address_keys: Collection[bytes]) -> set[bytes]:
    """Those of the addresses that a thread has moved away from."""
    return {bytes(key) for key in connection.scalars(_KNOWN, {"address_keys": list(address_keys)})}


def forget(connection: Connection, address_keys: Collection[bytes]) -> None:
    """Somebody is at these addresses again."""
    connection.execute(delete(moved_addresses).where(moved_addresses.c.address_key.in_(address_keys)))


def forget_old(connection: Connection, now: datetime) -> None:
    day = (now - REMEMBERED_FOR).date()
    connection.execute(delete(moved_addresses).where(moved_addresses.c.moved_on < day))

"""How a thread goes to another browser: by passphrase, or by a link that works once. The old address knows nothing.

What stays of the old address is in `moved`.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from bot.messages import Address
from bot.store import body, moved, outbox, timeline
from bot.store.conversations import Loaded, load
from bot.store.inbox import move_last_seq
from bot.store.schema import contacts, move_links, passphrases
from bot.store.sealed import Sealer

# --- passphrases ----------------------------------------------------------------------------------------------


def has_passphrase(connection: Connection, contact_id: str) -> bool:
    return connection.scalar(select(passphrases.c.contact_id).filter_by(contact_id=contact_id)) is not None


def keep_passphrase(connection: Connection, contact_id: str, lookup: bytes, verifier: str) -> None:
    """The contact's passphrase from now on. Raises IntegrityError when another contact has the same."""
    drop_passphrase(connection, contact_id)
    connection.execute(insert(passphrases).values(contact_id=contact_id, lookup=lookup, verifier=verifier))


def drop_passphrase(connection: Connection, contact_id: str) -> None:
    connection.execute(delete(passphrases).where(passphrases.c.contact_id == contact_id))


def passphrase(connection: Connection, lookup: bytes) -> tuple[str, str] | None:
    """Contact and verifier of a passphrase."""
    row = connection.execute(select(passphrases).where(passphrases.c.lookup == lookup)).first()
    return (row.contact_id, row.verifier) if row is not None else None


# --- links ----------------------------------------------------------------------------------------------------


def hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def offer_link(
    connection: Connection, contact_id: str, token: str, now: datetime, expires_at: datetime
) -> None:
    """The contact's link; an earlier one ends with it, as do all whose time is over."""
    connection.execute(
        delete(move_links).where((move_links.c.expires_at <= now) | (move_links.c.contact_id == contact_id))
    )
    connection.execute(
        insert(move_links).values(contact_id=contact_id, token_hash=hashed(token), expires_at=expires_at)
    )


def link(connection: Connection, token: str, now: datetime) -> str | None:
    """The contact a link moves, while it works."""
    return connection.scalar(
        select(move_links.c.contact_id).where(
            move_links.c.token_hash == hashed(token), move_links.c.expires_at > now
        )
    )


def use_link(connection: Connection, token: str, now: datetime) -> str | None:
    """The contact a link moves; from now on it works for nobody."""
    return connection.scalar(
        delete(move_links)
        .where(move_links.c.token_hash == hashed(token), move_links.c.expires_at > now)
        .returning(move_links.c.contact_id)
    )


# --- moving ---------------------------------------------------------------------------------------------------


def move(
    connection: Connection, sealer: Sealer, contact_id: str, address: Address, now: datetime, marker: str = ""
) -> Loaded | None:
    """Puts a contact to another address of a channel that is read from our own pages. None if it is gone.

    What was still to be sent is read there; talk, ticket and thread stay as they are.
    """
    loaded = load(connection, sealer, [contact_id]).get(contact_id)
    if loaded is None:
        return None
    old = connection.execute(
        select(contacts.c.address_key).where(contacts.c.contact_id == contact_id)
    ).scalar_one()
    new = sealer.keyring.address_key(loaded.operator_id, address)
    sealed = loaded.key.seal("contacts", "sealed_address", contact_id, body.encode(address))
    connection.execute(
        update(contacts)
        .where(contacts.c.contact_id == contact_id)
        .values(
            account_id=address.account,
            address_key=new,
            sealed_address=sealed,
            reachable=True,
        )
    )
    moved.remember(connection, old, now)
    moved.forget(
        connection, sealer.keyring.address_keys(loaded.operator_id, address)
    )  # somebody who comes back to a browser of theirs
    connection.execute(delete(move_links).where(move_links.c.contact_id == contact_id))
    outbox.give_to_page(connection, contact_id)
    if marker:
        seq = loaded.last_seq + 1
        line = body.Body(kind=marker, at=now)
        timeline.add(connection, [timeline.row(loaded.key, contact_id, seq, timeline.MARKER, line)])
        move_last_seq(connection, {contact_id: seq})
    return loaded


def drop_old_links(connection: Connection, now: datetime) -> None:
    connection.execute(delete(move_links).where(move_links.c.expires_at <= now))

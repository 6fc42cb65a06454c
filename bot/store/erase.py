"""Erasing a contact: every table that knows a contact has a rule here, or a test fails (B9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update

from bot.clock import new_id
from bot.errors import SealError
from bot.handoff.ticket import Ticket
from bot.messages import Address, Reply, ReplyHint
from bot.store import body, erasures
from bot.store.conversations import Loaded
from bot.store.schema import (
    Instant,
    audit_refs,
    break_glass,
    contacts,
    drafts,
    erased_emergencies,
    inbox,
    move_links,
    notes,
    outbox,
    passphrases,
    presences,
    receipts,
    reply_hints,
    scheduled_replies,
    talks,
    tickets,
    timeline,
    wakeups,
)
from bot.store.sealed import Cell, Sealer

RECEIPT_FOR = timedelta(seconds=60)

DELETED: tuple[Table, ...] = (
    *(outbox, inbox, reply_hints, timeline, wakeups, notes, drafts, tickets, passphrases, move_links),
    *(audit_refs, scheduled_replies, break_glass, presences),
    *(talks, contacts),
)
"""Deleted with the contact, in this order. Dedupe keys, moved addresses and counts stay: they name nobody, and so
do alerts and audit events: the former forget the ticket when they end, the latter never knew the contact."""


def erase(
    connection: Connection,
    sealer: Sealer,
    now: datetime,
    loaded: Loaded,
    receipt: Reply,
    hint: ReplyHint | None,
    *,
    ticket: Ticket | None,
    by_reading: bool,
) -> None:
    """Deletes all rows of a contact. What stays: a sealed receipt for a minute, and for an open emergency a stub.

    `ticket` is the contact's ticket by now, which may be younger than what was loaded. On a channel that is read
    from our own pages (`by_reading`) the page tells of it; no receipt is kept.
    """
    operator_id, contact_id = loaded.operator_id, loaded.contact_id
    address = _address(loaded) if loaded.reachable and not by_reading else None
    if address is not None:
        receipt_id = new_id()
        content = body.encode(body.Receipt(address=address, reply=receipt, hint=hint))
        connection.execute(
            insert(receipts).values(
                receipt_id=receipt_id,
                operator_id=operator_id,
                account_id=loaded.account_id,
                sealed_receipt=sealer.seal(
                    Cell(operator_id, "receipts", "sealed_receipt", receipt_id), content
                ),
                sending_at=None,
                expires_at=now + RECEIPT_FOR,
            )
        )
    if ticket is not None and ticket.is_open and ticket.hits:
        connection.execute(
            insert(erased_emergencies).values(
                stub_id=new_id(),
                operator_id=operator_id,
                desk_id=ticket.desk_id,
                priority=int(ticket.priority),
                erased_at=now,
            )
        )
    erasures.remember(connection, contact_id, now)
    delete_contacts(connection, [contact_id])


def delete_contacts(connection: Connection, contact_ids: Sequence[str]) -> None:
    """Deletes all rows of these contacts, in the order that their references ask for."""
    for table in DELETED:
        connection.execute(delete(table).where(table.c.contact_id.in_(contact_ids)))


def _address(loaded: Loaded) -> Address | None:
    """Where the receipt goes. A damaged address must not keep anybody from being erased."""
    try:
        return loaded.address
    except SealError:
        return None


def has_receipts(connection: Connection) -> bool:
    return connection.scalar(select(receipts.c.receipt_id).limit(1)) is not None


_RECEIPTS = (
    select(receipts)
    .where(receipts.c.sending_at.is_(None) | (receipts.c.expires_at < bindparam("now", type_=Instant)))
    .with_for_update(skip_locked=True)
)


def take_receipts(
    connection: Connection, sealer: Sealer, now: datetime
) -> list[tuple[str, str, body.Receipt]]:
    """Receipts to send now, as (id, account, receipt). Each is tried once; what is too old is dropped."""
    rows = connection.execute(_RECEIPTS, {"now": now}).all()
    if not rows:
        return []
    connection.execute(delete(receipts).where(receipts.c.expires_at < now))
    fresh = [row for row in rows if row.expires_at >= now]
    connection.execute(
        update(receipts)
        .where(receipts.c.receipt_id.in_([row.receipt_id for row in fresh]))
        .values(sending_at=now)
    )
    found = []
    for row in fresh:
        cell = Cell(row.operator_id, "receipts", "sealed_receipt", row.receipt_id)
        try:
            receipt = body.receipt(sealer.open(cell, row.sealed_receipt))
        except SealError:  # a damaged one expires; the others must not wait for it
            continue
        found.append((row.receipt_id, row.account_id, receipt))
    return found


def drop_receipts(connection: Connection, receipt_ids: Sequence[str]) -> None:
    """The receipt was sent, or could not be: nothing of it stays."""
    connection.execute(delete(receipts).where(receipts.c.receipt_id.in_(receipt_ids)))

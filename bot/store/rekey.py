"""Changing keys while people write: cells under another installation key, people under another pseudonym.

Small transactions, each row only if nobody changed it meanwhile; a run that was cut off is simply begun again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Column, Connection, Engine, func, literal, select, update

from bot.errors import SealError
from bot.frozen import dataclass
from bot.store import body
from bot.store.database import transact
from bot.store.schema import contacts, practices, receipts, risk_reviews, staff_factors, staff_targets
from bot.store.sealed import Cell, Sealer, marked_by

MOST = 200

CELLS: tuple[tuple[Column[str], Column[bytes]], ...] = (
    (contacts.c.contact_id, contacts.c.sealed_key),
    (receipts.c.receipt_id, receipts.c.sealed_receipt),
    (risk_reviews.c.review_id, risk_reviews.c.sealed_review),
    (staff_factors.c.factor_id, staff_factors.c.sealed_factor),
    (practices.c.practice_id, practices.c.sealed_practice),
    (staff_targets.c.staff_id, staff_targets.c.sealed_target),
)
"""Row name and cell of everything that an installation key seals itself; the rest is under its contact's own key."""


@dataclass(slots=True, kw_only=True)
class Done:
    """How much was changed, and how much does not open and stays as it is."""

    changed: int = 0
    damaged: int = 0


def using(connection: Connection, key_id: str) -> int:
    """How many cells this installation key seals."""
    return sum(
        connection.scalar(select(func.count()).select_from(cell.table).where(_begins(cell, key_id))) or 0
        for _, cell in CELLS
    )


def _begins(cell: Column[bytes], key_id: str) -> Any:
    mark = marked_by(key_id)
    return func.substr(cell, 1, len(mark)) == literal(mark)


def rewrap(engine: Engine, sealer: Sealer, told: Callable[[int], None] = lambda _: None) -> Done:
    """Seals every cell of an earlier installation key with the one that seals now. Words are not touched."""
    done = Done()
    for name, cell in CELLS:
        after: str | None = ""
        while after is not None:
            after = transact(engine, _rewrap, sealer, name, cell, after, done)
            told(done.changed)
    return done


def _rewrap(
    connection: Connection, sealer: Sealer, name: Column[str], cell: Column[bytes], after: str, done: Done
) -> str | None:
    table = cell.table
    query = select(name, cell, table.c.operator_id).where(name > after).order_by(name).limit(MOST)
    rows = connection.execute(query.where(~_begins(cell, sealer.keyring.sealing_id))).all()
    for row_name, old, operator_id in rows:
        place = Cell(operator_id, table.name, cell.name, row_name)
        try:
            new = sealer.rewrap(place, bytes(old))
        except SealError:
            done.damaged += 1
            continue
        statement = update(table).where(name == row_name, cell == old).values({cell.name: new})
        done.changed += connection.execute(statement).rowcount
    return rows[-1][0] if len(rows) == MOST else None


def rehash(engine: Engine, sealer: Sealer, told: Callable[[int], None] = lambda _: None) -> Done:
    """Gives everybody the pseudonym of the key in use, from their sealed address."""
    done, after = Done(), ""
    while True:
        last = transact(engine, _rehash, sealer, after, done)
        told(done.changed)
        if last is None:
            return done
        after = last


def _rehash(connection: Connection, sealer: Sealer, after: str, done: Done) -> str | None:
    query = select(contacts).where(contacts.c.contact_id > after).order_by(contacts.c.contact_id).limit(MOST)
    rows = connection.execute(query).all()
    for row in rows:
        try:
            key = sealer.contact_key(row.operator_id, row.contact_id, row.sealed_key)
            address = body.address(key.open("contacts", "sealed_address", row.contact_id, row.sealed_address))
        except SealError:
            done.damaged += 1
            continue
        name = sealer.keyring.address_key(row.operator_id, address)
        if name == bytes(row.address_key):
            continue
        place = (contacts.c.contact_id == row.contact_id) & (contacts.c.address_key == row.address_key)
        done.changed += connection.execute(update(contacts).where(place).values(address_key=name)).rowcount
    return rows[-1].contact_id if len(rows) == MOST else None

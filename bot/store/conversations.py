"""Contacts and talks: loaded together under a lock, saved by revision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from bot.clock import random_id
from bot.errors import Conflict, SealError
from bot.frozen import dataclass, replace
from bot.handoff.risk import Level
from bot.handoff.ticket import Reason, Status, Ticket
from bot.messages import Address
from bot.store import body, moved
from bot.store.batch import Batch
from bot.store.dialect import among, has_row_locks
from bot.store.names import nickname
from bot.store.schema import contacts, talks, tickets
from bot.store.sealed import ContactKey, Sealer
from bot.talk import Mode, Talk


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One contact's talk as it lies in the database, with the key to its cells. `last_seq` is already taken."""

    contact_id: str
    operator_id: str
    account_id: str
    nickname: str
    reachable: bool
    key: ContactKey = field(repr=False)
    talk: Talk
    last_seq: int
    sealed_address: bytes = field(repr=False)

    @property
    def address(self) -> Address:
        """The platform id, opened for whoever must send."""
        return body.address(self.key.open("contacts", "sealed_address", self.contact_id, self.sealed_address))


_SELECT = (
    select(
        talks.c.contact_id,
        talks.c.mode,
        talks.c.revision,
        talks.c.last_seq,
        talks.c.sealed_state,
        contacts.c.operator_id,
        contacts.c.account_id,
        contacts.c.nickname,
        contacts.c.reachable,
        contacts.c.sealed_key,
        contacts.c.sealed_address,
        *(column for column in tickets.c if column.name not in ("contact_id", "operator_id")),
    )
    .join(contacts, contacts.c.contact_id == talks.c.contact_id)
    .outerjoin(tickets, tickets.c.ticket_id == talks.c.ticket_id)
    .where(among(talks.c.contact_id, "contact_ids"))
    .order_by(talks.c.contact_id)
)
_HOLD = (
    select(talks.c.contact_id)
    .where(among(talks.c.contact_id, "contact_ids"))
    .order_by(talks.c.contact_id)
    .with_for_update()
)
_HOLD_FREE = _HOLD.with_for_update(skip_locked=True)
_BY_ADDRESS = (
    select(contacts.c.address_key, contacts.c.contact_id, contacts.c.sealed_key, talks.c.last_seq)
    .join(talks, talks.c.contact_id == contacts.c.contact_id)
    .where(contacts.c.address_key.in_(bindparam("address_keys", expanding=True)))
    .order_by(contacts.c.contact_id)
    .with_for_update(of=talks)
)


def load(
    connection: Connection,
    sealer: Sealer,
    contact_ids: Iterable[str],
    *,
    lock: bool = True,
    wait: bool = True,
) -> dict[str, Loaded]:
    """Talks by contact, locked in key order so that two batches cannot deadlock.

    With `wait=False` contacts another process holds are left out (PostgreSQL hands out work so).
    """
    ids = sorted(contact_ids)
    if lock and has_row_locks(connection):
        # First the locks, then the rows: one statement that waits for a lock sees the talk as it is now, but the
        # ticket joined to it as it was before the wait.
        ids = list(connection.scalars(_HOLD if wait else _HOLD_FREE, {"contact_ids": ids}))
    rows = connection.execute(_SELECT, {"contact_ids": ids})
    return {row.contact_id: _loaded(sealer, row) for row in rows}


def _loaded(sealer: Sealer, row: Any) -> Loaded:
    key = sealer.contact_key(row.operator_id, row.contact_id, row.sealed_key)
    state = body.talk_state(key.open("talks", "sealed_state", row.contact_id, row.sealed_state))
    talk = Talk(
        contact_id=row.contact_id,
        mode=Mode(row.mode),
        session=state.session,
        ticket=ticket_of(row, key) if row.ticket_id else None,
        preferences=state.preferences,
        concerns=state.concerns,
        recent=state.recent,
        held=state.held,
        away=state.away,
        moved=state.moved,
        mine=state.mine,
        seen_at=state.seen_at,
        quiet=state.quiet,
        unanswered=state.unanswered,
        revision=row.revision,
    )
    return Loaded(
        contact_id=row.contact_id,
        operator_id=row.operator_id,
        account_id=row.account_id,
        nickname=row.nickname,
        reachable=row.reachable,
        key=key,
        talk=talk,
        last_seq=row.last_seq,
        sealed_address=row.sealed_address,
    )


def ticket_of(row: Any, key: ContactKey) -> Ticket:
    """A ticket row, with its sealed detail opened."""
    detail = body.ticket_detail(key.open("tickets", "sealed_detail", row.ticket_id, row.sealed_detail))
    return ticket_with(row, detail)


def ticket_with(row: Any, detail: body.TicketDetail) -> Ticket:
    return Ticket(
        id=row.ticket_id,
        contact_id=row.contact_id,
        desk_id=row.desk_id,
        reason=Reason(row.reason),
        priority=Level(row.priority),
        status=Status(row.status),
        assignee=row.assignee,
        opened_at=row.opened_at,
        opened_seq=row.opened_seq,
        claimed_at=row.claimed_at,
        promised_at=row.promised_at,
        stand_in=row.stand_in,
        wishes=detail.wishes,
        hits=detail.hits,
        handed=detail.handed,
        refused=detail.refused,
        peer=detail.peer,
        seen_by=detail.seen_by,
        moves=detail.moves,
    )


def open_any(connection: Connection, sealer: Sealer) -> None:
    """Opens one contact, if there is any. Raises SealError when it was sealed, or named, with other keys."""
    row = connection.execute(select(contacts).limit(1)).first()
    if row is None:
        return
    key = sealer.contact_key(row.operator_id, row.contact_id, row.sealed_key)
    address = body.address(key.open("contacts", "sealed_address", row.contact_id, row.sealed_address))
    if bytes(row.address_key) not in sealer.keyring.address_keys(row.operator_id, address):
        raise SealError("The key that names contacts is another one.")


def find(connection: Connection, sealer: Sealer, operator_id: str, address: Address) -> str | None:
    """The contact of an address, if we know it."""
    keys = sealer.keyring.address_keys(operator_id, address)
    return connection.scalar(select(contacts.c.contact_id).where(contacts.c.address_key.in_(keys)))


@dataclass(slots=True, kw_only=True)
class Held:
    """A contact under lock: its key, and the last place taken in its thread."""

    contact_id: str
    key: ContactKey = field(repr=False)
    last_seq: int


def hold(
    connection: Connection, sealer: Sealer, operator_id: str, addresses: Sequence[Address]
) -> dict[Address, Held]:
    """The contact of each address, locked in key order; unknown ones are made, with a key and a nickname."""
    keys = {
        key: address for address in addresses for key in sealer.keyring.address_keys(operator_id, address)
    }
    held: dict[Address, Held] = {}
    for row in connection.execute(_BY_ADDRESS, {"address_keys": list(keys)}):
        held[keys[bytes(row.address_key)]] = Held(
            contact_id=row.contact_id,
            key=sealer.contact_key(operator_id, row.contact_id, row.sealed_key),
            last_seq=row.last_seq,
        )
    # In one order everywhere: two processes that meet the same new people must not wait for each other.
    fresh = sorted(
        (
            (sealer.keyring.address_key(operator_id, address), address)
            for address in addresses
            if address not in held
        ),
        key=lambda pair: pair[0],
    )
    if fresh:
        held.update(_make(connection, sealer, operator_id, fresh))
    return held


def _make(
    connection: Connection, sealer: Sealer, operator_id: str, fresh: Sequence[tuple[bytes, Address]]
) -> dict[Address, Held]:
    made: dict[Address, Held] = {}
    contact_rows, talk_rows = [], []
    names = {address: sealer.keyring.address_keys(operator_id, address) for _, address in fresh}
    left = moved.known(connection, [name for found in names.values() for name in found])
    for address_key, address in fresh:
        contact_id = random_id()
        key, sealed_key = sealer.new_contact_key(operator_id, contact_id)
        made[address] = Held(contact_id=contact_id, key=key, last_seq=0)
        contact_rows.append(
            {
                "contact_id": contact_id,
                "operator_id": operator_id,
                "account_id": address.account,
                "address_key": address_key,
                "sealed_address": key.seal("contacts", "sealed_address", contact_id, body.encode(address)),
                "sealed_key": sealed_key,
                "nickname": nickname(),
                "reachable": True,
            }
        )
        blank = body.TalkState(moved=not left.isdisjoint(names[address]))
        state = key.seal("talks", "sealed_state", contact_id, body.encode(blank))
        talk_rows.append(
            {
                "contact_id": contact_id,
                "mode": Mode.BOT,
                "revision": 0,
                "last_seq": 0,
                "ticket_id": None,
                "sealed_state": state,
            }
        )
    connection.execute(insert(contacts), contact_rows)
    connection.execute(insert(talks), talk_rows)
    if left:
        moved.forget(connection, left)
    return made


_SAVE = Batch(
    update(talks)
    .where(talks.c.contact_id == bindparam("b_contact_id"), talks.c.revision == bindparam("b_revision"))
    .values(
        mode=bindparam("b_mode"),
        revision=bindparam("b_next"),
        last_seq=bindparam("b_last_seq"),
        ticket_id=bindparam("b_ticket_id"),
        active_on=bindparam("b_active_on"),
        sealed_state=bindparam("b_state"),
    )
)


def save(connection: Connection, changed: Sequence[tuple[Loaded, Talk, int]]) -> None:
    """Saves talks as (what was loaded, the new talk, its last sequence). Raises Conflict when a revision moved on."""
    parameters = [
        {
            "b_contact_id": loaded.contact_id,
            "b_revision": loaded.talk.revision,
            "b_mode": talk.mode,
            "b_next": talk.revision,
            "b_last_seq": last_seq,
            "b_ticket_id": talk.ticket.id if talk.ticket else None,
            "b_active_on": talk.seen_at.date() if talk.seen_at else None,
            "b_state": loaded.key.seal(
                "talks", "sealed_state", loaded.contact_id, body.encode(body.state_of(talk))
            ),
        }
        for loaded, talk, last_seq in changed
    ]
    if _SAVE.run(connection, parameters) != len(parameters):
        raise Conflict("A talk moved on while it was being changed.")


def bumped(loaded: Loaded, talk: Talk) -> Talk:
    """The talk with the revision its save will have."""
    return talk if talk.revision == (new := loaded.talk.revision + 1) else replace(talk, revision=new)


def set_reachable(connection: Connection, reachable: Mapping[str, bool]) -> None:
    """Whether the person takes messages from us at all."""
    connection.execute(
        update(contacts)
        .where(contacts.c.contact_id == bindparam("b_contact_id"))
        .values(reachable=bindparam("b_reachable")),
        [{"b_contact_id": contact_id, "b_reachable": value} for contact_id, value in reachable.items()],
    )

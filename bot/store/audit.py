"""Who of the staff read or wrote which thread, when and for what: a chain that shows when it was changed.

Each event has a transaction of its own, so it stays when the request it tells of rolls back. A thread is named by
a random id made for the event alone; what leads from it to the contact goes with the contact. Each event is sealed by
an HMAC over it and the one before. Who holds the keys could make a new chain, and who holds the database could cut its
end: the daily head, kept elsewhere, shows both (docs/audit.md).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import msgspec
from sqlalchemy import Connection, desc, func, insert, select, text

from bot.clock import random_id
from bot.frozen import dataclass
from bot.handoff.ticket import Status
from bot.store.database import Database, make_engine, transact
from bot.store.dialect import lock_key
from bot.store.schema import audit, audit_refs, contacts, staff, tickets
from bot.store.sealed import Keyring, derive
from bot.store.staff import Member

BEGIN = bytes(32)
CARE, TAKE_OVER, OVERSIGHT, REFUSED, RECORDS = "care", "take_over", "oversight", "refused", "records"
EMERGENCY = "emergency"
PURPOSES = (CARE, TAKE_OVER, OVERSIGHT, REFUSED, RECORDS, EMERGENCY)
"""One's own conversation, one that waits, somebody else's as a lead, one that is not for this member, the audit; and
what two people opened in an emergency."""
OVERSEES = frozenset({"lead"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A row of the chain."""

    seq: int
    at: datetime
    operator_id: str
    staff_id: str
    action: str
    purpose: str
    ref: str
    key_id: str
    mac: bytes = b""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain at some time: with it, neither a cut nor a new chain goes unseen."""

    seq: int
    mac: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event for leads to read. `nickname` and `ticket_id` are there as long as the contact is."""

    event: Event
    login: str
    name: str
    nickname: str | None
    ticket_id: str | None


class Trail:
    """Writes events, each in a transaction of its own.

    On PostgreSQL over a connection of its own. SQLite has one writer, and a second one beside it would starve when it
    is busy: there an event queues for it, in a savepoint of its own, so that it stays whatever becomes of the others.
    """

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database, self._keyring = database, keyring
        self._engine = None if database.is_sqlite else make_engine(database.url, pool_size=1)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audit")

    async def note(
        self, member: Member, action: str, now: datetime, ticket_id: str = "", purpose: str = ""
    ) -> None:
        """Durable when it returns. `purpose`: unless it follows from what the thread is to this member.

        Raises StoreUnavailable: then nothing may be shown or done.
        """
        told = (self._keyring, member, action, now, ticket_id, purpose)
        if self._engine is None:
            await self._database.write(append, *told)
            return
        engine = self._engine
        call = lambda: transact(engine, append, *told)  # noqa: E731
        await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self._thread.shutdown)
        if self._engine is not None:
            self._engine.dispose()


def append(
    connection: Connection,
    keyring: Keyring,
    member: Member,
    action: str,
    now: datetime,
    ticket_id: str,
    purpose: str = "",
) -> None:
    """One more event. Writers come one by one: the lock is held to the end of the transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key("audit")})
    last = connection.execute(select(audit.c.seq, audit.c.mac).order_by(desc(audit.c.seq)).limit(1)).first()
    ref = random_id()
    follows = _purpose(connection, member, ticket_id, ref) if ticket_id else RECORDS
    event = Event(
        seq=last.seq + 1 if last else 1,
        at=now,
        operator_id=member.operator_id,
        staff_id=member.staff_id,
        action=action,
        purpose=purpose or follows,
        ref=ref,
        key_id=keyring.sealing_id,
    )
    mac = seal(keyring, event, bytes(last.mac) if last else BEGIN)
    names = ("seq", "at", "operator_id", "staff_id", "action", "purpose", "ref", "key_id")
    connection.execute(insert(audit).values(**{name: getattr(event, name) for name in names}, mac=mac))


def _purpose(connection: Connection, member: Member, ticket_id: str, ref: str) -> str:
    """What the thread is to this member; a thread that is there is kept by the event's own id."""
    row = connection.execute(
        select(tickets.c.contact_id, tickets.c.assignee, tickets.c.stand_in, tickets.c.status).where(
            tickets.c.ticket_id == ticket_id, tickets.c.operator_id == member.operator_id
        )
    ).first()
    if row is None:
        return REFUSED
    connection.execute(insert(audit_refs).values(ref=ref, contact_id=row.contact_id, ticket_id=ticket_id))
    if member.staff_id in (row.assignee, row.stand_in):
        return CARE
    if row.status == Status.WAITING:
        return TAKE_OVER
    return OVERSIGHT if member.role in OVERSEES else REFUSED


def seal(keyring: Keyring, event: Event, before: bytes) -> bytes:
    """The event's link in the chain."""
    key = derive(keyring.keys[event.key_id], "audit")
    told = [
        event.seq,
        round(event.at.timestamp() * 1000),
        *(event.operator_id, event.staff_id, event.action, event.purpose, event.ref, event.key_id),
    ]
    return hmac.new(key, before + msgspec.json.encode(told), hashlib.sha256).digest()


# --- reading it ---------------------------------------------------------------------------------------------------


def events(connection: Connection) -> Iterator[Event]:
    """The whole chain, in its order."""
    query = select(audit).order_by(audit.c.seq).execution_options(yield_per=1000)
    for row in connection.execute(query):
        yield Event(**{**row._mapping, "mac": bytes(row.mac)})


def head(connection: Connection) -> Head | None:
    """The end of the chain; None while there is none."""
    row = connection.execute(select(audit.c.seq, audit.c.mac).order_by(desc(audit.c.seq)).limit(1)).first()
    return Head(row.seq, bytes(row.mac).hex()) if row else None


def verify(chain: Iterable[Event], keyring: Keyring, heads: Sequence[Head] = ()) -> list[str]:
    """What is wrong with a chain, in words; nothing when all is well."""
    problems, before, place = [], BEGIN, 0
    macs: dict[int, str] = {}
    wanted = {known.seq for known in heads}
    for event in chain:
        if event.seq != place + 1:
            problems.append(f"events {place + 1} to {event.seq - 1} are missing")
        if event.key_id not in keyring.keys:
            problems.append(
                f"event {event.seq} is sealed with key {event.key_id!r}, which is not in ENGAWA_KEYS"
            )
        elif event.seq == place + 1 and not hmac.compare_digest(seal(keyring, event, before), event.mac):
            problems.append(f"event {event.seq} was changed, put in, or moved")
        if event.seq in wanted:
            macs[event.seq] = event.mac.hex()
        before, place = event.mac, event.seq
    for known in heads:
        if known.seq > place:
            problems.append(f"the end is cut: it reached event {known.seq}, and now ends at {place}")
        elif macs.get(known.seq) not in (known.mac, None):
            problems.append(f"this is another chain: event {known.seq} is not the one of the kept head")
    return problems


def entries(
    connection: Connection,
    operator_id: str,
    *,
    login: str = "",
    action: str = "",
    purpose: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 200,
) -> list[Entry]:
    """Events for leads, the newest first, by who, what, why and when."""
    query = (
        select(audit, staff.c.login, staff.c.display_name, contacts.c.nickname, audit_refs.c.ticket_id)
        .outerjoin(staff, staff.c.staff_id == audit.c.staff_id)
        .outerjoin(audit_refs, audit_refs.c.ref == audit.c.ref)
        .outerjoin(contacts, contacts.c.contact_id == audit_refs.c.contact_id)
        .where(audit.c.operator_id == operator_id)
        .order_by(desc(audit.c.seq))
        .limit(limit)
    )
    chosen = ((staff.c.login, login), (audit.c.action, action), (audit.c.purpose, purpose))
    for column, value in chosen:
        if value:
            query = query.where(column == value)
    if since is not None:
        query = query.where(audit.c.at >= since)
    if until is not None:
        query = query.where(audit.c.at < until)
    return [
        Entry(
            event=Event(
                **{name: row._mapping[name] for name in audit.columns.keys() if name != "mac"},  # noqa: SIM118
                mac=bytes(row.mac),
            ),
            login=row.login or "",
            name=row.display_name or "",
            nickname=row.nickname,
            ticket_id=row.ticket_id,
        )
        for row in connection.execute(query)
    ]


def actions(connection: Connection, operator_id: str) -> list[str]:
    """The actions there are events of."""
    query = select(audit.c.action).where(audit.c.operator_id == operator_id).distinct()
    return sorted(connection.scalars(query))


def count(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(audit)) or 0

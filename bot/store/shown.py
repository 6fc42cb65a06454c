"""Who was shown something: found in what we sent, thread by thread. Who it was stays in here and where it is sent.

What can be known is what is kept: a line as long as its talk keeps words, that it was sent for as long as `sends`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from bot.errors import SealError
from bot.frozen import dataclass
from bot.messages import Card
from bot.store import body, conversations
from bot.store.conversations import Loaded
from bot.store.inbox import cell_row
from bot.store.outbox import IS_UNSENT, SENT, UNCERTAIN
from bot.store.schema import contacts, outbox, timeline
from bot.store.sealed import Sealer
from bot.store.timeline import BOT
from bot.talk import Mode

AT_ONCE = 500
ROUNDED = timedelta(minutes=15)  # times of sends are rounded down by as much (retention)
Told = Callable[[Sequence[str], Sequence[Card], datetime], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Somebody in whose thread it stands. `sure`: it was sent; else it may have arrived. `keeps`: they put the entry
    away, or wish to be told of its date."""

    contact_id: str
    sure: bool
    reachable: bool
    hushed: bool
    with_staff: bool
    keeps: bool


def candidates(connection: Connection, operator_id: str, since: datetime) -> list[str]:
    """Everybody to whom something was sent since then, or may have been."""
    query = (
        select(outbox.c.contact_id)
        .join(contacts, contacts.c.contact_id == outbox.c.contact_id)
        .where(contacts.c.operator_id == operator_id, outbox.c.state.in_((SENT, UNCERTAIN)))
        .where(outbox.c.queued_at >= since - ROUNDED)
        .distinct()
        .order_by(outbox.c.contact_id)
    )
    return list(connection.scalars(query))


def still_here(connection: Connection, contact_ids: Sequence[str]) -> list[str]:
    """Those of them who were not erased meanwhile, and can still be written to."""
    found: list[str] = []
    for begin in range(0, len(contact_ids), AT_ONCE):
        here = contacts.c.contact_id.in_(contact_ids[begin : begin + AT_ONCE])
        found += connection.scalars(select(contacts.c.contact_id).where(here, contacts.c.reachable))
    return found


def on_its_way(connection: Connection, before: datetime) -> bool:
    """Whether something said before an instant has not left yet."""
    query = select(outbox.c.seq).where(IS_UNSENT, outbox.c.queued_at < before).limit(1)
    return connection.scalar(query) is not None


def readers(
    connection: Connection,
    sealer: Sealer,
    contact_ids: Sequence[str],
    since: datetime,
    now: datetime,
    told: Told,
    entry: str,
) -> list[Reader]:
    """Which of these contacts were told it since then. A damaged talk or line tells nothing."""
    return [
        found
        for loaded in _loaded(connection, sealer, contact_ids)
        if (found := _reader(connection, loaded, since, now, told, entry)) is not None
    ]


def _loaded(connection: Connection, sealer: Sealer, contact_ids: Sequence[str]) -> Iterator[Loaded]:
    try:
        yield from conversations.load(connection, sealer, contact_ids, lock=False).values()
    except SealError:
        if len(contact_ids) > 1:
            for one in contact_ids:
                yield from _loaded(connection, sealer, [one])


def _reader(
    connection: Connection, loaded: Loaded, since: datetime, now: datetime, told: Told, entry: str
) -> Reader | None:
    states = {state for state, line in _lines(connection, loaded, since) if _is_wrong(line, since, told)}
    if not states:
        return None
    talk = loaded.talk
    return Reader(
        contact_id=loaded.contact_id,
        sure=SENT in states,
        reachable=loaded.reachable,
        hushed="hushed" in talk.person(now).facts,
        with_staff=talk.mode is not Mode.BOT,
        keeps=entry in talk.mine.saved or any(one.entry == entry for one in talk.mine.notices),
    )


def _is_wrong(line: body.Body, since: datetime, told: Told) -> bool:
    return line.at >= since and told(line.texts, line.cards, line.at)


def _lines(connection: Connection, loaded: Loaded, since: datetime) -> Iterator[tuple[str, body.Body]]:
    """What the machine said since then that left, or may have."""
    query = (
        select(timeline.c.seq, timeline.c.sealed_body, outbox.c.state)
        .join(outbox, (outbox.c.contact_id == timeline.c.contact_id) & (outbox.c.seq == timeline.c.seq))
        .where(timeline.c.contact_id == loaded.contact_id, timeline.c.author == BOT)
        .where(outbox.c.state.in_((SENT, UNCERTAIN)), outbox.c.queued_at >= since - ROUNDED)
        .order_by(timeline.c.seq)
    )
    for row in connection.execute(query):
        place = cell_row(loaded.contact_id, row.seq)
        try:
            plain = loaded.key.open("timeline", "sealed_body", place, row.sealed_body)
        except SealError:
            continue
        yield row.state, body.body(plain)

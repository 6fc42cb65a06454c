"""Free ways to answer that nobody has used yet: the newest of each contact, sealed, for less than a minute.

A turn that says nothing leaves its hint here; a counselor's words or a timer's may take it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, Dialect, delete, func, select
from sqlalchemy.sql.dml import UpdateBase

from bot.errors import SealError
from bot.messages import HINT_FRESH, ReplyHint
from bot.store import body
from bot.store.batch import Batch
from bot.store.conversations import Loaded
from bot.store.dialect import among, upsert
from bot.store.schema import reply_hints

_TAKE = (
    delete(reply_hints)
    .where(among(reply_hints.c.contact_id, "contact_ids"))
    .returning(reply_hints.c.contact_id, reply_hints.c.expires_at, reply_hints.c.sealed_hint)
)


def _keeping(dialect: Dialect) -> UpdateBase:
    statement = upsert(dialect, reply_hints)
    newer = {name: statement.excluded[name] for name in ("expires_at", "sealed_hint")}
    return statement.on_conflict_do_update(index_elements=["contact_id"], set_=newer)


_KEEP = Batch(_keeping)


def keep(connection: Connection, hints: Mapping[str, tuple[Loaded, ReplyHint]], now: datetime) -> None:
    """Puts a hint in the place of an older one of its contact."""
    rows = [
        {
            "contact_id": contact_id,
            "expires_at": hint.received_at + HINT_FRESH,
            "sealed_hint": loaded.key.seal("reply_hints", "sealed_hint", contact_id, body.encode(hint)),
        }
        for contact_id, (loaded, hint) in sorted(hints.items())
        if now - hint.received_at < HINT_FRESH
    ]
    _KEEP.run(connection, rows)


def take(
    connection: Connection, asking: Mapping[str, Loaded], now: datetime
) -> dict[str, tuple[Loaded, ReplyHint]]:
    """The hints of these contacts that are still good, by contact, as `keep` takes them; they are here no more."""
    found = {}
    for row in connection.execute(_TAKE, {"contact_ids": sorted(asking)}).all():
        if row.expires_at <= now:
            continue
        one = asking[row.contact_id]
        try:
            plain = one.key.open("reply_hints", "sealed_hint", row.contact_id, row.sealed_hint)
        except SealError:  # a damaged one costs a push, not the message
            continue
        found[row.contact_id] = one, body.reply_hint(plain)
    return found


def good_until(connection: Connection, contact_id: str, now: datetime) -> datetime | None:
    """Until when this contact can be answered for free; None when a push would be used."""
    found: datetime | None = connection.scalar(
        select(reply_hints.c.expires_at).where(
            reply_hints.c.contact_id == contact_id, reply_hints.c.expires_at > now
        )
    )
    return found


def next_end(connection: Connection) -> datetime | None:
    """When the oldest one is over; None when there is none."""
    found: datetime | None = connection.scalar(select(func.min(reply_hints.c.expires_at)))
    return found


def drop_old(connection: Connection, now: datetime) -> None:
    """Forgets those that are over."""
    connection.execute(delete(reply_hints).where(reply_hints.c.expires_at <= now))

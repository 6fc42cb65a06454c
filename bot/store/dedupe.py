"""What was taken in before: keyed digests apart from the contact, so that erasing one lets no redelivery raise it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, insert, select

from bot.store.batch import Batch
from bot.store.schema import dedupe
from bot.store.sealed import Sealer

KEPT_FOR = timedelta(days=8)  # a redelivery is taken once for at least seven days

_KNOWN = select(dedupe.c.digest, dedupe.c.seq).where(
    dedupe.c.digest.in_(bindparam("digests", expanding=True))
)
_REMEMBER = Batch(insert(dedupe))


def known(connection: Connection, digests: Collection[bytes]) -> dict[bytes, int]:
    """Those of the digests that were taken in before, with the place of what they name."""
    rows = connection.execute(_KNOWN, {"digests": list(set(digests))})
    return {bytes(row.digest): row.seq for row in rows}


def remember(connection: Connection, seqs: Mapping[bytes, int], now: datetime) -> None:
    """Raises IntegrityError when one of them was taken in by somebody else meanwhile."""
    _REMEMBER.run(
        connection,
        [{"digest": digest, "seq": seq, "seen_on": now.date()} for digest, seq in seqs.items()],
    )


def first_time(
    connection: Connection, sealer: Sealer, operator_id: str, scope: str, key: str, now: datetime
) -> bool:
    """Whether this key is new in its scope; from now on it is not. For things that must be done once."""
    digest = sealer.keyring.dedupe_digest(operator_id, scope, key)
    if known(connection, [digest, *sealer.keyring.earlier_digests(operator_id, scope, key)]):
        return False
    remember(connection, {digest: 0}, now)
    return True


def forget_old(connection: Connection, now: datetime) -> int:
    """Drops dedupe keys past their time."""
    return connection.execute(delete(dedupe).where(dedupe.c.seen_on < (now - KEPT_FOR).date())).rowcount

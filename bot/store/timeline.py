"""The thread of one contact, as people see it: one sequence for both directions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import structlog
from sqlalchemy import Connection, delete, insert, select, tuple_

from bot.errors import SealError
from bot.frozen import dataclass, replace
from bot.store import body, outbox
from bot.store.batch import Batch
from bot.store.conversations import Loaded
from bot.store.inbox import PERSON, cell_row
from bot.store.schema import outbox as outbox_table
from bot.store.schema import timeline
from bot.store.sealed import ContactKey
from bot.store.unsend import TAKEN_BACK

BOT = "bot"
COUNSELOR = "counselor"
MARKER = "marker"
MAX_BETWEEN = 1_000
SHOWN_TO_PERSON = (PERSON, BOT, COUNSELOR)
DAMAGED = "damaged"
HIDDEN_KINDS = frozenset({"joined", "left", "unsent", TAKEN_BACK, DAMAGED})
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger("timeline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a thread; `delivery` and `error_code` tell what became of something we sent.

    `due_at`: when it is tried next, while it is queued.
    """

    seq: int
    author: str
    body: body.Body
    delivery: str | None = None
    via: str | None = None
    error_code: str | None = None
    due_at: datetime | None = None


def row(key: ContactKey, contact_id: str, seq: int, author: str, line: body.Body) -> dict[str, object]:
    sealed = key.seal("timeline", "sealed_body", cell_row(contact_id, seq), body.encode(line))
    return {"contact_id": contact_id, "seq": seq, "author": author, "sealed_body": sealed}


def erase(connection: Connection, places: Sequence[tuple[str, int]]) -> None:
    """Deletes what persons wrote at these places; nothing of ours is touched."""
    found = tuple_(timeline.c.contact_id, timeline.c.seq).in_(places)
    connection.execute(delete(timeline).where(found, timeline.c.author == PERSON))


def at(connection: Connection, loaded: Loaded, seqs: Collection[int]) -> list[Line]:
    """The lines of the person at these places, oldest first; what was erased meanwhile is left out."""
    if not seqs:
        return []
    found = lines(connection, loaded, after=min(seqs) - 1, before=max(seqs) + 1, limit=MAX_BETWEEN)
    return [line for line in found if line.seq in seqs and line.author == PERSON]


_ADD = Batch(insert(timeline))


def add(connection: Connection, rows: Sequence[dict[str, object]]) -> None:
    _ADD.run(connection, rows)


def lines(
    connection: Connection,
    loaded: Loaded,
    *,
    after: int = 0,
    before: int | None = None,
    limit: int = 200,
    newest: bool = True,
) -> list[Line]:
    """Lines with `after` < seq (< `before`), oldest first: the newest `limit` of them, or the first ones."""
    query = (
        select(
            timeline.c.seq,
            timeline.c.author,
            timeline.c.sealed_body,
            outbox_table.c.state,
            outbox_table.c.via,
            outbox_table.c.error_code,
            outbox_table.c.due_at,
        )
        .outerjoin(
            outbox_table,
            (outbox_table.c.contact_id == timeline.c.contact_id) & (outbox_table.c.seq == timeline.c.seq),
        )
        .where(timeline.c.contact_id == loaded.contact_id, timeline.c.seq > after)
        .order_by(timeline.c.seq.desc() if newest else timeline.c.seq)
        .limit(limit)
    )
    if before is not None:
        query = query.where(timeline.c.seq < before)
    found = [
        Line(
            seq=found.seq,
            author=found.author,
            body=_opened(loaded, found.seq, found.sealed_body),
            delivery=found.state,
            via=found.via,
            error_code=found.error_code,
            due_at=found.due_at,
        )
        for found in connection.execute(query)
    ]
    return _placed(found[::-1] if newest else found)


def _opened(loaded: Loaded, seq: int, sealed: bytes) -> body.Body:
    """What a line says; a damaged cell says only that it is one, and costs nobody the rest of the thread (B3)."""
    try:
        return body.body(loaded.key.open("timeline", "sealed_body", cell_row(loaded.contact_id, seq), sealed))
    except SealError:
        log.error("cell_damaged", table="timeline")
        return body.Body(kind=DAMAGED, at=LONG_AGO)


def _placed(found: list[Line]) -> list[Line]:
    """Damaged lines take the time of the line before them; who reads the thread looks for them there."""
    at, placed = next((line.body.at for line in found if line.body.kind != DAMAGED), LONG_AGO), []
    for line in found:
        if line.body.kind == DAMAGED:
            line = replace(line, body=replace(line.body, at=at))  # noqa: PLW2901
        at = line.body.at
        placed.append(line)
    return placed


def for_person(
    connection: Connection, loaded: Loaded, *, after: int, limit: int = 200, newest: bool = False
) -> list[Line]:
    """What the person sees on the web: their own words and what was sent to them. Who asks again gets the rest."""
    return [
        line
        for line in lines(connection, loaded, after=after, limit=limit, newest=newest)
        if line.author in SHOWN_TO_PERSON
        and line.body.kind not in HIDDEN_KINDS
        and line.delivery in (None, outbox.SENT)
    ]


def is_answered(connection: Connection, contact_id: str, since: int) -> bool:
    """Whether a human has written in the thread since this place."""
    query = select(timeline.c.seq).where(
        timeline.c.contact_id == contact_id, timeline.c.seq >= since, timeline.c.author == COUNSELOR
    )
    return connection.scalar(query.limit(1)) is not None

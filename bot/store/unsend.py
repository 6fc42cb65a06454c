"""Messages their writers took back: their words are gone from the thread, and from what was made of them, at once.

A line keeps the platform's name of its message inside its sealed cell, so nothing in clear links the two, and what
finds a message ends with it. What is taken back before it comes in is known by a keyed digest (`digest_of`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select, update

from bot.errors import SealError
from bot.flows.matching import visible
from bot.flows.session import MAX_ANSWER
from bot.frozen import dataclass, replace
from bot.messages import Inbound
from bot.store import body, conversations, dedupe, tickets
from bot.store.batch import Batch
from bot.store.conversations import Held
from bot.store.schema import inbox, timeline
from bot.store.sealed import ContactKey, Sealer

TAKEN_BACK = "taken_back"
REACHES_BACK = dedupe.KEPT_FOR  # LINE lets a message be taken back for a day
CHUNK = 200

_LINES = (
    select(timeline.c.seq, timeline.c.sealed_body)
    .where(timeline.c.contact_id == bindparam("contact_id"), timeline.c.seq < bindparam("before"))
    .order_by(timeline.c.seq.desc())
    .limit(CHUNK)
)
_REWRITE = Batch(
    update(timeline)
    .where(timeline.c.contact_id == bindparam("b_contact_id"), timeline.c.seq == bindparam("b_seq"))
    .values(sealed_body=bindparam("b_sealed_body"))
)


@dataclass(slots=True)
class _Thread:
    """The younger part of a thread, opened."""

    taken_back: dict[int, body.Body] = field(default_factory=dict)
    others: dict[int, body.Body] = field(default_factory=dict)


def digest_of(sealer: Sealer, operator_id: str, event: Inbound) -> bytes:
    """What a message that was taken back is known by, also before it comes in."""
    return sealer.keyring.dedupe_digest(operator_id, *name_of(event))


def name_of(event: Inbound) -> tuple[str, str]:
    """The scope and the key of that digest."""
    return f"unsent/{event.address.account}", f"{event.address.key}\x1f{event.message_key}"


def emptied(line: body.Body) -> body.Body:
    """The line with nothing left of what was said."""
    return body.Body(kind=TAKEN_BACK, at=line.at)


def take_back(
    connection: Connection, sealer: Sealer, held: Held, message_keys: Collection[str], now: datetime
) -> bool:
    """Erases what was said in these messages of a locked contact; whether any was found.

    A message that waits to be handled is not handled any more. Answers, wishes and previews that repeat its words
    lose them. Risk hits keep rule and place; they never held words.
    """
    thread = _opened(connection, held, message_keys, now)
    if not thread.taken_back:
        return False
    changed = {seq: emptied(line) for seq, line in thread.taken_back.items()}
    said = {text for line in thread.taken_back.values() for text in line.texts}
    repeated = _forget_answers(connection, sealer, held.contact_id, said)
    changed |= _without(thread.others, repeated)
    rewrite(connection, held.contact_id, held.key, changed)
    connection.execute(
        delete(inbox).where(inbox.c.contact_id == held.contact_id, inbox.c.seq.in_(list(thread.taken_back)))
    )
    return True


def rewrite(
    connection: Connection, contact_id: str, key: ContactKey, changed: Mapping[int, body.Body]
) -> None:
    """Seals these lines of a locked contact anew, in their places."""
    rows = [
        {
            "b_contact_id": contact_id,
            "b_seq": seq,
            "b_sealed_body": key.seal("timeline", "sealed_body", f"{contact_id}/{seq}", body.encode(line)),
        }
        for seq, line in changed.items()
    ]
    _REWRITE.run(connection, rows)


def _opened(connection: Connection, held: Held, message_keys: Collection[str], now: datetime) -> _Thread:
    thread, before = _Thread(), held.last_seq + 1
    while True:
        rows = connection.execute(_LINES, {"contact_id": held.contact_id, "before": before}).all()
        for row in rows:
            try:
                cell = held.key.open(
                    "timeline", "sealed_body", f"{held.contact_id}/{row.seq}", row.sealed_body
                )
            except SealError:  # one damaged cell must not keep the others
                continue
            line = body.body(cell)
            if now - line.at > REACHES_BACK:
                return thread
            part = thread.taken_back if line.message_key in message_keys else thread.others
            part[row.seq] = line
        if len(rows) < CHUNK:
            return thread
        before = rows[-1].seq


def _forget_answers(
    connection: Connection, sealer: Sealer, contact_id: str, said: Collection[str]
) -> list[tuple[str, str]]:
    """Drops answers and wishes that are these words; returns them, as name and words."""
    words = {visible(text)[:MAX_ANSWER] for text in said} | set(said)
    loaded = conversations.load(connection, sealer, [contact_id], lock=False)[contact_id]
    talk = loaded.talk
    gone: list[tuple[str, str]] = []
    if talk.session is not None:
        gone += [pair for pair in talk.session.answers.items() if pair[1] in words]
        kept = {name: value for name, value in talk.session.answers.items() if value not in words}
        talk = replace(talk, session=replace(talk.session, answers=kept))
    if talk.ticket is not None:
        gone += [pair for pair in talk.ticket.wishes if pair[1] in words]
        wishes = tuple(pair for pair in talk.ticket.wishes if pair[1] not in words)
        talk = replace(talk, ticket=replace(talk.ticket, wishes=wishes))
    if not gone:
        return []
    conversations.save(connection, [(loaded, conversations.bumped(loaded, talk), loaded.last_seq)])
    if talk.ticket is not None and talk.ticket != loaded.talk.ticket:
        tickets.save(connection, [(loaded, talk.ticket)])
    return gone


def _without(lines: Mapping[int, body.Body], gone: Sequence[tuple[str, str]]) -> dict[int, body.Body]:
    """The lines that repeat an answer in a preview (`name：words`), without its words."""
    changed = {}
    for seq, line in lines.items():
        texts = line.texts
        for name, words in gone:
            texts = tuple(text.replace(f"{name}：{words}", f"{name}：…") for text in texts)
        if texts != line.texts:
            changed[seq] = replace(line, texts=texts)
    return changed

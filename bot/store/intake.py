"""Events taken in: durable in their threads before they are acknowledged, once each. What waits is in `inbox`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert

from bot.frozen import dataclass
from bot.messages import Address, Inbound, Kind
from bot.store import body, conversations, dedupe, inbox, unsend
from bot.store.batch import Batch
from bot.store.conversations import Held
from bot.store.inbox import PERSON, Pending, cell_row
from bot.store.schema import timeline
from bot.store.sealed import Sealer

Message = tuple[Address, str]
"""A message as its platform names it: names need not differ from person to person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Where an event lies in its contact's thread; `fresh` is False for one we had already.

    `seq` is None while the event lies in the spool: its place in the thread is not known yet.
    """

    seq: int | None
    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Events that lie in their threads. The fresh ones are to be answered or queued in the same transaction.

    `took_back`: a message of before was taken back, and its bytes must go (runtime.wipe). `newcomers`: somebody
    nobody knew is among them.
    """

    accepted: list[Accepted]
    fresh: list[Pending]
    held: dict[str, Held]
    took_back: bool
    newcomers: bool


_ADD_LINE = Batch(insert(timeline))


def accept(
    connection: Connection, sealer: Sealer, operator_id: str, now: datetime, events: Sequence[Inbound]
) -> list[Accepted]:
    """Takes a batch of events and leaves all of them for a later turn."""
    taken = take(connection, sealer, operator_id, now, events)
    queue(connection, taken, taken.fresh, now)
    return taken.accepted


def take(
    connection: Connection, sealer: Sealer, operator_id: str, now: datetime, events: Sequence[Inbound]
) -> Taken:
    """Writes a batch of events into their threads, each once, and locks their contacts.

    The caller acknowledges after this is committed, not before. Raises IntegrityError or Conflict when another
    process was faster; the next try sees what it did.
    """
    digests = [
        sealer.keyring.dedupe_digest(operator_id, event.address.account, event.dedupe_key) for event in events
    ]
    unsent = {
        _message(event): unsend.digest_of(sealer, operator_id, event) for event in events if event.message_key
    }
    earlier = _earlier(sealer, operator_id, events)
    found = dedupe.known(connection, [*digests, *unsent.values(), *earlier])
    seen = {earlier.get(digest, digest): seq for digest, seq in found.items()}
    new = {digest: event for digest, event in zip(digests, events, strict=True) if digest not in seen}
    held, seqs, fresh = dict[Address, Held](), dict[bytes, int](), list[Pending]()
    took_back = newcomers = False
    if new:
        gone = {message for message, digest in unsent.items() if digest in seen}
        taking_back = {_message(event) for event in new.values() if event.kind is Kind.UNSENT} & unsent.keys()
        addresses = list(dict.fromkeys(event.address for event in new.values()))
        held = conversations.hold(connection, sealer, operator_id, addresses)
        newcomers = any(one.last_seq == 0 for one in held.values())
        seqs, fresh = _write(connection, held, new, gone | taking_back)
        took_back = _take_back(connection, sealer, held, taking_back, now)
        dedupe.remember(connection, seqs | {unsent[message]: 0 for message in taking_back - gone}, now)
    known = {digest: Accepted(seq=seen[digest], fresh=False) for digest in digests if digest in seen}
    accepted: list[Accepted] = []
    for digest in digests:
        accepted.append(known.get(digest) or Accepted(seq=seqs[digest], fresh=True))
        known.setdefault(digest, Accepted(seq=accepted[-1].seq, fresh=False))
    by_contact = {one.contact_id: one for one in held.values()}
    return Taken(accepted=accepted, fresh=fresh, held=by_contact, took_back=took_back, newcomers=newcomers)


def _earlier(sealer: Sealer, operator_id: str, events: Sequence[Inbound]) -> dict[bytes, bytes]:
    """While the key of digests is changed: today's digest by each of before. Else there is nothing to look for."""
    if not sealer.keyring.id_keys_before:
        return {}
    keyring, found = sealer.keyring, dict[bytes, bytes]()
    for event in events:
        names = [(event.address.account, event.dedupe_key)]
        if event.message_key:
            names.append(unsend.name_of(event))
        for scope, name in names:
            now = keyring.dedupe_digest(operator_id, scope, name)
            found |= dict.fromkeys(keyring.earlier_digests(operator_id, scope, name), now)
    return found


def _message(event: Inbound) -> Message:
    return event.address, event.message_key


def _write(
    connection: Connection,
    held: Mapping[Address, Held],
    new: Mapping[bytes, Inbound],
    gone: Collection[Message],
) -> tuple[dict[bytes, int], list[Pending]]:
    """A line for each new event. A message that was taken back already (`gone`) gets an empty one, and no turn."""
    lines, seqs, fresh, unheard = [], {}, [], dict[str, int]()
    for digest, event in new.items():
        one = held[event.address]
        one.last_seq += 1
        seqs[digest] = one.last_seq
        is_message = event.kind is not Kind.UNSENT
        heard = body.Body(
            kind=event.kind,
            at=event.sent_at,
            texts=(event.text,) if event.text else (),
            choice_id=event.choice_id,
            message_key=event.message_key if is_message else "",
        )
        if is_message and _message(event) in gone:
            heard = unsend.emptied(heard)
            unheard[one.contact_id] = one.last_seq
        else:
            fresh.append(
                Pending(
                    contact_id=one.contact_id,
                    seq=one.last_seq,
                    attempts=0,
                    wake_reason=None,
                    heard=heard,
                    hint=event.reply_hint,
                )
            )
        cell = cell_row(one.contact_id, one.last_seq)
        sealed = one.key.seal("timeline", "sealed_body", cell, body.encode(heard))
        lines.append(
            {"contact_id": one.contact_id, "seq": one.last_seq, "author": PERSON, "sealed_body": sealed}
        )
    _ADD_LINE.run(connection, lines)
    inbox.move_last_seq(connection, unheard)
    return seqs, fresh


def _take_back(
    connection: Connection,
    sealer: Sealer,
    held: Mapping[Address, Held],
    messages: Collection[Message],
    now: datetime,
) -> bool:
    """Erases these messages where they came in before; whether any did."""
    names: dict[Address, set[str]] = {}
    for address, message_key in messages:
        names.setdefault(address, set()).add(message_key)
    found = [
        unsend.take_back(connection, sealer, held[address], wanted, now) for address, wanted in names.items()
    ]
    return any(found)


def queue(connection: Connection, taken: Taken, events: Sequence[Pending], now: datetime) -> None:
    """Leaves events of `taken` for a later turn."""
    rows = []
    for event in events:
        key, cell = taken.held[event.contact_id].key, cell_row(event.contact_id, event.seq)
        hint = key.seal("inbox", "sealed_hint", cell, body.encode(event.hint)) if event.hint else None
        rows.append(inbox.row(event.contact_id, event.seq, now, sealed_hint=hint))
    waiting = {event.contact_id for event in events}
    inbox.move_last_seq(connection, {contact_id: taken.held[contact_id].last_seq for contact_id in waiting})
    inbox.add(connection, rows)

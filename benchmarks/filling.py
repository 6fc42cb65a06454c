"""Fills a database with people who wrote once and were answered: by the store's own functions, sealed as always.

What makes it quick is the file: one transaction, no journal, a cache that holds what is random. A crash would spoil the
file, which a benchmark may risk; nothing else may have it open meanwhile.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import psutil
from sqlalchemy import Connection, event

from bot.clock import random_id
from bot.messages import Address, Inbound, Kind, Purpose
from bot.store import conversations, intake, outbox, timeline
from bot.store.body import Body
from bot.store.conversations import Loaded
from bot.store.database import make_engine, parse_url
from bot.store.sealed import Sealer
from bot.talk import Talk

CHUNK = 2_000  # people
MOST_CACHE = 6 << 30  # bytes; a million people are 4 GB
PRAGMAS = ("PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", "PRAGMA secure_delete=OFF")
HEARD = "きのうは雨でしたが、庭の木に小さな鳥が来ていて、しばらくながめていました。あしたは散歩のついでに寄ります。"
ANSWERED = "書いてくださって、ありがとうございます。ここでは、場所や日にちをさがしたり、気持ちを書きとめたりできます。"


@dataclass(frozen=True, slots=True)
class Filling:
    """So many people, each with so many messages and as many answers. `like`: whose talk theirs are like."""

    account: str
    people: int
    messages_each: int
    like: Loaded
    now: datetime


def fill(url: str, sealer: Sealer, wanted: Filling) -> None:
    """Writes them all, or raises; the file is of no use then."""
    engine = make_engine(parse_url(url))
    cache = min(MOST_CACHE, psutil.virtual_memory().available // 2) >> 10
    pragmas = (*PRAGMAS, f"PRAGMA cache_size=-{cache}")
    event.listen(engine, "connect", lambda raw, _record: [raw.execute(pragma) for pragma in pragmas])
    gc.disable()  # rows are no cycles, and there are many
    try:
        with engine.begin() as connection:
            for begin in range(0, wanted.people, CHUNK):
                _chunk(connection, sealer, wanted, range(begin, min(begin + CHUNK, wanted.people)))
                if begin and begin % 100_000 == 0:
                    print(f"  {begin:,} of {wanted.people:,} people", file=sys.stderr, flush=True)
    finally:
        gc.enable()
        engine.dispose()


def _chunk(connection: Connection, sealer: Sealer, wanted: Filling, numbers: range) -> None:
    now, operator_id = wanted.now, wanted.like.operator_id
    events = [
        Inbound(
            address=Address(account=wanted.account, key=f"U{number:032x}"),
            dedupe_key=random_id(),
            sent_at=now,
            kind=Kind.TEXT,
            text=HEARD,
        )
        for number in (one + 1_000_000_000 for one in numbers)
        for _ in range(wanted.messages_each)
    ]
    taken = intake.take(connection, sealer, operator_id, now, events)
    answer = Body(kind=Purpose.BOT, at=now, texts=(ANSWERED,))
    lines, sends = [], []
    for pending in taken.fresh:
        held = taken.held[pending.contact_id]
        held.last_seq += 1
        place = (held.key, held.contact_id, held.last_seq)
        lines.append(timeline.row(*place, timeline.BOT, answer))
        sends.append(
            outbox.row(
                key=held.key,
                contact_id=held.contact_id,
                seq=held.last_seq,
                purpose=Purpose.BOT,
                cause=f"event:{pending.seq}",
                state="sent",
                now=now,
            )
        )
    timeline.add(connection, lines)
    outbox.add(connection, sends)
    conversations.save(connection, _talked(wanted.like, list(taken.held.values()), now))


def _talked(
    like: Loaded, held: Sequence[conversations.Held], now: datetime
) -> list[tuple[Loaded, Talk, int]]:
    """Each with a talk like that of somebody who did talk."""
    made = []
    for one in held:
        before = replace(
            like,
            contact_id=one.contact_id,
            key=one.key,
            talk=Talk(contact_id=one.contact_id),
            last_seq=one.last_seq,
        )
        talk = replace(like.talk, contact_id=one.contact_id, revision=1, seen_at=now)
        made.append((before, talk, one.last_seq))
    return made

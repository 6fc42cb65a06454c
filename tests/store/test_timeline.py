"""The thread: one order for both directions, and what of it the person sees."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import insert, select, update

from bot.messages import Kind, Purpose
from bot.store import outbox, timeline
from bot.store.body import Body
from bot.store.schema import timeline as rows
from bot.store.timeline import Line
from tests.store.ready import NOW, Store


def seen(lines: list[Line]) -> list[tuple[int, str, str]]:
    return [(line.seq, line.author, "".join(line.body.texts)) for line in lines]


def mark(store: Store, contact_id: str, marker: str) -> None:
    """A line that is nobody's message."""
    loaded = store.load(contact_id)
    line = Body(kind=marker, at=NOW, name="みずの", staff_id="s")
    row = timeline.row(loaded.key, contact_id, loaded.last_seq + 1, timeline.MARKER, line)
    store.run(lambda connection: connection.execute(insert(rows), [row]))


def test_both_directions(store: Store) -> None:
    """Person, machine, counselor and markers stand in the order in which they came to be."""
    contact_id = store.contact("a")
    store.say(contact_id, "案内", state=outbox.SENT)
    store.accept(store.event("a", "つづき"))
    store.say(contact_id, "人", Purpose.COUNSELOR)
    mark(store, contact_id, "claimed")
    lines = store.run(timeline.lines, store.load(contact_id))
    assert seen(lines) == [
        (1, "person", "こんにちは"),
        (2, "bot", "案内"),
        (3, "person", "つづき"),
        (4, "counselor", "人"),
        (5, "marker", ""),
    ]
    assert [line.delivery for line in lines] == [None, outbox.SENT, None, outbox.QUEUED, None]
    assert (lines[4].body.name, lines[4].body.kind) == ("みずの", "claimed")


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7]),
        ({"after": 4}, [5, 6, 7]),
        ({"before": 4}, [1, 2, 3]),
        ({"after": 1, "before": 6, "limit": 2}, [4, 5]),
        ({"limit": 3}, [5, 6, 7]),
        ({"after": 7}, []),
    ],
)
def test_a_window(store: Store, window: dict[str, int], expected: list[int]) -> None:
    """By place, not by count: what is added meanwhile moves nothing. The last ones of the window, oldest first."""
    store.accept(*[store.event("a") for _ in range(7)])
    store.accept(*[store.event("b") for _ in range(3)])
    lines = store.run(timeline.lines, store.load(store.contact("a")), **window)
    assert [line.seq for line in lines] == expected


def test_what_the_person_sees(store: Store) -> None:
    """Their own words and what was really sent to them: nothing queued, failed, silenced or uncertain; no markers."""
    contact_id = store.contact("a")
    for state in (outbox.QUEUED, outbox.SENDING, outbox.FAILED, outbox.UNCERTAIN, outbox.CANCELLED):
        store.say(contact_id, state, state=state)
    store.say(contact_id, "届いた", state=outbox.SENT)
    store.say(contact_id, "人から", Purpose.COUNSELOR, state=outbox.SENT)
    for kind in (Kind.JOINED, Kind.LEFT, Kind.UNSENT):
        store.accept(replace(store.event("a", ""), kind=kind))
    mark(store, contact_id, "claimed")
    lines = store.run(timeline.for_person, store.load(contact_id), after=0)
    assert seen(lines) == [
        (1, "person", "こんにちは"),
        (7, "bot", "届いた"),
        (8, "counselor", "人から"),
    ]
    assert seen(store.run(timeline.for_person, store.load(contact_id), after=7)) == [
        (8, "counselor", "人から")
    ]


def test_another_persons_key_opens_nothing(store: Store) -> None:
    """A thread is read with its own contact's key; another one sees none of its lines."""
    a, b = store.contact("a"), store.contact("b")
    store.accept(store.event("a", "ひみつ"))
    assert seen(store.run(timeline.lines, store.load(b))) == [(1, "person", "こんにちは")]
    mixed = replace(store.load(a), key=store.load(b).key)
    assert {line.body.kind for line in store.run(timeline.lines, mixed)} == {timeline.DAMAGED}


def test_a_damaged_line_costs_no_other(store: Store) -> None:
    """One flipped bit, or a cell that belongs elsewhere: its place says so, the rest of the thread is there (B3)."""
    contact = store.contact("a")
    for text in ("ひとつ", "ふたつ", "みっつ"):
        store.say(contact, text, state="sent")
    kept = store.rows(select(rows).where(rows.c.contact_id == contact).order_by(rows.c.seq))
    flipped = bytes(kept[1].sealed_body[:-1]) + bytes([kept[1].sealed_body[-1] ^ 1])
    for seq, cell in ((kept[1].seq, flipped), (kept[2].seq, kept[3].sealed_body)):
        place = (rows.c.contact_id == contact) & (rows.c.seq == seq)
        statement = update(rows).where(place).values(sealed_body=cell)
        store.run(lambda connection, made: connection.execute(made), statement)
    found = store.run(timeline.lines, store.load(contact))
    assert [line.body.kind for line in found] == ["text", timeline.DAMAGED, timeline.DAMAGED, "bot"]
    assert found[1].body.at == found[0].body.at
    assert [line.body.texts for line in found if line.body.texts] == [("こんにちは",), ("みっつ",)]
    theirs = store.run(timeline.for_person, store.load(contact), after=0)
    assert [line.body.texts for line in theirs] == [("こんにちは",), ("みっつ",)]

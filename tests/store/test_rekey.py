"""Keys are changed while people write: nobody is lost, nothing is unreadable, nothing stays on the old key (B6)."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from admin.cli import app
from bot.content import practice
from bot.errors import SealError
from bot.messages import Address
from bot.store import conversations, dedupe, factors, moved, practices, reach, rekey, reviews, timeline
from bot.store.reviews import Review
from bot.store.schema import contacts, metadata, receipts, risk_reviews
from bot.store.sealed import CONTACT_KEY_ID, Cell, Keyring, Sealer, key_id_of
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import House, everything, forget, live
from tests.store.ready import KEYRING, NOW, OPERATOR, Store


@pytest.fixture
async def house(ready_url: str) -> AsyncIterator[House]:
    channel, clock = FakeChannel(), FakeClock()
    async with an_engawa(ready_url, clock=clock, channels=[channel]) as engawa:
        yield House(engawa=engawa, channel=channel, clock=clock)


NEW = Keyring(keys={"k2": b"\x02" * 32, **KEYRING.keys}, id_key=KEYRING.id_key)
ALONE = Keyring(keys={"k2": b"\x02" * 32}, id_key=KEYRING.id_key)
OTHER_ID = replace(KEYRING, id_key=b"\x07" * 32, id_keys_before=(KEYRING.id_key,))
ONLY_ID = replace(KEYRING, id_key=b"\x07" * 32)


class TestRewrap:
    def test_nothing_is_left(self, store: Store) -> None:
        """Contacts, receipts and reviews: all open with the new key alone, none with the old one."""
        people = [store.contact(f"p{number}") for number in range(5)]
        store.run(reviews.add, store.sealer, OPERATOR, NOW.date(), Review(verdict="missed"))
        sealed = store.sealer.seal(Cell(OPERATOR, "receipts", "sealed_receipt", "r1"), b"receipt")
        row = {"receipt_id": "r1", "operator_id": OPERATOR, "account_id": "fake", "sealed_receipt": sealed}
        store.run(lambda connection: connection.execute(receipts.insert().values(**row, expires_at=NOW)))
        assert store.run(rekey.using, "k1") == 7
        done = rekey.rewrap(store.engine, Sealer(NEW))
        assert (done.changed, done.damaged) == (7, 0)
        assert (store.run(rekey.using, "k1"), store.run(rekey.using, "k2")) == (0, 7)
        alone = Sealer(ALONE)
        found = store.run(conversations.load, alone, people)
        assert store.run(timeline.lines, found[people[0]])[0].body.texts == ("こんにちは",)
        assert store.run(reviews.latest, alone, OPERATOR)[0][1].verdict == "missed"
        kept = store.value(select(receipts.c.sealed_receipt))
        assert alone.open(Cell(OPERATOR, "receipts", "sealed_receipt", "r1"), kept) == b"receipt"
        with pytest.raises(SealError):
            store.run(conversations.load, store.sealer, people)
        assert rekey.rewrap(store.engine, Sealer(NEW)).changed == 0

    def test_in_pages(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rekey, "MOST", 3)
        for number in range(10):
            store.contact(f"p{number}")
        assert rekey.rewrap(store.engine, Sealer(NEW)).changed == 10
        assert rekey.rehash(store.engine, Sealer(replace(NEW, id_key=b"\x07" * 32))).changed == 10

    def test_while_people_write(self, store: Store) -> None:
        """A server that knows both keys loses no message, and what it made under the old key is found as well."""
        over, written = Event(), 0

        def write() -> None:
            nonlocal written
            with store.another() as serving:
                while not over.is_set() or written < 30:
                    serving.accept(serving.event(f"p{written % 7}", f"{written}", key=f"e{written}"))
                    written += 1

        store.sealer = Sealer(
            replace(NEW, keys=dict(reversed(NEW.keys.items())))
        )  # both, and the old one seals
        writer = Thread(target=write)
        writer.start()
        try:
            for _ in range(3):
                rekey.rewrap(store.engine, Sealer(NEW))
        finally:
            over.set()
            writer.join()
        rekey.rewrap(store.engine, Sealer(NEW))
        assert store.run(rekey.using, "k1") == 0
        alone = Sealer(ALONE)
        ids = [row.contact_id for row in store.rows(select(contacts.c.contact_id))]
        said = [
            line.body.texts[0]
            for loaded in store.run(conversations.load, alone, ids).values()
            for line in store.run(timeline.lines, loaded)
        ]
        assert sorted(said, key=int) == [str(number) for number in range(written)]

    def test_a_damaged_cell_stays(self, store: Store) -> None:
        a, b = store.contact("a"), store.contact("b")
        cell = store.value(select(contacts.c.sealed_key).where(contacts.c.contact_id == a))
        swap = update(contacts).where(contacts.c.contact_id == b).values(sealed_key=cell)
        store.run(lambda connection: connection.execute(swap))
        done = rekey.rewrap(store.engine, Sealer(NEW))
        assert (done.changed, done.damaged) == (1, 1)

    def test_a_server_finds_the_new_key(self, store: Store) -> None:
        """It meets a cell of a key it does not know, looks at its file again, and seals with that key from then on."""
        person = store.contact("a")
        serving = Sealer(KEYRING, lambda: NEW)
        assert serving.keyring.sealing_id == "k1"
        rekey.rewrap(store.engine, Sealer(NEW))
        assert store.run(conversations.load, serving, [person])[person].contact_id == person
        assert serving.keyring.sealing_id == "k2"
        with pytest.raises(SealError, match="ENGAWA_KEYS"):
            store.run(conversations.load, Sealer(KEYRING, lambda: None), [person])


async def test_every_cell_of_an_installation_key_is_known(house: House) -> None:
    """A new column that an installation key seals needs a line in `rekey.CELLS`, or rotating would lose it."""
    await live(house, "a")
    await live(house, "b")
    await house.engawa.desk.review(
        await house.member(), (await house.ticket("a")).id, Review(verdict="false_alarm")
    )
    await forget(house, "b")
    await house.engawa.database.write(
        factors.add, house.engawa.sealer, await house.member(), factors.TOTP, b"secret", house.clock.now()
    )
    practised = practice.begin(practice.Practice(id="p", name="n", nickname="k", about="a", opening=("x",)))
    await house.engawa.database.write(
        practices.add, house.engawa.sealer, await house.member(), practised, house.clock.now()
    )
    await house.engawa.database.write(
        reach.keep, house.engawa.sealer, await house.member(), "mailto:a@example.jp"
    )
    found = {
        f"{table}.{column.name}"
        for table, rows in (await everything(house)).items()
        for row in rows
        for column, value in zip(metadata.tables[table].columns, row, strict=True)
        if column.name.startswith("sealed_")
        and value is not None
        and key_id_of(bytes(value)) != CONTACT_KEY_ID
    }
    assert found == {f"{cell.table.name}.{cell.name}" for _, cell in rekey.CELLS}


class TestRehash:
    def test_known_before_during_and_after(self, store: Store) -> None:
        """With both keys everybody is the same person; after the run the new key is enough."""
        address = Address(account="fake", key="a")
        person = store.contact("a")
        both, after = Sealer(OTHER_ID), Sealer(ONLY_ID)
        assert store.run(conversations.find, both, OPERATOR, address) == person
        assert store.run(conversations.find, after, OPERATOR, address) is None
        store.run(conversations.open_any, both)
        with store.another() as serving:
            serving.sealer = both
            serving.accept(
                serving.event("a", "その間", key="during"), serving.event("b", "はじめて", key="first")
            )
        assert len(store.rows(select(contacts))) == 2
        done = rekey.rehash(store.engine, both)
        assert (done.changed, done.damaged) == (1, 0)
        assert store.run(conversations.find, after, OPERATOR, address) == person
        store.run(conversations.open_any, after)

    def test_no_event_twice(self, store: Store) -> None:
        """An event taken in under the old key is known under the new one; so is what must be done once."""
        event = store.event("a", key="once")
        [first] = store.accept(event)
        assert store.run(dedupe.first_time, store.sealer, OPERATOR, "desk", "reply-1", NOW)
        store.sealer = Sealer(OTHER_ID)
        [again] = store.accept(event)
        assert (again.seq, again.fresh) == (first.seq, False)
        assert not store.run(dedupe.first_time, store.sealer, OPERATOR, "desk", "reply-1", NOW)
        [other] = store.accept(store.event("a", key="twice"))
        assert other.fresh

    def test_left_addresses(self, store: Store) -> None:
        """Who comes from an address that a thread has left is told so, whichever key remembers it."""
        address = Address(account="fake", key="gone")
        store.run(moved.remember, store.sealer.keyring.address_key(OPERATOR, address), NOW)
        store.sealer = Sealer(OTHER_ID)
        assert store.load(store.contact("gone")).talk.moved


class TestCommands:
    def engawa(self, *words: str, url: str, file: Path, **more: str) -> tuple[int, str]:
        environ = {"ENGAWA_DATABASE_URL": url, "ENGAWA_KEYS_FILE": str(file), **more}
        result = CliRunner().invoke(app, ["keys", *words], env=environ)
        return result.exit_code, result.output + (str(result.exception) if result.exception else "")

    def test_a_whole_rotation(self, store: Store, tmp_path: Path) -> None:
        """Add, rewrap, pin the id key, retire: the old key is gone from the file, and nothing from the database."""
        person, file = store.contact("a"), tmp_path / "keys"
        keys = {**KEYRING.keys}
        file.write_text("".join(f"{name}:{base64.b64encode(key).decode()}\n" for name, key in keys.items()))
        pinned = {"ENGAWA_ID_KEY": base64.b64encode(KEYRING.id_key).decode()}
        assert self.engawa("retire", "k1", url=store.url, file=file)[0] == 1
        code, told = self.engawa("add", url=store.url, file=file, **pinned)
        assert (code, "seals from now on" in told) == (0, True)
        assert file.stat().st_mode & 0o777 == 0o600
        new = file.read_text().split(":")[0]
        code, told = self.engawa("retire", "k1", url=store.url, file=file)
        assert (code, "engawa keys id" in told) == (1, True), "people are known by a key derived from it"
        code, told = self.engawa("retire", "k1", url=store.url, file=file, **pinned)
        assert (code, "still seals 1" in told) == (1, True)
        assert self.engawa("rewrap", url=store.url, file=file, **pinned)[0] == 0
        assert (
            f"{new}: seals, 1 cells\nk1: opens, 0 cells" in self.engawa("list", url=store.url, file=file)[1]
        )
        assert self.engawa("retire", "k1", url=store.url, file=file, **pinned)[0] == 0
        [line] = file.read_text().splitlines()
        name, _, key = line.partition(":")
        only = Sealer(Keyring(keys={name: base64.b64decode(key)}, id_key=KEYRING.id_key))
        assert store.run(conversations.load, only, [person])[person].contact_id == person

    def test_a_new_id_key(self, store: Store, tmp_path: Path) -> None:
        file, address = tmp_path / "keys", Address(account="fake", key="a")
        person = store.contact("a")
        file.write_text("k1:" + base64.b64encode(KEYRING.keys["k1"]).decode())
        code, told = self.engawa(
            "rehash",
            url=store.url,
            file=file,
            ENGAWA_ID_KEY=base64.b64encode(b"\x07" * 32).decode(),
            ENGAWA_ID_KEYS_BEFORE=base64.b64encode(KEYRING.id_key).decode(),
        )
        assert (code, "1 people" in told) == (0, True)
        assert store.run(conversations.find, Sealer(ONLY_ID), OPERATOR, address) == person
        assert store.value(select(risk_reviews.c.review_id)) is None

"""Backups: one view while others write, sealed to a key that is not here; restored, the erased stay absent (B7)."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pyrage
import pytest
from sqlalchemy import select

from bot.errors import BadInput, EngawaError
from bot.store import archive, backup, conversations, erasures, restore, timeline
from bot.store.database import make_engine, parse_url, transact
from bot.store.schema import contacts, metadata, outbox
from bot.store.sealed import Keyring, Sealer
from bot.testing import FakeChannel, FakeClock, an_engawa
from tests.runtime.support import House, everything, forget, live
from tests.store.ready import KEYRING, NOW, OPERATOR, Store

KEY = archive.new_identity()


def rows_of(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of a database but those no backup takes, in an order of their own."""
    engine = make_engine(parse_url(url))

    def read(connection: Any) -> dict[str, list[tuple[Any, ...]]]:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
            if table.name not in backup.NOT_TAKEN
        }

    try:
        found: dict[str, list[tuple[Any, ...]]] = transact(engine, read)
        return found
    finally:
        engine.dispose()


def bring_back(
    file: Path, url: str, *, sealer: Sealer | None = None, journal: list[erasures.Entry] | None = None
) -> restore.Restored:
    with file.open("rb") as source:
        return restore.restore(parse_url(url), source, KEY, sealer or Sealer(KEYRING), journal or [])


class TestThere:
    """Out of one database and into another, of either kind."""

    def test_everything_returns(self, store: Store, database_url: str, tmp_path: Path) -> None:
        """Every row of every table, from SQLite or PostgreSQL into either of them; and what was said opens."""
        contact = ""
        for person in "abc":
            contact = store.contact(person)
            store.say(contact, f"{person}さんへ", state="sent")
        file = tmp_path / "one.age"
        foot = backup.write(parse_url(store.url), file, KEY.to_public(), NOW)
        assert foot.rows["contacts"] == 3
        assert foot.keys == ("k1",)
        done = bring_back(file, database_url)
        assert done.rows == foot.rows
        assert rows_of(database_url) == rows_of(store.url)
        engine = make_engine(parse_url(database_url))
        loaded = transact(engine, conversations.load, store.sealer, [contact])[contact]
        said = transact(engine, timeline.lines, loaded)
        engine.dispose()
        assert [line.body.texts for line in said] == [("こんにちは",), ("cさんへ",)]

    def test_one_view(self, store: Store, database_url: str, tmp_path: Path) -> None:
        """Who writes meanwhile is in it wholly or not at all: every thread has the lines its talk counts."""
        over, made = Event(), 0

        def write() -> None:
            nonlocal made
            while not over.is_set():
                store.say(store.contact(f"p{made}"), state="sent")
                made += 1

        writer = Thread(target=write)
        writer.start()
        file = tmp_path / "busy.age"
        try:
            while made < 5:
                over.wait(0.01)
            backup.write(parse_url(store.url), file, KEY.to_public(), NOW)
        finally:
            over.set()
            writer.join()
        bring_back(file, database_url)
        kept = rows_of(database_url)
        lines = {contact_id: seq for contact_id, seq, *_ in sorted(kept["timeline"])}
        assert len(kept["contacts"]) >= 5
        assert {row[0] for row in kept["contacts"]} == {row[0] for row in kept["talks"]} == set(lines)
        assert all(row[3] <= lines[row[0]] for row in kept["talks"])

    def test_nothing_is_sent_twice(self, store: Store, database_url: str, tmp_path: Path) -> None:
        """What was unsent then may have left since: it is not sent again, and says so."""
        contact = store.contact("a")
        sent, queued = store.say(contact, state="sent"), store.say(contact)
        file = tmp_path / "one.age"
        backup.write(parse_url(store.url), file, KEY.to_public(), NOW)
        assert bring_back(file, database_url).given_up == 1
        engine = make_engine(parse_url(database_url))
        query = select(outbox.c.seq, outbox.c.state, outbox.c.error_code).order_by(outbox.c.seq)
        found = transact(engine, lambda connection: connection.execute(query).all())
        engine.dispose()
        assert [tuple(row) for row in found] == [(sent, "sent", None), (queued, "uncertain", "restored")]


class TestRefused:
    @pytest.fixture
    def file(self, ready_sqlite_url: str, tmp_path: Path) -> Path:
        engine = make_engine(parse_url(ready_sqlite_url))
        store = Store(url=ready_sqlite_url, engine=engine, sealer=Sealer(KEYRING))
        store.say(store.contact("a"), state="sent")
        engine.dispose()
        path = tmp_path / "one.age"
        backup.write(parse_url(store.url), path, KEY.to_public(), NOW)
        return path

    def test_a_database_in_use(self, store: Store, tmp_path: Path) -> None:
        store.contact("a")
        file = tmp_path / "one.age"
        backup.write(parse_url(store.url), file, KEY.to_public(), NOW)
        before = rows_of(store.url)
        with pytest.raises(EngawaError, match="not empty"):
            bring_back(file, store.url)
        assert rows_of(store.url) == before

    def test_another_key(self, file: Path) -> None:
        """Only the offline key opens it; not another, and not the keys of the installation."""
        with file.open("rb") as source, pytest.raises(BadInput, match="another key"):
            archive.Reader().read(source, archive.new_identity())
        assert KEYRING.keys["k1"] not in file.read_bytes()

    def test_lost_installation_keys(self, file: Path, database_url: str) -> None:
        """Without the key of its words a backup is worth nothing, and that is said; the database stays empty."""
        other = Sealer(Keyring(keys={"k9": bytes(32)}, id_key=KEYRING.id_key))
        with pytest.raises(EngawaError, match=r"sealed with k1.*lost"):
            bring_back(file, database_url, sealer=other)
        same_name = Sealer(Keyring(keys={"k1": bytes(32)}, id_key=KEYRING.id_key))
        with pytest.raises(EngawaError, match="of the same name is another"):
            bring_back(file, database_url, sealer=same_name)
        assert rows_of(database_url)["contacts"] == []

    def test_any_damage(self, file: Path, database_url: str) -> None:
        """A flipped bit or a cut anywhere: nothing is restored."""
        whole = file.read_bytes()
        for place in range(0, len(whole), max(1, len(whole) // 40)):
            file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(BadInput), file.open("rb") as source:
                archive.Reader().read(source, KEY)
        file.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(BadInput):
            bring_back(file, database_url)
        assert rows_of(database_url)["contacts"] == []

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (lambda lines: lines[:-1], "not whole"),
            (lambda lines: [line for line in lines if not line.startswith("[")], "not whole"),
            (lambda lines: [*lines, lines[-1]], "goes on"),
            (lambda lines: [lines[0].replace('"0001"', '"0000"'), *lines[1:]], "schema 0000"),
            (lambda lines: [lines[0].replace('"engawa_backup":1', '"engawa_backup":2'), *lines[1:]], "newer"),
            (lambda lines: [lines[0], "[1]"], "without a table"),
            (lambda lines: ["nothing"], "no Engawa writes"),
        ],
    )
    def test_what_is_no_backup_of_ours(
        self, file: Path, database_url: str, change: Callable[[list[str]], list[str]], told: str
    ) -> None:
        """Well sealed to our key, which anybody can do, but not what we write."""
        lines = zlib.decompress(pyrage.decrypt(file.read_bytes(), [KEY]), wbits=31).decode().splitlines()
        assert json.loads(lines[-1])["keys"] == ["k1"]
        pack = zlib.compressobj(wbits=31)
        packed = pack.compress("".join(f"{line}\n" for line in change(lines)).encode()) + pack.flush()
        file.write_bytes(pyrage.encrypt(packed, [KEY.to_public()]))
        with pytest.raises(EngawaError, match=told):
            bring_back(file, database_url)
        assert rows_of(database_url)["contacts"] == []

    def test_no_file_is_written_over(self, ready_sqlite_url: str, file: Path) -> None:
        before = file.read_bytes()
        with pytest.raises(BadInput, match="there already"):
            backup.write(parse_url(ready_sqlite_url), file, KEY.to_public(), NOW)
        assert file.read_bytes() == before
        assert file.stat().st_mode & 0o777 == 0o600
        assert [one.name for one in file.parent.glob("one.age*")] == ["one.age"]

    def test_a_disk_that_lies(
        self, ready_sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What does not read back is no backup: no file of that name is left."""
        whole = archive.write

        def cut(source: Any, target: Any, recipients: Any) -> None:
            whole(source, target, recipients)
            target.truncate(target.tell() - 20)

        monkeypatch.setattr(archive, "write", cut)
        with pytest.raises(BadInput):
            backup.write(parse_url(ready_sqlite_url), tmp_path / "new.age", KEY.to_public(), NOW)
        assert list(tmp_path.glob("new.age*")) == []


class TestErased:
    """An older backup does not bring back who had themselves erased (B7)."""

    @pytest.fixture
    async def house(self, ready_url: str, tmp_path: Path) -> AsyncIterator[House]:
        channel, clock = FakeChannel(), FakeClock()
        environ = {"ENGAWA_ERASURES": str(tmp_path / "outside" / "erasures")}
        (tmp_path / "outside").mkdir()
        async with an_engawa(ready_url, clock=clock, channels=[channel], environ=environ) as engawa:
            yield House(engawa=engawa, channel=channel, clock=clock)

    async def test_stays_absent(self, house: House, database_url: str, tmp_path: Path) -> None:
        """Backup, erase, the whole machine lost, restore: one is there, the other is not, nor any row of theirs."""
        await live(house, "a")
        await live(house, "b")
        gone, stays = await house.contact("a"), await house.contact("b")
        file, journal = tmp_path / "old.age", tmp_path / "outside" / "erasures"
        url = parse_url(house.engawa.settings.database_url)
        foot = backup.write(url, file, KEY.to_public(), house.clock.now())
        assert foot.rows["contacts"] == 2
        house.clock.move(timedelta(days=3))
        await forget(house, "a")
        await house.engawa.wipe.work()
        assert gone is not None
        assert gone not in journal.read_text()
        done = bring_back(file, database_url, sealer=house.engawa.sealer, journal=erasures.read(journal))
        assert done.kept_absent == 1
        kept = rows_of(database_url)
        assert [row[0] for row in kept["contacts"]] == [stays]
        assert not any(gone in row for rows in kept.values() for row in rows)
        # and a backup of the restored database, restored again with an empty journal, keeps them absent as well
        assert len(kept["erasures"]) == 1

    async def test_the_journal_waits_for_its_disk(self, house: House, tmp_path: Path) -> None:
        """No journal, no crash and no loss: it is written once its folder is there, and each erase once."""
        journal = tmp_path / "outside" / "erasures"
        journal.parent.rmdir()
        await live(house, "a")
        await forget(house, "a")
        await house.engawa.wipe.work()
        assert await house.engawa.wipe.idle() < 1
        assert (await everything(house))["contacts"] == []
        journal.parent.mkdir()
        await house.engawa.wipe.work()
        await house.engawa.wipe.work()
        assert len(erasures.read(journal)) == 1
        assert journal.stat().st_mode & 0o777 == 0o600

    def test_a_damaged_journal_is_not_taken(self, tmp_path: Path) -> None:
        journal = tmp_path / "erasures"
        erasures.append(journal, [(bytes(32), NOW.date()), (b"\x01" * 32, NOW.date())])
        assert erasures.read(journal) == [(bytes(32), NOW.date()), (b"\x01" * 32, NOW.date())]
        journal.write_text(journal.read_text()[:-5])
        with pytest.raises(EngawaError, match="line 2"):
            erasures.read(journal)
        with pytest.raises(EngawaError, match="cannot be read"):
            erasures.read(tmp_path / "nowhere")


def test_the_ids_cannot_be_guessed(store: Store) -> None:
    """The journal's bare hashes rest on this: a contact's id is 122 random bits, version 4."""
    ids = {store.contact(f"p{number}") for number in range(20)}
    assert {one[12] for one in ids} == {"4"}
    assert store.value(select(contacts.c.operator_id).limit(1)) == OPERATOR
    assert len({erasures.digest_of(one) for one in ids}) == 20

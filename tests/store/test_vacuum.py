"""PostgreSQL: the keys of the erased are in no file of the database (B8), read from its data folder."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, select, text

from bot.runtime import wipe
from bot.runtime.live import Hub
from bot.runtime.wipe import Wipe
from bot.store import vacuum
from bot.store.database import Database, make_engine
from bot.store.erase import delete_contacts
from bot.store.schema import contacts
from tests.store.ready import NOW, Store

pytestmark = pytest.mark.postgresql


def files(engine: Engine) -> list[Path]:
    """All files of this database, with everything written into them that the server still had in memory."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CHECKPOINT"))
        folder = Path(str(connection.scalar(text("SHOW data_directory"))))
        number = connection.scalar(text("SELECT oid FROM pg_database WHERE datname = current_database()"))
    return [path for path in (folder / "base" / str(number)).iterdir() if path.is_file()]


def holding(engine: Engine, needles: list[bytes]) -> int:
    """How many of the needles are in any file."""
    content = b"\x00".join(path.read_bytes() for path in files(engine))
    return sum(needle in content for needle in needles)


def peopled(store: Store) -> tuple[str, list[bytes], list[bytes]]:
    """Two people; one of them is erased. The needles of that one, then of the other."""
    for person in ("gone", "here"):
        store.accept(*[store.event(person) for _ in range(3)], now=NOW)
    with store.engine.begin() as connection:
        rows = connection.execute(select(contacts)).all()
    needles = [[row.sealed_key, row.address_key, row.sealed_address[-40:]] for row in rows]
    return str(rows[0].contact_id), needles[0], needles[1]


def erase(store: Store, contact_id: str) -> None:
    with store.engine.begin() as connection:
        delete_contacts(connection, [contact_id])


def test_the_keys_are_gone(postgresql_store: Store) -> None:
    """After an erase they are still in the files; after the clearing those of the others are, and no other."""
    engine = postgresql_store.engine
    contact_id, gone, here = peopled(postgresql_store)
    erase(postgresql_store, contact_id)
    assert holding(engine, gone) == len(gone)
    assert vacuum.clear(engine)
    assert holding(engine, gone) == 0
    assert holding(engine, here) == len(here)


def test_who_works_with_the_table_is_not_disturbed(postgresql_store: Store) -> None:
    """It gives up after half a second and says so; the next go succeeds."""
    engine = postgresql_store.engine
    contact_id, gone, _ = peopled(postgresql_store)
    erase(postgresql_store, contact_id)
    with engine.begin() as busy:
        busy.execute(select(contacts)).all()
        assert not vacuum.clear(engine)
    assert vacuum.clear(engine)
    assert holding(engine, gone) == 0


def test_who_looks_at_a_view_from_before(postgresql_store: Store) -> None:
    """A view from before the erase, as `pg_dump` has one, keeps the keys although it reads no contact: the clearing
    says so, and succeeds after its end."""
    engine = postgresql_store.engine
    contact_id, gone, here = peopled(postgresql_store)
    with (
        engine.connect().execution_options(isolation_level="REPEATABLE READ") as reader,
        reader.begin(),
    ):
        reader.execute(text("SELECT count(*) FROM operators"))
        erase(postgresql_store, contact_id)
        assert not vacuum.clear(engine)
        assert holding(engine, gone) > 0
    assert vacuum.clear(engine)
    assert holding(engine, gone) == 0
    assert holding(engine, here) == len(here)


def test_its_settings_stay_with_it(postgresql_store: Store) -> None:
    engine = make_engine(postgresql_store.engine.url, pool_size=1)
    assert vacuum.clear(engine)
    with engine.begin() as connection:
        assert connection.scalar(text("SHOW statement_timeout")) == "30s"
        assert connection.execute(delete(contacts).where(contacts.c.contact_id == "")).rowcount == 0
    engine.dispose()


async def test_it_runs_by_itself_and_not_too_often(
    postgresql_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once at once, then not before its time is over, however many are erased."""
    calls = list[Engine]()

    def clear(engine: Engine) -> bool:
        calls.append(engine)
        return True

    monkeypatch.setattr(vacuum, "clear", clear)
    database = Database(postgresql_store.engine.url)
    worker = Wipe(database, Hub())
    for _ in range(5):
        await worker.work()
    assert len(calls) == 1
    assert await worker.idle() == wipe.APART
    monkeypatch.setattr(worker, "_not_before", asyncio.get_running_loop().time())
    await worker.work()
    assert len(calls) == 2
    assert await worker.idle() == wipe.SELDOM
    await database.close()

"""Databases that are migrated and hold the first content: made once a process, copied for every test."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import Engine, text

from bot.content.library import Library
from bot.messages import Address, Inbound, Kind, Purpose, ReplyHint
from bot.store import conversations, intake, migrate, outbox, timeline
from bot.store.body import Body
from bot.store.conversations import Loaded
from bot.store.database import make_engine, parse_url, transact
from bot.store.sealed import Keyring, Sealer
from bot.talk import Mode, Talk
from tests.provision import postgresql

OPERATOR = migrate.DEFAULT_OPERATOR
NOW = datetime(2026, 11, 21, 0, 0, tzinfo=UTC)
KEYRING = Keyring(keys={"k1": bytes(range(32))}, id_key=bytes(range(32, 64)))
BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


def fill(url: str) -> None:
    """Migrates a database and publishes release 1."""
    migrate.migrate(parse_url(url))
    engine = make_engine(parse_url(url))
    transact(engine, Library(OPERATOR).import_seed, NOW)
    engine.dispose()


@pytest.fixture(scope="session")
def filled_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file to copy."""
    path = tmp_path_factory.mktemp("filled") / "engawa.sqlite3"
    fill(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def filled_postgresql(databases: postgresql.Databases) -> Iterator[str]:
    """A PostgreSQL database to copy."""
    with databases.fresh() as url:
        fill(url)
        yield url


@contextmanager
def copied(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """The URL of a copy of the filled database of this kind."""
    if kind == "sqlite":
        target = folder / "ready.sqlite3"
        shutil.copy(request.getfixturevalue("filled_sqlite"), target)
        yield f"sqlite:///{target}"
        return
    databases: postgresql.Databases = request.getfixturevalue("databases")
    with databases.fresh(template=request.getfixturevalue("filled_postgresql")) as url:
        yield url


@pytest.fixture(params=BOTH)
def ready_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated database with the first content, on either engine."""
    with copied(request.param, request, tmp_path) as url:
        yield url


@pytest.fixture
def ready_sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with copied("sqlite", request, tmp_path) as url:
        yield url


@pytest.fixture
def ready_postgresql_url(
    request: pytest.FixtureRequest, postgresql_url: str, tmp_path: Path
) -> Iterator[str]:
    """Asks for `postgresql_url` too, so that the test carries its marker."""
    with copied("postgresql", request, tmp_path) as url:
        yield url


@dataclass(kw_only=True)
class Store:
    """A ready database, called as the house calls it: plain functions, each in a transaction."""

    url: str
    engine: Engine
    sealer: Sealer
    events: int = 0

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return transact(self.engine, function, *args, **kwargs)

    def rows(self, statement: Any) -> list[Any]:
        """What a select gives, as a list."""
        return list(self.run(lambda connection: connection.execute(statement).all()))

    def value(self, statement: Any) -> Any:
        return self.run(lambda connection: connection.scalar(statement))

    @contextmanager
    def another(self) -> Iterator[Store]:
        """The same database as another process has it: connections of its own."""
        engine = make_engine(parse_url(self.url))
        try:
            yield Store(url=self.url, engine=engine, sealer=Sealer(self.sealer.keyring))
        finally:
            engine.dispose()

    # --- the store's own words, short ---

    def event(self, person: str, text: str = "こんにちは", *, key: str = "", token: str = "") -> Inbound:
        self.events += 1
        return Inbound(
            address=Address(account="fake", key=person),
            dedupe_key=key or f"event-{self.events}",
            sent_at=NOW,
            kind=Kind.TEXT,
            text=text,
            reply_hint=ReplyHint(token=token, received_at=NOW) if token else None,
        )

    def accept(self, *events: Inbound, now: datetime = NOW) -> list[intake.Accepted]:
        accepted: list[intake.Accepted] = self.run(intake.accept, self.sealer, OPERATOR, now, events)
        return accepted

    def contact(self, person: str) -> str:
        """The id of a person's contact; a first event makes one."""
        address = Address(account="fake", key=person)
        found = self.run(conversations.find, self.sealer, OPERATOR, address)
        if found is None:
            self.accept(self.event(person))
            found = self.run(conversations.find, self.sealer, OPERATOR, address)
        return str(found)

    def load(self, contact_id: str, **how: Any) -> Loaded:
        loaded: Loaded = self.run(conversations.load, self.sealer, [contact_id], **how)[contact_id]
        return loaded

    def set_talk(self, contact_id: str, **changes: Any) -> Talk:
        """Saves the talk with these changes, as a turn would; returns it as it lies there now."""

        def change(connection: Any) -> None:
            loaded = conversations.load(connection, self.sealer, [contact_id])[contact_id]
            talk = conversations.bumped(loaded, replace(loaded.talk, **changes))
            conversations.save(connection, [(loaded, talk, loaded.last_seq)])

        self.run(change)
        return self.load(contact_id).talk

    def say(
        self,
        contact_id: str,
        text: str = "はい",
        purpose: Purpose = Purpose.BOT,
        *,
        state: str = outbox.QUEUED,
        at: datetime = NOW,
        hint: ReplyHint | None = None,
    ) -> int:
        """Queues a message as a turn would; returns its place in the thread."""

        def add(connection: Any) -> int:
            loaded = conversations.load(connection, self.sealer, [contact_id])[contact_id]
            seq, key = loaded.last_seq + 1, loaded.key
            by = timeline.COUNSELOR if purpose is Purpose.COUNSELOR else timeline.BOT
            line = Body(kind=purpose, at=at, texts=(text,))
            timeline.add(connection, [timeline.row(key, contact_id, seq, by, line)])
            row = outbox.row(
                key=key,
                contact_id=contact_id,
                seq=seq,
                purpose=purpose,
                cause="event:1",
                state=state,
                now=at,
                hint=hint,
                first=purpose is Purpose.SAFETY,
            )
            outbox.add(connection, [row])
            conversations.save(connection, [(loaded, conversations.bumped(loaded, loaded.talk), seq)])
            return seq

        return int(self.run(add))

    def set_mode(self, contact_id: str, mode: Mode) -> None:
        self.set_talk(contact_id, mode=mode)


@pytest.fixture
def store(ready_url: str) -> Iterator[Store]:
    engine = make_engine(parse_url(ready_url))
    yield Store(url=ready_url, engine=engine, sealer=Sealer(KEYRING))
    engine.dispose()


@pytest.fixture
def postgresql_store(ready_postgresql_url: str) -> Iterator[Store]:
    """For what only several processes can do."""
    engine = make_engine(parse_url(ready_postgresql_url))
    yield Store(url=ready_postgresql_url, engine=engine, sealer=Sealer(KEYRING))
    engine.dispose()


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Runs the calls in threads that set off together; what each gave, or the error it raised."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        barrier.wait(timeout=30)
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - the caller looks at it
            return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


def blocked(store: Store, call: Callable[[], Any]) -> Future[Any]:
    """Starts the call in a thread and returns once it waits for a lock of PostgreSQL's, or has ended."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except Exception as error:  # noqa: BLE001 - the caller looks at it
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    deadline = time.monotonic() + 10
    while not future.done() and not store.value(waiting):
        assert time.monotonic() < deadline, "neither waits nor ends"
        time.sleep(0.002)
    return future


def raised(outcomes: Sequence[Any]) -> list[Exception]:
    return [outcome for outcome in outcomes if isinstance(outcome, Exception)]

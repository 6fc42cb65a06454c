"""The private PostgreSQL: fresh databases, copies, stop and crash, nothing left behind."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.provision import Unavailable, postgresql


def tables(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return [name for (name,) in rows]


def test_each_database_is_empty_and_goes_away(databases: postgresql.Databases) -> None:
    """What one test leaves behind, the next one does not see."""
    with databases.fresh() as url, databases.fresh() as other:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE note (id integer)")
        assert tables(url) == ["note"]
        assert tables(other) == []
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


def test_a_template_is_copied(databases: postgresql.Databases, postgresql_url: str) -> None:
    """Migrate once, copy per test."""
    with psycopg.connect(postgresql_url) as connection:
        connection.execute("CREATE TABLE note (id integer)")
    with databases.fresh(template=postgresql_url) as copied:
        assert postgresql.database_of(copied) != postgresql.database_of(postgresql_url)
        assert tables(copied) == ["note"]


def test_database_url_names_an_empty_database(database_url: str) -> None:
    """The two forms that operators write, ready for either engine."""
    if database_url.startswith("sqlite:///"):
        connection = sqlite3.connect(database_url.removeprefix("sqlite:///"))
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
        connection.close()
    else:
        assert database_url.startswith("postgresql://")
        assert tables(database_url) == []


def test_data_outlives_stop_and_crash() -> None:
    """Tests of an outage take the server down and bring it back at the same address."""
    with postgresql.Server() as server:
        with server.databases.fresh() as url:
            with psycopg.connect(url) as connection:
                connection.execute("CREATE TABLE note (id integer)")
            for end in (server.stop, server.crash):
                end()
                with pytest.raises(psycopg.OperationalError):
                    psycopg.connect(url, connect_timeout=2)
                server.start()
                assert tables(url) == ["note"]
        folders = (server._folder, server._data)
    assert [folder for folder in folders if folder.exists()] == []


def test_nothing_stays_when_the_tests_are_killed() -> None:
    """`kill -9` of the test process takes its server and folder along."""
    code = """if True:
        import time
        from tests.provision.postgresql import Server
        server = Server()
        print(server._process.pid, server._folder, server._data, flush=True)
        time.sleep(60)
    """
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    with holder.stdout as output:
        process, *names = output.readline().split()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    deadline = time.monotonic() + 20
    while any(Path(name).exists() for name in names) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [name for name in names if Path(name).exists()] == []
    assert not alive(int(process))


def alive(process: int) -> bool:
    """Whether it runs; one that ended and waits to be collected does not."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_wrong_setting_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that was named but does not answer is told of, with the variable."""
    port = postgresql._free_port()
    monkeypatch.setenv(postgresql.ENVIRONMENT, f"postgresql://nobody@127.0.0.1:{port}/postgres")
    with pytest.raises(Unavailable, match=postgresql.ENVIRONMENT):
        postgresql.ensure()

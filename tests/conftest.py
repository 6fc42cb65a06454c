"""What every test gets: an environment without our variables, no way out of this machine, real programs.

A test that asks for `ready_url` runs twice, on SQLite and on PostgreSQL, with tables and the first content in place:
a copy costs a hundredth of what making it costs. `database_url` is for what needs an empty database.
"""

from __future__ import annotations

import compileall
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from aiohttp import web_app

from tests.golden_plugin import pytest_addoption  # noqa: F401 - pytest looks for it here
from tests.platforms.measure import described
from tests.provision import chromium, loopback, postgresql

# Fixtures of the whole tree: a session has one of each, however many folders ask for it.
from tests.store.ready import (  # noqa: F401
    filled_postgresql,
    filled_sqlite,
    ready_postgresql_url,
    ready_sqlite_url,
    ready_url,
)

# Same examples on every run: red is somebody's change, not luck. `--hypothesis-profile=deep` searches.
# Without the phase that explains: it traces every line, and content drawn at random is long.
PHASES = (
    hypothesis.Phase.explicit,
    hypothesis.Phase.reuse,
    hypothesis.Phase.generate,
    hypothesis.Phase.shrink,
)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, max_examples=60, phases=PHASES)
hypothesis.settings.register_profile("deep", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("ci")

ROOT = Path(__file__).resolve().parent.parent
MARKED_BY_FIXTURE = {"postgresql_url": "postgresql", "chromium_path": "browser"}


def pytest_configure() -> None:
    """Where Python is told to write no bytecode, each server that a test starts would compile all of us again."""
    if sys.dont_write_bytecode:
        for package in ("bot", "admin"):
            compileall.compile_dir(ROOT / package, quiet=2)


def pytest_report_header() -> str:
    """Says at the top of every run whether the platforms' own descriptions are there to check us by."""
    here = "here: every request to a fake platform is checked against them"
    absent = "ABSENT: fakes take requests unchecked, and tests of the descriptions are skipped"
    return (
        f"platform descriptions (../shared/openapi or ENGAWA_TEST_OPENAPI): {here if described() else absent}"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who asks for the program carries its marker: `-m 'not browser'` cannot miss one.

    Files that start other programs take longest and come first, so that no worker ends on one (the Makefile keeps xdist
    from sorting files by their number of tests, which would put them last).
    """
    for item in items:
        for fixture, marker in MARKED_BY_FIXTURE.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)
    slow = {item.path for item in items if item.get_closest_marker("browser")}
    items.sort(key=lambda item: not (item.path in slow or item.path.parent.name == "acceptance"))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own settings must not leak in; `ENGAWA_TEST_*` is about this machine and stays."""
    for name in [name for name in os.environ if name.startswith("ENGAWA_")]:
        if not name.startswith("ENGAWA_TEST_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def network() -> Iterator[loopback.Guard]:
    """Stands before the sockets for the whole session, so that threads of servers are covered too."""
    with loopback.guarded() as guard:
        yield guard


@pytest.fixture(autouse=True)
def loopback_only(network: loopback.Guard) -> Iterator[loopback.Guard]:
    """Fails the test that tried to leave, even if the code under test swallowed the refusal."""
    yield network
    refused, network.refused[:] = network.refused[:], []
    assert not refused, f"tried to leave this machine: {refused}"


@pytest.fixture(autouse=True)
def forgotten_applications() -> Iterator[None]:
    """Handlers of its last thousand routes are kept by aiohttp, and with them whole houses with all their content."""
    yield
    web_app._cached_build_middleware.cache_clear()


@pytest.fixture(scope="session")
def databases() -> Iterator[postgresql.Databases]:
    """One PostgreSQL for this process (each xdist worker has its own), started when first asked for."""
    with postgresql.databases() as made:
        yield made


@pytest.fixture
def postgresql_url(databases: postgresql.Databases) -> Iterator[str]:
    """A fresh, empty PostgreSQL database."""
    with databases.fresh() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, empty database on either engine: one contract suite runs on both."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'engawa.sqlite3'}"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """A Chromium to start with `chromium.launch_options`."""
    return chromium.require().path

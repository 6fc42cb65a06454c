"""`engawa doctor --security`: it looks at what is there, and says FAIL where something is open."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from admin import securing, securing_unit
from bot.config import load
from bot.store import migrate, posture
from bot.store.database import parse_url

KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name, mode in (("data", 0o700), ("etc", 0o700)):
        (tmp_path / name).mkdir(mode=mode)
    keys = tmp_path / "etc" / "engawa.keys"
    keys.write_text(f"k1:{KEY}")
    keys.chmod(0o600)
    return tmp_path


def environ(home: Path, **more: str) -> dict[str, str]:
    return {
        "ENGAWA_KEYS_FILE": str(home / "etc" / "engawa.keys"),
        "ENGAWA_ID_KEY": KEY,
        "ENGAWA_BACKUP_KEY": "age1",
        "ENGAWA_BASE_URL": "https://engawa.example.jp",
        "ENGAWA_TRUSTED_PROXIES": "127.0.0.1",
        "ENGAWA_DATABASE_URL": f"sqlite:///{home}/data/engawa.db",
        **more,
    }


def results(settings: dict[str, str]) -> dict[str, str]:
    found = securing.measures(load(settings), settings, "no-such.service")
    return {one.what: one.result for one in found}


def test_a_careful_machine(home: Path) -> None:
    """All that is ours to set passes; what is the machine's own is told as it is."""
    migrate.migrate(parse_url(environ(home)["ENGAWA_DATABASE_URL"]))
    (home / "data" / "engawa.db").chmod(0o600)
    found = results(environ(home))
    machine = {
        "data on an encrypted disk",
        "erasure journal on another disk",
        "no swap in clear",
        "clock synchronised",
    }
    assert {what for what, result in found.items() if result == securing.FAIL} <= machine
    assert (
        found["key file private"]
        == found["data folder private"]
        == found["keys apart from the database"]
        == "pass"
    )


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda home: (home / "etc" / "engawa.keys").chmod(0o644), "key file private"),
        (lambda home: (home / "data").chmod(0o755), "data folder private"),
        (lambda home: (home / "data" / "engawa.db").chmod(0o640), "engawa.db private"),
        (lambda _: {"ENGAWA_HOST": "0.0.0.0"}, "listens on this machine only"),
        (lambda _: {"ENGAWA_BASE_URL": ""}, "public address is https"),
        (lambda _: {"ENGAWA_TRUSTED_PROXIES": ""}, "the proxy is known"),
        (lambda _: {"ENGAWA_ID_KEY": ""}, "key of pseudonyms of its own"),
        (lambda _: {"ENGAWA_BACKUP_KEY": ""}, "backups sealed to an offline key"),
        (
            lambda _: {"ENGAWA_KEYS_FILE": "", "ENGAWA_KEYS": f"k1:{KEY}"},
            "keys in a file, not in the environment",
        ),
        (lambda _: {"ENGAWA_ERASURES": "/nowhere/journal"}, "erasure journal writable"),
    ],
)
def test_each_door_left_open_is_told(home: Path, change, what: str) -> None:
    migrate.migrate(parse_url(environ(home)["ENGAWA_DATABASE_URL"]))
    (home / "data" / "engawa.db").chmod(0o600)
    assert results(environ(home))[what] == securing.PASS
    assert results(environ(home, **(change(home) or {})))[what] == securing.FAIL


def test_the_database_is_asked(database_url: str) -> None:
    """Both kinds tell how they are set."""
    found = posture.look(parse_url(database_url))
    assert len(found) >= 4
    assert all(isinstance(good, bool) for _, good, _ in found)
    if database_url.startswith("sqlite"):
        assert all(good for _, good, _ in found)


def test_a_process_is_looked_at() -> None:
    """A process without any of the measures fails them; one with a key among its words is found."""
    secret = f"--key={KEY}"
    with subprocess.Popen([sys.executable, "-c", "input()", secret], stdin=subprocess.PIPE) as process:
        found = {what: good for what, good, _ in securing_unit.of_process(Path(f"/proc/{process.pid}"))}
        process.communicate(b"\n")
    assert found["no secret among the service's arguments"] is False
    assert found["service cannot gain rights"] is False
    assert found["service not run by root"] is (os.geteuid() != 0)
    assert [one[1] for one in securing_unit.of_process(Path("/proc/0"))] == [None]
    assert [one[1] for one in securing_unit.measures("no-such.service")] == [None]

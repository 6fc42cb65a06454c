"""`engawa backup`, `restore` and `backup-key`, as they are typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from admin.cli import app
from bot.store import backup, chores
from bot.store.database import make_engine, parse_url, transact
from bot.testing import A_KEY


def engawa(*words: object, url: str, **environ: str) -> tuple[int, str]:
    """Exit code and all that was said."""
    settings = {"ENGAWA_DATABASE_URL": url, "ENGAWA_KEYS": A_KEY, **environ}
    result = CliRunner().invoke(app, [str(word) for word in words], env=settings)
    return result.exit_code, result.output + (str(result.exception) if result.exception else "")


def test_there_and_back(ready_sqlite_url: str, tmp_path: Path) -> None:
    """A pair of keys, a backup, a check, a restore; each says what it did."""
    secret, file, new = tmp_path / "backup.key", tmp_path / "one.age", f"sqlite:///{tmp_path}/new.db"
    code, told = engawa("backup-key", secret, url=ready_sqlite_url)
    assert code == 0
    public = told.split("ENGAWA_BACKUP_KEY=")[1].split()[0]
    assert secret.stat().st_mode & 0o777 == 0o600
    assert secret.read_text().split()[-1] not in told
    code, told = engawa("backup", file, url=ready_sqlite_url)
    assert (code, "ENGAWA_BACKUP_KEY is missing" in told) == (1, True)
    code, told = engawa("backup", file, url=ready_sqlite_url, ENGAWA_BACKUP_KEY=public)
    assert (code, "read it back" in told) == (0, True)
    engine = make_engine(parse_url(ready_sqlite_url), writes=False, pool_size=1)
    assert transact(engine, chores.last_done, backup.NAME) is not None, "the status page tells of it"
    engine.dispose()
    code, told = engawa("backup", "--verify", file, "--identity", secret, url=ready_sqlite_url)
    assert (code, "is whole" in told) == (0, True)
    code, told = engawa("restore", file, "--identity", secret, url=new)
    assert (code, "journal" in told) == (1, True), "no journal, no restore"
    code, told = engawa("restore", file, "--identity", secret, "--without-erasures", url=new)
    assert (code, "Restored what was there" in told) == (0, True)
    code, told = engawa("restore", file, "--identity", secret, "--without-erasures", url=new)
    assert (code, "not empty" in told) == (1, True)


@pytest.mark.parametrize("words", [("--to", "age1nothing"), ("--verify",)])
def test_what_is_missing_is_named(ready_sqlite_url: str, tmp_path: Path, words: tuple[str, ...]) -> None:
    code, told = engawa("backup", tmp_path / "one.age", *words, url=ready_sqlite_url)
    assert code == 1
    assert "age1…" in told or "--identity" in told
    assert not (tmp_path / "one.age").exists()

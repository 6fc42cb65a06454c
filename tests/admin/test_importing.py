"""`engawa content import`: look first, then publish."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from admin.cli import app
from bot.app import Engawa
from bot.config import load
from bot.content import codec
from bot.errors import BadInput
from bot.testing import A_KEY

TABLE = "名前,日にち,くりかえし,案内のことば\n講座,2098-12-06,,\nここにいるよ,,毎月第1土曜・第2水曜,\n"


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    found = {"ENGAWA_KEYS": A_KEY, "ENGAWA_DATABASE_URL": f"sqlite:///{tmp_path / 'engawa.db'}"}
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


def test_a_file_is_shown_as_content(tmp_path: Path) -> None:
    """What is printed is a folder's worth of content, and nothing is published."""
    file = tmp_path / "dates.csv"
    file.write_text(TABLE, "cp932")
    ran = CliRunner().invoke(
        app, ["content", "import", str(file), "--prefecture", "大阪府", "--source", "会の表"]
    )
    assert ran.exit_code == 0, ran.stderr
    documents = [
        document for data in yaml.safe_load_all(ran.stdout) for document in codec.documents_of(data, "x")
    ]
    assert [type(codec.typed(document)).__name__ for document in documents] == ["EventSeries", "Event"]
    assert {document.body["prefecture"] for document in documents} == {"大阪府"}
    assert "1 series, 1 events; 0 in the past left out, 0 problems" in ran.stderr


async def published(environ: dict[str, str]) -> tuple[int, list[str]]:
    engawa = Engawa(load(environ))
    await engawa.prepare(alone=False)
    released = await engawa.database.read(engawa.library.released)
    await engawa.database.close()
    return released.number, sorted(each.name for each in released.latest.series.values())


def test_publishing_makes_a_release(tmp_path: Path, environ: dict[str, str]) -> None:
    """With everything that was there before; the same file again changes nothing but the number."""
    import asyncio

    file = tmp_path / "dates.csv"
    file.write_text(TABLE, "utf-8")
    for number in (2, 3):
        ran = CliRunner().invoke(app, ["content", "import", str(file), "--publish"])
        assert ran.exit_code == 0, ran.stderr
        assert f"Published as release {number}." in ran.stderr
        assert asyncio.run(published(environ)) == (number, ["ここにいるよ"])


def test_a_problem_keeps_it_from_being_published(tmp_path: Path, environ: dict[str, str]) -> None:
    """Unless told to leave out what could not be taken."""
    file = tmp_path / "dates.csv"
    file.write_text(TABLE + "会,あした,,\n", "utf-8")
    ran = CliRunner().invoke(app, ["content", "import", str(file), "--publish"])
    assert ran.exit_code == 1
    assert "4行目: 「日にち」の「あした」" in ran.stderr
    assert "Nothing was published" in ran.stderr
    ran = CliRunner().invoke(app, ["content", "import", str(file), "--publish", "--skip-problems"])
    assert ran.exit_code == 0, ran.stderr


@pytest.mark.parametrize(("name", "told"), [("dates.xls", ".csv か .xlsx"), ("none.ics", "cannot be read")])
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, told: str) -> None:
    """Another kind of file, and one that is not there."""
    (tmp_path / "dates.xls").write_bytes(b"")
    ran = CliRunner().invoke(app, ["content", "import", str(tmp_path / name)])
    assert isinstance(ran.exception, BadInput)
    assert told in str(ran.exception)

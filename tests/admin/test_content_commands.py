"""`engawa content export|diff|publish|import` with YAML: there and back, reviewed by two where it must be."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from admin import content_files
from admin.cli import app
from bot.app import Engawa
from bot.config import load
from bot.errors import BadInput, ContentError, EngawaError
from bot.store import content, staff
from bot.testing import A_KEY


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    found = {"ENGAWA_KEYS": A_KEY, "ENGAWA_DATABASE_URL": f"sqlite:///{tmp_path / 'engawa.db'}"}
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["content", *words])


async def _digests(environ: dict[str, str]) -> list[bytes]:
    engawa = Engawa(load(environ))
    rows = await engawa.database.read(content.recent, engawa.operator_id, 10)
    await engawa.database.close()
    return [row.digest for row in rows]


def with_staff(environ: dict[str, str]) -> None:
    async def add() -> None:
        engawa = Engawa(load(environ))
        await engawa.prepare(alone=False)
        for login in ("oono", "sakurai"):
            await engawa.database.write(staff.add, engawa.operator_id, login, login, "editor", None)
        await engawa.database.close()

    asyncio.run(add())


def changed(folder: Path, path: str, **fields: object) -> None:
    file = folder / path
    body = yaml.safe_load(file.read_text("utf-8"))
    file.write_text(yaml.safe_dump(body | fields, allow_unicode=True), "utf-8")


def test_there_and_back(tmp_path: Path, environ: dict[str, str]) -> None:
    """A folder and a zip hold the same; published again nothing changes; an edit is told, published, and undone."""
    folder, archive = tmp_path / "content", tmp_path / "content.zip"
    assert run("export", str(folder)).exit_code == 0
    assert run("export", str(archive)).exit_code == 0
    assert content_files.read(folder) == content_files.read(archive)
    same = run("publish", str(folder), "--whole")
    assert (same.exit_code, same.stderr.strip()[-16:]) == (0, "Nothing changes.")
    changed(folder, "flow/F-MONEY.yaml", name="お金のこと")
    told = run("diff", str(folder), "--whole")
    assert (told.exit_code, "名前を変えました" in told.stdout, "1 documents change" in told.stderr) == (
        0,
        True,
        True,
    )
    assert run("publish", str(folder / "flow/F-MONEY.yaml"), "--note", "名前").exit_code == 0
    assert run("publish", str(archive), "--whole").exit_code == 0
    newest, between, first = asyncio.run(_digests(environ))
    assert newest == first != between
    again = run("export", str(folder))
    assert isinstance(again.exception, BadInput)


def test_two_people_where_it_must_be(tmp_path: Path, environ: dict[str, str]) -> None:
    """A card of safety is not published by one; the two are known members."""
    with_staff(environ)
    folder = tmp_path / "content"
    run("export", str(folder))
    file = folder / "flow/F-SAFE.yaml"
    changed(folder, "flow/F-SAFE.yaml", name="かわった名前")
    for words in ((), ("--by", "oono", "--second", "oono"), ("--by", "oono", "--second", "nobody")):
        assert isinstance(run("publish", str(file), *words).exception, BadInput)
    assert len(asyncio.run(_digests(environ))) == 1
    assert run("publish", str(file), "--by", "oono", "--second", "sakurai").exit_code == 0


def test_what_blocks_and_what_goes_to_review(tmp_path: Path, environ: dict[str, str]) -> None:
    """Broken content is told by diff and refused by publish; import makes drafts once."""
    with_staff(environ)
    folder = tmp_path / "content"
    run("export", str(folder))
    file = folder / "flow/F-MONEY.yaml"
    changed(folder, "flow/F-MONEY.yaml", first="nowhere")
    assert run("diff", str(file)).exit_code == 1
    assert isinstance(run("publish", str(file)).exception, EngawaError)
    assert isinstance(run("import", str(file)).exception, BadInput)
    assert "1 drafts" in run("import", str(file), "--by", "oono").stderr
    assert isinstance(run("import", str(file), "--by", "sakurai").exception, EngawaError)
    assert len(asyncio.run(_digests(environ))) == 1


def test_hostile_files(tmp_path: Path) -> None:
    """Too large, too many, of no kind, a link out of the folder: refused or left alone, in words."""
    (tmp_path / "big.yaml").write_bytes(b"a" * 10_000_000)
    with pytest.raises(ContentError, match="大きすぎます"):
        content_files.read(tmp_path / "big.yaml")
    for name in ("no.txt", "missing.yaml"):
        with pytest.raises(BadInput):
            content_files.read(tmp_path / name)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.yaml").symlink_to(tmp_path / "big.yaml")
    assert content_files.read(folder) == []
    (folder / "sub").mkdir()
    (folder / "sub" / "latin.yaml").write_bytes(b"\xe4")
    with pytest.raises(ContentError, match=r"sub/latin\.yaml"):
        content_files.read(folder)

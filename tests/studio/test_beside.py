"""The check beside this process says the same as the check within it, and its end is nobody's loss."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from datetime import date

import pytest

from bot import beside as module
from bot.beside import Beside
from bot.content.check import check_documents
from bot.content.codec import Document
from bot.content.csv_import import read_file
from bot.content.export import plain
from bot.content.importing import Defaults
from bot.content.model import Source
from bot.errors import BadInput
from tests.strategies import seed_documents

TODAY = date(2026, 11, 21)
SEED = [Document(kind=one.kind, name=one.name, body=plain(one.body)) for one in seed_documents()]
BROKEN = [
    *(one for one in SEED if one.name != "F-MONEY"),
    Document(kind="flow", name="F-MONEY", body={"id": "F-MONEY", "steps": {}}),
    Document(
        kind="letter", name="x", body={"id": "x", "months": ["\ud800".encode("utf-8", "replace").decode()]}
    ),
]


@pytest.fixture
async def beside() -> AsyncIterator[Beside]:
    made = Beside()
    made.open()
    yield made
    await made.close()


async def test_it_says_the_same(beside: Beside) -> None:
    """Of content that is right, and of content that is not."""
    for documents in (SEED, BROKEN):
        assert await beside.issues(documents, TODAY) == check_documents(documents, TODAY)
    assert await beside.issues(BROKEN, None) == check_documents(BROKEN)
    assert pid(beside) != os.getpid()


async def test_it_is_killed(beside: Beside) -> None:
    """The next question starts another one."""
    await beside.issues(SEED, TODAY)
    first = pid(beside)
    os.kill(first, signal.SIGKILL)
    assert await beside.issues(SEED, TODAY) == check_documents(SEED, TODAY)
    assert pid(beside) not in (first, 0)


async def test_it_leaves_when_nobody_asks(beside: Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE", 0.0)
    await beside.issues(SEED, TODAY)
    process = beside._process
    assert process is not None
    assert await process.wait() == 0
    assert await beside.issues(SEED, TODAY) == check_documents(SEED, TODAY)


async def test_where_none_can_be_started(beside: Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is checked here then."""
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    assert await beside.issues(BROKEN, TODAY) == check_documents(BROKEN, TODAY)
    assert pid(beside) == 0


def pid(beside: Beside) -> int:
    return beside._process.pid if beside._process is not None else 0


async def test_a_table_is_read_the_same(beside: Beside) -> None:
    """With its problems; and what is no table is told as within."""
    data = "名前,日にち,人数\nつどい,2026-12-05,20\nほか,きのう,\n".encode()
    defaults = Defaults(prefecture="大阪府", source=Source(title="会のたより", seen_in_source="2026-11-21"))
    found = await beside.imported("x.csv", data, defaults, TODAY)
    assert found == read_file("x.csv", data, defaults, TODAY)
    assert len(found.events) == len(found.problems) == 1
    with pytest.raises(BadInput, match="csv"):
        await beside.imported("x.pdf", data, defaults, TODAY)


async def test_a_file_that_ends_it_twice(beside: Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is told to be too much, and is not tried in this process."""
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    with pytest.raises(BadInput, match="行をわけて"):
        await beside.imported("x.csv", "名前\n".encode(), Defaults(), TODAY)
    monkeypatch.undo()
    assert await beside.issues(SEED, TODAY) == check_documents(SEED, TODAY)

"""The check beside this process says the same as the check within it, and its end is nobody's loss."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from datetime import date

import pytest

from bot import checking
from bot.checking import Checking
from bot.content.check import check_documents
from bot.content.codec import Document
from bot.content.export import plain
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
async def beside() -> AsyncIterator[Checking]:
    made = Checking()
    made.open()
    yield made
    await made.close()


async def test_it_says_the_same(beside: Checking) -> None:
    """Of content that is right, and of content that is not."""
    for documents in (SEED, BROKEN):
        assert await beside.issues(documents, TODAY) == check_documents(documents, TODAY)
    assert await beside.issues(BROKEN, None) == check_documents(BROKEN)
    assert pid(beside) != os.getpid()


async def test_it_is_killed(beside: Checking) -> None:
    """The next question starts another one."""
    await beside.issues(SEED, TODAY)
    first = pid(beside)
    os.kill(first, signal.SIGKILL)
    assert await beside.issues(SEED, TODAY) == check_documents(SEED, TODAY)
    assert pid(beside) not in (first, 0)


async def test_it_leaves_when_nobody_asks(beside: Checking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "IDLE", 0.0)
    await beside.issues(SEED, TODAY)
    process = beside._beside
    assert process is not None
    assert await process.wait() == 0
    assert await beside.issues(SEED, TODAY) == check_documents(SEED, TODAY)


async def test_where_none_can_be_started(beside: Checking, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is checked here then."""
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    assert await beside.issues(BROKEN, TODAY) == check_documents(BROKEN, TODAY)
    assert pid(beside) == 0


def pid(beside: Checking) -> int:
    return beside._beside.pid if beside._beside is not None else 0

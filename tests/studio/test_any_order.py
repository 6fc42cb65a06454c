"""Whatever editors do in whatever order: what is public can be loaded, and no release ever changes."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.content import codec
from bot.content.check import check
from bot.content.export import documents_from, files_of
from bot.errors import EngawaError
from bot.store import content, releasing
from bot.testing import FakeClock, an_engawa
from tests.studio.office import FLOW, Office, an_office

KEYS = [FLOW, ("hotline", "yorisoi"), ("flow", "F-SAFE"), ("article", "new-one")]
BODIES = [
    "",
    "id: [",
    "- 1",
    "id: F-MONEY\nname: こわれた\nsteps: {}\n",
    "id: new-one\ntitle: 見本\npages: [読みものです。]\n",
    "id: new-one\ntitle: 見本\npages: [ぜひ来てください。]\n",
    "kept",
]
"""The last stands for the words as they are, with another name."""

OPERATION = st.one_of(
    st.tuples(st.just("save"), st.sampled_from(KEYS), st.sampled_from(BODIES)),
    st.tuples(st.just("propose"), st.sampled_from(KEYS)),
    st.tuples(st.just("approve"), st.sampled_from(KEYS)),
    st.tuples(st.just("put_away"), st.sampled_from(KEYS)),
    st.tuples(st.just("remove"), st.sampled_from(KEYS)),
    st.tuples(st.just("publish")),
    st.tuples(st.just("back"), st.integers(0, 6)),
)


async def do(office: Office, operation: tuple[Any, ...], count: int) -> None:
    """One operation of an editor or a reviewer; what is refused is refused in words of ours."""
    name, *rest = operation
    studio, oono, sakurai = office.studio, office["oono"], office["sakurai"]
    try:
        if name == "publish":
            await office.publish()
            return
        if name == "back":
            await studio.roll_back(sakurai, rest[0])
            return
        key: tuple[str, str] = rest[0]
        newest = await studio.newest(*key)
        if name == "save" and rest[1] == "kept":
            await office.write(key, name=f"名前{count}")
        elif name == "save":
            await studio.save(oono, *key, rest[1], newest)
        elif name == "remove":
            await studio.remove(oono, *key, newest)
        elif name == "put_away":
            await studio.put_away(oono, *key, newest)
        elif name == "approve":
            await studio.approve(sakurai, *key, newest)
        else:
            await studio.propose(oono, *key, newest)
    except EngawaError:
        return


async def play(url: str, operations: list[tuple[Any, ...]]) -> int:
    """Plays it, looks at every release after every step; returns the number of the last one."""
    clock = FakeClock()
    async with an_engawa(url, clock=clock) as engawa:
        office = await an_office(engawa, clock)
        before: dict[int, content.Rows] = {}
        for count, operation in enumerate(operations):
            await do(office, operation, count)
            for release in await office.studio.releases(office["oono"]):
                rows = await office.documents(release.number)
                assert before.setdefault(release.number, rows) == rows
                assert releasing.digest(rows) == release.digest
        latest = max(before)
        documents = await engawa.database.read(office.studio.public, latest)
        assert not [issue for issue in check(codec.build(latest, documents)) if issue.blocks]
        assert documents_from(files_of(documents)) == documents
        if latest > 1:
            back = await office.studio.roll_back(office["sakurai"], 1)
            assert await office.documents(back) == before[1]
            latest = back
        return latest


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(operations=st.lists(OPERATION, min_size=4, max_size=14))
def test_any_order(filled_sqlite: Path, operations: list[tuple[Any, ...]]) -> None:
    """What is public loads without anything that blocks; each release keeps its bytes; going back is exact."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "engawa.sqlite3"
        shutil.copy(filled_sqlite, target)
        asyncio.run(play(f"sqlite:///{target}", operations))


def test_the_way_through(filled_sqlite: Path, tmp_path: Path) -> None:
    """The same player publishes and goes back when it is told to: the property above is not empty."""
    shutil.copy(filled_sqlite, target := tmp_path / "engawa.sqlite3")
    steps = [("save", FLOW, "kept"), ("propose", FLOW), ("publish",), ("back", 1), ("save", FLOW, "id: [")]
    url = f"sqlite:///{target}"
    assert asyncio.run(play(url, [*steps, ("propose", FLOW), ("publish",)])) == 4

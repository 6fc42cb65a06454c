"""Publishing while people write: nobody's message is lost, and everybody is answered."""

from __future__ import annotations

from pathlib import Path

from benchmarks.publishing import run


async def test_releases_under_people_who_write(ready_sqlite_url: str, tmp_path: Path) -> None:
    """Twenty releases while two hundred people write: no error, no turn lost; how fast is for the benchmark."""
    found = await run(ready_sqlite_url, people=200, times=20, pause=5.0, before=1.0)
    assert found.number == 21
    assert found.lost == 0
    assert found.before
    assert found.meanwhile

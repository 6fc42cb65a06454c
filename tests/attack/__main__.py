"""`python -m tests.attack [B1 B26 …]`: prints pass or fail for each bar; the exit code tells whether any failed."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.attack import at_rest, browser, bursts, changing, fuzz, people, protocol
from tests.attack.bars import ATTACKS, ON_BOTH, Attack, NotRun
from tests.attack.stage import Stage, stage
from tests.provision import postgresql

MODULES = (at_rest, browser, bursts, changing, fuzz, people, protocol)


async def attacked(made: Stage, attack: Attack) -> tuple[str, str]:
    """How it went, and what was measured."""
    try:
        told = await attack(made)
        made.server.assert_alive()
        return "pass", told
    except NotRun as error:
        return "not run", str(error)
    except AssertionError as error:
        return "FAIL", str(error)
    except Exception as error:  # noqa: BLE001 - an attack that breaks proves nothing
        traceback.print_exc()
        return "FAIL", f"the attack itself broke: {type(error).__name__}: {error}"


async def run(wanted: list[str], database: postgresql.Server | None) -> tuple[int, int]:
    """Runs the bars, those named or all, on one kind of database. How many failed, and were not run."""
    failed, missed, where = 0, 0, "PostgreSQL" if database else "SQLite"
    chosen = [
        one
        for one in sorted(ATTACKS, key=lambda one: (int(one[0][1:]), one[1]))
        if (not wanted or one[0] in wanted) and (database is None or one[2] in ON_BOTH)
    ]
    if not chosen:
        return 0, 0
    with tempfile.TemporaryDirectory(prefix="engawa-attack-") as scratch:
        async with stage(Path(scratch), database) as made:
            for number, title, attack in chosen:
                began = time.monotonic()
                result, told = await attacked(made, attack)
                failed += result == "FAIL"
                missed += result == "not run"
                took = f"{time.monotonic() - began:.1f} s"
                print(f"{number:4} {result:8} {title}: {told} [{where}, {took}]", flush=True)
    return failed, missed


async def main(wanted: list[str]) -> int:
    """Runs them on SQLite, and those on what lies in the database on PostgreSQL. Returns how many failed."""
    failed, missed = await run(wanted, None)
    with postgresql.Server() as server:
        more_failed, more_missed = await run(wanted, server)
    failed, missed = failed + more_failed, missed + more_missed
    print(f"{failed} failed, {missed} not run" if failed or missed else "all of them held")
    return failed


if __name__ == "__main__":
    sys.exit(min(asyncio.run(main([one.upper() for one in sys.argv[1:]])), 1))

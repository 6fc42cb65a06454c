"""`python -m tests.attack [B1 B26 …]`: prints pass or fail for each bar; the exit code tells whether any failed."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.attack import at_rest, browser, bursts, fuzz, people, protocol
from tests.attack.bars import ATTACKS, Attack, NotRun
from tests.attack.stage import Stage, stage

MODULES = (at_rest, browser, bursts, fuzz, people, protocol)


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


async def main(wanted: list[str]) -> int:
    """Runs the bars, those named or all. Returns how many failed."""
    failed = 0
    with tempfile.TemporaryDirectory(prefix="engawa-attack-") as scratch:
        async with stage(Path(scratch)) as made:
            for number, title, attack in sorted(ATTACKS, key=lambda one: (int(one[0][1:]), one[1])):
                if wanted and number not in wanted:
                    continue
                began = time.monotonic()
                result, told = await attacked(made, attack)
                failed += result == "FAIL"
                print(f"{number:4} {result:8} {title}: {told} [{time.monotonic() - began:.1f} s]", flush=True)
    print(f"{failed} failed" if failed else "all of them held")
    return failed


if __name__ == "__main__":
    sys.exit(min(asyncio.run(main([one.upper() for one in sys.argv[1:]])), 1))

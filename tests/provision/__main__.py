"""`python -m tests.provision`: get everything, say what was found, or fail with what to do."""

from __future__ import annotations

import sys

from tests.provision import Unavailable, chromium, postgresql


def main() -> int:
    """Report both programs before failing, so that one run tells everything that is missing."""
    failed = False
    for name, ensure in (("PostgreSQL", postgresql.ensure), ("Chromium", chromium.ensure)):
        try:
            print(f"{name}: {ensure()}", flush=True)
        except Unavailable as problem:
            failed = True
            print(f"{name}: NOT AVAILABLE. {problem}", file=sys.stderr, flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

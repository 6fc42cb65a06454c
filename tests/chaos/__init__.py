"""Everything that can go wrong at once, and what must hold all the same; counted from outside the process.

    python -m tests.chaos --database both --processes 1 --faults 40 --seed 7

People write by scripts whose answers are known; a ledger of what they sent and heard is kept here, not in Engawa.
"""

from __future__ import annotations

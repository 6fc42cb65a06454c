"""`kill -9` at random moments of a busy run: what was lost, mixed up or repeated is counted.

    python -m tests.kill9 --database both --kills 10 --messages 500 --contacts 50 --channel all

The server is the real command on a real database. Only the platforms are played (`tests.platforms`).
"""

from __future__ import annotations

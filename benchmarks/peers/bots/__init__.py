"""One minimal bot of each peer; run by file, never imported."""

from __future__ import annotations

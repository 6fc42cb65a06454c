"""The shell around the core: groups of writes, turns, sends, claims, several processes at once."""

from __future__ import annotations

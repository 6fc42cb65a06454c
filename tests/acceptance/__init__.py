"""Journeys against the running house: real HTTP, a real database, the platforms played by `tests.platforms`."""

from __future__ import annotations

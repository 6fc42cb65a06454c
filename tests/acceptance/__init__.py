"""Journeys against the running house: real HTTP, a real database, fake platforms (`tests.platforms`)."""

from __future__ import annotations

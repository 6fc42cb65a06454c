"""The store, function by function, on both databases: what is written here holds for SQLite and for PostgreSQL."""

from __future__ import annotations

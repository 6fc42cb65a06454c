"""Every test here may ask for `store`: it then runs on both databases."""

from __future__ import annotations

from tests.store.ready import (
    filled_postgresql,
    filled_sqlite,
    postgresql_store,
    ready_postgresql_url,
    ready_sqlite_url,
    ready_url,
    store,
)

__all__ = [
    "filled_postgresql",
    "filled_sqlite",
    "postgresql_store",
    "ready_postgresql_url",
    "ready_sqlite_url",
    "ready_url",
    "store",
]

"""Every test here may ask for `store`: it then runs on both databases."""

from __future__ import annotations

from tests.store.ready import postgresql_store, store

__all__ = ["postgresql_store", "store"]

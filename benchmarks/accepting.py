"""Engawa's own server whose worker never starts: what accepting costs by itself. `python -m benchmarks.accepting`.

On PostgreSQL that is `engawa serve --role web`. SQLite has one process for both, so here the role is set later.
"""

from __future__ import annotations

import os
from typing import Any

from admin import serving
from bot.app import Engawa, Roles
from bot.config import load

WEB = Roles(web=True, worker=False)


class Accepting(Engawa):
    """Made as always, then told that another process works."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["roles"] = Roles()
        super().__init__(*args, **kwargs)
        self.roles = WEB


if __name__ == "__main__":
    serving.Engawa = Accepting  # type: ignore[attr-defined]
    serving.run(load(os.environ))

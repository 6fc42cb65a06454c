"""What a bar is here: a name, an attack on a stage, and what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.attack.stage import Stage

Attack = Callable[["Stage"], Awaitable[str]]
"""Returns what was measured. Raises AssertionError when the attack got through, NotRun when it could not be made."""

ATTACKS: list[tuple[str, str, Attack]] = []
ON_BOTH: set[Attack] = set()
"""Attacks on what lies in the database: made on PostgreSQL, too."""


class NotRun(Exception):
    """What this attack needs is not on this machine; says how to get it."""


def bar(number: str, title: str, *, on_both: bool = False) -> Callable[[Attack], Attack]:
    """Puts an attack into the list, under the bar it belongs to."""

    def put(attack: Attack) -> Attack:
        ATTACKS.append((number, title, attack))
        if on_both:
            ON_BOTH.add(attack)
        return attack

    return put


def check(holds: object, told: str) -> None:
    """Fails the bar with these words unless it holds."""
    if not holds:
        raise AssertionError(told)

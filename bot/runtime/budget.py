"""How many calls to one account's platform may be under way: few while it fails, more again with each success.

Each account has its own: a platform that hangs takes nothing from the others, and one that is back after an outage
meets a handful of calls first instead of everybody's at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from bot.frozen import dataclass

MOST = 100
LEAST = 4


@dataclass(slots=True)
class _Account:
    limit: int
    under_way: int = 0

    @property
    def room(self) -> int:
        return max(0, self.limit - self.under_way)


class Budget:
    """Counts calls by account. Changed from the event loop only; it may be read from anywhere."""

    def __init__(self, most: int = MOST, least: int = LEAST) -> None:
        self.most, self._least = most, least
        self._accounts: dict[str, _Account] = defaultdict(lambda: _Account(most))

    def room(self, account: str) -> int:
        """How many more calls to this account may begin."""
        known = self._accounts.get(account)
        return self.most if known is None else known.room

    def rooms(self, accounts: Iterable[str] = ()) -> dict[str, int]:
        """The room of these accounts and of all that were ever called."""
        return {account: self.room(account) for account in {*accounts, *self._accounts}}

    def begin(self, account: str) -> None:
        self._accounts[account].under_way += 1

    def end(self, account: str, *, answered: bool) -> bool:
        """A call has ended, `answered` by a platform that is well; whether somebody may have waited for its place."""
        known = self._accounts[account]
        had_room = known.room > 0
        known.under_way -= 1
        known.limit = min(self.most, known.limit + 1) if answered else max(self._least, known.limit // 2)
        return not had_room and known.room > 0

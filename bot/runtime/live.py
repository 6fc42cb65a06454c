"""News inside the house: who must look again. Carries ids only; what is true is always read from the database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bot.messages import Outgoing

INBOX = "inbox"
NEWCOMERS = "newcomers"
OUTBOX = "outbox"
RECEIPTS = "receipts"
ERASED = "erased"
QUEUE = "queue"
EVERYTHING = "*"


@dataclass(slots=True)
class News:
    """Topics that changed (the names above, or a contact id), and sends that may leave now."""

    topics: set[str] = field(default_factory=set)
    leaving: list[Outgoing] = field(default_factory=list)

    def add(self, *topics: str) -> None:
        self.topics.update(topics)

    def merge(self, other: News) -> None:
        """Takes over all that the other news tell of."""
        self.topics |= other.topics
        self.leaving += other.leaving


class Bell:
    """Rings when one of its topics has news. Rings that come while nobody waits are kept as one."""

    def __init__(self, topics: frozenset[str]) -> None:
        self.topics = topics
        self._event = asyncio.Event()

    def ring(self) -> None:
        self._event.set()

    async def wait(self, seconds: float) -> bool:
        """Until it rings, at most `seconds`; whether it rang."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)
        rang = self._event.is_set()
        self._event.clear()
        return rang


class Hub:
    """Spreads news to the bells of this process; must be used from the event loop."""

    def __init__(self) -> None:
        self._bells: dict[str, set[Bell]] = {}
        self.send: Callable[[Outgoing], None] | None = None

    @contextlib.contextmanager
    def listen(self, *topics: str) -> Iterator[Bell]:
        bell = Bell(frozenset(topics))
        for topic in topics:
            self._bells.setdefault(topic, set()).add(bell)
        try:
            yield bell
        finally:
            for topic in topics:
                bells = self._bells[topic]
                bells.discard(bell)
                if not bells:
                    del self._bells[topic]

    def spread(self, news: News) -> None:
        """To be called once what it tells of is committed."""
        for outgoing in news.leaving:
            if self.send is not None:
                self.send(outgoing)
        topics = list(self._bells) if EVERYTHING in news.topics else news.topics
        for topic in topics:
            for bell in self._bells.get(topic, ()):
                bell.ring()

"""News inside the house: who must look again. Carries ids only; what is true is always read from the database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import field

from bot.frozen import dataclass
from bot.messages import Outgoing

INBOX = "inbox"
NEWCOMERS = "newcomers"
OUTBOX = "outbox"
RECEIPTS = "receipts"
ERASED = "erased"
QUEUE = "queue"
EVERYTHING = "*"


def with_member(staff_id: str) -> str:
    """The topic of which conversations a member of the staff has."""
    return f"staff/{staff_id}"


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

    def __init__(self) -> None:
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


class _Ear:
    """Hears of topics for a bell: the first news at once, then once in `pause` seconds; the last are never lost."""

    def __init__(self, bell: Bell, pause: float) -> None:
        self._bell, self._pause = bell, pause
        self._free_at = 0.0
        self._waiting: asyncio.TimerHandle | None = None

    def hear(self) -> None:
        if not self._pause:
            self._bell.ring()
        elif self._waiting is None:
            loop = asyncio.get_running_loop()
            if loop.time() >= self._free_at:
                self._pass_on()
            else:
                self._waiting = loop.call_at(self._free_at, self._pass_on)

    def _pass_on(self) -> None:
        self._waiting, self._free_at = None, asyncio.get_running_loop().time() + self._pause
        self._bell.ring()

    def close(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()


class Hub:
    """Spreads news to the bells of this process; must be used from the event loop."""

    def __init__(self) -> None:
        self._ears: dict[str, set[_Ear]] = {}
        self.send: Callable[[Outgoing], None] | None = None

    @contextlib.contextmanager
    def listen(self, *topics: str, pause: float = 0.0) -> Iterator[Bell]:
        """A bell for these topics, that rings for them once in `pause` seconds at most."""
        bell = Bell()
        ear = _Ear(bell, pause)
        for topic in topics:
            self._ears.setdefault(topic, set()).add(ear)
        try:
            yield bell
        finally:
            ear.close()
            for topic in topics:
                ears = self._ears[topic]
                ears.discard(ear)
                if not ears:
                    del self._ears[topic]

    def spread(self, news: News) -> None:
        """To be called once what it tells of is committed."""
        for outgoing in news.leaving:
            if self.send is not None:
                self.send(outgoing)
        topics = list(self._ears) if EVERYTHING in news.topics else news.topics
        for topic in topics:
            for ear in self._ears.get(topic, ()):
                ear.hear()

"""One connection to a bot and the one message in flight on it."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Protocol

from .people import Person, Webhook
from .wire import Reader

PAUSE_AFTER_REFUSAL = 0.05
OK = 200


class Crew(Protocol):
    """Who gives a slot its messages and hears how they ended."""

    error: str

    def next_message(self, slot: Slot) -> tuple[Person, Webhook] | None: ...

    def settle(self, slot: Slot) -> None: ...


class Slot(asyncio.Protocol):
    """Free again when its webhook was acknowledged with 200 and, unless only that is awaited, replied to."""

    person: Person
    webhook: Webhook

    def __init__(self, crew: Crew, *, awaits_reply: bool = True) -> None:
        self._crew = crew
        self._awaits_reply = awaits_reply
        self._reader = Reader()
        self._transport: asyncio.Transport | None = None
        self.busy = False
        self.started = self.ack = 0.0
        self.status: int | None = None
        self.reply: float | None = None

    async def connect(self, port: int) -> None:
        """Open the slot's connection."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_connection(lambda: self, "127.0.0.1", port)

    def close(self) -> None:
        """Close the connection without calling that an error."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def begin(self, due: float | None = None) -> None:
        """Send the next message, if there is one; its times count from when it was due."""
        message = self._crew.next_message(self)
        if message is None or self._transport is None:
            return
        self.person, self.webhook = message
        self.status = None
        self.reply = None if self._awaits_reply else 0.0
        self.busy = True
        self.started = due or perf_counter()
        self._transport.write(self.webhook.request)

    def data_received(self, data: bytes) -> None:
        for response in self._reader.feed(data):
            if not self.busy:
                self._crew.error = "the bot answered a request that nobody made"
                return
            self.ack = perf_counter() - self.started
            self.status = response.status
            if self.status != OK or self.reply is not None:
                self._settle()

    def answered(self) -> None:
        """Take note that the reply has reached the platform."""
        self.reply = perf_counter() - self.started
        if self.status is not None:
            self._settle()

    def give_up(self, patience: float) -> None:
        """Stop waiting for the reply; without an acknowledgement the connection is of no use."""
        if self.status is None:
            self._crew.error = f"no acknowledgement within {patience:.0f} s"
        else:
            self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._crew.error = f"the bot closed a connection ({exc or 'orderly'})"

    def _settle(self) -> None:
        self.busy = False
        self._crew.settle(self)

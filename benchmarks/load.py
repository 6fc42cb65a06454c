"""The load generator: slots that send signed LINE webhooks and wait for the bot's reply.

A slot is free again when its webhook was acknowledged with 200 and the reply to that event reached
the fake platform. A person has one message in flight at a time.
"""

from __future__ import annotations

import asyncio
import gc
import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import perf_counter

from .fake_line import FakePlatform
from .people import Person, Postbox, Webhook
from .wire import Reader

USERS = 500
PATIENCE = 5.0  # seconds after which a message counts as unanswered
PAUSE_AFTER_REFUSAL = 0.05
HOPELESS = 64  # failed messages, with none answered, after which a phase is not worth its time
OK = 200


class LoadFailed(Exception):
    """The bot did not take the load."""


@dataclass(slots=True)
class Trouble:
    """What should not happen, counted."""

    refused: int = 0  # acknowledged with something else than 200
    unanswered: int = 0  # no reply within PATIENCE
    late: int = 0  # the reply came after all
    stray: int = 0  # a reply to an unknown or used token, or a push to somebody who waits for nothing

    def __str__(self) -> str:
        counts = ((name, getattr(self, name)) for name in self.__slots__)
        return ", ".join(f"{count} {name}" for name, count in counts if count) or "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """The result of one measured stretch; latencies in ms."""

    slots: int
    seconds: float
    messages: int  # answered in that time
    finished: int  # and those in flight at its end
    per_second: float
    ack_p50: float
    ack_p99: float
    reply_p50: float
    reply_p99: float
    pushes: int
    trouble: Trouble


@dataclass(slots=True)
class _Tally:
    """What the slots of one phase write down; latencies in seconds."""

    acks: list[float] = field(default_factory=list)
    replies: list[float] = field(default_factory=list)
    pushes: int = 0


class Load:
    """The people, the fake platform and the slots of one run."""

    def __init__(self, users: int = USERS) -> None:
        chance = random.Random(20261121)  # the same people in every run, on purpose
        self._people = deque(Person(number, chance) for number in range(users))
        self._postbox = Postbox()
        self.platform = FakePlatform(self._replied, self._pushed)
        self._by_token: dict[str, _Slot] = {}
        self._by_user: dict[str, _Slot] = {}
        self._given_up: set[str] = set()
        self._to_start: float = 0  # messages that may still be started
        self._tally = _Tally()
        self._trouble = Trouble()
        self.error = ""

    async def meet(self, port: int, slots: int = 32) -> None:
        """Let each person write once, unmeasured, so that the bot knows all of them."""
        await self._drive(port, slots, messages=len(self._people), seconds=60.0)

    async def measure(self, port: int, slots: int, seconds: float) -> Phase:
        """Keep `slots` messages in flight for `seconds` and return what came of it."""
        tally, took = await self._drive(port, slots, messages=float("inf"), seconds=seconds)
        count = len(tally.replies)
        if not count:
            raise LoadFailed(f"no message was answered ({self._trouble})")
        return Phase(
            slots=slots,
            seconds=round(took, 3),
            messages=count,
            finished=count + len(self._tally.replies),
            per_second=round(count / took, 1),
            ack_p50=_percentile_ms(tally.acks, 50),
            ack_p99=_percentile_ms(tally.acks, 99),
            reply_p50=_percentile_ms(tally.replies, 50),
            reply_p99=_percentile_ms(tally.replies, 99),
            pushes=tally.pushes,
            trouble=self._trouble,
        )

    async def _drive(self, port: int, slots: int, *, messages: float, seconds: float) -> tuple[_Tally, float]:
        """Run until the messages or the seconds are used up, then wait for those in flight.

        The tally returned holds what was completed before that wait, in the time returned.
        """
        self._tally, self._trouble, self.error = _Tally(), Trouble(), ""
        crew = [_Slot(self) for _ in range(slots)]
        gc.collect()
        gc.disable()
        try:
            for slot in crew:
                await slot.connect(port)
            self._to_start = messages
            begin = perf_counter()
            for slot in crew:
                slot.begin()
            while self._to_start and not self.error and perf_counter() - begin < seconds:
                await self._watch(crew)
            took = perf_counter() - begin
            tally, self._tally, self._to_start = self._tally, _Tally(), 0
            while any(slot.busy for slot in crew) and not self.error:
                await self._watch(crew)
        except OSError as error:
            raise LoadFailed(f"the bot takes no connection: {error}") from error
        finally:
            gc.enable()
            for slot in crew:
                slot.close()
        if self.error:
            raise LoadFailed(self.error)
        return tally, took

    async def _watch(self, crew: Iterable[_Slot]) -> None:
        await asyncio.sleep(0.01)
        patience_ends = perf_counter() - PATIENCE
        for slot in crew:
            if slot.busy and slot.started < patience_ends:
                slot.give_up()

    # What the slots and the platform report.

    def next_message(self, slot: _Slot) -> tuple[Person, Webhook] | None:
        """Return the next message, its reply awaited by the slot; None when it is enough."""
        if not self._to_start:
            return None
        self._to_start -= 1
        person = self._people.popleft()
        webhook = self._postbox.webhook(person)
        self._by_token[webhook.reply_token] = self._by_user[person.user_id] = slot
        return person, webhook

    def settle(self, slot: _Slot) -> None:
        """Record how a slot's message ended."""
        person, webhook = slot.person, slot.webhook
        self._people.append(person)
        del self._by_user[person.user_id]
        if self._by_token.pop(webhook.reply_token, None):
            self._given_up.add(webhook.reply_token)
        if slot.status != OK:
            self._trouble.refused += 1
        elif slot.reply is None:
            self._trouble.unanswered += 1
        else:
            self._tally.acks.append(slot.ack)
            self._tally.replies.append(slot.reply)
            return
        failed = self._trouble.refused + self._trouble.unanswered
        if failed >= HOPELESS and not self._tally.replies:
            self.error = f"no message was answered ({self._trouble})"

    def _replied(self, reply_token: str) -> bool:
        slot = self._by_token.pop(reply_token, None)
        if slot is not None:
            slot.answered()
        elif reply_token in self._given_up:
            self._given_up.discard(reply_token)
            self._trouble.late += 1
        else:
            self._trouble.stray += 1
            return False
        return True

    def _pushed(self, user_id: str) -> None:
        slot = self._by_user.get(user_id)
        if slot is None or slot.reply is not None:
            self._trouble.stray += 1
            return
        self._tally.pushes += 1
        del self._by_token[slot.webhook.reply_token]
        slot.answered()


class _Slot(asyncio.Protocol):
    """One connection to the bot and the one message in flight on it."""

    person: Person
    webhook: Webhook

    def __init__(self, load: Load) -> None:
        self._load = load
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

    def begin(self) -> None:
        """Send the next message, if there is one."""
        message = self._load.next_message(self)
        if message is None or self._transport is None:
            return
        self.person, self.webhook = message
        self.status = self.reply = None
        self.busy = True
        self.started = perf_counter()
        self._transport.write(self.webhook.request)

    def data_received(self, data: bytes) -> None:
        for response in self._reader.feed(data):
            if not self.busy:
                self._load.error = "the bot answered a request that nobody made"
                return
            self.ack = perf_counter() - self.started
            self.status = response.status
            if self.status != OK:
                self._settle()
                asyncio.get_running_loop().call_later(PAUSE_AFTER_REFUSAL, self.begin)
            elif self.reply is not None:
                self._settle()
                self.begin()

    def answered(self) -> None:
        """Take note that the reply has reached the platform."""
        self.reply = perf_counter() - self.started
        if self.status is not None:
            self._settle()
            self.begin()

    def give_up(self) -> None:
        """Stop waiting for the reply; without an acknowledgement the connection is of no use."""
        if self.status is None:
            self._load.error = f"no acknowledgement within {PATIENCE:.0f} s"
        else:
            self._settle()
            self.begin()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._load.error = f"the bot closed a connection ({exc or 'orderly'})"

    def _settle(self) -> None:
        self.busy = False
        self._load.settle(self)


def _percentile_ms(values: list[float], percent: int) -> float:
    """Return the nearest-rank percentile in ms."""
    ranked = sorted(values)
    return round(ranked[max(0, -(-len(ranked) * percent // 100) - 1)] * 1000, 2)

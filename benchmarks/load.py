"""The load generator: slots that send signed webhooks and wait for the bot's reply.

A slot is free again when its webhook was acknowledged with 200 and the reply to that event reached
the fake platform. A person has one message in flight at a time. Slots send as fast as they are free (closed
loop), or messages fall due at a pace, whatever the bot does (open loop).
"""

from __future__ import annotations

import asyncio
import gc
import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import perf_counter
from typing import NamedTuple

from .fake_line import FakePlatform
from .people import Person, Postbox, Webhook
from .slot import OK, PAUSE_AFTER_REFUSAL, Slot

USERS = 500
PATIENCE = 5.0  # seconds after which a message counts as unanswered
HOPELESS = 64  # failed messages, with none answered, after which a phase is not worth its time
PACED_SLOTS = 128


class LoadFailed(Exception):
    """The bot did not take the load."""


class Target(NamedTuple):
    """Where a bot takes whose webhooks: `line` or `telegram`."""

    port: int
    path: str
    platform: str


@dataclass(slots=True)
class Trouble:
    """What should not happen, counted."""

    refused: int = 0  # acknowledged with something else than 200
    unanswered: int = 0  # no reply within the patience
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a stretch is driven: slots at once, for so long; `pace` is messages/s due, 0 means as fast as it goes."""

    slots: int
    seconds: float
    messages: float = float("inf")
    pace: float = 0.0
    only_acks: bool = False
    patience: float = PATIENCE


@dataclass(slots=True)
class _Tally:
    """What the slots of one phase write down; latencies in seconds."""

    acks: list[float] = field(default_factory=list)
    replies: list[float] = field(default_factory=list)
    pushes: int = 0


class Load:
    """The people, the fake platform and the slots of one run."""

    def __init__(self, users: int = USERS) -> None:
        self._chance = random.Random(20261121)  # the same people in every run, on purpose
        self._people = deque(Person(number, self._chance) for number in range(users))
        self._postbox = Postbox()
        self.platform = FakePlatform(self._replied, self._pushed)
        self._by_token: dict[str, Slot] = {}
        self._by_user: dict[str, Slot] = {}
        self._given_up: set[str] = set()
        self._to_start: float = 0  # messages that may still be started
        self._due: deque[float] = deque()  # paced messages that wait for a free slot
        self._idle: list[Slot] = []
        self._tally = _Tally()
        self._trouble = Trouble()
        self.error = ""

    async def meet(self, target: Target, slots: int = 32) -> None:
        """Let each person write once, unmeasured, so that the bot knows all of them."""
        await self._drive(target, Manner(slots=slots, seconds=60.0, messages=len(self._people)))

    async def measure(self, target: Target, manner: Manner) -> Phase:
        """Drive a stretch and return what came of it."""
        tally, took = await self._drive(target, manner)
        count = len(tally.replies)
        if not count:
            raise LoadFailed(f"no message was answered ({self._trouble})")
        return Phase(
            slots=manner.slots,
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

    async def _drive(self, target: Target, manner: Manner) -> tuple[_Tally, float]:
        """Run until the messages or the seconds are used up, then wait for those in flight.

        The tally returned holds what was completed before that wait, in the time returned.
        """
        self._target, self._manner = target, manner
        self._tally, self._trouble, self.error = _Tally(), Trouble(), ""
        crew = [Slot(self, awaits_reply=not manner.only_acks) for _ in range(manner.slots)]
        gc.collect()
        gc.disable()
        try:
            for slot in crew:
                await slot.connect(target.port)
            self._to_start = manner.messages
            self._due.clear()
            self._idle = list(crew)
            begin = perf_counter()
            pacing = asyncio.create_task(self._fall_due(begin)) if manner.pace else None
            while not manner.pace and self._idle:
                self._idle.pop().begin()
            while self._to_start and not self.error and perf_counter() - begin < manner.seconds:
                await self._watch(crew)
            took = perf_counter() - begin
            if pacing is not None:
                pacing.cancel()
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

    async def _fall_due(self, due: float) -> None:
        """Messages come as people do: independent of each other, so many a second on average."""
        while True:
            due += self._chance.expovariate(self._manner.pace)
            while (wait := due - perf_counter()) > 0:
                await asyncio.sleep(wait)
            if self._idle:
                self._idle.pop().begin(due)
            else:
                self._due.append(due)

    async def _watch(self, crew: Iterable[Slot]) -> None:
        await asyncio.sleep(0.01)
        patience_ends = perf_counter() - self._manner.patience
        for slot in crew:
            if slot.busy and slot.started < patience_ends:
                slot.give_up(self._manner.patience)

    # What the slots and the platform report.

    def next_message(self, slot: Slot) -> tuple[Person, Webhook] | None:
        """Return the next message, its reply awaited by the slot; None when it is enough."""
        if not self._to_start:
            return None
        self._to_start -= 1
        person = self._people.popleft()
        make = self._postbox.telegram if self._target.platform == "telegram" else self._postbox.line
        webhook = make(person, self._target.path)
        self._by_token[webhook.reply_token] = slot
        self._by_user[person.user_id] = self._by_user[person.chat_id] = slot
        return person, webhook

    def settle(self, slot: Slot) -> None:
        """Record how a slot's message ended, and let the slot go on."""
        person, webhook = slot.person, slot.webhook
        self._people.append(person)
        del self._by_user[person.user_id], self._by_user[person.chat_id]
        if self._by_token.pop(webhook.reply_token, None):
            self._given_up.add(webhook.reply_token)
        if slot.status == OK and slot.reply is not None:
            self._tally.acks.append(slot.ack)
            self._tally.replies.append(slot.reply)
        elif slot.status != OK:
            self._trouble.refused += 1
        else:
            self._trouble.unanswered += 1
        failed = self._trouble.refused + self._trouble.unanswered
        if failed >= HOPELESS and not self._tally.replies:
            self.error = f"no message was answered ({self._trouble})"
        elif slot.status != OK:
            asyncio.get_running_loop().call_later(PAUSE_AFTER_REFUSAL, self._go_on, slot)
        else:
            self._go_on(slot)

    def _go_on(self, slot: Slot) -> None:
        if not self._manner.pace:
            slot.begin()
        elif self._due:
            slot.begin(self._due.popleft())
        else:
            self._idle.append(slot)

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
        """A push of LINE, or any message of Telegram."""
        slot = self._by_user.get(user_id)
        if slot is None or slot.reply is not None:
            self._trouble.stray += 1
            return
        if self._target.platform == "line":
            self._tally.pushes += 1
        del self._by_token[slot.webhook.reply_token]
        slot.answered()


def _percentile_ms(values: list[float], percent: int) -> float:
    """Return the nearest-rank percentile in ms."""
    ranked = sorted(values)
    return round(ranked[max(0, -(-len(ranked) * percent // 100) - 1)] * 1000, 2)

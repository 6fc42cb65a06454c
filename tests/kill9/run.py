"""One run: people write, the server dies again and again, platforms bring again what was not acknowledged."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

import aiohttp

from bot import config
from bot.messages import Address
from bot.store.migrate import DEFAULT_OPERATOR
from bot.store.sealed import Keyring
from tests.kill9.counting import Tally, compare
from tests.kill9.people import OnLine, OnTelegram, OnWeb, Person
from tests.kill9.script import scripts
from tests.kill9.server import Books, Send, Server
from tests.platforms import Call, FakeLine, FakeTelegram, Fault, held, slow

CHANNELS: Final = ("line", "telegram", "web")
REPEATABLE: Final = frozenset({"telegram"})  # no idempotency key: a send in flight at a kill may come twice
SENDS: Final = frozenset({"reply", "push", "sendMessage"})
AT_ONCE: Final = 0.3  # of all people write at the same time, as long as nothing is held up
LOOK_EVERY: Final = 0.005  # seconds
AFTER_START: Final = 1.6  # seconds: imports, migrations, the port, the first batches
LAST: Final = 0.9  # of all progress; no kill comes later
LONGEST_CALL: Final = 0.12  # seconds a platform takes at most
DEADLINE: Final = 80.0  # seconds for everything to be acknowledged, and again for everything to be answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much happens. The same seed gives the same people, words, kill moments and delays.

    `polling`: the server fetches Telegram's updates.
    """

    database: str  # its name in the report
    channels: Sequence[str] = CHANNELS
    messages: int = 500
    contacts: int = 50
    kills: int = 10
    seed: int = 1
    polling: bool = False


@dataclass(slots=True, kw_only=True)
class Report:
    plan: Plan
    tallies: list[Tally]
    kills: int
    kills_after_start: int
    stopped_with: int
    seconds: float

    def problems(self) -> list[str]:
        """Everything that breaks the promise."""
        found = [problem for tally in self.tallies for problem in tally.problems()]
        if self.kills < self.plan.kills:
            found.append(f"only {self.kills} kills")
        if self.stopped_with != 0:
            found.append(f"a clean stop ended with {self.stopped_with}")
        return found


@dataclass(slots=True)
class Run:
    """Everything that takes part."""

    plan: Plan
    random: Random
    server: Server
    books: Books
    keyring: Keyring
    line: FakeLine
    telegram: FakeTelegram
    people: list[Person]
    tallies: dict[str, Tally]
    kills: int = 0
    after_start: int = 0
    in_flight: set[Send] = field(default_factory=set)
    on_the_wire: set[tuple[str, int]] = field(default_factory=set)

    # -- the platforms take their time -------------------------------------------------------

    def delay(self, call: Call) -> Fault | None:
        """Calls take a while before, or after, the platform did the work, so that kills strike in between."""
        if call.name not in SENDS:
            return None
        seconds = self.random.uniform(0, LONGEST_CALL)
        if self.random.random() < 0.5:
            return slow(seconds)
        gate = asyncio.Event()
        asyncio.get_running_loop().call_later(seconds, gate.set)
        return held(gate, accepted=True)

    # -- people come and write ---------------------------------------------------------------

    async def live(self, person: Person, after: float) -> None:
        """The person comes once this share of everything was acknowledged.

        So there is always somebody whose sends a kill can strike: who was struck waits for a lease (PostgreSQL).
        """
        await until(lambda: self.acknowledged() >= after, self.server)
        await person.live()

    def acknowledged(self) -> float:
        """Which share of everything people do was acknowledged."""
        acknowledged = sum(person.acknowledged for person in self.people)
        return acknowledged / sum(len(person.expected) for person in self.people)

    # -- the server dies ---------------------------------------------------------------------

    def progress(self) -> float:
        """How much has happened, from 0 to 1. Answers weigh less: after a kill some wait for their lease."""
        answered = len(self.line.delivered.all) + len(self.telegram.sent)
        answered += sum(person.acknowledged for person in self.people if person.channel == "web")
        return 0.75 * self.acknowledged() + 0.25 * answered / sum(len(one.expected) for one in self.people)

    async def kill_again_and_again(self) -> None:
        """A third strikes some time after a start, whatever is going on; the others all over the run."""
        early = self.plan.kills // 3
        later = self.plan.kills - early
        moments = [(place + self.random.random()) / later * LAST for place in range(later)]
        follow = set(self.random.sample(range(later), min(early, later)))
        for place, moment in enumerate(moments):
            await until(lambda at=moment: self.progress() >= at, self.server)  # type: ignore[misc]
            await asyncio.sleep(self.random.uniform(0, LONGEST_CALL))
            await self.kill()
            if place in follow:
                await asyncio.sleep(self.random.uniform(0, AFTER_START))
                self.after_start += 1
                await self.kill()

    async def kill(self) -> None:
        """Kills, looks what was in flight, and starts again at once."""
        for channel, fake in (("line", self.line), ("telegram", self.telegram)):
            wire = (call.number for call in fake.calls if call.name in SENDS and call.status is None)
            self.on_the_wire |= {(channel, number) for number in wire}
        self.server.kill()
        self.kills += 1
        self.in_flight |= self.books.sending()
        self.server.start()
        if self.random.random() < 0.5:
            await self.lose_open_calls()

    async def lose_open_calls(self) -> None:
        """What the platforms had not taken yet never reaches them."""
        for fake in (self.line, self.telegram):
            await fake.down()
            await fake.up()

    # -- the end -----------------------------------------------------------------------------

    async def answered(self) -> bool:
        """Whether everybody heard at least as much as they said, and nothing is under way any more."""
        on_platforms = [person for person in self.people if person.channel != "web"]
        for person in on_platforms:
            if len(await person.heard()) < len(person.expected):
                return False
        states = self.books.states()
        return not any(count for (_, state), count in states.items() if state in ("queued", "sending"))

    async def count(self) -> None:
        states, unhandled = self.books.states(), self.books.unhandled()
        wire = Counter(channel for channel, _ in self.on_the_wire)
        flights = Counter(send.address_key for send in self.in_flight)
        for channel, tally in self.tallies.items():
            for person in self.people:
                if person.channel == channel:
                    flight = flights[self.address_key(person)]
                    count = compare(person.expected, await person.heard())
                    tally.sent += len(person.expected)
                    tally.acknowledged += person.acknowledged
                    tally.redelivered += person.redelivered
                    tally.in_flight += flight
                    tally.count += count
                    tally.unexplained += max(0, count.repeated - (flight if channel in REPEATABLE else 0))
            tally.on_the_wire = wire[channel]
            tally.uncertain = states[channel, "uncertain"]
            tally.failed = states[channel, "failed"] + states[channel, "cancelled"]
            tally.unhandled = unhandled[channel]

    def address_key(self, person: Person) -> bytes:
        """What the database knows the person by."""
        return self.keyring.address_key(DEFAULT_OPERATOR, Address(account=person.channel, key=person.key))


async def until(condition: Callable[[], bool], server: Server, seconds: float = DEADLINE) -> None:
    """Returns when the condition holds. Fails when the server ends by itself, or the time is over."""
    async with asyncio.timeout(seconds):
        while not condition():
            server.assert_alive()
            await asyncio.sleep(LOOK_EVERY)


async def run(plan: Plan, database_url: str, folder: Path) -> Report:
    """Plays the plan on an empty database."""
    random = Random(plan.seed)
    began = time.monotonic()
    async with contextlib.AsyncExitStack() as stack:
        line = await stack.enter_async_context(FakeLine(seed=plan.seed, attempts=200))
        telegram = await stack.enter_async_context(FakeTelegram(seed=plan.seed, attempts=200))
        timeout = aiohttp.ClientTimeout(total=5)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout)
        )
        key = base64.b64encode(random.randbytes(32)).decode()
        environ = {"ENGAWA_DATABASE_URL": database_url, "ENGAWA_KEYS": f"k1:{key}"}
        environ |= {**line.environ(), **telegram.environ()}
        environ |= {"ENGAWA_TELEGRAM_POLLING": "on" if plan.polling else ""}
        server = Server(folder, environ)
        stack.callback(server.remove)
        line.aim(server.url)
        if not plan.polling:
            telegram.aim(server.url)
        books = Books(database_url, folder)
        people = list(_people(plan, random, line, telegram, server.url, session))
        tallies = {channel: Tally(channel=channel) for channel in plan.channels}
        playing = Run(
            plan, random, server, books, config.load(environ).keyring, line, telegram, people, tallies
        )
        for fake in (line, telegram):
            stack.enter_context(fake.faults.rule(playing.delay))
        server.start()
        with contextlib.suppress(TimeoutError):  # what is missing then is counted
            async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as group:
                group.create_task(playing.kill_again_and_again())
                for place, person in enumerate(people):
                    group.create_task(playing.live(person, max(0, place / len(people) - AT_ONCE)))
        await _settled(playing)
        await playing.count()
        line.assert_no_invalid()
        telegram.assert_no_invalid()
        stopped_with = server.stop()
    return Report(
        plan=plan,
        tallies=list(tallies.values()),
        kills=playing.kills,
        kills_after_start=playing.after_start,
        stopped_with=stopped_with,
        seconds=time.monotonic() - began,
    )


async def _settled(playing: Run) -> None:
    """Waits until all is answered, at most until the deadline; what is missing then is counted as lost."""
    ends_at = time.monotonic() + DEADLINE
    while not await playing.answered() and time.monotonic() < ends_at:
        playing.server.assert_alive()
        await asyncio.sleep(LOOK_EVERY * 20)


def _people(
    plan: Plan,
    random: Random,
    line: FakeLine,
    telegram: FakeTelegram,
    url: str,
    session: aiohttp.ClientSession,
) -> Iterator[Person]:
    """The contacts share the messages, and the channels share the contacts."""
    each, more = divmod(plan.messages, plan.contacts)
    lengths = [each + (place < more) for place in range(plan.contacts)]
    for place, script in enumerate(scripts(random, datetime.now(UTC), lengths)):
        own = Random(random.random())
        match plan.channels[place % len(plan.channels)]:
            case "line":
                yield OnLine(script, own, line)
            case "telegram":
                yield OnTelegram(script, own, telegram)
            case _:
                yield OnWeb(script, own, url, session)

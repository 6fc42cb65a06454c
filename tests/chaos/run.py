"""One run: people write, faults strike again and again, and at the end the ledger is held against what was heard."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

import aiohttp
from sqlalchemy import select

from bot import config
from bot.config import Settings
from bot.messages import Address
from bot.store.database import parse_url
from bot.store.migrate import DEFAULT_OPERATOR
from bot.store.schema import contacts, inbox, outbox, tickets
from bot.testing import a_release
from tests.chaos.claims import Claims
from tests.chaos.disks import SmallDisk
from tests.chaos.faults import FAULTS
from tests.chaos.fleet import Fleet
from tests.chaos.judge import judge
from tests.kill9.counting import Tally
from tests.kill9.people import OnLine, OnTelegram, OnWeb, Person
from tests.kill9.run import LONGEST_CALL, REPEATABLE, SENDS
from tests.kill9.script import scripts
from tests.kill9.server import Books, Send
from tests.platforms import Call, FakeLine, FakeTelegram, Fault, slow
from tests.provision import postgresql

LOOK_EVERY: Final = 0.02  # seconds
DANGER: Final = "死にたい"
AFTER_DANGER: Final = ("だれかいますか", "まだいます")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much happens; the same seed gives the same people, words and faults in the same order.

    `deadline` seconds for everything to be acknowledged and answered: a guard against hanging, not a target.
    """

    database: str
    faults: Sequence[str] = tuple(FAULTS)
    strikes: int = 20
    messages: int = 600
    contacts: int = 60
    in_danger: int = 6
    webs: int = 1
    workers: int = 0
    streams: int = 200
    kills: int = 0
    seed: int = 1
    deadline: float = 300.0


@dataclass(slots=True, kw_only=True)
class Report:
    plan: Plan
    struck: Counter[str]
    tallies: list[Tally]
    tickets: int
    problems: list[str]
    seconds: float
    excused: int = 0
    kills: int = 0
    traces: list[str] = field(default_factory=list)


@dataclass(slots=True)
class World:
    """Everything that takes part, as faults see it."""

    plan: Plan
    random: Random
    fleet: Fleet
    books: Books
    settings: Settings
    line: FakeLine
    telegram: FakeTelegram
    session: aiohttp.ClientSession
    clock: Path
    sqlite: Path | None
    postgresql: postgresql.Server | None
    disk: SmallDisk | None
    claims: Claims
    people: list[Person] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    sending: set[Send] = field(default_factory=set)
    struck: Counter[str] = field(default_factory=Counter)
    in_danger: list[str] = field(default_factory=list)
    settled: bool = False
    excused: int = 0
    traces: list[str] = field(default_factory=list)

    def note_sending(self) -> None:
        """What is durably begun just now may come twice where the platform has no key for it."""
        with contextlib.suppress(Exception):  # a database that is away holds nothing that could be read
            self.sending |= self.books.sending()

    def memory_mib(self) -> float:
        """The most that one of the processes takes."""
        sizes = [0.0]
        for server in self.fleet.servers:
            with contextlib.suppress(OSError, StopIteration, AssertionError):
                status = Path(f"/proc/{server.pid}/status").read_text()
                line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
                sizes.append(int(line.split()[1]) / 1024)
        return max(sizes)

    def progress(self) -> float:
        """Which share of everything people do was acknowledged."""
        return sum(one.acknowledged for one in self.people) / sum(len(one.expected) for one in self.people)

    # --- what happens ---

    def delay(self, call: Call) -> Fault | None:
        """Calls to platforms take a while, so that faults strike in between."""
        return slow(self.random.uniform(0, LONGEST_CALL)) if call.name in SENDS else None

    async def live(self, person: Person, after: float) -> None:
        while self.progress() < after:
            await asyncio.sleep(LOOK_EVERY)
        await person.live()

    async def doors(self) -> None:
        """Events go to one web process after the other."""
        while True:
            url = self.fleet.url
            self.line.aim(url)
            self.telegram.aim(url)
            await asyncio.sleep(0.1)

    async def strike(self) -> None:
        """Faults spread over the run, each kind in its turn, in an order drawn by lot."""
        order: list[str] = []
        while len(order) < self.plan.strikes:
            order += self.random.sample(list(self.plan.faults), len(self.plan.faults))
        order = [*order[: self.plan.strikes], *["kill"] * self.plan.kills]
        if self.plan.kills:
            self.random.shuffle(order)
        for number, name in enumerate(order):
            while self.progress() < number / len(order) * 0.95:
                self.fleet.assert_alive()
                await asyncio.sleep(LOOK_EVERY)
            await FAULTS[name](self)
            self.struck[name] += 1
            if number == len(order) // 2:
                await self.claim()

    async def cry(self, user: str) -> None:
        """Somebody in danger on LINE."""
        await self.line.follows(user)
        await self.line.says(user, DANGER)

    async def claim(self) -> None:
        """A counselor takes who is in danger; what the machine may still say is watched from then on."""
        alone = self.sqlite is not None
        if alone:
            self.problems += [f"a clean stop ended with {code}" for code in await self.fleet.stop() if code]
        await self.claims.claim_all(self.settings, self.clock)
        if alone:
            self.fleet.start()

    async def answered(self) -> bool:
        for person in self.people:
            if person.channel != "web" and len(await person.heard()) < len(person.expected):
                return False
        if self.books.unhandled():
            return False
        return not any(
            count for (_, state), count in self.books.states().items() if state in ("queued", "sending")
        )

    # --- the ledger ---

    async def count(self) -> list[Tally]:
        """What each channel's people heard against what they should have heard."""
        tallies = {name: Tally(channel=name) for name in ("line", "telegram", "web")}
        flights = Counter(send.address_key for send in self.sending)
        states, unhandled = self.books.states(), self.books.unhandled()
        late = a_release().text("late")[0]
        unknown = self.unknown()
        for person in self.people:
            tally = tallies[person.channel]
            address = Address(account=person.channel, key=person.key)
            key = self.settings.keyring.address_key(DEFAULT_OPERATOR, address)
            flight, count = flights[key], len(person.expected)
            flags = [*unknown.get(key, ()), *[False] * count][:count]
            verdict = judge(
                person.expected, flags, await person.heard(), lambda answer: answer[0].startswith(late)
            )
            tally.sent += len(person.expected)
            tally.acknowledged += person.acknowledged
            tally.redelivered += person.redelivered
            tally.in_flight += flight
            tally.count += verdict.count
            self.excused += verdict.excused
            if verdict.untold:
                self.problems.append(
                    f"{person.channel}: {verdict.untold} missing, and nobody told the person"
                )
            allowed = flight if person.channel in REPEATABLE else 0
            unexplained = max(0, verdict.count.repeated - allowed)
            tally.unexplained += unexplained
            if verdict.untold or verdict.count.lost or verdict.count.misplaced or unexplained:
                await self.tell(person, key, flags)
        for name, tally in tallies.items():
            tally.uncertain, tally.unhandled = states[name, "uncertain"], unhandled[name]
            tally.failed = states[name, "failed"] + states[name, "cancelled"]
        return list(tallies.values())

    def unknown(self) -> dict[bytes, list[bool]]:
        """Of each person's answers, in their order, whether it is unknown what became of it."""
        query = select(contacts.c.address_key, outbox.c.state)
        query = query.join(outbox, outbox.c.contact_id == contacts.c.contact_id)
        query = query.where(outbox.c.cause.startswith("event:")).order_by(outbox.c.contact_id, outbox.c.seq)
        found: dict[bytes, list[bool]] = {}
        for row in self.books.rows(query):
            found.setdefault(bytes(row[0]), []).append(row[1] == "uncertain")
        return found

    async def tell(self, person: Person, key: bytes, unknown: Sequence[bool]) -> None:
        """What came to whom something is amiss with, by places in their script, and what we know of each send."""
        heard = [person.expected.index(one) if one in person.expected else -1 for one in await person.heard()]
        columns = (outbox.c.seq, outbox.c.cause, outbox.c.state, outbox.c.attempts, outbox.c.via)
        times = (outbox.c.queued_at, outbox.c.sending_at, outbox.c.due_at, outbox.c.error_code)
        query = select(*columns, *times).join(contacts, contacts.c.contact_id == outbox.c.contact_id)
        rows = self.books.rows(query.where(contacts.c.address_key == key).order_by(outbox.c.seq))
        self.traces.append(f"{person.channel}: expected {len(unknown)}, heard {heard}")
        self.traces += ["  " + " ".join(str(value) for value in row) for row in rows]
        self.traces += [
            f"  asked {call.name}: {call.status}, taken {call.accepted}, {call.fault}"
            for call in (*self.telegram.calls, *self.line.calls)
            if call.to == person.key
        ]
        for one in self.line.delivered.all if person.channel == "line" else ():
            if one.to == person.key:
                self.traces.append(f"  came {datetime.fromtimestamp(one.at, UTC)} by {one.via}")

    def check_danger(self) -> int:
        """Each cry for help has its ticket and its safety card; the number of tickets."""
        addresses = [Address(account="line", key=user) for user in self.in_danger]
        keys = {self.settings.keyring.address_key(DEFAULT_OPERATOR, address) for address in addresses}
        query = select(contacts.c.address_key).join(tickets, tickets.c.contact_id == contacts.c.contact_id)
        found = {bytes(row[0]) for row in self.books.rows(query)}
        if missing := len(keys - found):
            self.problems.append(f"{missing} in danger have no ticket")
        for user in self.in_danger:
            heard = [one for one in self.line.delivered.all if one.to == user and "119" in str(one.messages)]
            if (
                not heard
            ):  # more than one may be right: an unknown outcome, or a silent counselor (design, step 6)
                self.problems.append("somebody in danger got no safety card")
        return len(keys & found)

    def check_keys(self) -> None:
        """No reply token and no retry key brought two messages."""
        keys = Counter(one.key for one in self.line.delivered.all if one.key)
        if again := sum(count > 1 for count in keys.values()):
            self.problems.append(f"{again} keys of LINE brought more than one message")

    def check_parked(self) -> None:
        """An event that nobody could handle has its ticket."""
        query = select(inbox.c.contact_id).where(inbox.c.parked.is_(True))
        has = select(tickets.c.contact_id)
        left = {row[0] for row in self.books.rows(query)} - {row[0] for row in self.books.rows(has)}
        if left:
            self.problems.append(f"{len(left)} parked without a ticket")

    def check_claims(self) -> None:
        """After a claim nothing of the machine starts on its way but what every person is owed."""
        rows = self.books.rows(select(outbox.c.contact_id, outbox.c.seq, outbox.c.purpose, outbox.c.state))
        if broken := self.claims.broken(rows):
            self.problems.append(f"{broken} sent by the machine after a claim")

    def check_logs(self) -> None:
        """No word, name or id of a person in any log."""
        said = self.fleet.logs()
        secrets = [DANGER, *AFTER_DANGER, self.line.access_token, self.telegram.token, *self.in_danger]
        secrets += [person.key for person in self.people if len(person.key) > 8]
        if shown := sum(secret in said for secret in secrets):
            self.problems.append(f"{shown} words or ids are in the logs")


async def run(
    plan: Plan,
    database_url: str,
    folder: Path,
    *,
    server: postgresql.Server | None = None,
    disk: SmallDisk | None = None,
) -> Report:
    """Plays the plan on an empty database."""
    random, began = Random(plan.seed), time.monotonic()
    async with contextlib.AsyncExitStack() as stack:
        line = await stack.enter_async_context(FakeLine(seed=plan.seed, attempts=5000))
        telegram = await stack.enter_async_context(FakeTelegram(seed=plan.seed, attempts=5000))
        session = await stack.enter_async_context(
            aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=20),
                connector=aiohttp.TCPConnector(limit=0),
            )
        )
        key = base64.b64encode(random.randbytes(32)).decode()
        environ = {"ENGAWA_DATABASE_URL": database_url, "ENGAWA_KEYS": f"k1:{key}"}
        environ |= {**line.environ(), **telegram.environ()}
        fleet = Fleet(folder, environ, random, webs=plan.webs, workers=plan.workers)
        stack.callback(fleet.remove)
        url = parse_url(database_url)
        world = World(
            *(
                plan,
                random,
                fleet,
                Books(database_url, folder),
                config.load(environ),
                line,
                telegram,
                session,
            ),
            clock=folder / "clock",
            sqlite=Path(url.database or "") if url.get_backend_name() == "sqlite" else None,
            postgresql=server,
            disk=disk,
            claims=Claims(),
        )
        world.people = _people(world)
        world.in_danger = [line.new_user() for _ in range(plan.in_danger)]
        for fake in (line, telegram):
            stack.enter_context(fake.faults.rule(world.delay))
        fleet.start()
        with contextlib.suppress(TimeoutError):  # what is missing then is counted
            async with asyncio.timeout(plan.deadline):
                await _play(world)
        if not world.settled:
            world.problems.append(f"not settled after {plan.deadline:.0f} s")
        tallies = await world.count()
        found = world.check_danger()
        for check in (world.check_keys, world.check_parked, world.check_claims, world.check_logs):
            check()
        line.assert_no_invalid()
        telegram.assert_no_invalid()
        world.problems += [f"a clean stop ended with {code}" for code in await fleet.stop() if code]
        world.traces += [f"{count} × {what}" for what, count in fleet.complaints().items()]
    problems = [problem for tally in tallies for problem in tally.problems()] + world.problems
    return Report(
        plan=plan,
        struck=world.struck,
        tallies=tallies,
        tickets=found,
        problems=problems,
        excused=world.excused,
        kills=world.fleet.kills,
        traces=world.traces,
        seconds=time.monotonic() - began,
    )


async def _play(world: World) -> None:
    doors = asyncio.create_task(world.doors())
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(world.strike())
            for place, person in enumerate(world.people):
                group.create_task(world.live(person, max(0.0, place / len(world.people) - 0.3)))
            for user in world.in_danger:
                group.create_task(world.cry(user))
        for user in world.in_danger:
            for word in AFTER_DANGER:
                await world.line.says(user, word)
        while not await world.answered():
            world.fleet.assert_alive()
            await asyncio.sleep(LOOK_EVERY * 5)
        world.settled = True
    finally:
        doors.cancel()
        await asyncio.gather(doors, return_exceptions=True)


def _people(world: World) -> list[Person]:
    """The contacts share the messages, and the channels share the contacts."""
    plan, random = world.plan, world.random
    each, more = divmod(plan.messages, plan.contacts)
    lengths = [each + (place < more) for place in range(plan.contacts)]
    people: list[Person] = []
    for place, script in enumerate(scripts(random, datetime.now(UTC), lengths)):
        own = Random(random.random())
        makers: Sequence[Callable[[], Person]] = (
            lambda script=script, own=own: OnLine(script, own, world.line),  # type: ignore[misc]
            lambda script=script, own=own: OnTelegram(script, own, world.telegram),  # type: ignore[misc]
            lambda script=script, own=own: OnWeb(script, own, world.fleet.url, world.session),  # type: ignore[misc]
        )
        people.append(makers[place % 3]())
    return people

"""The console with many people waiting: queue page, weight, event to screen. `python -m benchmarks.console`.

A database of a million messages on SQLite, `engawa serve` on it in a process of its own. A counselor asks for the queue
again and again; then fifty consoles are open and people write (`benchmarks.screens`).
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import os
import re
import secrets
import statistics
import tempfile
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from aiohttp import ClientSession
from sqlalchemy import Connection, insert, select

from bot.app import Engawa
from bot.clock import SystemClock, random_id
from bot.handoff.ticket import Status
from bot.store import staff
from bot.store.schema import contacts, timeline
from bot.store.staff import Member
from bot.testing import FakeChannel, an_engawa

from . import screens, server
from .fake_line import FakePlatform
from .people import Postbox
from .screens import Counselor

BATCH = 20_000
SEALED = 296  # bytes of a sealed line of forty characters
FIRST = 1_000  # places in the thread nobody has come to yet
COUNSELORS = 25
CONSOLES = 50
CONTACTS = select(contacts.c.contact_id)


async def people_wait(engawa: Engawa, people: list[str]) -> None:
    """A ticket of each, by somebody's own words."""
    channel, now = FakeChannel("line"), engawa.clock.now()
    for begin in range(0, len(people), 100):
        some = people[begin : begin + 100]
        said = [channel.heard(one, "もう死にたいです", at=now, event=random_id()) for one in some]
        await engawa.ingress.accept(said)
        while await engawa.turns.work():
            pass


def fill(connection: Connection, count: int, spared: Collection[str]) -> None:
    """So many more lines, spread over everybody else: rows of the true size."""
    people = [one for one in connection.scalars(CONTACTS) if one not in spared]
    for begin in range(0, count, BATCH):
        rows = [
            {
                "contact_id": people[n % len(people)],
                "seq": FIRST + n // len(people),
                "author": "person",
                "sealed_body": os.urandom(SEALED),
            }
            for n in range(begin, min(begin + BATCH, count))
        ]
        connection.execute(insert(timeline), rows)


async def employed(engawa: Engawa, number: int) -> tuple[Member, str]:
    """A counselor, and the cookie of a session of theirs."""
    write, login, token = engawa.database.write, f"bench{number}", secrets.token_urlsafe(32)
    staff_id = await write(staff.add, engawa.operator_id, login, f"ベンチ{number}", "counselor", None)
    await write(staff.begin_session, staff_id, token, engawa.clock.now())
    member = await engawa.database.read(staff.by_login, engawa.operator_id, login)
    assert member is not None
    return member, token


async def prepared(folder: Path, waiting: int, messages: int) -> list[Counselor]:
    """Counselors with one person each whom they answer; then everybody who waits, and all their lines."""
    environ = server.environment(folder, 0, "http://127.0.0.1:1")
    async with an_engawa(environ.pop("ENGAWA_DATABASE_URL"), clock=SystemClock(), environ=environ) as engawa:
        made = []
        for number in range(COUNSELORS):
            member, token = await employed(engawa, number)
            person = f"U{10**6 + number:032x}"
            await people_wait(engawa, [person])
            ticket = (await engawa.desk.queue(member, Status.WAITING))[0].ticket.id
            await engawa.desk.claim(member, ticket)
            made.append(Counselor(token=token, person=person, ticket=ticket))
        answered = await engawa.database.read(lambda connection: set(connection.scalars(CONTACTS)))
        await people_wait(engawa, [f"U{number:032x}" for number in range(waiting)])
        await engawa.database.write(fill, messages, answered)
        return made


async def timed(session: ClientSession, path: str, looks: int) -> tuple[list[float], bytes]:
    """Milliseconds of each look, after a few that warm up; and the page."""
    found, page = [], b""
    for look in range(looks + 5):
        begun = time.perf_counter()
        async with session.get(path) as response:
            page = await response.read()
            assert response.status == 200, response.status
        if look >= 5:
            found.append((time.perf_counter() - begun) * 1000)
    return found, page


def brought(page: bytes) -> Iterator[str]:
    """The addresses of what a page brings with it."""
    yield from re.findall(r'(?:src|href)="([^"]*/static/[^"]+)"', page.decode())


async def weighed(session: ClientSession, path: str) -> None:
    """A page with all it brings along, as it is and as gzip has it."""
    async with session.get(path) as response:
        parts = [await response.read()]
    for address in brought(parts[0]):
        async with session.get(address.replace("&amp;", "&")) as response:
            parts.append(await response.read())
    whole, packed = sum(map(len, parts)) / 1000, sum(len(gzip.compress(part)) for part in parts) / 1000
    print(f"weight of {path[:14]}: {whole:.0f} kB, {packed:.0f} kB compressed")


async def look_at_the_queue(port: int, one: Counselor, looks: int) -> None:
    """Its first and its last page; then what pages weigh."""
    async with one.session(port) as session:
        first, page = await timed(session, "/admin", looks)
        tell("queue, first page", first)
        deep, further = "/admin", page.decode()
        while found := re.search(r'id="q-more" href="([^"]+)"', further):
            deep = found[1].replace("&amp;", "&")
            async with session.get(deep) as response:
                further = await response.text()
        tell("queue, last page", (await timed(session, deep, looks))[0])
        for path in ("/admin", one.path):
            await weighed(session, path)


async def main(options: argparse.Namespace) -> None:
    platform = FakePlatform(lambda _token: True, lambda _user: None)
    api_base, postbox = await platform.start(), Postbox()
    with tempfile.TemporaryDirectory(prefix="engawa-console-") as scratch:
        folder = Path(scratch)
        counselors = await prepared(folder, options.waiting, options.messages)
        size = (folder / "bench.db").stat().st_size // 2**20
        print(
            f"{options.waiting} waiting, {options.messages} messages, {size} MB; load {os.getloadavg()[0]:.1f}"
        )
        async with server.running(server.ENGAWA, folder, api_base) as house:
            await look_at_the_queue(house.port, counselors[0], options.looks)
            for every in (0, options.newcomer_every):
                before = house.cpu_seconds()
                found = await screens.measured(
                    house.port, postbox, counselors, CONSOLES, options.events, every
                )
                used = (house.cpu_seconds() - before) * 1000 / options.events
                mixed = f"one in {every} a newcomer" if every else "all of people who are answered"
                print(f"{CONSOLES} consoles open, {options.events} messages, {mixed}:")
                for name, times in found.items():
                    tell(f"  {name}", times)
                print(f"  server: {used:.0f} ms of processor a message, {house.memory_mib():.0f} MiB")
    await platform.stop()


def tell(name: str, found: list[float]) -> None:
    cuts = statistics.quantiles(found, n=100)
    print(f"{name}: p50 {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms, worst {max(found):.1f} ms ({len(found)})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waiting", type=int, default=1_000)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--looks", type=int, default=200)
    parser.add_argument("--events", type=int, default=100, help="messages of people, two a second")
    parser.add_argument(
        "--newcomer-every", type=int, default=5, help="one in so many is somebody new in danger"
    )
    asyncio.run(main(parser.parse_args()))

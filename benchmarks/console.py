"""The console's queue with many people waiting: time on the server and weight. `python -m benchmarks.console`.

A whole house on SQLite, its console on a port of this machine, one signed-in counselor who asks again and again. The
other messages in the database belong to the same people; they are rows of the true size.
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
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

from aiohttp import ClientSession, web
from sqlalchemy import Connection, insert, select

from admin.app import Console, attach
from bot.app import Engawa
from bot.clock import SystemClock
from bot.edge import headers
from bot.store import staff
from bot.store.schema import contacts, timeline
from bot.testing import FakeChannel, an_engawa

BATCH = 20_000
SEALED = 296  # bytes of a sealed line of forty characters
FIRST = 1_000  # places in the thread nobody has come to yet


async def people_wait(engawa: Engawa, count: int) -> None:
    """So many tickets, each by somebody's own words."""
    channel, now = FakeChannel("line"), engawa.clock.now()
    for begin in range(0, count, 100):
        events = [
            channel.heard(f"u{n}", "もう死にたいです", at=now) for n in range(begin, min(begin + 100, count))
        ]
        await engawa.ingress.accept(events)
        while await engawa.turns.work():
            pass


def fill(connection: Connection, count: int) -> None:
    """So many more lines, spread over everybody."""
    people = list(connection.scalars(select(contacts.c.contact_id)))
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


async def signed_in(engawa: Engawa, session: ClientSession) -> None:
    secret = secrets.token_urlsafe(16)
    staff_id = await engawa.database.write(
        staff.add, engawa.operator_id, "bench", "ベンチ", "counselor", None
    )
    until = engawa.clock.now() + timedelta(hours=1)
    await engawa.database.write(partial(staff.offer_one_time_login, suffices=True), staff_id, secret, until)
    async with session.get("/admin/login") as response:
        csrf = re.search(r'name="csrf" value="([^"]+)"', await response.text())
    assert csrf is not None
    fields = {"login": "bench", "secret": secret, "csrf": csrf[1]}
    async with session.post("/admin/login", data=fields) as response:
        assert response.status == 200, response.status


async def timed(session: ClientSession, path: str, looks: int) -> tuple[list[float], bytes]:
    """Milliseconds of each look, after a few that warm up; and the page."""
    found, page = [], b""
    for look in range(looks + 5):
        begun = time.perf_counter()
        async with session.get(path) as response:
            page = await response.read()
        if look >= 5:
            found.append((time.perf_counter() - begun) * 1000)
    return found, page


def weight(page: bytes) -> Iterator[str]:
    """The addresses of what a page brings with it."""
    yield from re.findall(r'(?:src|href)="([^"]*/static/[^"]+)"', page.decode())


async def main(waiting: int, messages: int, looks: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "engawa.sqlite3"
        async with an_engawa(f"sqlite:///{path}", clock=SystemClock()) as engawa:
            await people_wait(engawa, waiting)
            await engawa.database.write(fill, messages)
            app = web.Application()
            app.on_response_prepare.append(headers)
            app.add_routes([web.get("/chat/static/{name}", engawa.webchat.pages.static)])
            console = Console(
                database=engawa.database,
                desk=engawa.desk,
                hub=engawa.hub,
                clock=engawa.clock,
                operator_id=engawa.operator_id,
                secure_cookies=False,
                sealer=engawa.sealer,
                studio=engawa.studio,
                flow_editor=engawa.flow_editor,
                service_name=lambda: "",
                desk_name=engawa.desk_name,
                alerts=engawa.alerts,
                trail=engawa.trail,
                reports=engawa.reports,
                desks=engawa.desks,
                content=lambda: engawa.library.at_hand,
            )
            attach(app, console)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            async with ClientSession(f"http://localhost:{runner.addresses[0][1]}") as session:
                await signed_in(engawa, session)
                print(f"{waiting} waiting, {messages} messages, {path.stat().st_size // 2**20} MB")
                first, page = await timed(session, "/admin", looks)
                tell("queue, first page", first)
                further = page.decode()
                deep = "/admin"
                while found := re.search(r'id="q-more" href="([^"]+)"', further):
                    deep = found[1].replace("&amp;", "&")
                    async with session.get(deep) as response:
                        further = await response.text()
                tell("queue, last page", (await timed(session, deep, looks))[0])
                parts = [page]
                for address in weight(page):
                    async with session.get(address.replace("&amp;", "&")) as response:
                        parts.append(await response.read())
                packed = sum(len(gzip.compress(part)) for part in parts)
                print(f"weight: {sum(map(len, parts)) / 1000:.0f} kB, {packed / 1000:.0f} kB compressed")
            await runner.cleanup()


def tell(name: str, found: list[float]) -> None:
    cuts = statistics.quantiles(found, n=100)
    print(f"{name}: p50 {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms, worst {max(found):.1f} ms ({len(found)})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waiting", type=int, default=1_000)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--looks", type=int, default=200)
    asked = parser.parse_args()
    asyncio.run(main(asked.waiting, asked.messages, asked.looks))

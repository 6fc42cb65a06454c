"""What goes wrong. Each fault is a coroutine over the world; when it returns, its cause is gone again."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import psycopg

from bot.channels.webchat.stream import TOTAL
from tests.platforms.faults import cut, refuse, silence

if TYPE_CHECKING:
    from tests.chaos.run import World
    from tests.kill9.server import Server

Strike = Callable[["World"], Awaitable[None]]

HUGE = 64 << 20
LORIS = 60
STANDSTILL = 30.0  # seconds
AT_ONCE = 32
LITTLE = 4 << 20


async def kill(world: World) -> None:
    """`kill -9` for one process; sometimes open calls are lost with it, sometimes it dies again while starting."""
    for _ in range(world.random.choice((1, 1, 2))):
        struck = world.fleet.kill_one()
        world.note_sending()
        if world.random.random() < 0.5:
            for fake in (world.line, world.telegram):
                await fake.down()
                await fake.up()
        struck.start()
        await asyncio.sleep(world.random.uniform(0, 1.5))


async def roll(world: World) -> None:
    """A rolling restart by SIGTERM; nothing may be told of it."""
    codes = await world.fleet.roll()
    world.problems += [f"a clean stop ended with {code}" for code in codes if code != 0]


async def database_away(world: World) -> None:
    """PostgreSQL crashes and comes back; a SQLite file is held by somebody else beyond all patience."""
    if world.postgresql is not None:
        world.postgresql.crash()
        await asyncio.sleep(world.random.uniform(0.2, 2.0))
        await asyncio.to_thread(world.postgresql.start)
    else:
        await _hold(world, 6.0)


async def read_only(world: World) -> None:
    """PostgreSQL takes no writes, as after a failover. SQLite has no such state but a full disk, see below."""
    if world.postgresql is None:
        return
    with psycopg.connect(world.postgresql.url, autocommit=True) as connection:
        kick = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'engawa'"
        connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(kick)
        await asyncio.sleep(world.random.uniform(0.5, 2.0))
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(kick)


async def disk_full(world: World) -> None:
    """No byte is left where the database lies. The spool lies elsewhere, as operators are told to have it.

    PostgreSQL may end by that: it cannot write its log. Somebody makes room, and starts it again.
    """
    if world.disk is not None:
        await asyncio.to_thread(world.disk.fill)
        await asyncio.sleep(world.random.uniform(0.5, 2.0))
        world.disk.empty()
        if world.postgresql is not None:
            await asyncio.to_thread(world.postgresql.revive)


async def slow_disk(world: World) -> None:
    """Commits take long: PostgreSQL waits 100 ms before each, a SQLite file is locked now and then."""
    if world.postgresql is None:
        for _ in range(5):
            await _hold(world, 0.25)
            await asyncio.sleep(0.05)
        return
    with psycopg.connect(world.postgresql.url, autocommit=True) as connection:
        for statement in ("SET commit_delay = 100000", "SET commit_siblings = 0"):
            connection.execute(f"ALTER SYSTEM {statement}")
        connection.execute("SELECT pg_reload_conf()")
        await asyncio.sleep(1.5)
        connection.execute("ALTER SYSTEM RESET commit_delay")
        connection.execute("ALTER SYSTEM RESET commit_siblings")
        connection.execute("SELECT pg_reload_conf()")


async def clock_jump(world: World) -> None:
    """The machine's clock is set: forth by up to forty seconds, or back by up to three, and goes on from there."""
    world.clock.write_text(str(float(world.clock.read_text() or 0) + world.random.choice((-3, 5, 20, 40))))


async def frozen(world: World) -> None:
    """A process stands still for a moment."""
    await world.fleet.freeze_one(world.random.uniform(0.2, 2.0))


async def platform_outage(world: World) -> None:
    """LINE and Telegram fail for a while: 500, no answer, a connection cut after the message was taken."""
    fault = world.random.choice((refuse(500), refuse(429), cut(accepted=False), silence(accepted=False)))
    with world.line.faults.outage(fault), world.telegram.faults.outage(fault):
        await asyncio.sleep(world.random.uniform(0.3, 1.5))


async def huge_body(world: World) -> None:
    """64 MB for a webhook, with its length told or in chunks: refused, and no memory taken for it."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(HUGE >> 16):
            yield bytes(1 << 16)

    before = world.memory_mib()
    for data in (bytes(HUGE), chunks()):
        with contextlib.suppress(aiohttp.ClientError, ConnectionError, TimeoutError):
            async with world.session.post(f"{world.fleet.url}/webhooks/line", data=data) as answer:
                if answer.status not in (401, 413):
                    world.problems.append(f"64 MB were answered with {answer.status}")
    grown = world.memory_mib() - before
    if grown > 48:
        world.problems.append(f"64 MB bodies took {grown:.0f} MiB of memory")


async def slow_loris(world: World) -> None:
    """Clients that send a byte now and then hold no webhook up: people go on writing meanwhile."""
    host, port = world.fleet.url.removeprefix("http://").split(":")
    opened = []
    for _ in range(LORIS):
        with contextlib.suppress(OSError):
            opened.append(await asyncio.open_connection(host, int(port)))
    for byte in b"POST /webhooks/line HTTP/1.1\r\n":
        for _, writer in opened:
            with contextlib.suppress(OSError):
                writer.write(bytes([byte]))
        await asyncio.sleep(0.03)
    for _, writer in opened:
        writer.close()


async def idle_streams(world: World) -> None:
    """Many pages that only listen: each gets its stream or is told to poll; webhooks are heard all the same."""
    url, statuses, over = world.fleet.url, list[int](), asyncio.Event()
    coming = asyncio.Semaphore(
        AT_ONCE
    )  # the platforms are played in this process, and must not be late for it

    async def listen(number: int) -> None:
        cookie, status = {"Cookie": f"engawa_chat={number:043d}"}, 0
        async with contextlib.AsyncExitStack() as stack:
            with contextlib.suppress(aiohttp.ClientError, ConnectionError, TimeoutError):
                async with coming:
                    asked = world.session.get(f"{url}/chat/api/stream", headers=cookie)
                    status = (await stack.enter_async_context(asked)).status
            statuses.append(status)
            if status:
                await over.wait()

    pages = [asyncio.create_task(listen(number)) for number in range(world.plan.streams)]
    told, last = -1, time.monotonic()
    while len(statuses) < len(pages) and time.monotonic() - last < STANDSTILL:
        if len(statuses) > told:
            told, last = len(statuses), time.monotonic()
        await asyncio.sleep(0.05)
    if left := len(pages) - len(statuses):
        world.problems.append(f"{left} streams got no answer, and none did for {STANDSTILL:.0f} s")
        over.set()
        for page in pages:
            page.cancel()
    for _ in range(5):  # a web process that is up hears whoever comes; this one's signature is wrong
        with contextlib.suppress(aiohttp.ClientConnectorError):
            async with world.session.post(f"{url}/webhooks/line", data=b"{}") as answer:
                statuses.append(answer.status if answer.status != 401 else 200)
    over.set()
    await asyncio.gather(*pages, return_exceptions=True)
    odd = set(statuses) - {0, 200, 503}
    world.problems += [f"a stream or webhook beside it was answered with {status}" for status in odd]
    if statuses.count(200) > world.plan.webs * TOTAL + 5:
        world.problems.append(f"{statuses.count(200)} streams at once")


async def memory_pressure(world: World) -> None:
    """A process gets no more memory for a while. If it cannot live so, it is started again, as after a kill."""
    server = world.random.choice(world.fleet.servers)
    with contextlib.suppress(ProcessLookupError):
        status = Path(f"/proc/{server.pid}/statm").read_text().split()
        size = int(status[0]) * resource.getpagesize() + LITTLE
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.prlimit(server.pid, resource.RLIMIT_AS, (size, hard))
        await asyncio.sleep(world.random.uniform(0.5, 1.5))
        resource.prlimit(server.pid, resource.RLIMIT_AS, (hard, hard))
    await _settles(world, server)
    if server.has_ended:
        world.note_sending()
        server.remove()
        server.start()


FAULTS: dict[str, Strike] = {
    strike.__name__.replace("_", " "): strike
    for strike in (
        *(kill, roll, database_away, read_only, disk_full, slow_disk, clock_jump, frozen, platform_outage),
        *(huge_body, slow_loris, idle_streams, memory_pressure),
    )
}


async def _settles(world: World, server: Server) -> None:
    """Until a process has ended, or surely will not end any more of what it met: it answers, or works for a while."""
    until = time.monotonic() + (60.0 if world.fleet.has_door(server) else 5.0)
    while not server.has_ended and time.monotonic() < until:
        with contextlib.suppress(aiohttp.ClientError, ConnectionError, TimeoutError):
            async with world.session.get(f"{server.url}/healthz") as answer:
                if answer.status == 200:
                    return
        await asyncio.sleep(0.1)


async def _hold(world: World, seconds: float) -> None:
    """Somebody else holds the SQLite file's write lock."""

    def hold(path: Path) -> None:
        with (
            contextlib.suppress(sqlite3.OperationalError),
            contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=2)) as other,
        ):
            other.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            other.execute("ROLLBACK")

    assert world.sqlite is not None
    await asyncio.to_thread(hold, world.sqlite)

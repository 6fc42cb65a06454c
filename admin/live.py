"""Live updates: a stream that says *look again*, never what there is. Pages then ask for their parts anew."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING

from aiohttp import web
from sqlalchemy.exc import IntegrityError

from admin.auth import Door, Session
from admin.guard import session_of
from bot.errors import Conflict, NotFound, StoreUnavailable
from bot.runtime.live import QUEUE, Bell, News, with_member
from bot.store import presences
from bot.store.staff import Member

if TYPE_CHECKING:
    from admin.app import Console

HEARTBEAT = 15.0
WRITE_TIMEOUT = 20.0
PRESENT_FOR = timedelta(seconds=HEARTBEAT + WRITE_TIMEOUT)
"""A page that is not heard of for so long is not open any more: its process died."""
GONE = (StoreUnavailable, Conflict, IntegrityError)
"""The database is away, somebody was in the way, or the person was erased meanwhile."""
RECHECK = 5.0  # seconds a session is trusted between two looks at the database
RETRY_MS = 2_000
TICKET_ID = re.compile("[0-9a-f]{32}")
QUEUE_PAUSE = 1.0  # seconds between two looks at the queue, however many come
PER_SESSION = 4
TOTAL = 500


class Streams:
    """Open streams of the console, bounded per session and in all; beyond that pages poll."""

    def __init__(self, console: Console, door: Door) -> None:
        self._desk, self._hub, self._door = console.desk, console.hub, door
        self._database, self._clock = console.database, console.clock
        self._open: dict[str, dict[asyncio.Event, web.Request]] = defaultdict(dict)
        self._looking: Counter[tuple[str, str]] = Counter()  # streams of a member on a conversation
        self._closing = False

    async def beside(self, member: Member, contact_id: str) -> list[str]:
        """Names of the other members who have this conversation open now, in whichever process."""
        now = self._clock.now()
        return await self._database.read(presences.beside, contact_id, member.staff_id, now)

    def end(self, *session_ids: str) -> None:
        """Ends the streams of sessions that were left."""
        for session_id in session_ids:
            for ended in self._open.get(session_id, ()):
                ended.set()

    async def close(self, _app: web.Application | None = None) -> None:
        """Ends all streams; pages come back by themselves."""
        self._closing = True
        self.end(*self._open)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """GET /admin/stream?topic=queue, or topic=thread&ticket=…: `changed` events and heartbeats."""
        session = session_of(request)
        topics, pause, contact_id = [QUEUE], QUEUE_PAUSE, ""
        if request.query.get("topic") == "thread":
            ticket_id = request.query.get("ticket", "")
            if not TICKET_ID.fullmatch(ticket_id):
                raise NotFound
            thread = await self._desk.thread(session.member, ticket_id)
            contact_id = thread.ticket.contact_id
            topics = [contact_id, presences.topic(contact_id), with_member(session.member.staff_id)]
            pause = 0.0
        if self._closing or not self._has_room(session.session_id):
            return web.Response(status=503, headers={"Retry-After": "10"})
        ended = asyncio.Event()
        self._open[session.session_id][ended] = request
        try:
            with self._hub.listen(*topics, pause=pause) as bell:
                if not contact_id:
                    return await self._run(request, session, bell, ended)
                async with self._present(session.member.staff_id, contact_id):
                    return await self._run(request, session, bell, ended, contact_id)
        finally:
            self._open[session.session_id].pop(ended, None)
            if not self._open[session.session_id]:
                del self._open[session.session_id]

    @contextlib.asynccontextmanager
    async def _present(self, staff_id: str, contact_id: str) -> AsyncIterator[None]:
        """While it lasts others see that this member has it open."""
        here = contact_id, staff_id
        self._looking[here] += 1
        try:
            await self._look(staff_id, contact_id, first=True)
            yield
        finally:
            self._looking[here] -= 1
            if not self._looking[here]:
                del self._looking[here]
                with contextlib.suppress(*GONE):  # then it is over by itself
                    await self._database.write(presences.look_away, contact_id, staff_id)
                self._hub.spread(News(topics={presences.topic(contact_id)}))

    async def _look(self, staff_id: str, contact_id: str, *, first: bool = False) -> None:
        now = self._clock.now()
        with contextlib.suppress(*GONE):
            await self._database.write(
                presences.look, contact_id, staff_id, now, now + PRESENT_FOR, first=first
            )
        if first:
            self._hub.spread(News(topics={presences.topic(contact_id)}))

    def _has_room(self, session_id: str) -> bool:
        """Whether one more stream may open. Pages that were left are known by their closed connections."""
        own = self._open.get(session_id, {})
        living = 0
        for ended, request in own.items():
            if request.transport is None or request.transport.is_closing():
                ended.set()
            else:
                living += 1
        return living < PER_SESSION and sum(map(len, self._open.values())) < TOTAL

    async def _run(
        self, request: web.Request, session: Session, bell: Bell, ended: asyncio.Event, contact_id: str = ""
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        await response.prepare(request)
        checked = looked = time.monotonic()
        try:
            await _write(response, f"retry: {RETRY_MS}\n\n")
            while True:
                rang = await _rang(bell, ended)
                if time.monotonic() - checked >= RECHECK:
                    checked = time.monotonic()
                    if await self._door.session(session.token, touch=False) is None:
                        break
                if ended.is_set():
                    break
                await _write(response, f"event: {'changed' if rang else 'heartbeat'}\ndata:\n\n")
                if contact_id and time.monotonic() - looked >= HEARTBEAT - RECHECK:
                    looked = time.monotonic()
                    await self._look(session.member.staff_id, contact_id)
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()  # who does not read is dropped; a clean end would wait for them
        except (ConnectionError, StoreUnavailable):
            pass  # the page comes back by itself
        return response


async def _rang(bell: Bell, ended: asyncio.Event) -> bool:
    """Until the bell rings or the stream is to end, at most a heartbeat; whether it rang."""
    ring = asyncio.ensure_future(bell.wait(HEARTBEAT))
    stop = asyncio.ensure_future(ended.wait())
    try:
        await asyncio.wait({ring, stop}, return_when=asyncio.FIRST_COMPLETED)
        return ring.done() and ring.result()
    finally:
        for task in (ring, stop):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _write(response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(WRITE_TIMEOUT):
        await response.write(text.encode())

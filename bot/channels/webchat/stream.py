"""Server-sent events: every message once, in order; `Last-Event-ID` is honoured; who does not read is dropped."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

from aiohttp import web

from bot.channels.patience import shared_by
from bot.channels.webchat.backend import Backend, Thread
from bot.messages import Address

HEARTBEAT = 15.0
WRITE_TIMEOUT = 20.0
PER_SESSION = 3
PER_NETWORK = 50
TOTAL = 2_000
RETRY_MS = 2_000
MAX_SEQ = 2**31 - 1
NEWCOMERS = "newcomers"  # rings when somebody nobody knew writes: how a stream notices that a new talk began


class Streams:
    """Open streams, bounded per session, network and in all; beyond that the page polls."""

    def __init__(self, backend: Backend) -> None:
        self.most = TOTAL
        self._backend = backend
        self._open: dict[str, list[asyncio.Event]] = {}
        self._networks = Counter[str]()
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Ends all streams; pages come back by themselves."""
        self._closing.set()
        for streams in self._open.values():
            for end in streams:
                end.set()

    @property
    def count(self) -> int:
        return sum(len(streams) for streams in self._open.values())

    async def serve(self, request: web.Request, address: Address, after: int) -> web.StreamResponse:
        network = shared_by(request)
        if (
            self.count >= min(self.most, TOTAL)
            or self._closing.is_set()
            or self._networks[network] >= PER_NETWORK
        ):
            return web.json_response(
                {"error": "busy", "message": ""}, status=503, headers={"Retry-After": "5"}
            )
        streams = self._open.setdefault(address.key, [])
        for left in streams[: len(streams) + 1 - PER_SESSION]:
            left.set()  # most likely of a page that was closed; a living one comes back by itself
        end = asyncio.Event()
        streams.append(end)
        self._networks.update([network] if network else ())
        try:
            return await self._run(request, address, after, end)
        finally:
            streams.remove(end)
            self._networks.subtract([network] if network else ())
            self._networks += Counter()  # drops what is zero
            if not streams:
                self._open.pop(address.key, None)

    async def _run(
        self, request: web.Request, address: Address, after: int, end: asyncio.Event
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        state: dict[str, str] | None = None
        try:
            await _write(response, f"retry: {RETRY_MS}\n\n")
            while not end.is_set():
                topic = (await self._backend.thread(address, MAX_SEQ)).topic
                with self._backend.listen(topic or NEWCOMERS) as bell:
                    thread = await self._backend.thread(address, after)
                    if thread.topic is None and after > 0:  # the person had everything erased
                        await _write(response, _event("message", gone_message(self._backend, thread), 0))
                        after = 0
                    while thread.topic == topic and not end.is_set():
                        for message in thread.messages:
                            await _write(response, _event("message", message, message["seq"]))
                            after = message["seq"]
                        if thread.state != state:
                            state = thread.state
                            await _write(response, _event("state", state))
                        if not await self._rang(bell, end):
                            await _write(response, _event("heartbeat", {}))
                        thread = await self._backend.thread(address, after)
        except (ConnectionError, TimeoutError):
            pass
        return response

    async def _rang(self, bell: Any, end: asyncio.Event) -> bool:
        ring = asyncio.ensure_future(bell.wait(HEARTBEAT))
        stop = asyncio.ensure_future(end.wait())
        try:
            await asyncio.wait({ring, stop}, return_when=asyncio.FIRST_COMPLETED)
            return stop.done() or ring.result()
        finally:
            for task in (ring, stop):
                task.cancel()
            await asyncio.gather(ring, stop, return_exceptions=True)


def gone_message(backend: Backend, thread: Thread) -> dict[str, Any]:
    """What the page shows when the thread was erased, or went to another browser; it drops everything else.

    Seq 0: the next talk begins anew.
    """
    return {
        "seq": 0,
        "from": "bot",
        "kind": "erased",
        "text": backend.text("moved_away" if thread.moved else "erased"),
        "cards": [],
        "choices": [],
        "at": "",
        "name": None,
    }


async def _write(response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(WRITE_TIMEOUT):
        await response.write(text.encode())


def _event(name: str, data: dict[str, Any], seq: int | None = None) -> str:
    head = f"id: {seq}\n" if seq is not None else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"

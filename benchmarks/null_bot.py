"""A bot that only acknowledges and replies: the ceiling of the harness. `python -m benchmarks.null_bot`."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from typing import cast
from urllib.parse import urlsplit

from .fake_line import REPLY
from .wire import Reader, json_response, loop_factory

_ACK = json_response(200, b"{}")
_REPLY_TOKEN = re.compile(rb'"replyToken":"([^"]+)"')
_REPLY = b'{"replyToken":"%s","messages":[{"type":"text","text":"ok"}]}'


class _Towards(asyncio.Protocol):
    """The connection to the platform; its answers are thrown away."""


class _From(asyncio.Protocol):
    """One connection of the platform's webhooks."""

    def __init__(self, platform: asyncio.Transport) -> None:
        self._platform = platform
        self._reader = Reader()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for request in self._reader.feed(data):
            self._transport.write(_ACK)
            if found := _REPLY_TOKEN.search(request.body):
                self._platform.write(_call(_REPLY % found[1]))


def _call(body: bytes) -> bytes:
    token = os.environ["ENGAWA_LINE_CHANNEL_ACCESS_TOKEN"]
    head = f"POST {REPLY} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    platform = urlsplit(os.environ["ENGAWA_LINE_API_BASE"])
    assert platform.hostname
    assert platform.port
    towards, _ = await loop.create_connection(_Towards, platform.hostname, platform.port)
    port = int(os.environ["ENGAWA_PORT"])
    await loop.create_server(lambda: _From(towards), "127.0.0.1", port)
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve())

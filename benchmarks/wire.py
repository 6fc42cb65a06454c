"""Cuts byte streams into HTTP/1.1 messages, for the fake platform, the load generator and the null bot.

Knows split and joined segments, Content-Length and chunked bodies; nothing of LINE or of bots.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from typing import NamedTuple

LONGEST_HEAD = 64 * 1024


class Message(NamedTuple):
    """One request or response; `head` holds start line and header lines in lower case."""

    start: str
    head: bytes
    body: bytes

    @property
    def path(self) -> str:
        """The target of a request, without its query."""
        return self.start.split(" ", 2)[1].partition("?")[0]

    @property
    def status(self) -> int:
        """The status code of a response."""
        return int(self.start.split(" ", 2)[1])

    @property
    def closes(self) -> bool:
        """Whether the sender closes the connection after this message."""
        return b"\r\nconnection: close" in self.head


class Reader:
    """Feeds on segments, gives whole messages in order."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Message]:
        """Take the next segment and return the messages that are now complete."""
        rest = self._rest + data if self._rest else data
        messages = []
        while (cut := _cut(rest)) is not None:
            message, length = cut
            messages.append(message)
            rest = rest[length:]
        self._rest = rest
        return messages


def _cut(data: bytes) -> tuple[Message, int] | None:
    """Return the first message and its length, or None while it is incomplete."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        if len(data) > LONGEST_HEAD:
            raise ValueError("an HTTP head without end")
        return None
    head = data[:end].lower()
    begin = end + 4
    if (encoding := _field(head, b"transfer-encoding")) and encoding.endswith(b"chunked"):
        chunks = _join_chunks(data, begin)
        if chunks is None:
            return None
        body, stop = chunks
    else:
        stop = begin + int(_field(head, b"content-length") or 0)
        if len(data) < stop:
            return None
        body = data[begin:stop]
    start = data[: data.find(b"\r\n")].decode("latin-1")
    return Message(start, head, body), stop


def _field(head: bytes, name: bytes) -> bytes:
    """Return the value of a header line, empty if there is none."""
    at = head.find(b"\r\n" + name + b":")
    if at < 0:
        return b""
    at += len(name) + 3
    end = head.find(b"\r\n", at)
    return head[at : end if end >= 0 else len(head)].strip()


def _join_chunks(data: bytes, at: int) -> tuple[bytes, int] | None:
    """Return the body of a chunked message and where it ends, or None while it is incomplete."""
    body = b""
    while True:
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            return None
        size = int(data[at:line_end].partition(b";")[0], 16)
        if size == 0:
            # The empty line that ends the trailers is the one after "0" when there are none.
            end = data.find(b"\r\n\r\n", line_end)
            return None if end < 0 else (body, end + 4)
        at = line_end + 2 + size + 2
        if len(data) < at:
            return None
        body += data[line_end + 2 : at - 2]


def json_response(status: int, body: bytes) -> bytes:
    """Return a keep-alive response with a JSON body."""
    reason = {200: b"OK", 400: b"Bad Request", 401: b"Unauthorized", 404: b"Not Found"}[status]
    return b"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        status,
        reason,
        len(body),
        body,
    )


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop where it is installed, so that the harness costs less; else None."""
    try:
        uvloop = importlib.import_module("uvloop")
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory

"""A fake LINE and Telegram API, fast enough not to matter to the measurement, or as slow as one says.

It checks what the real ones would refuse: the access token, 1 to 5 messages, an unknown or used reply token.
It does not validate message objects: the tests do that with the official schema.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import cast

from .wire import Message, Reader, json_response

ACCESS_TOKEN = "bench-access-token"
REPLY, PUSH = "/v2/bot/message/reply", "/v2/bot/message/push"
MOST_MESSAGES = 5

_BEARER = f"\r\nauthorization: bearer {ACCESS_TOKEN}".encode()
_BAD_REPLY_TOKEN = json_response(400, b'{"message":"Invalid reply token"}')
_BAD_REQUEST = json_response(400, b'{"message":"The request body has 1 error(s)"}')
_NO_TOKEN = json_response(401, b'{"message":"Authentication failed"}')
_EMPTY = json_response(200, b"{}")
_TELEGRAM_ME = json_response(
    200,
    b'{"ok":true,"result":{"id":123456,"is_bot":true,"first_name":"bench","username":"bench_bot"}}',
)
_TELEGRAM_OK = json_response(200, b'{"ok":true,"result":true}')
_TELEGRAM_SENT = (
    b'{"ok":true,"result":{"message_id":%d,"date":1795219200,"chat":{"id":%s,"type":"private","first_name":"A"},'
    b'"text":"ok"}}'
)
# As a form, as parts of one, or as JSON: each library has its own way.
_CHAT = re.compile(rb'chat_id(?:=|"\s*:\s*"?|"\r\n(?:[^\r\n]+\r\n)*\r\n)(\d+)')


class FakePlatform:
    """Answers API calls and tells `replied` the reply token and `pushed` the user of each.

    `replied` returns whether the token was good; a bad one is answered with LINE's 400.
    """

    def __init__(self, replied: Callable[[str], bool], pushed: Callable[[str], None]) -> None:
        self._replied = replied
        self._pushed = pushed
        self._server: asyncio.Server | None = None
        self._sent = 0
        self.takes = 0.0
        """Seconds until a call is answered; it has arrived at once."""

    async def start(self) -> str:
        """Listen on a free port of the loopback and return the base URL."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    async def stop(self) -> None:
        """Close the port; connections end with their bots."""
        if self._server is not None:
            self._server.close()

    def answer(self, request: Message) -> bytes:
        """Return the response to one API call."""
        path = request.path
        if path == REPLY:
            return self._answer_message(request, "replyToken")
        if path == PUSH:
            return self._answer_message(request, "to")
        if path.startswith("/bot"):
            if path.endswith("/sendMessage"):
                return self._answer_telegram(request)
            return _TELEGRAM_ME if path.endswith("/getMe") else _TELEGRAM_OK
        return _EMPTY

    def _answer_telegram(self, request: Message) -> bytes:
        chat = _CHAT.search(request.body)
        if chat is None or b"text" not in request.body:
            return _BAD_REQUEST
        self._sent += 1
        self._pushed(chat[1].decode())
        return json_response(200, _TELEGRAM_SENT % (self._sent, chat[1]))

    def _answer_message(self, request: Message, addressed_by: str) -> bytes:
        if _BEARER not in request.head:
            return _NO_TOKEN
        try:
            call = json.loads(request.body)
            address, count = call[addressed_by], len(call["messages"])
        except (ValueError, KeyError, TypeError):
            return _BAD_REQUEST
        if not 1 <= count <= MOST_MESSAGES or not isinstance(address, str):
            return _BAD_REQUEST
        if addressed_by == "to":
            self._pushed(address)
        elif not self._replied(address):
            return _BAD_REPLY_TOKEN
        sent = []
        for _ in range(count):
            self._sent += 1
            sent.append(b'{"id":"%018d","quoteToken":"q%d"}' % (self._sent, self._sent))
        return json_response(200, b'{"sentMessages":[' + b",".join(sent) + b"]}")


class _Connection(asyncio.Protocol):
    """One keep-alive connection of a bot."""

    def __init__(self, platform: FakePlatform) -> None:
        self._platform = platform
        self._reader = Reader()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for request in self._reader.feed(data):
            answer = self._platform.answer(request)
            if self._platform.takes:
                later = asyncio.get_running_loop().call_later
                later(self._platform.takes, self._write, answer, request.closes)
            else:
                self._write(answer, request.closes)

    def _write(self, answer: bytes, closes: bool) -> None:
        if self._transport.is_closing():
            return  # the bot did not wait for it
        self._transport.write(answer)
        if closes:
            self._transport.close()

"""The floor: a bare bot that keeps what it must keep, and nothing else. `python -m benchmarks.floor`.

One process: signature, inbound row with a unique event id, acknowledgement, session row and outbox row,
reply, mark as sent. SQLite in WAL with synchronous=FULL; all that waits shares one commit. It has no flows,
no risk scan, no sealing, no timeline, no order per person and no recovery: a measure, not a bot to use.
It reads the same ENGAWA_* variables as `engawa serve`.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import itertools
import json
import os
import queue
import sqlite3
import threading
import time
from typing import Any

import aiohttp
from aiohttp import web

TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS inbound (event_id TEXT PRIMARY KEY, user_id TEXT, payload TEXT, at REAL);
CREATE TABLE IF NOT EXISTS session (user_id TEXT PRIMARY KEY, state TEXT, revision INTEGER);
CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, event_id TEXT, body TEXT, sent_at REAL);
"""
RECEIVE = "INSERT OR IGNORE INTO inbound VALUES (?, ?, ?, ?)"
SAVE = (
    "INSERT INTO session VALUES (?, ?, 1) "
    "ON CONFLICT (user_id) DO UPDATE SET state = excluded.state, revision = revision + 1"
)
QUEUE = "INSERT INTO outbox VALUES (?, ?, ?, NULL)"
SENT = "UPDATE outbox SET sent_at = ? WHERE id = ?"
CHOICES = ("はじめ", "家族", "メニュー")

Statement = tuple[str, tuple[Any, ...]]


class Writer(threading.Thread):
    """Runs all statements on its own connection; whatever waits is committed together."""

    def __init__(self, path: str) -> None:
        super().__init__(daemon=True)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.executescript(TABLES)
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[tuple[asyncio.Future[int], list[Statement]]] = queue.SimpleQueue()

    async def write(self, *statements: Statement) -> int:
        """Return the number of rows changed, once they are on the disk."""
        done: asyncio.Future[int] = self._loop.create_future()
        self._jobs.put((done, list(statements)))
        return await done

    def run(self) -> None:
        execute = self._database.execute
        while True:
            jobs = [self._jobs.get()]
            while not self._jobs.empty():
                jobs.append(self._jobs.get())
            execute("BEGIN IMMEDIATE")
            changed = [(done, sum(execute(*one).rowcount for one in todo)) for done, todo in jobs]
            execute("COMMIT")
            self._loop.call_soon_threadsafe(_tell, changed)


def _tell(changed: list[tuple[asyncio.Future[int], int]]) -> None:
    for done, rows in changed:
        if not done.done():
            done.set_result(rows)


class Floor:
    """The bot: one handler and one task per message."""

    def __init__(self, writer: Writer, line: aiohttp.ClientSession, secret: bytes) -> None:
        self._writer = writer
        self._line = line
        self._secret = secret
        self._outbox_ids = itertools.count(time.time_ns())
        self._tasks: set[asyncio.Task[None]] = set()

    async def receive(self, request: web.Request) -> web.Response:
        """Acknowledge a webhook when its events are on the disk, then answer them."""
        body = await request.read()
        signature = base64.b64encode(hmac.digest(self._secret, body, "sha256")).decode()
        if not hmac.compare_digest(signature, request.headers.get("x-line-signature", "")):
            return web.Response(status=401)
        for event in json.loads(body)["events"]:
            row = (event["webhookEventId"], event["source"]["userId"], body.decode(), time.time())
            if await self._writer.write((RECEIVE, row)):
                task = asyncio.create_task(self._answer(event))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        return web.Response()

    async def _answer(self, event: dict[str, Any]) -> None:
        user_id, text = event["source"]["userId"], event["message"]["text"]
        items = [
            {"type": "action", "action": {"type": "message", "label": choice, "text": choice}}
            for choice in CHOICES
        ]
        message = {"type": "text", "text": f"読みました。{text}", "quickReply": {"items": items}}
        reply = json.dumps({"replyToken": event["replyToken"], "messages": [message]})
        outbox_id = next(self._outbox_ids)
        await self._writer.write(
            (SAVE, (user_id, json.dumps({"node": "menu", "last": text}))),
            (QUEUE, (outbox_id, event["webhookEventId"], reply)),
        )
        async with self._line.post("/v2/bot/message/reply", data=reply) as response:
            await response.read()
            response.raise_for_status()
        await self._writer.write((SENT, (time.time(), outbox_id)))


async def _healthy(_: web.Request) -> web.Response:
    return web.Response()


async def make_app() -> web.Application:
    """Return the bot as its environment describes it."""
    environment = os.environ
    writer = Writer(environment["ENGAWA_DATABASE_URL"].removeprefix("sqlite:///"))
    writer.start()
    headers = {
        "Authorization": f"Bearer {environment['ENGAWA_LINE_CHANNEL_ACCESS_TOKEN']}",
        "Content-Type": "application/json",
    }
    line = aiohttp.ClientSession(environment["ENGAWA_LINE_API_BASE"], headers=headers)
    floor = Floor(writer, line, environment["ENGAWA_LINE_CHANNEL_SECRET"].encode())
    app = web.Application()
    app.router.add_post("/webhooks/line", floor.receive)
    app.router.add_get("/healthz", _healthy)
    app.on_cleanup.append(lambda _: line.close())
    return app


if __name__ == "__main__":
    port = int(os.environ["ENGAWA_PORT"])
    web.run_app(make_app(), host="127.0.0.1", port=port, access_log=None, print=None)

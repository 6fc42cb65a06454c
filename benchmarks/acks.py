"""Bare acknowledgement on aiohttp: `python -m benchmarks.acks none|each|group`. Nothing is answered.

none: verify, parse, 200. each: a transaction for each request, on a thread. group: what waits shares a transaction.
SQLite in WAL with synchronous=FULL, the whole payload kept, the event id unique.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import os
import sqlite3
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web

from .floor import RECEIVE, TABLES, Statement, Writer


class Acks:
    """The handler, and where rows go."""

    def __init__(self, kind: str, path: str, secret: bytes) -> None:
        self._secret = secret
        self._writer: Writer | None = None
        self._database: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1)
        if kind == "group":
            self._writer = Writer(path)
            self._writer.start()
        elif kind == "each":
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._database.executescript(TABLES)

    async def receive(self, request: web.Request) -> web.Response:
        """Acknowledge when the events are where this kind keeps them."""
        body = await request.read()
        signature = base64.b64encode(hmac.digest(self._secret, body, "sha256")).decode()
        if not hmac.compare_digest(signature, request.headers.get("x-line-signature", "")):
            return web.Response(status=401)
        for event in json.loads(body)["events"]:
            row = (event["webhookEventId"], event["source"]["userId"], body.decode(), time.time())
            if self._writer is not None:
                await self._writer.write((RECEIVE, row))
            elif self._database is not None:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, (RECEIVE, row))
        return web.Response()

    def _commit(self, statement: Statement) -> None:
        assert self._database is not None
        self._database.execute("BEGIN IMMEDIATE")
        self._database.execute(*statement)
        self._database.execute("COMMIT")


async def _healthy(_: web.Request) -> web.Response:
    return web.Response()


async def make_app(kind: str) -> web.Application:
    """Return the bot as its environment describes it."""
    path = os.environ["ENGAWA_DATABASE_URL"].removeprefix("sqlite:///")
    acks = Acks(kind, path, os.environ["ENGAWA_LINE_CHANNEL_SECRET"].encode())
    app = web.Application()
    app.router.add_post("/webhooks/line", acks.receive)
    app.router.add_get("/healthz", _healthy)
    return app


if __name__ == "__main__":
    port = int(os.environ["ENGAWA_PORT"])
    web.run_app(make_app(sys.argv[1]), host="127.0.0.1", port=port, access_log=None, print=None)

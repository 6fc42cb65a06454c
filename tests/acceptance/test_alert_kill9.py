"""The real command is killed between a cry for help and the alert: somebody on duty is told all the same."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession, web
from aiohttp.test_utils import TestServer

from bot.testing import A_KEY
from tests.kill9.server import Server

SECRET = "a-secret-of-line"
IN_TIME = 90.0  # seconds: a send that was taken is sent again when its lease of a minute is over


async def ready(server: Server, session: ClientSession) -> None:
    """Until it takes requests. Raises TimeoutError."""
    async with asyncio.timeout(30):
        while True:
            server.assert_alive()
            try:
                async with session.get(f"{server.url}/readyz") as response:
                    if response.status == 200:
                        return
            except ClientError:
                pass
            await asyncio.sleep(0.05)


async def cries(server: Server, session: ClientSession, person: str) -> None:
    """A person in danger writes on LINE; returns when the webhook was acknowledged."""
    event = {
        "type": "message",
        "mode": "active",
        "timestamp": 1795219200000,
        "webhookEventId": f"01HZZZZZZZZZZZZZZZZZZZZZ{person}",
        "deliveryContext": {"isRedelivery": False},
        "source": {"type": "user", "userId": f"U{person * 8}"},
        "message": {
            "type": "text",
            "id": f"5{ord(person[0])}",
            "text": "もう死にたい canary",
            "quoteToken": "q",
        },
    }
    raw = json.dumps({"destination": "U0", "events": [event]}).encode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), raw, hashlib.sha256).digest()).decode()
    headers = {"X-Line-Signature": signature, "Content-Type": "application/json"}
    async with session.post(f"{server.url}/webhooks/line", data=raw, headers=headers) as response:
        assert response.status == 200


@pytest.mark.timeout(180)
async def test_who_cried_before_the_process_was_killed_is_told_of_after_it(tmp_path: Path) -> None:
    """R-080: three lives, each killed as soon as it has acknowledged; the next tells of every one. No word leaves."""
    told: list[str] = []
    arrived = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        told.append((await request.json())["text"])
        arrived.set()
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", take)
    async with TestServer(app, host="127.0.0.1") as duty, ClientSession() as session:
        environ = {
            "ENGAWA_KEYS": A_KEY,
            "ENGAWA_DATABASE_URL": f"sqlite:///{tmp_path / 'engawa.sqlite3'}",
            "ENGAWA_LINE_CHANNEL_SECRET": SECRET,
            "ENGAWA_LINE_CHANNEL_ACCESS_TOKEN": "token",
            "ENGAWA_LINE_API_BASE": str(duty.make_url("/line")).rstrip("/"),
            "ENGAWA_ALERTS": f"desk=slack+{duty.make_url('/hook')}",
        }
        server = Server(tmp_path, environ)
        try:
            for person in ("ab", "cd", "ef"):
                server.start()
                await ready(server, session)
                await cries(server, session, person)
                server.kill()
            server.start()
            async with asyncio.timeout(IN_TIME):
                while not any("3人" in text for text in told) or len(told) < 3:
                    await arrived.wait()
                    arrived.clear()
        finally:
            server.remove()
    assert "canary" not in "".join(told)
    assert "死" not in "".join(told)

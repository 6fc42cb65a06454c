"""Calls to the Messaging API, and its answers as errors of the house. Says nothing of bodies or ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec

from bot.channels import http
from bot.errors import Misconfigured, QuotaSpent, Rejected, Throttled, Unreachable

LONGEST_WAIT = 3600.0  # seconds; no platform may put a message off for longer
MONTHLY_LIMIT = b"monthly limit"  # what tells a spent quota from a rate limit: both are 429


class Answer(http.Answer):
    """What LINE answered."""

    __slots__ = ()

    def json(self) -> dict[str, Any]:
        """The body as an object; an empty one when it is none."""
        try:
            found = msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return {}
        return found if isinstance(found, dict) else {}

    def fail(self) -> NoReturn:
        """Raises the SendError this status means."""
        status = self.status
        if status == 429:
            if MONTHLY_LIMIT in self.body.lower():
                raise QuotaSpent
            after = self.headers.get("retry-after", "")  # not documented for LINE, and obeyed all the same
            seconds = float(after) if after.isascii() and after.isdigit() else None
            raise Throttled(None if seconds is None else min(seconds, LONGEST_WAIT))
        if status in (401, 403):
            raise Misconfigured(f"HTTP {status}")
        if status >= 500 or status < 400:
            raise Unreachable(f"HTTP {status}")
        raise Rejected(f"HTTP {status}")


class Api:
    """One account's access. Raises Unreachable when there is no answer, or it is not open."""

    def __init__(self, api_base: str, access_token: str) -> None:
        self._base = api_base.rstrip("/")
        self._headers = {"Authorization": f"Bearer {access_token}"}
        self._session: http.Session | None = None

    def open(self) -> None:
        self._session = http.Session()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str) -> Answer:
        return await self._call("GET", path, None, {})

    async def post(self, path: str, body: dict[str, Any] | None, **headers: str) -> Answer:
        return await self._call("POST", path, body, headers)

    async def _call(
        self, method: str, path: str, body: dict[str, Any] | None, extra: Mapping[str, str]
    ) -> Answer:
        if self._session is None:
            raise Unreachable("closed", may_have_arrived=False)
        headers = {**self._headers, **extra}
        content = None
        if body is not None:
            content, headers["Content-Type"] = msgspec.json.encode(body), "application/json"
        given = await self._session.ask(method, self._base + path, content, headers)
        return Answer(status=given.status, body=given.body, headers=given.headers)

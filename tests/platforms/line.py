"""A fake LINE: takes calls like the Messaging API, and brings webhooks until they are acknowledged."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from tests.platforms.faults import Call
from tests.platforms.line_events import Event, LineEvents
from tests.platforms.loopback import Answer
from tests.platforms.posting import Attempt, Pause, Poster, backoff

ANSWER_WITHIN: Final = 2.0  # seconds; later is `request_timeout` to LINE [platforms.md, Webhook in]
WEBHOOK_PATH: Final = "/webhooks/line"


class FakeLine(LineEvents):
    """One LINE channel with its users.

    async with FakeLine() as line:
        ... start the program with line.environ() ...
        line.aim("http://127.0.0.1:8080")
        user = line.new_user()
        await line.says(user, "こんにちは")                    # returns once acknowledged
        await line.until(lambda: len(line.texts(user)) == 1)  # no sleeping
        await line.taps(user, "はい")
        line.assert_no_invalid()
    """

    def __init__(
        self,
        *,
        secret: str = "line-channel-secret",
        access_token: str = "line-access-token",
        clock: Callable[[], float] = time.time,
        seed: int | None = None,
        validate: bool | None = None,
        connections: int = 20,
        attempts: int = 60,
        time_limit: float = ANSWER_WITHIN,
        pause: Pause = backoff,
    ) -> None:
        super().__init__(access_token=access_token, clock=clock, seed=seed, validate=validate)
        self.secret = secret
        self.webhook_url = ""
        self.acknowledged: dict[str, Event] = {}  # by webhookEventId, in the order of acknowledgement
        self.attempts: dict[str, list[Attempt]] = {}
        self._poster = Poster(time_limit=time_limit, connections=connections, attempts=attempts, pause=pause)
        self.routes["POST", "/v2/bot/channel/webhook/test"] = self._test_endpoint

    async def __aexit__(self, *exc_info: object) -> None:
        await self._poster.close()
        await super().__aexit__(*exc_info)

    def environ(self) -> dict[str, str]:
        """What the program is to be told about this channel."""
        return {
            "ENGAWA_LINE_CHANNEL_SECRET": self.secret,
            "ENGAWA_LINE_CHANNEL_ACCESS_TOKEN": self.access_token,
            "ENGAWA_LINE_API_BASE": self.url,
        }

    def aim(self, base_url: str, path: str = WEBHOOK_PATH) -> None:
        """Webhooks go to this program."""
        self.webhook_url = self.endpoint = base_url.rstrip("/") + path

    # -- bringing events ---------------------------------------------------------------------

    def body(self, events: Iterable[Event]) -> bytes:
        """The raw body of one webhook."""
        content = {"destination": self.bot_user_id, "events": list(events)}
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()

    def sign(self, body: bytes) -> str:
        """Base64 of HMAC-SHA256 with the channel secret over the raw bytes [platforms.md, Signature]."""
        return base64.b64encode(hmac.digest(self.secret.encode(), body, hashlib.sha256)).decode()

    async def post_raw(self, body: bytes, signature: str | None) -> Attempt:
        """Brings any bytes once, with any signature or none."""
        headers = {} if signature is None else {"x-line-signature": signature}
        return await self._poster.once(self.webhook_url, body, headers)

    async def post(self, *events: Event) -> Attempt:
        """Brings one webhook once, exactly as given, whatever the outcome; also known events."""
        headers = self._prepared(events)
        attempt = await self._poster.once(self.webhook_url, *headers)
        self._note(events, attempt)
        return attempt

    async def deliver(self, *events: Event) -> None:
        """Brings one webhook until it is acknowledged, from the second try on as a redelivery.

        Raises NotAcknowledged after the given number of attempts.
        """

        def made(number: int) -> tuple[bytes, Mapping[str, str]]:
            return self._prepared([self.redelivered(event) for event in events] if number else events)

        await self._poster.until_acknowledged(
            self.webhook_url, made, lambda outcome: self._note(events, outcome)
        )

    async def deliver_all(self, webhooks: Iterable[Sequence[Event]]) -> None:
        """Brings these webhooks at the same time, at most `connections` in flight. LINE promises no order."""
        async with asyncio.TaskGroup() as group:
            for events in webhooks:
                group.create_task(self.deliver(*events))

    def _prepared(self, events: Iterable[Event]) -> tuple[bytes, Mapping[str, str]]:
        events = list(events)
        for event in events:
            self.refresh_token(event.get("replyToken"))
        body = self.body(events)
        return body, {"x-line-signature": self.sign(body), "User-Agent": "LineBotWebhook/2.0"}

    def _note(self, events: Iterable[Event], attempt: Attempt) -> None:
        for event in events:
            self.attempts.setdefault(event["webhookEventId"], []).append(attempt)
            if attempt.acknowledged:
                self.acknowledged.setdefault(event["webhookEventId"], event)
        self.stir()

    # -- what people do ----------------------------------------------------------------------

    async def says(self, user: str, text: str) -> Event:
        """The user writes; returns the event once it is acknowledged."""
        return await self._happens(self.text(user, text))

    async def follows(self, user: str, *, unblocked: bool = False) -> Event:
        return await self._happens(self.follow(user, unblocked=unblocked))

    async def blocks(self, user: str) -> Event:
        return await self._happens(self.unfollow(user))

    async def taps(self, user: str, choice: str | int) -> Event:
        """The user taps a button that was really sent, by its label or its place.

        Quick replies are there only under the newest message; buttons in cards stay.
        """
        action = self.button(user, choice)
        if action["type"] == "postback":
            return await self._happens(self.postback(user, action["data"]))
        if action["type"] == "message":
            return await self._happens(self.text(user, action.get("text") or action["label"]))
        raise LookupError(f"a tap on {action['type']!r} makes no event")

    def button(self, user: str, choice: str | int) -> dict[str, Any]:
        """The action behind a button that the user can see now. Raises LookupError with what there is."""
        seen = self.buttons(user)
        if isinstance(choice, int):
            return seen[choice]
        for action in seen:
            if action.get("label") == choice:
                return action
        raise LookupError(f"no button {choice!r}; there are {[action.get('label') for action in seen]}")

    def buttons(self, user: str) -> list[dict[str, Any]]:
        """All actions the user can tap: the newest message's quick replies, then cards, newest first."""
        messages = self.received(user)
        quick = messages[-1].get("quickReply", {}).get("items", []) if messages else []
        seen = [item["action"] for item in quick]
        for message in reversed(messages):
            seen += _actions({name: part for name, part in message.items() if name != "quickReply"})
        return seen

    async def _happens(self, event: Event) -> Event:
        await self.deliver(event)
        return event

    # -- the webhook test call ---------------------------------------------------------------

    async def _test_endpoint(self, call: Call) -> Answer:
        """Brings an empty webhook and tells how it went."""
        target = (call.body or {}).get("endpoint") or self.endpoint
        body = self.body([])
        attempt = await self._poster.once(target, body, {"x-line-signature": self.sign(body)})
        told = {
            "success": attempt.acknowledged,
            "timestamp": datetime.fromtimestamp(self.clock(), UTC).isoformat(),
            "statusCode": attempt.status or 0,
            "reason": attempt.error or "OK",
            "detail": str(attempt.status or attempt.error),
        }
        return Answer(200, told)


def _actions(part: object) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        action = part.get("action")
        if isinstance(action, dict) and "label" in action:
            yield action
        yield from (one for one in part.get("actions", ()) if isinstance(one, dict))
        for name, inner in part.items():
            if name not in {"action", "actions"}:
                yield from _actions(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _actions(inner)

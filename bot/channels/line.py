"""LINE: signed webhooks in, free replies first and pushes with a retry key after (docs/delivery.md).

The hot path speaks HTTP itself; the SDK is the oracle in the tests and does the set-up. Never called: profile,
name and picture endpoints.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import msgspec

from bot.channels.base import Health, Parsed, WebhookState
from bot.channels.http import new_session, post
from bot.channels.parsing import instant, json_object
from bot.channels.render import Capabilities, render
from bot.errors import BadInput, BadSignature, HintSpent, Misconfigured, Rejected, Throttled, Unreachable
from bot.messages import Address, Inbound, Kind, Outgoing, Purpose, ReplyHint

CAPABILITIES = Capabilities(max_text=5_000, max_messages=5, max_choices=13, max_label=20)
TOKEN_FRESH = timedelta(seconds=50)  # LINE: "use within one minute"
TOKEN_ENDS = timedelta(minutes=20)  # after the event, however late it was brought
RETRY_KEY_KEPT = timedelta(hours=24)
REPLY, PUSH = "reply", "push"
WORDLESS = frozenset(
    {
        "accountLink",
        "activated",
        "beacon",
        "botResumed",
        "botSuspended",
        "deactivated",
        "delivery",
        "join",
        "leave",
    }
    | {"memberJoined", "memberLeft", "membership", "module", "videoPlayComplete"}
)
"""Known kinds in which nobody says anything: answering them would be an unasked message (R-011)."""
WORTH_A_PUSH = frozenset({Purpose.SAFETY, Purpose.COUNSELOR, Purpose.RECEIPT})


class Line:
    """One LINE official account."""

    def __init__(self, *, account: str, channel_secret: str, access_token: str, api_base: str) -> None:
        self._account = account
        self._secret = channel_secret.encode()
        self._base = api_base.rstrip("/")
        self._headers = {"Authorization": f"Bearer {access_token}", "Content-Type": "application/json"}
        self._session: aiohttp.ClientSession | None = None

    @property
    def account(self) -> str:
        return self._account

    async def open(self) -> None:
        self._session = new_session()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    # --- in ---

    def parse(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> Parsed:
        self._verify(headers.get("x-line-signature", ""), raw)
        body = json_object(raw)
        events = body.get("events")
        if not isinstance(events, list):
            raise BadInput("The webhook has no list of events.")
        parsed = [self._event(event, now) for event in events]
        known = tuple(event for event in parsed if event is not None)
        return Parsed(events=known, ignored=len(parsed) - len(known))

    def _verify(self, signature: str, raw: bytes) -> None:
        """Base64 of HMAC-SHA256 over the raw bytes, compared in constant time."""
        try:
            given = base64.b64decode(signature, validate=True)
        except (binascii.Error, ValueError):
            given = b""
        if not hmac.compare_digest(hmac.digest(self._secret, raw, hashlib.sha256), given):
            raise BadSignature

    def _event(self, event: Any, now: datetime) -> Inbound | None:
        """One event; None for what is not ours to answer: groups, standby mode, events about nobody."""
        if not isinstance(event, dict) or event.get("mode") == "standby" or event.get("type") in WORDLESS:
            return None
        source, event_id = event.get("source"), event.get("webhookEventId")
        if not isinstance(source, dict) or source.get("type") != "user" or not isinstance(event_id, str):
            return None
        user = source.get("userId")
        if not isinstance(user, str) or not user:
            return None
        kind, text, choice = _meaning(event)
        sent_at = instant(event.get("timestamp"), 1000, now)
        return Inbound(
            address=Address(account=self._account, key=user),
            dedupe_key=event_id,
            sent_at=sent_at,
            kind=kind,
            text=text,
            choice_id=choice,
            reply_hint=_hint(event.get("replyToken"), sent_at, now),
        )

    async def check(self) -> Health:
        return Health(webhook=WebhookState.UNKNOWN)

    # --- out ---

    def route(self, outgoing: Outgoing, now: datetime) -> str | None:
        """A fresh token first: it is free, and single-use, so it is its own idempotency key."""
        fresh = outgoing.hint is not None and now - outgoing.hint.received_at < TOKEN_FRESH
        if outgoing.earlier_via == PUSH:
            return PUSH if now - outgoing.queued_at < RETRY_KEY_KEPT else None
        if outgoing.earlier_via == REPLY and outgoing.earlier_error == HintSpent.code:
            return PUSH
        if fresh:
            return REPLY
        if outgoing.earlier_via == REPLY and outgoing.may_have_arrived:
            return PUSH if outgoing.purpose in WORTH_A_PUSH else None
        return PUSH

    async def send(self, outgoing: Outgoing) -> None:
        messages = self.messages(outgoing)
        if outgoing.via == REPLY and outgoing.hint is not None:
            # More than five messages cannot be one call; the rest follows as a push with a key of its own.
            await self._reply(outgoing, outgoing.hint, messages[: CAPABILITIES.max_messages])
            rest = messages[CAPABILITIES.max_messages :]
        else:
            rest = messages
        for start in range(0, len(rest), CAPABILITIES.max_messages):
            await self._push(outgoing, rest[start : start + CAPABILITIES.max_messages], start)

    def messages(self, outgoing: Outgoing) -> list[dict[str, Any]]:
        """The message objects of the Messaging API; quick replies under the last one."""
        rendered = render(outgoing.reply, CAPABILITIES)
        messages: list[dict[str, Any]] = [{"type": "text", "text": text} for text in rendered.texts]
        if messages and rendered.choices:
            messages[-1]["quickReply"] = {
                "items": [
                    {
                        "type": "action",
                        "action": {
                            "type": "postback",
                            "label": choice.label,
                            "data": choice.id,
                            "displayText": choice.label,
                        },
                    }
                    for choice in rendered.choices
                ]
            }
        return messages

    async def _reply(self, outgoing: Outgoing, hint: ReplyHint, messages: list[dict[str, Any]]) -> None:
        body = {"replyToken": hint.token, "messages": messages, "notificationDisabled": outgoing.reply.silent}
        status, answer, headers = await self._call("/v2/bot/message/reply", body, {})
        if status == 200:
            return
        if status == 400 and b"invalid reply token" in answer.lower():
            if outgoing.may_have_arrived:
                return  # the earlier try of this single-use token did arrive
            raise HintSpent
        _raise(status, headers)

    async def _push(self, outgoing: Outgoing, messages: list[dict[str, Any]], part: int) -> None:
        key = outgoing.key if part == 0 else outgoing.part_key(part)
        body = {
            "to": outgoing.address.key,
            "messages": messages,
            "notificationDisabled": outgoing.reply.silent,
        }
        status, _, headers = await self._call("/v2/bot/message/push", body, {"X-Line-Retry-Key": str(key)})
        if status in (200, 409):  # 409: this key was accepted before
            return
        _raise(status, headers)

    async def _call(
        self, path: str, body: dict[str, Any], extra: dict[str, str]
    ) -> tuple[int, bytes, Mapping[str, str]]:
        if self._session is None:
            raise Unreachable("closed", may_have_arrived=False)
        content = msgspec.json.encode(body)
        return await post(self._session, self._base + path, content, {**self._headers, **extra})


def _raise(status: int, headers: Mapping[str, str]) -> None:
    if status == 429:
        after = headers.get("retry-after", "")
        raise Throttled(float(after) if after.isdigit() else None)
    if status in (401, 403):
        raise Misconfigured(f"HTTP {status}")
    if status >= 500:
        raise Unreachable(f"HTTP {status}")
    raise Rejected(f"HTTP {status}")


def _hint(token: Any, sent_at: datetime, now: datetime) -> ReplyHint | None:
    """A token that may work. One that cannot is not tried: its refusal could pass for an earlier success."""
    if isinstance(token, str) and token and now - sent_at < TOKEN_ENDS:
        return ReplyHint(token=token, received_at=now)
    return None


def _meaning(event: dict[str, Any]) -> tuple[Kind, str, str]:
    """Kind, text and choice of an event of one person. Anything unknown is `UNSUPPORTED`: stored, answered gently."""
    match event:
        case {"type": "message" | "messageEdited", "message": {"type": "text", "text": str(text)}}:
            return Kind.TEXT, text, ""  # what was put in by an edit must be read, too
        case {"type": "message", "message": {"type": "sticker"} as sticker}:
            text = sticker.get("text")
            return Kind.STICKER, text if isinstance(text, str) else "", ""
        case {"type": "postback", "postback": {"data": str(data)}} if data:
            return Kind.CHOICE, "", data
        case {"type": "follow"}:
            return Kind.JOINED, "", ""
        case {"type": "unfollow"}:
            return Kind.LEFT, "", ""
        case {"type": "unsend"}:
            return Kind.UNSENT, "", ""
        case _:
            return Kind.UNSUPPORTED, "", ""

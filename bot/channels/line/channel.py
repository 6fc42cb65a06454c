"""One LINE official account: the parts of this package as a `Channel`."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

import structlog

from bot.channels.base import Health, Parsed
from bot.channels.line import events, health
from bot.channels.line.api import Api
from bot.channels.line.events import Place
from bot.channels.line.quota import Quota, ask_line
from bot.channels.line.sender import Sender
from bot.channels.parsing import json_object
from bot.errors import BadInput, BadSignature, SendError
from bot.mac import Mac
from bot.messages import Hold, Inbound, Outgoing

SIGNATURE = "x-line-signature"
CARDS_ALT, FOR_ONE = "card_alt", "group"  # texts of the content

log = structlog.get_logger("line")


class Line:
    """One LINE official account. `words` gives a text of the content by its key, empty when there is none.

    `channel_secret_before` signs as well, while the secret is being changed.
    """

    def __init__(
        self,
        *,
        account: str,
        channel_secret: str,
        access_token: str,
        api_base: str,
        words: Callable[[str], str],
        webhook_url: str = "",
        channel_secret_before: str = "",
    ) -> None:
        self._account, self._webhook_url, self._words = account, webhook_url, words
        self._macs = [Mac(secret.encode()) for secret in (channel_secret, channel_secret_before) if secret]
        self._api = Api(api_base, access_token)
        self._quota = Quota(partial(ask_line, self._api))
        self._sender = Sender(self._api, self._quota)
        self._leaving: set[str] = set()

    @property
    def account(self) -> str:
        return self._account

    async def open(self) -> None:
        self._api.open()
        self._quota.open()

    async def close(self) -> None:
        await self._quota.close()
        await self._api.close()

    # --- in ---

    def parse(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> Parsed:
        self._verify(headers.get(SIGNATURE, ""), raw)
        listed = json_object(raw).get("events")
        if not isinstance(listed, list):
            raise BadInput("The webhook has no list of events.")
        found = [events.read(self._account, event, now) for event in listed]
        people = [event for event in found if isinstance(event, Inbound)]
        places = {place.key: place for place in reversed(found) if isinstance(place, Place)}
        return Parsed(
            events=people,
            afterwards=[partial(self._leave, place) for place in places.values()],
            ignored=len(found) - len(people),
        )

    def _verify(self, signature: str, raw: bytes) -> None:
        """Base64 of HMAC-SHA256 over the raw bytes, compared in constant time."""
        try:
            given = base64.b64decode(signature, validate=True)
        except (binascii.Error, ValueError):
            given = b""
        if not any(hmac.compare_digest(mac.digest(raw), given) for mac in self._macs):
            raise BadSignature

    async def _leave(self, place: Place) -> None:
        """One line why, and out. What fails is tried again when something more happens there."""
        if place.key in self._leaving:
            return
        self._leaving.add(place.key)
        try:
            text = self._words(FOR_ONE)
            if place.token and text:
                messages = [{"type": "text", "text": text}]
                await self._api.post(
                    "/v2/bot/message/reply", {"replyToken": place.token, "messages": messages}
                )
            answer = await self._api.post(f"/v2/bot/{place.kind}/{place.key}/leave", None)
            if answer.status not in (200, 404):  # 404: we are not in there
                answer.fail()
            log.info("group_left", account=self._account)
        except SendError as error:
            log.warning("group_not_left", account=self._account, code=error.code)
        finally:
            self._leaving.discard(place.key)

    # --- out ---

    def route(self, outgoing: Outgoing, now: datetime) -> str | Hold | None:
        return self._sender.route(outgoing, now)

    async def send(self, outgoing: Outgoing) -> None:
        await self._sender.send(outgoing, self._words(CARDS_ALT))

    async def check(self) -> Health:
        return await health.check(self._api, self._quota, self._account, self._webhook_url)

"""One Telegram bot as a channel: parts for reading, sending and asking how it is, put together."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from telegram import WebhookInfo
from telegram.error import TelegramError

from bot.channels.base import Health, Parsed, WebhookState
from bot.channels.parsing import json_object
from bot.channels.telegram.client import Client, new_bot, send_error
from bot.channels.telegram.sender import Sender
from bot.channels.telegram.updates import SECRET_HEADER, Leave, read
from bot.clock import Clock, SystemClock
from bot.errors import BadSignature
from bot.messages import Hold, Outgoing

RECENT = timedelta(
    minutes=3
)  # while events wait, Telegram tries again within 2 minutes [tdlib, WebhookActor]
MOST_LEFT = 1_000
FAULTS = (
    ("401", "wrong_secret"),
    ("404", "wrong_path"),
    ("503", "database_away"),
    ("ssl", "tls"),
    ("certificate", "tls"),
    ("resolve", "dns"),
    ("timed out", "timeout"),
    ("timeout", "timeout"),
    ("connect", "unreachable"),
    ("wrong response", "refused"),
)
"""What of Telegram's words tells which fault; the words themselves go nowhere."""


class Telegram:
    """One Telegram bot. `secret_token` empty: it takes no webhooks at all, whoever posts them.

    `webhook_url` is where updates ought to come; empty while our public address is not known. `words` gives a text
    of the content by its key: `group`, with which a group is left. `secret_token_before` is taken as well, while the
    secret is being changed.
    """

    def __init__(
        self,
        *,
        account: str,
        bot_token: str,
        secret_token: str,
        api_base: str,
        webhook_url: str = "",
        polling: bool = False,
        protect_content: bool = False,
        clock: Clock | None = None,
        words: Callable[[str], str] = lambda _: "",
        secret_token_before: str = "",
    ) -> None:
        self._account = account
        known = (secret_token, secret_token_before) if secret_token else ()
        self._secrets = [secret.encode() for secret in known if secret]
        self._webhook_url, self.polling = webhook_url, polling
        self._clock: Clock = clock or SystemClock()
        self._words = words
        self.client = Client()
        self.bot = new_bot(bot_token, api_base, self.client)
        self._sender = Sender(self.bot, self._clock, protect_content=protect_content)
        self._left: set[int] = set()
        self.poll_problem = ""

    @property
    def account(self) -> str:
        return self._account

    async def open(self) -> None:
        await self.client.initialize()  # not bot.initialize(): that asks Telegram, which may be down

    async def close(self) -> None:
        await self.client.shutdown()

    # --- in ---

    def parse(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> Parsed:
        given = headers.get(SECRET_HEADER, "").encode("utf-8", "surrogateescape")
        if not any(hmac.compare_digest(secret, given) for secret in self._secrets):
            raise BadSignature
        return self.parse_update(json_object(raw), now)

    def parse_update(self, body: dict[str, Any], now: datetime) -> Parsed:
        """An update of which it is known that Telegram brought it. Raises BadInput without an update_id."""
        reading = read(self._account, body, now)
        afterwards = []
        if reading.query_id:
            afterwards.append(partial(self._answer, reading.query_id))
        if reading.leave is not None:
            afterwards.append(partial(self._leave, reading.leave))
        return Parsed(events=reading.events, afterwards=afterwards, ignored=int(not reading.events))

    async def _answer(self, query_id: str) -> None:
        """Takes the progress mark off a tapped button. Too late or failed: nothing is lost."""
        try:
            await self.bot.answer_callback_query(query_id)
        except TelegramError:
            return

    async def _leave(self, leave: Leave) -> None:
        """Out of a group or channel. Failed: the next word there brings us here again."""
        if leave.chat_id in self._left:
            return
        line = self._words("group") if leave.tell else ""
        try:
            if line:
                await self.bot.send_message(leave.chat_id, line, disable_notification=True)
        except TelegramError:  # not allowed to write there
            pass
        try:
            await self.bot.leave_chat(leave.chat_id)
        except TelegramError:
            return
        if len(self._left) >= MOST_LEFT:
            self._left.clear()
        self._left.add(leave.chat_id)

    # --- how it is ---

    async def check(self) -> Health:
        try:
            info = await self.bot.get_webhook_info()
        except TelegramError as error:
            raise send_error(error) from None
        now = self._clock.now()
        state, problem = self._polled(info) if self.polling else self._brought(info, now)
        return Health(
            webhook=state,
            problem=problem,
            pending=info.pending_update_count,
            clock_skew=self.client.clock_skew(now),
        )

    def _polled(self, info: WebhookInfo) -> tuple[WebhookState, str]:
        if info.url:
            return WebhookState.UNKNOWN, "webhook_set"
        if self.poll_problem:
            return WebhookState.UNKNOWN, self.poll_problem
        return WebhookState.POLLING, "not_fetched" if info.pending_update_count else ""

    def _brought(self, info: WebhookInfo, now: datetime) -> tuple[WebhookState, str]:
        if not info.url:
            return WebhookState.UNSET, "webhook_unset"
        path = f"/webhooks/{self._account}"
        if info.url != self._webhook_url if self._webhook_url else not info.url.endswith(path):
            return WebhookState.ELSEWHERE, "webhook_elsewhere"
        if info.last_error_date is None or now - info.last_error_date > RECENT:
            return WebhookState.OK, ""
        told = (info.last_error_message or "").lower()
        code = next((code for part, code in FAULTS if part in told), "refused")
        return WebhookState.FAILING, code

    # --- out ---

    def route(self, outgoing: Outgoing, now: datetime) -> str | Hold | None:
        return self._sender.route(outgoing, now)

    async def send(self, outgoing: Outgoing) -> None:
        await self._sender.send(outgoing)

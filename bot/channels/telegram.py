"""Telegram: webhooks with a secret header in, one message a turn out. `python-telegram-bot` over our own client.

Telegram has no idempotency key, so a send whose outcome is unknown is tried again: at least once, and said so.
"""

from __future__ import annotations

import hmac
import logging
import os
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

import aiohttp
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.error import (
    BadRequest,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import BaseRequest, RequestData

from bot.channels.base import Health, Parsed, WebhookState
from bot.channels.http import TOTAL_TIMEOUT, new_session
from bot.channels.parsing import json_object
from bot.channels.render import Capabilities, render
from bot.errors import BadInput, BadSignature, ContactGone, Misconfigured, Rejected, Throttled, Unreachable
from bot.messages import Address, Choice, Inbound, Kind, Outgoing

CAPABILITIES = Capabilities(max_text=4_096, max_messages=1, max_choices=40, max_label=40)
SEND = "send"
SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - the header's name
BLOCKED = frozenset({"kicked", "left"})

os.environ.setdefault("PTB_TIMEDELTA", "1")  # the library's newer form of retry_after; the older one warns
logging.getLogger("httpx").setLevel(logging.WARNING)  # its INFO lines would show the token


class NotSent(NetworkError):
    """The connection could not be made: nothing left the house."""


class Client(BaseRequest):
    """The library's requests, over the client that all channels share."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float | None:
        return TOTAL_TIMEOUT

    async def initialize(self) -> None:
        if self._session is None:
            self._session = new_session()

    async def shutdown(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = None,  # noqa: ARG002
        write_timeout: Any = None,  # noqa: ARG002
        connect_timeout: Any = None,  # noqa: ARG002
        pool_timeout: Any = None,  # noqa: ARG002
    ) -> tuple[int, bytes]:
        if self._session is None:
            raise NotSent("closed")
        data = request_data.json_parameters if request_data else None
        try:
            async with self._session.request(method, url, data=data, allow_redirects=False) as response:
                return response.status, await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSent(type(error).__name__) from None
        except TimeoutError as error:
            raise TimedOut(type(error).__name__) from None
        except (aiohttp.ClientError, OSError) as error:
            raise NetworkError(type(error).__name__) from None


class Telegram:
    """One Telegram bot."""

    def __init__(self, *, account: str, bot_token: str, secret_token: str, api_base: str) -> None:
        self._account = account
        self._secret = secret_token.encode()
        base = api_base.rstrip("/")
        self._client = Client()
        self.bot = Bot(
            bot_token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=self._client,
            get_updates_request=self._client,
        )

    @property
    def account(self) -> str:
        return self._account

    async def open(self) -> None:
        await self._client.initialize()  # not bot.initialize(): that asks Telegram, which may be down

    async def close(self) -> None:
        await self._client.shutdown()

    # --- in ---

    def parse(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> Parsed:
        given = headers.get(SECRET_HEADER, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(self._secret, given):
            raise BadSignature
        body = json_object(raw)
        update_id = body.get("update_id")
        if not isinstance(update_id, int) or isinstance(update_id, bool):
            raise BadInput("The update has no update_id.")
        try:
            update = Update.de_json(body, self.bot)
        except Exception:  # whatever the library cannot read is still an event of somebody  # noqa: BLE001
            return self._unreadable(body, str(update_id), now)
        event = self._event(update, now)
        if event is None:
            return Parsed(events=(), ignored=1)
        query = update.callback_query
        afterwards = (partial(self._answer, query.id),) if query is not None else ()
        return Parsed(events=(event,), afterwards=afterwards)

    def _event(self, update: Update, now: datetime) -> Inbound | None:
        """What a private update means; None for groups, channels and updates about nobody. Names are not looked at."""
        said = update.message or update.edited_message or update.callback_query or update.my_chat_member
        chat = update.effective_chat
        if said is None or chat is None or chat.type != "private":
            return None
        kind, text, choice = _meaning(update)
        message = update.effective_message
        sent_at = getattr(message, "date", None) if update.callback_query is None else None
        return Inbound(
            address=Address(account=self._account, key=str(chat.id)),
            dedupe_key=str(update.update_id),
            sent_at=min(sent_at, now) if sent_at is not None else now,
            kind=kind,
            text=text,
            choice_id=choice,
        )

    def _unreadable(self, body: dict[str, Any], update_id: str, now: datetime) -> Parsed:
        """Stored as unsupported when it is at least clear whose it is."""
        for part in body.values():
            match part:
                case {"chat": {"id": int(key), "type": "private"}} | {"message": {"chat": {"id": int(key)}}}:
                    event = Inbound(
                        address=Address(account=self._account, key=str(key)),
                        dedupe_key=update_id,
                        sent_at=now,
                        kind=Kind.UNSUPPORTED,
                    )
                    return Parsed(events=(event,))
        return Parsed(events=(), ignored=1)

    async def _answer(self, query_id: str) -> None:
        """Takes the progress mark off a tapped button. Too late or failed: nothing is lost."""
        try:
            await self.bot.answer_callback_query(query_id)
        except TelegramError:
            return

    async def check(self) -> Health:
        return Health(webhook=WebhookState.UNKNOWN)

    # --- out ---

    def route(self, outgoing: Outgoing, now: datetime) -> str | None:  # noqa: ARG002
        return SEND

    async def send(self, outgoing: Outgoing) -> None:
        rendered = render(outgoing.reply, CAPABILITIES)
        for place, text in enumerate(rendered.texts):
            last = place == len(rendered.texts) - 1
            try:
                await self.bot.send_message(
                    chat_id=int(outgoing.address.key),
                    text=text,
                    reply_markup=keyboard(rendered.choices) if last and rendered.choices else None,
                    disable_notification=outgoing.reply.silent,
                )
            except TelegramError as error:
                raise _send_error(error) from None


def keyboard(choices: tuple[Choice, ...]) -> InlineKeyboardMarkup:
    """Two buttons a row, as on the web."""
    buttons = [InlineKeyboardButton(choice.label, callback_data=choice.id) for choice in choices]
    return InlineKeyboardMarkup([buttons[place : place + 2] for place in range(0, len(buttons), 2)])


def _meaning(update: Update) -> tuple[Kind, str, str]:
    if update.callback_query is not None:
        data = update.callback_query.data
        return (Kind.CHOICE, "", data) if data else (Kind.UNSUPPORTED, "", "")
    if update.my_chat_member is not None:
        status = update.my_chat_member.new_chat_member.status
        return (Kind.LEFT if status in BLOCKED else Kind.JOINED), "", ""
    message = update.message or update.edited_message  # what was put in by an edit must be read, too
    if message is None:
        return Kind.UNSUPPORTED, "", ""
    if message.text is not None:
        if message.text.split(maxsplit=1)[:1] == ["/start"]:
            return Kind.JOINED, "", ""
        return Kind.TEXT, message.text.removeprefix("/"), ""
    if message.sticker is not None:
        return Kind.STICKER, "", ""
    return Kind.UNSUPPORTED, message.caption or "", ""  # words under a picture are scanned like any others


def _send_error(error: TelegramError) -> Exception:
    match error:
        case RetryAfter():
            after = error.retry_after
            return Throttled(after.total_seconds() if hasattr(after, "total_seconds") else float(after))
        case Forbidden():
            return ContactGone()
        case InvalidToken():
            return Misconfigured()
        case NotSent():
            return Unreachable("no connection", may_have_arrived=False)
        case BadRequest():
            return ContactGone() if "chat not found" in str(error).lower() else Rejected("HTTP 400")
        case NetworkError():
            return Unreachable(type(error).__name__)
        case _:
            return Rejected(type(error).__name__)

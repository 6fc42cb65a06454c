"""The library's requests over the HTTP client that all channels share, and its errors as ours."""

from __future__ import annotations

import logging
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from telegram import Bot
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    TelegramError,
)
from telegram.request import BaseRequest, RequestData

from bot.channels.http import TOTAL_TIMEOUT, Session
from bot.channels.parsing import json_value
from bot.errors import BadInput, ContactGone, Misconfigured, Rejected, SendError, Throttled, Unreachable

TOO_MANY = 429
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
GONE = ("chat not found", "peer_id_invalid", "user not found")

logging.getLogger("httpx").setLevel(logging.WARNING)  # its INFO lines would show the token


class NotSent(NetworkError):
    """The connection could not be made: nothing left the house."""


class TooMany(TelegramError):
    """429, with the seconds to wait where Telegram names them."""

    def __init__(self, retry_after: float | None) -> None:
        super().__init__("Too many requests")
        self.retry_after = retry_after


class Client(BaseRequest):
    """Short timeouts, no proxies from the environment, no redirects."""

    def __init__(self) -> None:
        self._session: Session | None = None
        self._date = ""

    @property
    def read_timeout(self) -> float | None:
        return TOTAL_TIMEOUT

    async def initialize(self) -> None:
        if self._session is None:
            self._session = Session()

    async def shutdown(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def clock_skew(self, now: datetime) -> float | None:
        """Seconds our clock is ahead of Telegram's, by the answer that came just now."""
        try:
            return (now - parsedate_to_datetime(self._date)).total_seconds()
        except (ValueError, TypeError):
            return None

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = None,
        write_timeout: Any = None,  # noqa: ARG002
        connect_timeout: Any = None,  # noqa: ARG002
        pool_timeout: Any = None,  # noqa: ARG002
    ) -> tuple[int, bytes]:
        """`read_timeout`: seconds for the whole call, where it may take longer than others (long polling)."""
        if self._session is None:
            raise NotSent("closed")
        form = urlencode(request_data.json_parameters).encode() if request_data else None
        limit = float(read_timeout) if isinstance(read_timeout, int | float) else None
        try:
            answer = await self._session.ask(method, url, form, FORM if form else None, timeout=limit)
        except Unreachable as error:
            raise (NetworkError if error.may_have_arrived else NotSent)(str(error)) from None
        self._date = answer.headers.get("date", "")
        if (
            answer.status == TOO_MANY
        ):  # the library would take one without `retry_after` for a broken connection
            raise TooMany(_retry_after(answer.body))
        return answer.status, answer.body

    @staticmethod
    def parse_json_payload(payload: bytes) -> Any:
        """Half an emoji is mended here, too, and nothing of an unreadable answer is logged."""
        try:
            return json_value(payload)
        except BadInput:
            raise TelegramError("Invalid server response") from None


def _retry_after(answer: bytes) -> float | None:
    try:
        given = msgspec.json.decode(answer)["parameters"]["retry_after"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return None
    return float(given) if isinstance(given, int | float) and given >= 0 else None


def new_bot(bot_token: str, api_base: str, client: Client) -> Bot:
    """The library's bot. It asks Telegram nothing before it is used."""
    base = api_base.rstrip("/")
    return Bot(
        bot_token,
        base_url=f"{base}/bot",
        base_file_url=f"{base}/file/bot",
        request=client,
        get_updates_request=client,
    )


def send_error(error: TelegramError) -> SendError:
    """What a failed call means to us. `BadRequest` and `TimedOut` are network errors to the library, not to us."""
    match error:
        case TooMany():
            return Throttled(error.retry_after)
        case Forbidden() | ChatMigrated():  # only a group can become another chat
            return ContactGone()
        case InvalidToken():
            return Misconfigured()
        case NotSent():
            return Unreachable("no connection", may_have_arrived=False)
        case BadRequest():
            told = str(error).lower()
            return ContactGone() if any(part in told for part in GONE) else Rejected("HTTP 400")
        case NetworkError():
            return Unreachable(type(error).__name__)
        case _:
            return Rejected(type(error).__name__)

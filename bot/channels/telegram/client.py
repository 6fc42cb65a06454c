"""The library's requests over the HTTP client that all channels share, and its errors as ours."""

from __future__ import annotations

import logging
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import msgspec
from telegram import Bot
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    TelegramError,
    TimedOut,
)
from telegram.request import BaseRequest, RequestData

from bot.channels.http import TOTAL_TIMEOUT, new_session
from bot.channels.parsing import json_value
from bot.errors import BadInput, ContactGone, Misconfigured, Rejected, SendError, Throttled, Unreachable

TOO_MANY = 429
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
        self._session: aiohttp.ClientSession | None = None
        self._date = ""

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
        data = request_data.json_parameters if request_data else None
        options: dict[str, Any] = {"data": data, "allow_redirects": False}
        if isinstance(read_timeout, int | float):
            options["timeout"] = aiohttp.ClientTimeout(total=read_timeout)
        try:
            async with self._session.request(method, url, **options) as response:
                status, answer = response.status, await response.read()
                self._date = response.headers.get("Date", "")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSent(type(error).__name__) from None
        except TimeoutError as error:
            raise TimedOut(type(error).__name__) from None
        except (aiohttp.ClientError, OSError) as error:
            raise NetworkError(type(error).__name__) from None
        if status == TOO_MANY:  # the library would take one without `retry_after` for a broken connection
            raise TooMany(_retry_after(answer))
        return status, answer

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

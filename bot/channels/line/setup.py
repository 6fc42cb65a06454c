"""Setting up a LINE account through line-bot-sdk: webhook and rich menu. Run twice, it changes nothing.

Known of the SDK (3.27): `host` also replaces the host of pictures, there is no time limit unless given, an error's
text quotes headers and bodies, and one client belongs to one running loop.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
from linebot.v3 import messaging

from bot.channels.line.health import REASONS
from bot.channels.line.richmenu import PREFIX, Menu
from bot.errors import Misconfigured, Rejected, SendError, Throttled, Unreachable
from bot.frozen import dataclass

R = TypeVar("R")
TIME_LIMIT = 10.0  # seconds, for each call; a test of the webhook waits for our own answer
PLATFORM = "https://api.line.me"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One line of what came of it. `changed`: it was not so before; `remedy`: what somebody must do."""

    what: str
    changed: bool = False
    remedy: str = ""


class Setup:
    """One account's set-up calls. Every method raises a SendError when LINE refuses or does not answer."""

    def __init__(self, api: Any, pictures: Any) -> None:
        self._api, self._pictures = api, pictures

    async def webhook(self, url: str) -> list[Done]:
        """Events come to this address from now on; LINE tries it once."""
        try:
            told = await _call(self._api.get_webhook_endpoint(_request_timeout=TIME_LIMIT))
            endpoint, active = told.endpoint, told.active
        except _NotThere:
            endpoint, active = "", False
        changed = endpoint != url
        if changed:
            request = messaging.SetWebhookEndpointRequest(endpoint=url)
            await _call(self._api.set_webhook_endpoint(request, _request_timeout=TIME_LIMIT))
            told = await _call(self._api.get_webhook_endpoint(_request_timeout=TIME_LIMIT))
            active = told.active
        done = [Done(what=f"webhook {url}", changed=changed)]
        if not active:
            return [*done, Done(what="webhook in use", remedy="switch `Use webhook` on in LINE's console")]
        request = messaging.TestWebhookEndpointRequest(endpoint=url)
        test = await _call(self._api.test_webhook_endpoint(request, _request_timeout=TIME_LIMIT))
        reason = test.reason if test.reason in REASONS else "UNCLASSIFIED"
        remedy = (
            "" if test.success else f"LINE cannot bring events here ({reason.lower()}); is `engawa serve` up?"
        )
        return [*done, Done(what="webhook tested by LINE", remedy=remedy)]

    async def rich_menu(self, menu: Menu) -> list[Done]:
        """The menu everybody sees; earlier ones of ours are deleted, those somebody else made are left alone."""
        listed = await _call(self._api.get_rich_menu_list(_request_timeout=TIME_LIMIT))
        names = {one.rich_menu_id: one.name for one in listed.richmenus}
        try:
            told = await _call(self._api.get_default_rich_menu_id(_request_timeout=TIME_LIMIT))
            default = told.rich_menu_id
        except _NotThere:
            default = ""
        if names.get(default) == menu.name:
            return [Done(what="rich menu")]
        request = messaging.RichMenuRequest.from_dict(menu.request)
        made = await _call(self._api.create_rich_menu(request, _request_timeout=TIME_LIMIT))
        picture = self._pictures.set_rich_menu_image(
            made.rich_menu_id,
            bytearray(menu.picture),
            _headers={"Content-Type": "image/png"},
            _request_timeout=TIME_LIMIT,
        )
        await _call(picture)
        await _call(self._api.set_default_rich_menu(made.rich_menu_id, _request_timeout=TIME_LIMIT))
        ours = [key for key, name in names.items() if name.startswith(f"{PREFIX} ")]
        for key in ours:
            await _call(self._api.delete_rich_menu(key, _request_timeout=TIME_LIMIT))
        return [Done(what="rich menu", changed=True)]


@asynccontextmanager
async def opened(access_token: str, api_base: str) -> AsyncIterator[Setup]:
    """The SDK's clients for one account, closed at the end."""
    base = api_base.rstrip("/")
    common = messaging.Configuration(host=base, access_token=access_token)
    # Pictures have a host of their own; only a stand-in for LINE serves both at one address.
    apart = messaging.Configuration(host=None if base == PLATFORM else base, access_token=access_token)
    async with messaging.AsyncApiClient(common) as api, messaging.AsyncApiClient(apart) as pictures:
        yield Setup(messaging.AsyncMessagingApi(api), messaging.AsyncMessagingApiBlob(pictures))


class _NotThere(Rejected):
    """404: nothing of this kind is set."""


async def _call(asked: Awaitable[R]) -> R:
    """The SDK's errors as ours, without a word of what it quotes."""
    try:
        return await asked
    except messaging.ApiException as error:
        raise _meaning(error.status) from None
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise Unreachable(type(error).__name__) from None


def _meaning(status: int) -> SendError:
    match status:
        case 404:
            return _NotThere("HTTP 404")
        case 401 | 403:
            return Misconfigured(f"HTTP {status}")
        case 429:
            return Throttled(None, "HTTP 429")
    return Unreachable(f"HTTP {status}") if status >= 500 else Rejected(f"HTTP {status}")

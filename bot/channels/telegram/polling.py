"""Long polling, for places without a public address: `getUpdates` until the stop.

An update is confirmed by the next call's offset, so only once its events are durable; a crash in between brings it
again, and it is known by its update_id. What cannot be stored stays with Telegram as long as there is room for what
comes after it: Telegram shows the first 100 that are not confirmed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlencode

import structlog
from telegram.error import Conflict, InvalidToken, TelegramError

from bot.channels.base import Parsed
from bot.channels.http import TOTAL_TIMEOUT
from bot.channels.parsing import json_value
from bot.channels.telegram.channel import Telegram
from bot.channels.telegram.client import TooMany
from bot.channels.telegram.updates import ALLOWED
from bot.channels.webhook import Accept, Afterwards
from bot.clock import Clock
from bot.errors import BadInput, StoreUnavailable

HELD_OPEN = 25  # seconds Telegram waits for something to tell
PAGE = 100  # updates in an answer, at most [Bot API, getUpdates]
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
OTHERS_TURN = 5.0  # seconds between looks whether the process that polls is gone
WEBHOOK_WORDS = "webhook"  # of the two conflicts, the one that a webhook is in the way

Mine = Callable[[], Awaitable[bool]]
"""Whether this process is the one to poll now. Raises StoreUnavailable."""

log = structlog.get_logger("polling")


class Poller:
    """Fetches one bot's updates."""

    def __init__(self, channel: Telegram, accept: Accept, mine: Mine, clock: Clock) -> None:
        self._channel, self._accept, self._mine, self._clock = channel, accept, mine, clock
        self._afterwards = Afterwards()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._offset = 0
        self._stored: set[int] = set()
        self._failures = 0

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"polling {self._channel.account}")

    async def stop(self) -> None:
        """Lets go of the open call, finishes storing what came, and ends."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        await self._afterwards.close()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                wait = await self._once() if await self._mine() else OTHERS_TURN
            except StoreUnavailable:
                log.warning("store_unavailable", worker="polling")
                wait = FIRST_WAIT
            except Exception as error:  # noqa: BLE001 - polling never ends of a fault
                log.error("worker_failed", worker="polling", error=type(error).__name__)
                wait = self._longer()
            if wait:
                await self._rest(wait)

    async def _once(self) -> float:
        """One call and what came by it; seconds to wait before the next."""
        try:
            updates = await self._fetched()
        except TelegramError as error:
            return await self._failed(error)
        self._failures, self._channel.poll_problem = 0, ""
        return await self._take(updates) if updates else 0.0

    async def _fetched(self) -> list[dict[str, Any]] | None:
        """The updates that wait, or come within `HELD_OPEN` seconds; None at the stop. Raises TelegramError."""
        call = asyncio.ensure_future(self._get_updates())
        stop = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({call, stop}, return_when=asyncio.FIRST_COMPLETED)
        for task in (call, stop):
            task.cancel()
        await asyncio.gather(call, stop, return_exceptions=True)
        return None if call.cancelled() else call.result()

    async def _get_updates(self) -> list[dict[str, Any]]:
        """Raw: the library's `get_updates` fails for all when it cannot read one, and logs what it was."""
        query = {"timeout": HELD_OPEN, "limit": PAGE, "allowed_updates": json.dumps(ALLOWED)}
        if self._offset:
            query["offset"] = self._offset
        url = f"{self._channel.bot.base_url}/getUpdates?{urlencode(query)}"
        answer = await self._channel.client.retrieve(url, read_timeout=HELD_OPEN + TOTAL_TIMEOUT)
        try:
            found = json_value(answer)["result"]
            return [update for update in found if isinstance(update.get("update_id"), int)]
        except (BadInput, KeyError, TypeError, AttributeError):
            raise TelegramError("Invalid server response") from None

    async def _take(self, updates: Sequence[dict[str, Any]]) -> float:
        """Stores what came, all at once or else one by one, and moves the offset past all that is stored."""
        new = [update for update in updates if update["update_id"] not in self._stored]
        try:
            await self._store(new)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one that cannot be stored must not keep the others
            log.error("update_failed", error=type(error).__name__)
            for update in new:
                await self._store_alone(update)
        left = [update["update_id"] for update in updates if update["update_id"] not in self._stored]
        if left and len(updates) >= PAGE:
            log.error("update_given_up")
            left = left[1:]
        self._offset = left[0] if left else updates[-1]["update_id"] + 1
        self._stored = {update_id for update_id in self._stored if update_id >= self._offset}
        return FIRST_WAIT if left else 0.0

    async def _store(self, updates: Sequence[dict[str, Any]]) -> None:
        parsed: list[Parsed] = [self._channel.parse_update(update, self._clock.now()) for update in updates]
        events = [event for one in parsed for event in one.events]
        if events:
            await self._accept(events)
        self._stored.update(update["update_id"] for update in updates)
        for one in parsed:
            self._afterwards.run(one.afterwards)

    async def _store_alone(self, update: dict[str, Any]) -> None:
        try:
            await self._store([update])
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001
            log.error("update_failed", error=type(error).__name__)

    async def _failed(self, error: TelegramError) -> float:
        """What keeps us from polling, told in the log and by `check`; seconds to wait."""
        match error:
            case Conflict() if WEBHOOK_WORDS in str(error).lower():
                return await self._without_webhook()
            case Conflict():
                code = "polled_elsewhere"
            case InvalidToken():
                code = "misconfigured"
            case TooMany(retry_after=after):
                self._channel.poll_problem = "throttled"
                return max(after or 0.0, self._longer())
            case _:
                code = "unreachable"
        if self._channel.poll_problem != code:
            log.warning("polling_failed", account=self._channel.account, code=code)
        self._channel.poll_problem = code
        return self._longer()

    async def _without_webhook(self) -> float:
        """A webhook is set: Telegram gives updates one way only. It is removed, and nothing that waits is dropped."""
        try:
            await self._channel.bot.delete_webhook(drop_pending_updates=False)
        except TelegramError:
            return self._longer()
        log.warning("webhook_removed", account=self._channel.account)
        return 0.0

    def _longer(self) -> float:
        """Doubling from one second up to a minute."""
        self._failures += 1
        return float(min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(self._failures - 1, 10)))

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

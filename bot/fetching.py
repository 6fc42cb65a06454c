"""The bots whose updates are fetched by long polling: one process at a time for each (docs/delivery.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bot.channels.base import Channel
from bot.clock import Clock
from bot.config import Settings
from bot.runtime.ingress import Ingress
from bot.store.database import Database

if TYPE_CHECKING:
    from bot.channels.telegram.polling import Mine, Poller
    from bot.store.sole import Sole


class Fetching:
    """Pollers with their start and stop. Empty where all platforms bring their events."""

    def __init__(
        self,
        settings: Settings,
        channels: Mapping[str, Channel],
        ingress: Ingress,
        database: Database,
        clock: Clock,
    ) -> None:
        self._database = database
        self._pollers: list[Poller] = []
        self._soles: list[Sole] = []
        for telegram in settings.telegram:
            if telegram.polling:
                from bot.channels.telegram import Telegram
                from bot.channels.telegram.polling import Poller

                channel = channels[telegram.account]
                assert isinstance(channel, Telegram)
                self._pollers.append(Poller(channel, ingress.accept_all, self._mine(telegram.account), clock))

    def _mine(self, account: str) -> Mine:
        if self._database.is_sqlite:
            return _always
        from bot.store.sole import Sole  # psycopg is loaded for PostgreSQL only

        sole = Sole(self._database.url, f"polling {account}")
        self._soles.append(sole)
        return sole.mine

    def start(self) -> None:
        for poller in self._pollers:
            poller.start()

    async def stop(self) -> None:
        """Stores what has come, and lets another process go on."""
        await asyncio.gather(*(poller.stop() for poller in self._pollers))
        for sole in self._soles:
            await sole.close()


async def _always() -> bool:
    return True

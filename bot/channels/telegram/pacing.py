"""When a message may leave: about one a second to a chat and thirty a second in all, with bursts.

Telegram's limits are not stated exactly (Bots FAQ; `FloodLimit` of python-telegram-bot), so these are only to be
polite; what Telegram says by 429 always counts. A bucket is kept as one number, the time at which it is full again
(GCRA). All is in memory: after a start the buckets are full, and each process has its own.
"""

from __future__ import annotations

import threading
from uuid import UUID

CHAT_EVERY, CHAT_BURST = 1.0, 20
BOT_EVERY, BOT_BURST = 1 / 30, 30
TOGETHER = 10.0  # seconds within which two refused chats mean that the whole bot is refused
NEAR = 0.005  # seconds nobody need wait for
MOST_KEPT = 10_000


class Pacer:
    """Slots for messages. Times are Unix seconds; a chat may go by any name that is its own.

    Called from several threads, where sends are committed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._chats: dict[str, float] = {}
        self._bot = 0.0
        self._reserved: dict[UUID, float] = {}
        self._paused: dict[str, float] = {}
        self._all_paused = 0.0
        self._refused: tuple[str, float] = ("", 0.0)

    def opens(self, chat: str, key: UUID, now: float, *, urgent: bool = False) -> tuple[float, bool]:
        """When this message may leave, and whether Telegram asked for the wait. It is counted when that is `now`.

        Who must wait for the bot keeps a place in the queue, by `key`. A chat that is over its own pace takes no
        place, so it holds up nobody. What is urgent waits for refusals only.
        """
        with self._lock:
            paused = max(self._paused.get(chat, 0.0), self._all_paused)
            if paused > now + NEAR:
                return paused, True
            if not urgent:
                free = self._chats.get(chat, 0.0) - (CHAT_BURST - 1) * CHAT_EVERY
                if free > now + NEAR:
                    return free, False
                place = self._reserved.get(key)
                if place is None:
                    place = max(now, self._bot - (BOT_BURST - 1) * BOT_EVERY)
                    self._bot = max(self._bot, now) + BOT_EVERY
                if place > now + NEAR:
                    self._reserved[key] = place
                    _tidy(self._reserved, now)
                    return place, False
                self._reserved.pop(key, None)
            else:
                self._bot = max(self._bot, now) + BOT_EVERY
            self._count(chat, now)
            return now, False

    def sent_more(self, chat: str, now: float) -> None:
        """A further part of a message left."""
        with self._lock:
            self._bot = max(self._bot, now) + BOT_EVERY
            self._count(chat, now)

    def refused(self, chat: str, seconds: float, now: float) -> None:
        """Telegram asks to wait. It does not say whether that is about the chat or the bot: two chats, the bot."""
        with self._lock:
            self._paused[chat] = now + seconds
            _tidy(self._paused, now)
            other, at = self._refused
            if other not in ("", chat) and now - at <= TOGETHER:
                self._all_paused = max(self._all_paused, now + seconds)
            self._refused = (chat, now)

    def _count(self, chat: str, now: float) -> None:
        self._chats[chat] = max(self._chats.get(chat, 0.0), now) + CHAT_EVERY
        _tidy(self._chats, now)


def _tidy(times: dict[UUID, float] | dict[str, float], now: float) -> None:
    """Forgets what is past, once in a while."""
    if len(times) > MOST_KEPT:
        for name in [name for name, at in times.items() if at < now]:
            del times[name]  # type: ignore[arg-type]

"""A fake Telegram: takes calls like the Bot API, and brings updates until they are acknowledged."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from tests.platforms.posting import Attempt, NotAcknowledged, Pause, Poster, backoff
from tests.platforms.telegram_setup import Update
from tests.platforms.telegram_updates import Person, TelegramUpdates

ANSWER_WITHIN: Final = 60.0  # seconds [platforms.md, Retry]
SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"
WEBHOOK_PATH: Final = "/webhooks/telegram"


class FakeTelegram(TelegramUpdates):
    """One bot with the people who write to it.

    async with FakeTelegram() as telegram:
        ... start the program with telegram.environ() ...
        telegram.aim("http://127.0.0.1:8080")
        person = telegram.new_person()
        await telegram.says(person, "こんにちは")            # returns once acknowledged
        await telegram.until(lambda: len(telegram.texts(person.id)) == 1)
        await telegram.taps(person, "はい")
        telegram.assert_no_invalid()

    Without a webhook, updates wait for getUpdates, and are acknowledged by its offset.
    """

    def __init__(
        self,
        *,
        token: str = "123456789:fake-telegram-bot-token",
        secret_token: str = "telegram-secret-token",
        clock: Callable[[], float] = time.time,
        seed: int | None = None,
        validate: bool | None = None,
        connections: int = 40,
        attempts: int = 60,
        time_limit: float = ANSWER_WITHIN,
        pause: Pause = backoff,
    ) -> None:
        super().__init__(token=token, clock=clock, seed=seed, validate=validate)
        self._given_secret = secret_token
        self.acknowledged: dict[int, Update] = {}  # by update_id, in the order of acknowledgement
        self.attempts: dict[int, list[Attempt]] = {}
        self._poster = Poster(time_limit=time_limit, connections=connections, attempts=attempts, pause=pause)
        self._queues: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __aexit__(self, *exc_info: object) -> None:
        await self._poster.close()
        await super().__aexit__(*exc_info)

    def environ(self) -> dict[str, str]:
        """What the program is to be told about this bot."""
        return {
            "ENGAWA_TELEGRAM_BOT_TOKEN": self.token,
            "ENGAWA_TELEGRAM_API_BASE": self.url,
            "ENGAWA_TELEGRAM_SECRET_TOKEN": self._given_secret,
        }

    def aim(self, base_url: str, path: str = WEBHOOK_PATH) -> None:
        """Updates go to this program, with the secret; a setWebhook call overrides both."""
        self.webhook_url = base_url.rstrip("/") + path
        self.secret_token = self._given_secret

    # -- bringing updates --------------------------------------------------------------------

    async def post_raw(self, body: bytes, secret: str | None) -> Attempt:
        """Brings any bytes once, with any secret or none."""
        headers = {} if secret is None else {SECRET_HEADER: secret}
        return await self._poster.once(self.webhook_url, body, headers)

    async def post(self, update: Update) -> Attempt:
        """Brings one update once, out of turn, whatever the outcome: also one acknowledged before."""
        attempt = await self._poster.once(self.webhook_url, *self._prepared(update))
        self._note(update, attempt)
        return attempt

    async def deliver(self, update: Update) -> None:
        """Brings an update until it is acknowledged; the next one of the same queue waits for that.

        A chat's messages are one queue, a user's callback queries another, membership a third
        [platforms.md, Order]. Raises NotAcknowledged after the given number of attempts.
        """
        self.underway[update["update_id"]] = update
        self.stir()
        if not self.webhook_url:
            await self.until(lambda: update["update_id"] in self.acknowledged, timeout=60)
            return
        async with self._queues[_queue(update)]:
            try:
                await self._poster.until_acknowledged(
                    self.webhook_url,
                    lambda _: self._prepared(update),
                    lambda outcome: self._note(update, outcome),
                )
            except NotAcknowledged:
                self.underway.pop(update["update_id"], None)
                raise

    async def deliver_all(self, updates: Iterable[Update]) -> None:
        """Brings updates as the real server does: chats side by side, each chat in order."""
        async with asyncio.TaskGroup() as group:
            for update in updates:
                group.create_task(self.deliver(update))

    def confirmed(self, update: Update) -> None:
        self.acknowledged.setdefault(update["update_id"], update)

    def _prepared(self, update: Update) -> tuple[bytes, Mapping[str, str]]:
        body = json.dumps(update, ensure_ascii=False, separators=(",", ":")).encode()
        return body, {} if self.secret_token is None else {SECRET_HEADER: self.secret_token}

    def _note(self, update: Update, attempt: Attempt) -> None:
        self.attempts.setdefault(update["update_id"], []).append(attempt)
        if attempt.acknowledged:
            self.underway.pop(update["update_id"], None)
            self.confirmed(update)
        else:
            told = f"Wrong response from the webhook: {attempt.status or ''} {attempt.error}"
            self.last_error = (int(self.clock()), told)
        self.stir()

    # -- what people do ----------------------------------------------------------------------

    async def says(self, person: Person, text: str) -> Update:
        """The person writes; returns the update once it is acknowledged."""
        return await self._happens(self.text(person, text))

    async def starts(self, person: Person, payload: str = "") -> Update:
        return await self._happens(self.start(person, payload))

    async def blocks(self, person: Person) -> Update:
        return await self._happens(self.membership(person, "kicked"))

    async def unblocks(self, person: Person) -> Update:
        return await self._happens(self.membership(person, "member"))

    async def taps(self, person: Person, choice: str | int) -> Update:
        """The person taps an inline button that was really sent: newest message first, by label or place."""
        message, button = self.button(person.id, choice)
        return await self._happens(self.callback(person, message, button["callback_data"]))

    def button(self, chat_id: int, choice: str | int) -> tuple[dict[str, Any], dict[str, Any]]:
        """The message and the button that the person can tap. Raises LookupError with what there is."""
        seen = [
            (message, button)
            for message in reversed(self.received(chat_id))
            for row in message.get("reply_markup", {}).get("inline_keyboard", [])
            for button in row
            if "callback_data" in button
        ]
        if isinstance(choice, int):
            return seen[choice]
        for message, button in seen:
            if button["text"] == choice:
                return message, button
        raise LookupError(f"no button {choice!r}; there are {[button['text'] for _, button in seen]}")

    async def _happens(self, update: Update) -> Update:
        await self.deliver(update)
        return update


def _queue(update: Update) -> str:
    """The queue an update waits in."""
    kind, content = next((name, value) for name, value in update.items() if name != "update_id")
    owner = content.get("from", {}) if kind == "callback_query" else content.get("chat", {})
    kept_together = "message" if kind in {"message", "edited_message", "channel_post"} else kind
    return f"{kept_together}:{owner.get('id', update['update_id'])}"

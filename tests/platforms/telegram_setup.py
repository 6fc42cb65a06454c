"""The Bot API's set-up methods: webhook, commands, and long polling in place of a webhook."""

from __future__ import annotations

from typing import Any, Final

from tests.platforms.faults import Call
from tests.platforms.telegram_api import Refusal, TelegramApi

Update = dict[str, Any]

_WEBHOOK_ACTIVE: Final = (
    "Conflict: can't use getUpdates method while webhook is active;"
    " use deleteWebhook to delete the webhook first"
)
_OTHER_POLLER: Final = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
)


class TelegramSetup(TelegramApi):
    """How updates are to come, and what the bot's menu holds."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands: dict[str, list[dict[str, str]]] = {}  # by language, "" for all
        self.webhook_url = ""
        self.secret_token: str | None = None
        self.webhook: dict[str, Any] = {}  # what setWebhook said
        self.last_error: tuple[int, str] | None = None
        self.underway: dict[int, Update] = {}  # updates not acknowledged yet, by update_id
        self.left: list[int] = []  # groups and channels we left
        self.descriptions: dict[str, str] = {}  # by language, "" for all
        self.short_descriptions: dict[str, str] = {}
        self._polls = 0
        self._last_update = self.random.randrange(10**8, 2 * 10**8)
        self.methods |= {
            "setWebhook": self._set_webhook,
            "deleteWebhook": self._delete_webhook,
            "getWebhookInfo": self._webhook_info,
            "setMyCommands": self._set_commands,
            "getMyCommands": lambda call: self.commands.get(call.body.get("language_code", ""), []),
            "getUpdates": self._get_updates,
            "leaveChat": self._leave,
            "setMyDescription": lambda call: _set(self.descriptions, call, "description"),
            "getMyDescription": lambda call: _told(self.descriptions, call, "description"),
            "setMyShortDescription": lambda call: _set(self.short_descriptions, call, "short_description"),
            "getMyShortDescription": lambda call: _told(self.short_descriptions, call, "short_description"),
        }

    def _set_commands(self, call: Call) -> bool:
        self.commands[call.body.get("language_code", "")] = call.body["commands"]
        return True

    def _set_webhook(self, call: Call) -> bool:
        self.webhook = call.body
        self.webhook_url = call.body["url"]
        self.secret_token = call.body.get("secret_token")
        self._drop_if_asked(call)
        return True

    def _delete_webhook(self, call: Call) -> bool:
        self.webhook, self.webhook_url, self.secret_token = {}, "", None
        self._drop_if_asked(call)
        return True

    def _drop_if_asked(self, call: Call) -> None:
        if call.body.get("drop_pending_updates"):
            self.underway.clear()

    def _webhook_info(self, _: Call) -> dict[str, Any]:
        info: dict[str, Any] = {
            "url": self.webhook_url,
            "has_custom_certificate": False,
            "pending_update_count": len(self.underway),
            "max_connections": self.webhook.get("max_connections", 40),
        }
        if self.webhook.get("allowed_updates"):
            info["allowed_updates"] = self.webhook["allowed_updates"]
        if self.last_error is not None:
            info["last_error_date"], info["last_error_message"] = self.last_error
        return info

    def _leave(self, call: Call) -> bool:
        self.left.append(call.body["chat_id"])
        return True

    async def _get_updates(self, call: Call) -> list[Update]:
        """Long polling: a higher offset confirms all updates below it; a second poller ends the first one's call."""
        if self.webhook_url:
            raise Refusal(409, _WEBHOOK_ACTIVE)
        offset = call.body.get("offset", 0)
        for update_id in [known for known in self.underway if known < offset]:
            self.confirmed(self.underway.pop(update_id))
        self._polls += 1
        poll = self._polls
        self.stir()
        try:
            seconds = call.body.get("timeout", 0)
            await self.until(
                lambda: bool(self.underway) or self._closing.is_set() or self._polls != poll, seconds
            )
        except TimeoutError:
            return []
        if self._polls != poll:
            raise Refusal(409, _OTHER_POLLER)
        first = sorted(self.underway)[: call.body.get("limit", 100)]
        return [self.underway[update_id] for update_id in first]

    def confirmed(self, update: Update) -> None:
        """An update was acknowledged."""


def _set(kept: dict[str, str], call: Call, name: str) -> bool:
    kept[call.body.get("language_code", "")] = call.body.get(name, "")
    return True


def _told(kept: dict[str, str], call: Call, name: str) -> dict[str, str]:
    language = call.body.get("language_code", "")
    return {name: kept.get(language, "")}

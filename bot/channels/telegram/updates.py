"""What an update means: `Update` in, events out. Pure. Names, files and phone numbers are not looked at.

Bot API, Update: exactly one of its fields is there. We ask for four kinds (`ALLOWED`); any other means nothing to us.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import field
from datetime import datetime
from typing import Any

from telegram import CallbackQuery, Chat, ChatMember, ChatMemberUpdated, Message, Update

from bot.errors import BadInput
from bot.frozen import dataclass
from bot.messages import Address, Inbound, Kind

os.environ.setdefault("PTB_TIMEDELTA", "1")  # the library's newer form of durations; the older one warns

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - the header's name
ALLOWED = ("message", "edited_message", "callback_query", "my_chat_member")
AWAY = frozenset({ChatMember.BANNED, ChatMember.LEFT})  # a private chat: the person has blocked us
GROUPS = frozenset({Chat.GROUP, Chat.SUPERGROUP})

_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@[A-Za-z0-9_]{1,32})?(?:\s+(.*))?", re.DOTALL)
_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")  # Bot API, deep linking
_SERVICE = (
    "new_chat_members", "left_chat_member", "chat_owner_left", "chat_owner_changed", "new_chat_title",
    "new_chat_photo", "delete_chat_photo", "message_auto_delete_timer_changed", "pinned_message",
    "successful_payment", "refunded_payment", "users_shared", "chat_shared", "gift", "unique_gift",
    "connected_website", "write_access_allowed", "passport_data", "boost_added", "chat_background_set",
    "checklist_tasks_done", "checklist_tasks_added", "web_app_data", "managed_bot_created",
)  # fmt: skip
"""Fields of messages that tell of the chat itself: nobody says anything by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """A chat that is not one person's: it is left. `tell`: with one line, where that disturbs nobody else."""

    chat_id: int = field(repr=False)
    tell: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An update's events, the callback query that wants an answer, the chat to leave."""

    events: tuple[Inbound, ...] = ()
    query_id: str = field(default="", repr=False)
    leave: Leave | None = None


def read(account: str, body: dict[str, Any], now: datetime) -> Reading:
    """What this update means. Raises BadInput without an update_id; whatever else is odd is still somebody's event."""
    update_id = body.get("update_id")
    if not isinstance(update_id, int) or isinstance(update_id, bool):
        raise BadInput("The update has no update_id.")
    try:
        return _Reader(account, str(update_id), now).read(Update.de_json(body))
    except Exception:  # whatever the library cannot read  # noqa: BLE001
        return _unreadable(account, body, str(update_id), now)


@dataclass(frozen=True, slots=True)
class _Reader:
    account: str
    update_id: str = field(repr=False)
    now: datetime

    def read(self, update: Update) -> Reading:
        if update.callback_query is not None:
            return self._tap(update.callback_query)
        if update.my_chat_member is not None:
            return self._membership(update.my_chat_member)
        message = update.message or update.edited_message  # what was put in by an edit must be read, too
        if message is None:
            return Reading()
        if message.chat.type != Chat.PRIVATE:
            return Reading(leave=Leave(chat_id=message.chat.id, tell=False))
        return Reading(events=tuple(self._said(message, edited=update.message is None)))

    def _tap(self, query: CallbackQuery) -> Reading:
        """A button of any message of ours; one that Telegram itself has forgotten is known by who tapped it."""
        if query.message is not None and query.message.chat.type != Chat.PRIVATE:
            return Reading(query_id=query.id, leave=Leave(chat_id=query.message.chat.id, tell=False))
        key = query.message.chat.id if query.message is not None else query.from_user.id
        kind = Kind.CHOICE if query.data else Kind.UNSUPPORTED
        event = self._event(key, kind, choice_id=query.data or "")
        return Reading(events=(event,), query_id=query.id)

    def _membership(self, member: ChatMemberUpdated) -> Reading:
        """Blocked and unblocked; or a group or channel took us in."""
        status, chat = member.new_chat_member.status, member.chat
        if chat.type == Chat.PRIVATE:
            kind = Kind.LEFT if status in AWAY else Kind.JOINED
            return Reading(events=(self._event(chat.id, kind, at=member.date),))
        if status in AWAY:
            return Reading()
        return Reading(leave=Leave(chat_id=chat.id, tell=chat.type in GROUPS))

    def _said(self, message: Message, *, edited: bool) -> Iterator[Inbound]:
        at = (message.edit_date if edited else None) or message.date
        key = message.chat.id
        rich = "\n".join(_strings(message.api_kwargs.get("rich_message")))
        if message.text is not None or rich:
            yield from self._written(key, message.text or rich, at)
        elif message.sticker is not None:
            emoji = message.sticker.emoji or ""
            yield self._event(key, Kind.STICKER, at=at, text=emoji, keywords=(emoji,) if emoji else ())
        elif words := _words_beside(message):  # words under a picture are scanned like any others
            yield self._event(key, Kind.UNSUPPORTED, at=at, text=words)
        elif not edited and not _is_service(message):  # a live location is edited again and again
            yield self._event(key, Kind.UNSUPPORTED, at=at)

    def _written(self, key: int, text: str, at: datetime) -> Iterator[Inbound]:
        """Words, or a command. `/start` is a joining; words after it that are no payload are read like others."""
        command = _COMMAND.fullmatch(text.strip())
        if command is None:
            yield self._event(key, Kind.TEXT, at=at, text=text)
            return
        name, rest = command[1].lower(), (command[2] or "").strip()
        if name != "start":
            yield self._event(key, Kind.TEXT, at=at, text=f"/{name} {rest}".strip())
            return
        is_payload = _PAYLOAD.fullmatch(rest) is not None
        yield self._event(key, Kind.JOINED, at=at, entry=rest if is_payload else "")
        if rest and not is_payload:
            yield self._event(key, Kind.TEXT, at=at, text=rest, part="/text")

    def _event(
        self,
        key: int,
        kind: Kind,
        *,
        at: datetime | None = None,
        text: str = "",
        choice_id: str = "",
        entry: str = "",
        keywords: tuple[str, ...] = (),
        part: str = "",
    ) -> Inbound:
        return Inbound(
            address=Address(account=self.account, key=str(key)),
            dedupe_key=self.update_id + part,
            sent_at=min(at or self.now, self.now),
            kind=kind,
            text=text,
            choice_id=choice_id,
            entry=entry,
            keywords=keywords,
        )


def _words_beside(message: Message) -> str:
    """What somebody wrote in a message that is more than words: captions, polls, lists."""
    found = [message.caption or ""]
    if message.poll is not None:
        found += [message.poll.question, *(option.text for option in message.poll.options)]
    if message.checklist is not None:
        found += [message.checklist.title, *(task.text for task in message.checklist.tasks)]
    return "\n".join(filter(None, found))


def _is_service(message: Message) -> bool:
    return any(getattr(message, name, None) or name in message.api_kwargs for name in _SERVICE)


def _strings(rich: Any) -> Iterator[str]:
    """The words of a rich message (Bot API 10.1): what stands under `text`, at any depth."""
    match rich:
        case dict():
            for name, value in rich.items():
                if name == "text" and isinstance(value, str):
                    yield value
                elif isinstance(value, dict | list):
                    yield from _strings(value)
        case list():
            for value in rich:
                if isinstance(value, str):
                    yield value
                else:
                    yield from _strings(value)


def _unreadable(account: str, body: dict[str, Any], update_id: str, now: datetime) -> Reading:
    """Stored as unsupported when it is at least clear whose it is; a callback query is answered all the same."""
    query_id, key = "", None
    for name in ALLOWED:
        match body.get(name):
            case {"chat": {"id": int(found), "type": Chat.PRIVATE}}:
                key = found
            case {"chat": {"id": int(found), "type": Chat.GROUP | Chat.SUPERGROUP | Chat.CHANNEL}}:
                return Reading(leave=Leave(chat_id=found, tell=False))
            case {"id": str(query), "message": {"chat": {"id": int(found), "type": Chat.PRIVATE}}}:
                query_id, key = query, found
            case {"id": str(query)}:
                query_id = query
    if key is None:
        return Reading(query_id=query_id)
    event = Inbound(
        address=Address(account=account, key=str(key)),
        dedupe_key=update_id,
        sent_at=now,
        kind=Kind.UNSUPPORTED,
    )
    return Reading(events=(event,), query_id=query_id)

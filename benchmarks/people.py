"""The people of a benchmark: who writes, what, and the signed webhook of LINE or Telegram that carries it.

The texts are calm on purpose: a risk word or a wish for a counselor would end the bot's part.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import random
import time
from typing import NamedTuple

CHANNEL_SECRET = "0123456789abcdef0123456789abcdef"
BOT_USER = "U" + "b" * 32
LINE_PATH = "/webhooks/line"
TELEGRAM_SECRET = "bench-secret-token"
FIRST_CHAT = 700_000_000

WORDS = ("はじめ", "家族", "メニュー", "自分")
_OPENINGS = ("きのうは雨でしたが、", "ひさしぶりに窓をあけたら、", "このごろ夜が長いので、")
_MIDDLES = ("庭の木に小さな鳥が来ていて、", "となりの家から音楽が聞こえて、", "古い本を一冊みつけて、")
_ENDING = "しばらくながめていました。あしたは図書館の開く時間をたしかめて、散歩のついでに寄ります。"
TEXT_LENGTH = 60


def make_texts() -> list[str]:
    """Return the texts of a benchmark: 60 characters each, all different."""
    openings = itertools.product(_OPENINGS, _MIDDLES)
    return [f"{first}{second}{_ENDING}"[:TEXT_LENGTH] for first, second in openings]


class Webhook(NamedTuple):
    """One signed webhook request and what its answer is recognised by."""

    reply_token: str
    request: bytes


class Person:
    """One user who writes button-like words and 60-character texts in turn."""

    def __init__(self, number: int, chance: random.Random) -> None:
        self.user_id = f"U{chance.getrandbits(128):032x}"
        self.chat_id = str(FIRST_CHAT + number)
        said = [line for text in make_texts() for line in (chance.choice(WORDS), text)]
        self._lines = itertools.cycle(said[number % len(said) :] + said[: number % len(said)])

    def next_line(self) -> str:
        """Return what the person writes next."""
        return next(self._lines)


class Postbox:
    """Makes webhooks with ids that never repeat within one run of the command."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def line(self, person: Person, path: str) -> Webhook:
        """Return the person's next message as LINE would send it."""
        return self.says(person.user_id, person.next_line(), path)

    def says(self, user_id: str, text: str, path: str = LINE_PATH) -> Webhook:
        """Return these words of this user as LINE would send them."""
        number = next(self._numbers)
        reply_token = f"{number:032x}"
        message = {
            "type": "text",
            "id": f"{500_000_000_000_000_000 + number}",
            "quoteToken": f"q{number:063x}",
            "markAsReadToken": f"r{number:063x}",
            "text": text,
        }
        event = {
            "type": "message",
            "message": message,
            "webhookEventId": f"01JBENCH{number:018d}",
            "deliveryContext": {"isRedelivery": False},
            "timestamp": time.time_ns() // 1_000_000,
            "source": {"type": "user", "userId": user_id},
            "replyToken": reply_token,
            "mode": "active",
        }
        data = _json({"destination": BOT_USER, "events": [event]})
        digest = hmac.digest(CHANNEL_SECRET.encode(), data, hashlib.sha256)
        signature = f"x-line-signature: {base64.b64encode(digest).decode()}"
        return Webhook(
            reply_token, _request(path, data, "; charset=utf-8", "User-Agent: LineBotWebhook/2.0", signature)
        )

    def telegram(self, person: Person, path: str) -> Webhook:
        """Return the person's next message as Telegram would send it. Its answer carries no token, but the chat."""
        number = next(self._numbers)
        chat = int(person.chat_id)
        sender = {"id": chat, "first_name": "A"}
        message = {
            "message_id": number,
            "date": int(time.time()),
            "chat": {**sender, "type": "private"},
            "from": {**sender, "is_bot": False, "language_code": "ja"},
            "text": person.next_line(),
        }
        data = _json({"update_id": number, "message": message})
        secret = f"X-Telegram-Bot-Api-Secret-Token: {TELEGRAM_SECRET}"
        return Webhook(f"t{number}", _request(path, data, "", secret))


def _json(body: dict[str, object]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _request(path: str, data: bytes, charset: str, *headers: str) -> bytes:
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Type: application/json{charset}",
        *headers,
        f"Content-Length: {len(data)}",
    )
    return "\r\n".join((*lines, "\r\n")).encode() + data

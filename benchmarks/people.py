"""The people of a benchmark: who writes, what, and the signed LINE webhook that carries it.

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
WEBHOOK_PATH = "/webhooks/line"

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
        said = [line for text in make_texts() for line in (chance.choice(WORDS), text)]
        self._lines = itertools.cycle(said[number % len(said) :] + said[: number % len(said)])

    def next_line(self) -> str:
        """Return what the person writes next."""
        return next(self._lines)


class Postbox:
    """Makes webhooks with ids that never repeat within one run of the command."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def webhook(self, person: Person) -> Webhook:
        """Return the person's next message as LINE would send it."""
        return self.says(person.user_id, person.next_line())

    def says(self, user_id: str, text: str) -> Webhook:
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
        return Webhook(reply_token, self._sign({"destination": BOT_USER, "events": [event]}))

    def _sign(self, body: dict[str, object]) -> bytes:
        data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        digest = hmac.digest(CHANNEL_SECRET.encode(), data, hashlib.sha256)
        return (
            f"POST {WEBHOOK_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Content-Type: application/json; charset=utf-8\r\nUser-Agent: LineBotWebhook/2.0\r\n"
            f"x-line-signature: {base64.b64encode(digest).decode()}\r\n"
            f"Content-Length: {len(data)}\r\n\r\n"
        ).encode() + data

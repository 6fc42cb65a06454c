"""A reply as message objects of the Messaging API, in calls of at most five. Pure."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from bot.channels.line.flex import flex
from bot.channels.render import Capabilities, render
from bot.messages import Choice, Reply

CAPABILITIES = Capabilities(max_text=5_000, max_messages=5, max_choices=13, max_label=20)
BESIDE_CARDS = replace(CAPABILITIES, max_messages=CAPABILITIES.max_messages - 1)

Message = dict[str, Any]


def calls(reply: Reply, alt: str) -> list[list[Message]]:
    """All that is said, in as few calls as it takes: one, but for tens of thousands of characters."""
    told = messages(reply, alt)
    most = CAPABILITIES.max_messages
    return [told[start : start + most] for start in range(0, len(told), most)]


def messages(reply: Reply, alt: str) -> list[Message]:
    """Texts, then the cards side by side; quick replies under the last one, the only ones a phone shows.

    `alt` is what a lock screen shows of the cards. Without one, or where they do not fit, they are told in words.
    """
    cards = flex(reply.cards, alt)
    words, room = (replace(reply, cards=()), BESIDE_CARDS) if cards else (reply, CAPABILITIES)
    rendered = render(words, room)
    found: list[Message] = [{"type": "text", "text": text} for text in rendered.texts]
    if cards:
        found.append(cards)
    if found and rendered.choices:
        found[-1]["quickReply"] = _quick_reply(rendered.choices)
    return found


@lru_cache(maxsize=1024)
def _quick_reply(choices: tuple[Choice, ...]) -> Message:
    """The same steps are shown again and again; nobody changes what is in here."""
    return {"items": [_quick(choice) for choice in choices]}


def _quick(choice: Choice) -> Message:
    action = {"type": "postback", "label": choice.label, "data": choice.id, "displayText": choice.label}
    return {"type": "action", "action": action}

"""Cards as a Flex message: one bubble each, side by side. Pure.

Nothing is shortened: what does not fit LINE's limits is left to plain text. Colours are the light ones of the house,
all set, so that they keep their contrast in LINE's dark mode. The alternative text is what a lock screen shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from bot.channels.render import units
from bot.messages import Card, Link

MOST_BUBBLES = 12
BUBBLE_BYTES = 30_000
CAROUSEL_BYTES = 50_000
MAX_ALT = 400  # older copies of LINE's reference; newer ones say 1,500
MAX_LABEL = 20
MAX_URI = 1_000
SCHEMES = ("https://", "http://", "tel:")

SHEET, INK, INK_2, WOOD, RULE, AI = "#fcfbf8", "#22282b", "#4a5254", "#7d5c3a", "#dbd8cc", "#274a5e"

Part = dict[str, Any]


def flex(cards: Sequence[Card], alt: str) -> Part | None:
    """The cards as one message, or None when they do not fit one: then they are told in plain text."""
    if not cards or not alt.strip() or units(alt) > MAX_ALT or len(cards) > MOST_BUBBLES:
        return None
    if not all(_is_link(link) for card in cards for link in card.links):
        return None
    numbered = len(cards) > 1
    bubbles = [_bubble(card, place if numbered else 0) for place, card in enumerate(cards, start=1)]
    if any(_size(bubble) > BUBBLE_BYTES for bubble in bubbles):
        return None
    contents = {"type": "carousel", "contents": bubbles} if numbered else bubbles[0]
    if _size(contents) > CAROUSEL_BYTES:
        return None
    return {"type": "flex", "altText": alt, "contents": contents}


def _bubble(card: Card, number: int) -> Part:
    """`number` is the place buttons name (「2を見る」); 0 for the only one."""
    body = [_text(str(number), INK_2, "xs")] if number else []
    if card.date is not None:
        body.append(_text(f"{card.date.month}/{card.date.day}（{card.date.weekday}）", WOOD, "lg", bold=True))
    body += [_text(card.title, INK, "md", bold=True), _text(card.subtitle, INK_2, "xs")]
    facts = [_fact(label, value) for label, value in card.facts]
    if card.unknown:
        facts.append(_fact(card.unknown_label, "、".join(card.unknown)))
    body = [part for part in body if part]
    if body and any(facts):
        body.append({"type": "separator", "color": RULE, "margin": "md"})
    body += [fact for fact in facts if fact]
    bubble = {"type": "bubble", "size": "kilo", "body": _box("vertical", body, paddingAll="16px")}
    if card.links:
        bubble["footer"] = _box("vertical", [_button(link) for link in card.links])
    return {**bubble, "styles": {part: {"backgroundColor": SHEET} for part in ("body", "footer")}}


def _fact(label: str, value: str) -> Part:
    parts = [_text(label, INK_2, "xs", flex=2), _text(value, INK, "sm", flex=5)]
    known = [part for part in parts if part]
    return _box("horizontal", known, spacing="md") if known else {}


def _text(text: str, color: str, size: str, *, bold: bool = False, **more: Any) -> Part:
    """Words in full, over as many lines as they need; nothing for no words, which LINE does not take."""
    if not text.strip():
        return {}
    weight = {"weight": "bold"} if bold else {}
    return {"type": "text", "text": text, "color": color, "size": size, "wrap": True, **weight, **more}


def _box(layout: str, contents: list[Part], **more: Any) -> Part:
    return {"type": "box", "layout": layout, "contents": contents, "spacing": "sm", **more}


def _button(link: Link) -> Part:
    action = {"type": "uri", "label": link.label, "uri": link.url}
    return {"type": "button", "style": "link", "height": "sm", "color": AI, "action": action}


def _is_link(link: Link) -> bool:
    return (
        0 < units(link.label) <= MAX_LABEL
        and bool(link.label.strip())
        and link.url.startswith(SCHEMES)
        and link.url.isascii()
        and link.url.isprintable()
        and len(link.url) <= MAX_URI
    )


def _size(part: Part) -> int:
    return len(msgspec.json.encode(part))

"""What there is to read, and the letter of a month. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.content.model import Article, Letter
from bot.handoff.hours import TOKYO


def articles_on(articles: Iterable[Article], topic: str) -> tuple[Article, ...]:
    """Articles on a topic, the shortest first; all of them without one."""
    found = (one for one in articles if not topic or topic in one.topics)
    return tuple(sorted(found, key=lambda one: (sum(map(len, one.pages)), one.id)))


def letter_of(letters: Iterable[Letter], now: datetime) -> str:
    """This month's letter; of several one, another one each year. Empty when there is none."""
    local = now.astimezone(TOKYO)
    found = sorted((one for one in letters if local.month in one.months), key=lambda one: one.id)
    return found[local.year % len(found)].text if found else ""

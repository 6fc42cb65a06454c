"""The privacy page, read from the running configuration: which sentences hold here, with which numbers (B50)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib import resources
from typing import Any

import yaml

from bot.config import Settings
from bot.frozen import dataclass

LANGUAGES = ("ja", "en")
PAGE: Mapping[str, Any] = yaml.safe_load((resources.files("bot.public") / "privacy.yaml").read_text("utf-8"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the sentences need to know: days by class of data, and what there is on this installation."""

    days: Mapping[str, int]
    has: frozenset[str]


def facts_of(settings: Settings) -> Facts:
    """The configuration as far as the page tells of it."""
    has = {"line": bool(settings.line), "telegram": bool(settings.telegram), "https": settings.https}
    return Facts(days=asdict(settings.keeping), has=frozenset(name for name, there in has.items() if there))


def told(facts: Facts, language: str) -> Iterator[tuple[str, list[str]]]:
    """Each section's title and the sentences that hold here."""
    for section in PAGE["sections"]:
        sentences = [
            sentence[language].format_map(facts.days)
            for sentence in section["sentences"]
            if sentence.get("only") is None or sentence["only"] in facts.has
        ]
        if sentences:
            yield section["title"][language], sentences

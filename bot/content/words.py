"""Words that hurt, found in what the bot says (R-043): rules of content, with category, reason and alternatives. Pure.

A rule's patterns are read over the text as people see it. What stands in an allowed phrase, an official name or a
quotation, is let pass (R-014).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bot.content.model import WordRule
from bot.flows.matching import visible
from bot.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WordHit:
    """One word a rule found, and where in the text it stands."""

    rule: WordRule
    found: str
    begin: int


class WordRules:
    """Rules made ready. Raises ValueError with the rule's id for a pattern that is none."""

    def __init__(self, rules: Iterable[WordRule] = (), allowed: Iterable[str] = ()) -> None:
        self.rules = tuple(rules)
        self._allowed = tuple(visible(name) for name in allowed if name)
        self._patterns = {rule.id: _compiled(rule) for rule in self.rules}

    def allowing(self, names: Iterable[str]) -> WordRules:
        """The same rules, which let these names pass."""
        return WordRules(self.rules, (*self._allowed, *names))

    def scan(self, text: str) -> Iterator[WordHit]:
        """Every word of every rule, in the order of the rules."""
        seen = visible(text)
        for rule in self.rules:
            pattern = self._patterns[rule.id]
            for found in pattern.finditer(seen):
                allowed = _spans(seen, (*self._allowed, *rule.unless))
                if not any(begin <= found.start() and found.end() <= end for begin, end in allowed):
                    yield WordHit(rule=rule, found=found[0], begin=found.start())


def _compiled(rule: WordRule) -> re.Pattern[str]:
    try:
        return re.compile("|".join(f"(?:{pattern})" for pattern in rule.patterns) or r"(?!)")
    except re.error as error:
        raise ValueError(f"{rule.id}: {error}") from error


def _spans(text: str, phrases: Iterable[str]) -> Iterator[tuple[int, int]]:
    for phrase in phrases:
        begin = text.find(phrase)
        while begin >= 0:
            yield begin, begin + len(phrase)
            begin = text.find(phrase, begin + 1)

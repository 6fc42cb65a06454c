"""Rules of risk tried before they are public: what they find beside what the public ones find. Pure.

The sentences are the examples that rules carry, those they must find and those they must not, of all rules before
and after; they are written for this, and nobody sent them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field

from bot.content.codec import Document, typed
from bot.frozen import dataclass
from bot.handoff.risk import Level, RiskHit, Rules, compile_rules, highest

KINDS = ("risk_rule", "risk_class", "risk_veto", "risk_spelling")
MOST_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """In how many sentences a rule hits; None where there is no such rule."""

    rule: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """A sentence whose level is another one, and the rules that hit it."""

    text: str = field(repr=False)
    before: Level
    after: Level
    rules_before: tuple[str, ...]
    rules_after: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What changes over so many `sentences`: rules that hit more or fewer, how many are of each level before and after,
    and those of another level now, what is less urgent first; at most MOST_SHOWN of all `turned_in_all`."""

    sentences: int
    counts: tuple[Count, ...]
    turned: tuple[Turned, ...]
    turned_in_all: int
    by_level: tuple[tuple[Level, int, int], ...]


def rules_of(documents: Iterable[Document]) -> Rules:
    """The compiled rules among documents. Raises ContentError."""
    found: dict[str, list[object]] = {kind: [] for kind in KINDS}
    for document in documents:
        if document.kind in found:
            found[document.kind].append(typed(document))
    return compile_rules(*(tuple(found[kind]) for kind in KINDS))  # type: ignore[arg-type]  # each of its own type


def examples(*several: Rules) -> list[str]:
    """Every example of these rules, once, in their order."""
    return list(
        dict.fromkeys(
            text for rules in several for rule in rules.rules for text in (*rule.hits, *rule.misses)
        )
    )


def rehearse(before: Rules, after: Rules, sentences: Sequence[str]) -> Rehearsal:
    """Every sentence scanned with both."""
    old, new = ([rules.scan(text) for text in sentences] for rules in (before, after))
    levels = [(highest(first), highest(second)) for first, second in zip(old, new, strict=True)]
    turned = [
        Turned(
            text=text,
            before=was,
            after=now,
            rules_before=tuple(hit.rule for hit in old[place]),
            rules_after=tuple(hit.rule for hit in new[place]),
        )
        for place, (text, (was, now)) in enumerate(zip(sentences, levels, strict=True))
        if was != now
    ]
    turned.sort(key=lambda one: one.after - one.before)
    first, second = (_counted(rules, found) for rules, found in ((before, old), (after, new)))
    return Rehearsal(
        sentences=len(sentences),
        counts=tuple(
            Count(rule=name, before=first.get(name), after=second.get(name))
            for name in sorted(first.keys() | second.keys())
            if first.get(name) != second.get(name)
        ),
        turned=tuple(turned[:MOST_SHOWN]),
        turned_in_all=len(turned),
        by_level=tuple(
            (level, sum(was == level for was, _ in levels), sum(now == level for _, now in levels))
            for level in reversed(Level)
        ),
    )


def _counted(rules: Rules, found: Sequence[Sequence[RiskHit]]) -> dict[str, int]:
    counts = {rule.id: 0 for rule in rules.rules}
    for hits in found:
        for hit in hits:
            counts[hit.rule] += 1
    return counts

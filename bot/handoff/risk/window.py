"""People write in bursts: a few bubbles within two minutes are one sentence (risk guide 4.6).

What is kept of a bubble is its text, for two minutes' sake, in the person's sealed state and only while it is short:
whoever writes at length is not splitting a sentence.
"""

from __future__ import annotations

from dataclasses import field
from datetime import datetime, timedelta

from bot.frozen import dataclass, replace
from bot.handoff.risk.model import RiskHit
from bot.handoff.risk.normalise import begins_anew
from bot.handoff.risk.scan import Rules

WITHIN = timedelta(minutes=2)
BUBBLES = 3
LONGEST = 80
"""Characters of a bubble that may be part of a burst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """A short text of a moment ago."""

    at: datetime
    text: str = field(repr=False)


def still(recent: tuple[Bubble, ...], now: datetime) -> tuple[Bubble, ...]:
    """Those that may still belong to a sentence that goes on now."""
    return tuple(bubble for bubble in recent if now - bubble.at <= WITHIN)[-(BUBBLES - 1) :]


def with_one_more(recent: tuple[Bubble, ...], text: str, now: datetime) -> tuple[Bubble, ...]:
    """What to remember after this text."""
    if not text.strip() or len(text) > LONGEST:
        return ()
    whole = text.encode("utf-8", "ignore").decode()  # half an emoji cannot be written down
    return (*still(recent, now), Bubble(at=now, text=whole))[-(BUBBLES - 1) :]


def scan(rules: Rules, recent: tuple[Bubble, ...], text: str, now: datetime) -> tuple[RiskHit, ...]:
    """The hits of this text, and those that only come out together with the bubbles before it.

    A span lies in this text; a hit that began before it is clipped to it.
    """
    before = " ".join(bubble.text for bubble in still(recent, now))
    if not before or not text.strip() or len(text) > LONGEST:
        return rules.scan(text)
    if begins_anew(text) and rules.is_silent(f"{before} {text}"):
        return ()  # for it holds every cue of the text alone
    hits = rules.scan(text)
    alone = {hit.rule for hit in hits}
    together = [hit for hit in rules.scan(f"{before} {text}") if hit.rule not in alone]
    if together:  # seldom: what came out earlier is not told again
        known = {hit.rule for hit in rules.scan(before)}
        together = [hit for hit in together if hit.rule not in known]
    offset = len(before) + 1
    joined = [_clipped(hit, offset, len(text)) for hit in together]
    return tuple(sorted((*hits, *joined), key=lambda hit: (-hit.level, hit.rule)))


def _clipped(hit: RiskHit, offset: int, length: int) -> RiskHit:
    if hit.end <= offset:
        return replace(hit, start=0, end=length)
    return replace(hit, start=max(0, hit.start - offset), end=min(length, hit.end - offset))

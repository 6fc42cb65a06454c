"""What safety asks of a turn: the scan over a burst, and the card that fits level, category and who writes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.flows import engine
from bot.flows.content import Content
from bot.flows.effects import Record
from bot.handoff.risk import Level, RiskHit, Rules, highest, window
from bot.handoff.ticket import Reason
from bot.messages import Reply
from bot.talk import Talk

SELF = "self"
MAX_NAME = 64
"""Characters of the name of a count."""
MAX_COUNTED = 4
"""Rules counted of one text: each is a write, and composed rules often agree."""
SPEAKERS = (SELF, "family", "supporter")


def scan(rules: Rules, talk: Talk, text: str, now: datetime) -> tuple[RiskHit, ...] | None:
    """The hits, or None when the scan itself failed: then people look (fail open)."""
    try:
        return window.scan(rules, talk.recent, text, now)
    except Exception:  # noqa: BLE001 - a rule that fails must not silence a person
        return None


def counted(hits: tuple[RiskHit, ...]) -> tuple[Record, ...]:
    """How often each rule hits a day, the most urgent of a text: what staff tune by, without anybody's words."""
    return tuple(Record(count=f"risk:{hit.rule}"[:MAX_NAME]) for hit in hits[:MAX_COUNTED])


def speaker(content: Content, rules: Rules, talk: Talk, text: str) -> str:
    """Who writes: by the way they came (family, supporter), else by their words. A guess, for wording only."""
    been = (
        {talk.session.flow, *(place.partition("/")[0] for place in talk.session.trail)}
        if talk.session
        else set()
    )
    for name in SPEAKERS[1:]:
        if been & set(content.text(f"speaker_{name}")):
            return name
    try:
        return rules.speaker(text)
    except Exception:  # noqa: BLE001 - see `scan`
        return SELF


def side(content: Content, talk: Talk, reason: Reason) -> Reason:
    """Why they ask: a plain request of who came by the way of families or supporters is theirs."""
    if reason is not Reason.REQUEST or talk.session is None:
        return reason
    been = {talk.session.flow, *(place.partition("/")[0] for place in talk.session.trail)}
    sides = {"family": Reason.FAMILY, "supporter": Reason.SUPPORTER}
    found = (sides[name] for name in SPEAKERS[1:] if been & set(content.text(f"speaker_{name}")))
    return next(found, reason)


def peer_wished(content: Content, wishes: Iterable[tuple[str, str]]) -> bool:
    """Whether somebody with such a life of their own was wished for (R-102)."""
    return bool({wish for _, wish in wishes} & set(content.text("peer_wishes")))


def card_keys(level: Level, category: str, who: str) -> tuple[str, ...]:
    """The named texts to look for, the closest first: `safety_emergency_suicide_family` … `safety`."""
    wheres = (f"{category}_{who}", category, who)
    plain = (*(f"safety_{where}" for where in wheres), "safety")
    urgent = (*(f"safety_emergency_{where}" for where in wheres), "safety_emergency")
    return (*urgent, *plain) if level is Level.EMERGENCY else plain


def card(content: Content, level: Level, category: str, who: str, now: datetime) -> Reply:
    """The safety card. Lines and hours come from the approved list of the latest release (R-079)."""
    target = next(target for key in card_keys(level, category, who) for target in content.text(key))
    return engine.begin(content, target, now).reply


def leading(hits: tuple[RiskHit, ...]) -> tuple[Level, str]:
    """Level and category of the most urgent hit; among equals the one a person can be harmed by soonest.

    What lies within words of one's own death or wounds is part of them: to kill, in 自殺する.
    """
    level = highest(hits)
    urgent = [hit for hit in hits if hit.level is level]
    own = [hit for hit in urgent if hit.category in ("suicide", "self_harm")]
    found = {
        hit.category
        for hit in urgent
        if hit.category not in ("violence", "abuse")
        or not any(one.start <= hit.start and hit.end <= one.end for one in own)
    }
    order = ("medical", "violence", "abuse", "self_harm", "suicide", "hopelessness")
    return level, next((category for category in order if category in found), "")

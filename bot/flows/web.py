"""「ウェブで話す」: what a conversation says about going over to the web chat (decision 009). Pure."""

from __future__ import annotations

from collections.abc import Callable

from bot.flows.content import Content
from bot.flows.effects import InviteToWeb, Say
from bot.frozen import replace
from bot.messages import EXITS, Choice, Inbound, Reply
from bot.talk import Talk, Turn

WEB = "web"
"""The account of the web chat, and the command that leads there."""
CHOICE = f"nav/{WEB}"
MOST_CHOICES = 13  # LINE quick replies


def can_move(content: Content, inbound: Inbound) -> bool:
    """Whether there is somewhere to go: a public address, and a person who is not there already."""
    return content.offers_web and inbound.address.account != WEB


def invitation(content: Content, talk: Talk) -> InviteToWeb:
    """What stands before the link."""
    return InviteToWeb(reply=Reply(texts=content.text("web_link"), silent=talk.preferences.silent))


def offered(content: Content, turn: Turn) -> Turn:
    """The turn, with the choice to go over wherever the content wants it offered."""
    session, label = turn.talk.session, content.text("nav_web")
    if session is None or not label or f"{session.flow}/{session.step}" not in content.text("web_at"):
        return turn
    offer = Choice(id=CHOICE, label=label[0])
    return _with_first(turn, lambda reply: _with_choice(reply, offer))


def told(content: Content, turn: Turn) -> Turn:
    """Who writes at an address that a thread has left is told so once, before the first words of the machine."""
    line = content.text("moved")
    changed = _with_first(turn, lambda reply: replace(reply, texts=_before(line, reply.texts)))
    return changed if changed is turn else replace(changed, talk=replace(changed.talk, moved=False))


def _before(line: tuple[str, ...], texts: tuple[str, ...]) -> tuple[str, ...]:
    """At most three bubbles: the line joins the first one where there are three already."""
    if len(texts) < 3:
        return (*line, *texts)
    return ("\n".join((*line, texts[0])), *texts[1:])


def _with_choice(reply: Reply, offer: Choice) -> Reply:
    if len(reply.choices) >= MOST_CHOICES or offer in reply.choices:
        return reply
    own = tuple(choice for choice in reply.choices if choice.id not in EXITS)
    return replace(reply, choices=(*own, offer, *reply.choices[len(own) :]))


def _with_first(turn: Turn, change: Callable[[Reply], Reply]) -> Turn:
    """The turn with its first `Say` changed; the same turn when it says nothing, or only a safety card."""
    for place, effect in enumerate(turn.effects):
        if isinstance(effect, Say):
            said = replace(effect, reply=change(effect.reply))
            return replace(turn, effects=(*turn.effects[:place], said, *turn.effects[place + 1 :]))
    return turn

"""What is said, as effects of a turn. Pure."""

from __future__ import annotations

from bot.flows import engine
from bot.flows.content import Content
from bot.flows.effects import Say
from bot.frozen import replace
from bot.messages import Choice, Purpose, Reply
from bot.talk import Talk, Turn


def present(talk: Talk) -> Talk:
    """The person goes on: they were asked, or asked for something else."""
    return replace(talk, away=False) if talk.away else talk


def play(talk: Talk, sprint: engine.Sprint) -> Turn:
    """A sprint of the flow as it stands: what it says, and the talk after it."""
    said = (Say(reply=quietly(talk, sprint.reply)),) if not sprint.reply.is_empty else ()
    mine = talk.mine if sprint.mine is None else sprint.mine
    return Turn(talk=replace(talk, session=sprint.session, mine=mine), effects=(*said, *sprint.effects))


def say(talk: Talk, reply: Reply, purpose: Purpose = Purpose.BOT) -> Turn:
    """A reply as the only effect."""
    return Turn(talk=talk, effects=(Say(reply=quietly(talk, reply), purpose=purpose),))


def quietly(talk: Talk, reply: Reply) -> Reply:
    """Without a sound for who wants none."""
    return replace(reply, silent=True) if talk.preferences.silent else reply


def as_hidden(turn: Turn) -> Turn:
    """The words that hide the screen are owed to the person, whoever takes the thread meanwhile."""
    effects = (replace(e, purpose=Purpose.HIDE) if isinstance(e, Say) else e for e in turn.effects)
    return replace(turn, effects=tuple(effects))


def nav(content: Content, name: str) -> Choice:
    """A button that means the same everywhere."""
    return Choice(id=f"nav/{name}", label=content.text(f"nav_{name}")[0])

"""Words of a message that a counselor hides: a name, a number, an address nobody needs (R-062, R-074).

They go from the message, from what the guide said after it, and from what the talk remembers. What staff wrote stays.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from bot.flows.matching import hidden, visible
from bot.flows.mine import head_of
from bot.flows.session import MAX_ANSWER
from bot.frozen import replace
from bot.store import timeline, unsend
from bot.store.conversations import Loaded
from bot.store.timeline import Line
from bot.talk import Talk

INSTEAD = "○○"


def hide(connection: Connection, loaded: Loaded, seq: int, words: str) -> Talk | None:
    """Seals the lines of a locked contact anew without these words; the talk without them, which is to be saved.

    None, and nothing changed, when they stand in no message of the person at this place.
    """

    def without(text: str) -> str:
        return hidden(text, words, INSTEAD)

    message = next(iter(timeline.at(connection, loaded, [seq])), None)
    if message is None or (left := tuple(map(without, message.body.texts))) == message.body.texts:
        return None
    changed = {seq: replace(message.body, texts=left)}
    before, begins = head_of("\n".join(message.body.texts)), head_of("\n".join(left))
    for line in timeline.lines(connection, loaded, after=seq, limit=loaded.last_seq):
        if line.author == timeline.BOT:  # how a text begins is told again, and may end within a name
            texts = tuple(without(text.replace(before, begins)) for text in line.body.texts)
            if texts != line.body.texts:
                changed[line.seq] = replace(line.body, texts=texts)
    unsend.rewrite(connection, loaded.contact_id, loaded.key, changed)
    return _remembered(loaded.talk, message, begins, without)


def _remembered(talk: Talk, message: Line, begins: str, without: Callable[[str], str]) -> Talk:
    """The talk without the words. Of answers only those that are the message: others are labels that lead on."""
    said = {form for text in message.body.texts for form in (text, visible(text)[:MAX_ANSWER])}
    session, ticket = talk.session, talk.ticket
    if session is not None:
        answers = {
            name: without(value) if value in said else value for name, value in session.answers.items()
        }
        session = replace(session, answers=answers)
    if ticket is not None:
        ticket = replace(ticket, wishes=tuple((label, without(wish)) for label, wish in ticket.wishes))
    written = tuple(
        replace(one, head=begins if one.seq == message.seq else without(one.head))
        for one in talk.mine.written
    )
    wishes = tuple((label, without(wish)) for label, wish in talk.mine.wishes)
    recent = tuple(replace(bubble, text=without(bubble.text)) for bubble in talk.recent)
    mine = replace(talk.mine, written=written, wishes=wishes)
    return replace(talk, session=session, ticket=ticket, mine=mine, recent=recent)

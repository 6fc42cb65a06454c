"""相談したい: asking a colleague how to go on, without showing them the conversation (R-107).

They see how urgent it is, why it is here and the question; no thread, no name, no word of the person. The question and
what they say to it lie sealed with the person's key, and are gone with them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from bot.errors import BadInput, NotAllowed, NotFound
from bot.frozen import dataclass, field, replace
from bot.handoff import notes as noting
from bot.handoff.access import ANSWERS, Access, carrier, written
from bot.handoff.notes import Note, NoteKind
from bot.handoff.risk import Level
from bot.handoff.ticket import Reason, Ticket
from bot.runtime.live import QUEUE, News
from bot.store import conversations, staff, timeline
from bot.store import notes as note_store
from bot.store import tickets as ticket_store
from bot.store.conversations import Loaded
from bot.store.inbox import PERSON
from bot.store.staff import Member

LOOKED_AT = 200
"""So many of the newest lines a question is held against."""
QUOTED = 12
"""So many characters in a row of the person's are their words, and not the question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consult:
    """What a colleague sees of a conversation they are asked about. `by` is the name of who asks."""

    ticket_id: str
    number: int
    level: Level
    reason: Reason
    by: str
    at: datetime
    question: str = field(repr=False)


class Consulting(Access):
    """Asking, and being asked."""

    async def consult(self, member: Member, ticket_id: str, to: str, question: str) -> Note:
        """Asks a colleague, by staff id. Raises BadInput for a question that holds the person's own words, NotFound
        for a colleague who may not have this conversation."""
        question = written(question, "A question")
        note: Note = await self._noted(self._consult, member, ticket_id, to, question)
        self._hub.spread(News({QUEUE}))
        return note

    async def consults(self, member: Member) -> list[Consult]:
        """What this member is asked, the oldest first."""
        if member.role not in ANSWERS:
            raise NotAllowed("Conversations are for counselors.")
        return await self._database.read(self._consults, member)

    async def advise(self, member: Member, ticket_id: str, number: int, text: str) -> None:
        """What this member, who was asked, says to it. Raises NotFound where nobody asked them, or no more."""
        text = written(text, "An answer")
        self._hub.spread(await self._noted(self._advise, member, ticket_id, number, text))

    # --- in store threads ---

    def _consult(
        self, connection: Connection, member: Member, ticket_id: str, to: str, question: str
    ) -> Note:
        loaded, ticket = self._kept(connection, member, ticket_id)
        now = self._clock.now()
        colleague = staff.by_id(connection, member.operator_id, to)
        if colleague is None or to == member.staff_id or not carrier(colleague, {}, now).may_have(ticket):
            raise NotFound
        lines = timeline.lines(connection, loaded, limit=LOOKED_AT)
        if quotes(question, (text for line in lines if line.author == PERSON for text in line.body.texts)):
            raise BadInput("These are the person's own words. Ask in yours, without them.")
        asked = Note(
            kind=NoteKind.CONSULT,
            text=question,
            by=member.staff_id,
            at=now,
            desks=(ticket.desk_id,),
            owner=to,
        )
        return note_store.add(connection, loaded, noting.checked(asked))

    def _consults(self, connection: Connection, member: Member) -> list[Consult]:
        contact_ids = note_store.owing(connection, member.operator_id, member.staff_id, NoteKind.CONSULT)
        found = []
        for loaded in conversations.load(connection, self._sealer, contact_ids, lock=False).values():
            ticket = loaded.talk.ticket
            for note in note_store.of(connection, loaded) if ticket is not None else ():
                if ticket is not None and _is_asked(member, ticket, note, self._clock.now()):
                    by = ticket_store.keeper(connection, note.by) or ""
                    found.append(_shown(ticket, note, by))
        return sorted(found, key=lambda one: one.at)

    def _advise(self, connection: Connection, member: Member, ticket_id: str, number: int, text: str) -> News:
        loaded, ticket = self._of(connection, member, ticket_id)
        for note in note_store.of(connection, loaded):
            if note.number == number and _is_asked(member, ticket, note, self._clock.now()):
                said = replace(note, second=member.staff_id, second_text=text, is_open=False)
                note_store.change(connection, loaded, said)
                return News({QUEUE, loaded.contact_id})
        raise NotFound

    def _of(self, connection: Connection, member: Member, ticket_id: str) -> tuple[Loaded, Ticket]:
        """The conversation, locked, for who is asked about it and does not see it."""
        contact_id = ticket_store.contact_of(connection, member.operator_id, ticket_id)
        found = conversations.load(connection, self._sealer, [contact_id] if contact_id else [])
        loaded = next(iter(found.values()), None)
        if loaded is None or loaded.talk.ticket is None:
            raise NotFound
        return loaded, loaded.talk.ticket


def quotes(question: str, said: Iterable[str]) -> bool:
    """Whether a question holds a longer run of what somebody wrote. Spaces and breaks do not count."""
    asked = "".join(question.split())
    runs = {asked[n : n + QUOTED] for n in range(len(asked) - QUOTED + 1)}
    return any(run in "".join(text.split()) for text in said for run in runs)


def _is_asked(member: Member, ticket: Ticket, note: Note, now: datetime) -> bool:
    """As long as who asked has the conversation, and the person has not refused who is asked (R-089)."""
    return (
        note.kind is NoteKind.CONSULT
        and note.is_open
        and note.owner == member.staff_id
        and note.by == ticket.keeper
        and carrier(member, {}, now).may_have(ticket)
    )


def _shown(ticket: Ticket, note: Note, by: str) -> Consult:
    return Consult(
        ticket_id=ticket.id,
        number=note.number,
        level=ticket.priority,
        reason=ticket.reason,
        by=by,
        at=note.at,
        question=note.text,
    )

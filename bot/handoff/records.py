"""What staff note beside a conversation: wishes seen, notes, promises, decisions of two; and care for who answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from bot.content.desks import spelled
from bot.errors import BadInput, NotAllowed, NotFound
from bot.flows import effects as fx
from bot.handoff import notes as noting
from bot.handoff import ticket as tickets
from bot.handoff import waiting
from bot.handoff.access import SEES_ALL, Access
from bot.handoff.hours import TOKYO
from bot.handoff.notes import Consent, Note, NoteKind
from bot.messages import Purpose, Reply
from bot.runtime.live import News
from bot.store import debriefs, staff
from bot.store import notes as note_store
from bot.store.conversations import Loaded
from bot.store.debriefs import Debrief
from bot.store.staff import Member


class Records(Access):
    """The side of a conversation that the person does not write: all of it is theirs to have erased."""

    async def confirm(self, member: Member, ticket_id: str) -> None:
        """This member has seen how the person would like it to go; only then can they write (R-030)."""
        await self._write(self._confirm, member, ticket_id)

    async def read_later(self, member: Member, ticket_id: str, at: datetime) -> None:
        """One tap: 読みました。返事は◯時ごろ. It is a promise; the queue knows it. Raises BadInput for the past."""
        await self._write(self._read_later, member, ticket_id, at)

    async def note(self, member: Member, ticket_id: str, note: Note) -> Note:
        """Keeps a note; `by`, `at` and `desks` are set here. A new wish of the same source makes the older ones old.

        Raises BadInput with what is missing.
        """
        return await self._noted(self._note, member, ticket_id, note)

    async def notes(self, member: Member, ticket_id: str) -> list[Note]:
        """The notes this member's desk may see, wishes first; the person's own newest wish above all (R-042)."""
        return await self._read(self._notes, member, ticket_id)

    async def settle(self, member: Member, ticket_id: str, number: int, *, owner: str | None = None) -> None:
        """A wish or a promise is no more; with `owner` a promise goes to a colleague instead, by staff id."""
        await self._noted(self._settle, member, ticket_id, number, owner)

    async def agree(self, member: Member, ticket_id: str, number: int, why: str) -> None:
        """The second person of a decision, with their own written reason (R-080)."""
        await self._noted(self._agree, member, ticket_id, number, why)

    async def preview(self, member: Member, ticket_id: str, number: int) -> list[tuple[str, str]]:
        """Exactly what goes to the other desk with this consent, as pairs of label and text (R-033)."""
        return await self._read(self._preview, member, ticket_id, number)

    async def hand_over_page(self, member: Member, ticket_id: str) -> dict[str, list[tuple[str, str]]]:
        """The page for who goes on (R-111)."""
        return await self._read(self._page, member, ticket_id)

    async def pause(self, member: Member, until: datetime | None) -> None:
        """A break, without a reason; None ends it."""
        await self._database.write(staff.pause, member.staff_id, until)

    async def debriefs(self, member: Member) -> list[Debrief]:
        """Who went through something hard and was not asked yet how they are. For leads."""
        if member.role not in SEES_ALL:
            raise NotAllowed("This is for leads.")
        return await self._database.read(debriefs.open_ones, member.operator_id)

    async def debriefed(self, member: Member, debrief_id: str) -> None:
        """A lead has talked with who went through something hard. What they said stands nowhere (R-110)."""
        if member.role not in SEES_ALL:
            raise NotAllowed("This is for leads.")
        if not await self._database.write(debriefs.done, member.operator_id, debrief_id, self._clock.now()):
            raise NotFound

    # --- in store threads ---

    def _confirm(self, connection: Connection, member: Member, ticket_id: str) -> News:
        loaded, ticket = self._kept(connection, member, ticket_id)
        talk = replace(loaded.talk, ticket=tickets.seen(ticket, member.staff_id))
        return self._commit(connection, loaded, talk, (fx.Relay(),), member, self._clock.now())

    def _read_later(self, connection: Connection, member: Member, ticket_id: str, at: datetime) -> News:
        loaded, ticket = self._kept(connection, member, ticket_id)
        now = self._clock.now()
        if at <= now:
            raise BadInput("Choose a time from now on.")
        released = self._library.released(connection)
        at = waiting.told_at(now, at)
        text = released.text("read_later")[0].replace("{expected}", spelled(released.latest.texts, now, at))
        said = fx.Say(reply=Reply(texts=(text,), silent=True), purpose=Purpose.COUNSELOR)
        talk = replace(loaded.talk, ticket=replace(ticket, promised_at=at))
        return self._commit(connection, loaded, talk, (said, fx.Relay()), member, now)

    def _note(self, connection: Connection, member: Member, ticket_id: str, note: Note) -> Note:
        loaded, ticket = self._access(connection, member, ticket_id, lock=True)
        now = self._clock.now()
        fresh = noting.checked(replace(note, by=member.staff_id, at=now, desks=(ticket.desk_id,)))
        if fresh.owner is not None and staff.by_id(connection, member.operator_id, fresh.owner) is None:
            raise NotFound
        if fresh.kind is NoteKind.WISH:
            for old in note_store.of(connection, loaded):
                if old.kind is NoteKind.WISH and old.is_open and old.source is fresh.source:
                    note_store.change(connection, loaded, noting.supersede(old))
        return note_store.add(connection, loaded, fresh)

    def _notes(self, connection: Connection, member: Member, ticket_id: str) -> list[Note]:
        loaded, ticket = self._access(connection, member, ticket_id, lock=False)
        return noting.in_order(self._seen_here(connection, loaded, ticket.desk_id))

    def _seen_here(self, connection: Connection, loaded: Loaded, desk_id: str) -> list[Note]:
        return [note for note in note_store.of(connection, loaded) if desk_id in note.desks]

    def _one(self, connection: Connection, loaded: Loaded, desk_id: str, number: int) -> Note:
        found = (note for note in self._seen_here(connection, loaded, desk_id) if note.number == number)
        note = next(found, None)
        if note is None:
            raise NotFound
        return note

    def _settle(
        self, connection: Connection, member: Member, ticket_id: str, number: int, owner: str | None
    ) -> None:
        loaded, ticket = self._access(connection, member, ticket_id, lock=True)
        note = self._one(connection, loaded, ticket.desk_id, number)
        if note.kind is NoteKind.DECISION:
            raise NotAllowed("A decision is agreed to by a second person.")
        if note.kind is NoteKind.CONSULT:
            raise NotFound
        if owner is None:
            return note_store.change(connection, loaded, noting.supersede(note))
        colleague = staff.by_id(connection, member.operator_id, owner)
        if colleague is None or not may_have(colleague, ticket):
            raise NotFound
        return note_store.change(connection, loaded, replace(note, owner=owner))

    def _agree(self, connection: Connection, member: Member, ticket_id: str, number: int, why: str) -> None:
        loaded, ticket = self._access(connection, member, ticket_id, lock=True)
        note = self._one(connection, loaded, ticket.desk_id, number)
        note_store.change(connection, loaded, noting.agree(note, member.staff_id, why))

    def _preview(
        self, connection: Connection, member: Member, ticket_id: str, number: int
    ) -> list[tuple[str, str]]:
        loaded, ticket = self._access(connection, member, ticket_id, lock=False)
        note = self._one(connection, loaded, ticket.desk_id, number)
        given: Consent | None = note.consent
        if given is None or not noting.is_valid(note, given.to, self._clock.now().astimezone(TOKYO).date()):
            raise NotAllowed(
                "Without the person's own consent only a consultation without names can be sent."
            )
        known = self._seen_here(connection, loaded, ticket.desk_id)
        wishes = list(ticket.wishes) if given.wishes else []
        return [*wishes, *((str(one.source or one.kind), one.text) for one in noting.passed_on(known, given))]

    def _page(
        self, connection: Connection, member: Member, ticket_id: str
    ) -> dict[str, list[tuple[str, str]]]:
        loaded, ticket = self._access(connection, member, ticket_id, lock=False)
        return noting.hand_over_page(self._seen_here(connection, loaded, ticket.desk_id), ticket.wishes)


def may_have(member: Member, ticket: tickets.Ticket) -> bool:
    """Whether a colleague can be given something of this conversation."""
    return member.serves(ticket.desk_id) and member.staff_id not in ticket.refused

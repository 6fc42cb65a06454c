"""An emergency: somebody of the staff has to read a conversation that is not theirs to read.

Two people, at least one of them a lead: one asks with a reason in writing, another one opens it. It is for reading
only, for some minutes, and ends by itself. Every step and every reading is an event of the audit with this purpose.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from bot.errors import Conflict, NotAllowed, NotFound
from bot.handoff.access import ANSWERS, SEES_ALL, may_see, written
from bot.handoff.reading import Reading, Thread
from bot.handoff.ticket import Ticket
from bot.runtime.live import QUEUE, News
from bot.store import break_glass as store
from bot.store import conversations
from bot.store import tickets as ticket_store
from bot.store.audit import EMERGENCY
from bot.store.break_glass import ENDED, OPEN, REFUSED, Glass
from bot.store.conversations import Loaded
from bot.store.staff import Member

ASKS = ANSWERS | {"operator"}
DECIDES = SEES_ALL | {"operator"}
LAPSES_AFTER = timedelta(hours=1)
"""How long a request waits for a second person."""
SHOWN_FOR = timedelta(days=7)
MOST_WAITING = 5
"""Requests of one member that nobody has decided on."""
AS_LONG = timedelta(minutes=30)


class BreakGlass(Reading):
    """Asking, opening, reading, ending. `open_for`: how long it stays open."""

    open_for: timedelta = AS_LONG

    async def break_glass(self, member: Member, name: str, why: str) -> str:
        """Asks to read a conversation, by its number or by what the person is called; the id of the request.

        Raises NotFound when there is no such conversation, Conflict when several are called that or this member may
        read it anyway, BadInput without a reason.
        """
        if member.role not in ASKS:
            raise NotAllowed("This page is for others of the staff.")
        why, name = written(why), name.strip()
        found = await self._database.read(store.named, member.operator_id, name)
        if len(found) > 1:
            raise Conflict("Several are called that. Use the number of the conversation.")
        ticket_id = found[0] if found else ""
        await self._trail.note(member, "break_glass", self._clock.now(), ticket_id, EMERGENCY)
        access_id: str = await self._database.write(self._ask, member, ticket_id, why)
        self._hub.spread(News(topics={QUEUE}))
        return access_id

    async def open_glass(self, member: Member, access_id: str) -> None:
        """The second person opens it.

        Raises NotFound, NotAllowed for who may not decide, Conflict when it is decided.
        """
        await self._turn(member, access_id, "open_glass", OPEN)

    async def refuse_glass(self, member: Member, access_id: str) -> None:
        """The second person says no. Raises as `open_glass`."""
        await self._turn(member, access_id, "refuse_glass", REFUSED)

    async def end_glass(self, member: Member, access_id: str) -> None:
        """Whoever reads, or a lead, ends it before its time; a request is taken back."""
        await self._turn(member, access_id, "end_glass", ENDED)

    async def through_glass(
        self, member: Member, access_id: str, *, before: int | None = None, most: int = 200
    ) -> tuple[Glass, Thread]:
        """What whoever asked reads now: the conversation since the handoff. Raises NotFound once it is over."""
        glass = await self._database.read(store.one, self._sealer, member.operator_id, access_id)
        if glass is None or glass.asked_by != member.staff_id or not glass.is_open(self._clock.now()):
            raise NotFound
        await self._trail.note(member, "through_glass", self._clock.now(), glass.ticket_id, EMERGENCY)
        return await self._database.read(partial(self._through, before=before, most=most), member, access_id)

    async def glasses(self, member: Member) -> list[Glass]:
        """What this member asked for, may decide on, or oversees; the newest first."""
        since = self._clock.now() - SHOWN_FOR
        found = await self._database.read(store.latest, self._sealer, member.operator_id, since)
        return [one for one in found if oversees(member, one) or may_decide(member, one)]

    # --- in store threads ---

    def _ask(self, connection: Connection, member: Member, ticket_id: str, why: str) -> str:
        loaded, ticket = self._named(connection, member, ticket_id)
        if member.role in ANSWERS and may_see(member, ticket):
            raise Conflict("This conversation is open to you. It needs no emergency.")
        now = self._clock.now()
        mine = [
            one
            for one in store.latest(connection, self._sealer, member.operator_id, now - SHOWN_FOR)
            if one.asked_by == member.staff_id and one.waits(now)
        ]
        if len(mine) >= MOST_WAITING:
            raise Conflict(
                "Some of what you asked for is not decided yet. A second person looks at those first."
            )
        return store.add(connection, loaded, ticket.id, member.staff_id, why, now, now + LAPSES_AFTER)

    def _named(self, connection: Connection, member: Member, ticket_id: str) -> tuple[Loaded, Ticket]:
        """A conversation whosever it is; but never of who asked not to have this member (R-089)."""
        contact_id = ticket_store.contact_of(connection, member.operator_id, ticket_id)
        found = conversations.load(connection, self._sealer, [contact_id] if contact_id else [], lock=False)
        loaded = found.get(contact_id or "")
        if loaded is None or loaded.talk.ticket is None or member.staff_id in loaded.talk.ticket.refused:
            raise NotFound("No conversation is called that.")
        return loaded, loaded.talk.ticket

    async def _turn(self, member: Member, access_id: str, action: str, state: str) -> None:
        glass = await self._database.read(store.one, self._sealer, member.operator_id, access_id)
        if glass is None or not (oversees(member, glass) or may_decide(member, glass)):
            raise NotFound
        if state != ENDED and not may_decide(member, glass):
            raise NotAllowed("The second person is another one, and one of the two is a lead.")
        await self._trail.note(member, action, self._clock.now(), glass.ticket_id, EMERGENCY)
        await self._database.write(self._turned, member, access_id, state)
        self._hub.spread(News(topics={QUEUE}))

    def _turned(self, connection: Connection, member: Member, access_id: str, state: str) -> None:
        now = self._clock.now()
        glass = store.one(connection, self._sealer, member.operator_id, access_id)
        if glass is None:
            raise NotFound
        if not (glass.waits(now) or (state == ENDED and glass.is_open(now))):
            raise Conflict("This is decided already, or too old.")
        until = now + self.open_for if state == OPEN else now
        decided_by = None if state == ENDED else member.staff_id
        if not store.turn(connection, glass, state, until, decided_by):
            raise Conflict("This is decided already, or too old.")

    def _through(
        self, connection: Connection, member: Member, access_id: str, *, before: int | None, most: int
    ) -> tuple[Glass, Thread]:
        glass = store.one(connection, self._sealer, member.operator_id, access_id)
        if glass is None or not glass.is_open(self._clock.now()):
            raise NotFound
        loaded, ticket = self._named(connection, member, glass.ticket_id)
        return glass, self._seen(connection, loaded, ticket, member, before=before, most=most)


def may_decide(member: Member, glass: Glass) -> bool:
    """A lead of that desk; and where a lead asks, an operator as well: they open what they do not see."""
    if member.staff_id == glass.asked_by:
        return False
    if member.role in SEES_ALL:
        return member.serves(glass.desk_id)
    return member.role in DECIDES and glass.asker_role in SEES_ALL


def oversees(member: Member, glass: Glass) -> bool:
    """Whose request it is, and leads of that desk."""
    mine = member.staff_id == glass.asked_by
    return mine or (member.role in SEES_ALL and member.serves(glass.desk_id))


def moment(glass: Glass, now: datetime) -> str:
    """How a request stands now: as it lies there, or over by its own time."""
    if glass.waits(now) or glass.is_open(now) or glass.state in (REFUSED, ENDED):
        return glass.state
    return ENDED if glass.state == OPEN else "lapsed"

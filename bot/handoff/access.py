"""What every deed of a counselor stands on: the only way to a ticket, and the only way to change one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from bot.clock import Clock
from bot.content.library import Library
from bot.content.pack import Released
from bot.errors import BadInput, Conflict, NotAllowed, NotFound
from bot.flows import effects as fx
from bot.handoff.routing import Carrier
from bot.handoff.ticket import Status, Ticket
from bot.runtime import commit
from bot.runtime.commit import Change, Deed, House
from bot.runtime.live import Hub, News
from bot.store import conversations, drafts, scheduled
from bot.store import tickets as ticket_store
from bot.store.audit import Trail
from bot.store.conversations import Loaded
from bot.store.database import Database
from bot.store.sealed import Sealer
from bot.store.staff import ANSWERING, Member
from bot.talk import Talk

SEES_ALL = frozenset({"lead"})
ANSWERS = frozenset(ANSWERING)
Done = TypeVar("Done")
MAX_WRITTEN = 2_000
"""Characters of a reason or a note."""


class Access:
    """Database, content, clock and keys of the service; who may see what; and how a change is committed."""

    def __init__(
        self,
        database: Database,
        hub: Hub,
        library: Library,
        clock: Clock,
        sealer: Sealer,
        house: Callable[[Released], House],
        trail: Trail,
    ) -> None:
        self._trail = trail
        self._database, self._hub, self._library, self._clock = database, hub, library, clock
        self._sealer, self._house = sealer, house

    async def _write(
        self, function: Callable[..., News], member: Member, ticket_id: str, *args: object
    ) -> None:
        self._hub.spread(await self._noted(function, member, ticket_id, *args))

    async def _noted(
        self, function: Callable[..., Done], member: Member, ticket_id: str, *args: object
    ) -> Done:
        """Does it, and notes it beforehand under the function's name: no write of a thread goes past the audit."""
        action = function.__name__.strip("_")
        await self._trail.note(member, action, self._clock.now(), ticket_id)
        try:
            return await self._database.write(function, member, ticket_id, *args)
        except Exception:
            await self._trail.note(member, f"{action}_failed", self._clock.now(), ticket_id)
            raise

    async def _read(
        self, function: Callable[..., Done], member: Member, ticket_id: str, *args: object
    ) -> Done:
        """What staff read of a thread is noted, too."""
        await self._trail.note(member, function.__name__.strip("_"), self._clock.now(), ticket_id)
        return await self._database.read(function, member, ticket_id, *args)

    # --- in store threads ---

    def _access(
        self, connection: Connection, member: Member, ticket_id: str, *, lock: bool
    ) -> tuple[Loaded, Ticket]:
        """The only way to a ticket: the one this member may see, or NotFound (R-077).

        Of their own desks, what waits and what is theirs, or theirs to stand in for; leads see all of their desks.
        """
        if member.role not in ANSWERS:
            raise NotFound
        contact_id = ticket_store.contact_of(connection, member.operator_id, ticket_id)
        if contact_id is None:
            raise NotFound
        loaded = conversations.load(connection, self._sealer, [contact_id], lock=lock).get(contact_id)
        ticket = loaded.talk.ticket if loaded is not None else None
        if loaded is None or ticket is None or not may_see(member, ticket):
            raise NotFound
        return loaded, ticket

    def _kept(self, connection: Connection, member: Member, ticket_id: str) -> tuple[Loaded, Ticket]:
        """The ticket, locked, of who has it. Raises NotAllowed for others who may see it."""
        loaded, ticket = self._access(connection, member, ticket_id, lock=True)
        if ticket.keeper != member.staff_id:
            raise NotAllowed("Take the conversation before you write.")
        return loaded, ticket

    def _led(self, connection: Connection, member: Member, ticket_id: str) -> tuple[Loaded, Ticket]:
        """The ticket, locked, for its keeper and for leads."""
        loaded, ticket = self._access(connection, member, ticket_id, lock=True)
        if member.staff_id not in (ticket.keeper, ticket.stand_in) and member.role not in SEES_ALL:
            raise NotAllowed("Only who has the conversation, their stand-in or a lead can do this.")
        return loaded, ticket

    def _commit(
        self,
        connection: Connection,
        loaded: Loaded,
        talk: Talk,
        effects: Sequence[fx.Effect],
        member: Member,
        now: datetime,
    ) -> News:
        deed = Deed(
            effects=effects,
            cause=f"staff:{member.staff_id}",
            staff_id=member.staff_id,
            staff_name=member.display_name,
        )
        change = Change(loaded=loaded, talk=conversations.bumped(loaded, talk), deeds=[deed])
        before, after = loaded.talk.ticket, talk.ticket
        if before is not None and before.keeper and (after is None or after.keeper != before.keeper):
            drafts.drop(connection, loaded.contact_id, before.keeper)
            scheduled.drop(connection, loaded.contact_id)
        house = self._house(self._library.released(connection))
        return commit.apply(connection, house, [change], now)

    def _taken(self, connection: Connection, member: Member, ticket_id: str) -> None:
        """Raises Conflict where a ticket is there that this member could have had, a moment ago."""
        desk_id = ticket_store.desk_of(connection, member.operator_id, ticket_id)
        if member.role in ANSWERS and desk_id is not None and member.serves(desk_id):
            raise Conflict("Somebody else took this one first.")


def may_see(member: Member, ticket: Ticket) -> bool:
    """Whether a member who answers sees a ticket: their desk, their part in it, and not refused by the person."""
    if not member.serves(ticket.desk_id) or member.staff_id in ticket.refused:
        return False
    part = member.staff_id in (ticket.assignee, ticket.stand_in)
    return part or ticket.status is Status.WAITING or member.role in SEES_ALL


def written(text: str, what: str = "A reason") -> str:
    """Words that must be there, without space around them. Raises BadInput."""
    text = text.strip()
    if not text:
        raise BadInput(f"{what} is needed, in a few words.")
    if len(text) > MAX_WRITTEN:
        raise BadInput(f"At most {MAX_WRITTEN} characters, please.")
    return text


def carrier(member: Member, loads: Mapping[str, int], now: datetime) -> Carrier:
    """A member as routing sees them, with what each of the staff carries by id."""
    return Carrier(
        staff_id=member.staff_id,
        desks=None if member.desk_ids is None else frozenset(member.desk_ids),
        peer=member.peer,
        load=loads.get(member.staff_id, 0),
        most=member.most,
        paused=member.paused_until is not None and member.paused_until > now,
    )

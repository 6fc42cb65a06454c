"""A conversation as staff read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime

from sqlalchemy import Connection

from bot.frozen import dataclass
from bot.handoff import ticket as tickets
from bot.handoff.access import Access
from bot.handoff.flags import standing
from bot.handoff.side_panel import SidePanel, side_panel
from bot.handoff.ticket import Ticket
from bot.store import drafts, hints, scheduled, timeline
from bot.store import tickets as ticket_store
from bot.store.conversations import Loaded
from bot.store.scheduled import Scheduled
from bot.store.staff import Member
from bot.store.timeline import Line
from bot.talk import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A ticket with what its keeper may see: the thread from the handoff on, and what was `handed` over before.

    `lines` may be a part of it; `has_older` tells that there are more before them. `free_until`: until when an answer
    costs no push. `draft` is what this member was writing. `must_confirm`: there are wishes this member has to see
    before they can write (R-030). `panel`: what stands beside it. `scheduled`: what is still to
    leave.
    """

    ticket: Ticket
    nickname: str
    account_id: str
    reachable: bool
    mode: Mode
    keeper: str | None
    lines: Sequence[Line]
    handed: Sequence[Line] = ()
    has_older: bool = False
    free_until: datetime | None = None
    draft: str = field(default="", repr=False)
    must_confirm: bool = False
    panel: SidePanel = field(default_factory=SidePanel)
    scheduled: Sequence[Scheduled] = ()


class Reading(Access):
    """Puts together what a member sees who may see it."""

    def _seen(
        self,
        connection: Connection,
        loaded: Loaded,
        ticket: Ticket,
        member: Member,
        *,
        since: int = 0,
        before: int | None = None,
        most: int,
    ) -> Thread:
        first = max(since, ticket.opened_seq)
        found = timeline.lines(connection, loaded, after=first - 1, before=before, limit=most + 1)
        lines, older = found[-most:], len(found) > most or (bool(found) and first > ticket.opened_seq)
        handed = timeline.at(connection, loaded, [seq for seq in ticket.handed if seq < ticket.opened_seq])
        keeper = ticket_store.keeper(connection, ticket.assignee)
        return Thread(
            ticket=standing(ticket, self._clock.now()),
            nickname=loaded.nickname,
            account_id=loaded.account_id,
            reachable=loaded.reachable,
            mode=loaded.talk.mode,
            keeper=keeper,
            lines=lines,
            handed=handed,
            has_older=older,
            free_until=hints.good_until(connection, loaded.contact_id, self._clock.now()),
            draft=drafts.read(connection, loaded, member.staff_id),
            must_confirm=ticket.keeper == member.staff_id and tickets.must_see(ticket, member.staff_id),
            scheduled=scheduled.of(connection, loaded),
            panel=side_panel(connection, loaded, ticket, member, self._clock.now()),
        )

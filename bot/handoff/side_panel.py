"""What stands beside a thread: notes of this desk, when a word was agreed on, who could go on with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime

from sqlalchemy import Connection

from bot.frozen import dataclass
from bot.handoff import notes as noting
from bot.handoff.access import carrier
from bot.handoff.notes import Note
from bot.handoff.ticket import Ticket
from bot.store import notes as note_store
from bot.store import staff, wakeups
from bot.store.conversations import Loaded
from bot.store.staff import Member
from bot.wakes import FOLLOW_UP


@dataclass(frozen=True, slots=True, kw_only=True)
class SidePanel:
    """`names` of staff by id, for everyone named in notes and ticket; `colleagues` who may be given the conversation
    (id and name, by name); `follow_up_at` when a word was agreed on (R-085)."""

    notes: Sequence[Note] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    colleagues: Sequence[tuple[str, str]] = ()
    follow_up_at: datetime | None = None


def side_panel(
    connection: Connection, loaded: Loaded, ticket: Ticket, member: Member, now: datetime
) -> SidePanel:
    """Reads it. What another desk noted is not in it, unless the person agreed that it goes (R-065)."""
    notes = noting.in_order(
        note for note in note_store.of(connection, loaded) if ticket.desk_id in note.desks
    )
    named = {each for note in notes for each in (note.by, note.owner, note.second)}
    named |= {ticket.assignee, ticket.stand_in, *ticket.seen_by}
    welcome = [
        one
        for one in staff.answering(connection, member.operator_id)
        if one.staff_id != ticket.keeper and carrier(one, {}, now).may_have(ticket)
    ]
    return SidePanel(
        notes=notes,
        names=staff.names(connection, sorted(each for each in named if each)),
        colleagues=sorted(((one.staff_id, one.display_name) for one in welcome), key=lambda one: one[1]),
        follow_up_at=wakeups.due(connection, loaded.contact_id, FOLLOW_UP),
    )

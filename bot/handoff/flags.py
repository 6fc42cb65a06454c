"""How long words of danger stand beside a person: as long as somebody looks after them, and three days more. Pure.

A flag is for those who answer now; it never becomes a label of the person (R-082).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.handoff.ticket import Ticket

FLAG_FOR = timedelta(hours=72)
"""R-082: the default there."""


def is_over(ticket: Ticket, now: datetime) -> bool:
    """Whether the flag of a ticket at rest has expired; one that is open keeps its own."""
    if ticket.is_open:
        return False
    rested_at = ticket.moves[-1].at if ticket.moves else ticket.opened_at
    return now - rested_at > FLAG_FOR


def standing(ticket: Ticket, now: datetime) -> Ticket:
    """The ticket as it may be shown and reckoned with now: without hits whose time is over."""
    return replace(ticket, hits=()) if ticket.hits and is_over(ticket, now) else ticket

"""What a browser may tell while one looks elsewhere: that something is new, never what (R-045)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING

from bot.handoff.hours import TOKYO
from bot.store import duties
from bot.store.staff import Member

if TYPE_CHECKING:
    from admin.app import Console

EVENING, MORNING = time(22), time(7)


@dataclass(frozen=True, slots=True)
class News:
    """`mark` grows with what is new on a page. `quiet`: this member is not told of it now."""

    mark: int
    quiet: bool


async def news(console: Console, member: Member, mark: int) -> News:
    """At night only those on duty are told; all are when nobody is, since nobody else would look."""
    now = console.clock.now()
    if not is_night(now):
        return News(mark, quiet=False)
    running = await console.database.read(duties.coming, member.operator_id, now, now)
    on_duty = {one.staff_id for one, _, _ in running}
    return News(mark, quiet=bool(on_duty) and member.staff_id not in on_duty)


def is_night(now: datetime) -> bool:
    """Whether it is between ten in the evening and seven in the morning, in Tokyo."""
    here = now.astimezone(TOKYO).time()
    return here >= EVENING or here < MORNING

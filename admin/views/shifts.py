"""The shift table: who is on duty when. From it people are told when somebody reads, and staff who comes next."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from aiohttp import web
from sqlalchemy import Connection

from admin.guard import form_of, session_of
from admin.views import times
from admin.views.board import Shift
from admin.views.pages import Pages
from admin.words import Words, words_of
from bot.errors import BadInput, NotFound
from bot.handoff.hours import TOKYO
from bot.store import duties, staff
from bot.store.staff import ANSWERING, Member

if TYPE_CHECKING:
    from admin.app import Console

HERE = "/admin/shifts"
AHEAD = timedelta(weeks=4)
LONGEST = timedelta(hours=16)
MOST_WEEKS = 12


class Shifts:
    """The page of shifts."""

    def __init__(self, console: Console, pages: Pages) -> None:
        self._console, self._pages = console, pages

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/shifts", self.show),
            web.post("/shifts", self.add),
            web.post("/shifts/drop", self.drop),
        ]

    async def show(self, request: web.Request) -> web.Response:
        session, t, now = session_of(request), words_of(request), self._console.clock.now()
        operator, read = session.member.operator_id, self._console.database.read
        found = await read(duties.coming, operator, now, now + AHEAD)
        people = [one for one in await read(staff.members, operator) if one.role in ANSWERING]
        return self._pages.render(
            request,
            "shifts.html",
            session,
            rows=[row(t, now, one) for one in found],
            people=[(one.staff_id, one.display_name) for one in people],
            today=now.astimezone(TOKYO).date().isoformat(),
        )

    async def add(self, request: web.Request) -> web.Response:
        """One shift, or the same in the following weeks; all of them or none."""
        member, form = session_of(request).member, form_of(request)
        who = await self._known(member, form.get("staff", ""))
        begins, ends, weeks = spans(form)
        await self._console.trail.note(member, "shift_add", self._console.clock.now())

        def made(connection: Connection) -> None:
            for week in range(weeks):
                later = timedelta(weeks=week)
                duties.add(connection, who.staff_id, begins + later, ends + later)

        await self._console.database.write(made)
        raise web.HTTPSeeOther(HERE)

    async def drop(self, request: web.Request) -> web.Response:
        member, form = session_of(request).member, form_of(request)
        who = await self._known(member, form.get("staff", ""))
        try:
            begins = datetime.fromisoformat(form.get("begins", ""))
        except ValueError as error:
            raise NotFound from error
        if begins.tzinfo is None:
            raise NotFound
        await self._console.trail.note(member, "shift_drop", self._console.clock.now())
        await self._console.database.write(duties.drop, who.staff_id, begins)
        raise web.HTTPSeeOther(HERE)

    async def _known(self, member: Member, staff_id: str) -> Member:
        found = await self._console.database.read(staff.by_id, member.operator_id, staff_id[:32])
        if found is None:
            raise NotFound
        return found


def spans(form: dict[str, str]) -> tuple[datetime, datetime, int]:
    """Begin, end and number of weeks of a form; an end before the begin is one of the next day. Raises BadInput."""
    try:
        day = date.fromisoformat(form.get("day", ""))
        first, last = time.fromisoformat(form.get("begins", "")), time.fromisoformat(form.get("ends", ""))
    except ValueError as error:
        raise BadInput("A shift needs a day, and times such as 20:00.") from error
    if first.tzinfo or last.tzinfo or not re.fullmatch(r"[1-9][0-9]?", form.get("weeks", "1")):
        raise BadInput("A shift needs a day, and times such as 20:00.")
    weeks = int(form.get("weeks", "1"))
    begins, ends = datetime.combine(day, first, TOKYO), datetime.combine(day, last, TOKYO)
    if ends <= begins:
        ends += timedelta(days=1)
    if ends - begins > LONGEST or weeks > MOST_WEEKS:
        raise BadInput("A shift lasts 16 hours at most, and is entered for 12 weeks at most.")
    return begins, ends, weeks


def row(t: Words, now: datetime, shift: Shift) -> dict[str, object]:
    """A shift in words."""
    member, begins, ends = shift
    return {
        "staff": member.staff_id,
        "name": member.display_name,
        "begins": begins.isoformat(),
        "at": times.exact(begins),
        "from": times.moment(t, now, begins),
        "to": times.moment(t, now, ends),
        "now": begins <= now,
    }

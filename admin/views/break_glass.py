"""Reading in an emergency: asking for it, deciding as the second person, and the conversation while it is open."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from aiohttp import web

from admin.guard import form_of, proven, session_of
from admin.views import lines, times
from admin.views.pages import Pages
from admin.views.thread import place_of
from admin.words import Words, marked, words_of
from bot.errors import BadInput, Conflict, NotFound
from bot.handoff.break_glass import may_decide, moment
from bot.store import staff
from bot.store.break_glass import ASKED, ENDED, OPEN, REFUSED, Glass
from bot.store.staff import Member

if TYPE_CHECKING:
    from admin.app import Console

HERE = "/admin/break-glass"
ONE = "/break-glass/{access:[0-9a-f]{32}}"
PAGE = 200  # lines
STATES: dict[str, str] = {
    ASKED: marked("waits for a second person"),
    OPEN: marked("open until {until}"),
    REFUSED: marked("was not opened"),
    ENDED: marked("is over"),
    "lapsed": marked("nobody decided in time"),
}


class BreakGlassPages:
    """The page of requests, and that of a conversation that was opened."""

    def __init__(self, console: Console, pages: Pages) -> None:
        self._console, self._pages = console, pages

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/break-glass", self.show),
            web.post("/break-glass", self.ask),
            web.get(ONE, self.read),
            web.post(f"{ONE}/open", self.open),
            web.post(f"{ONE}/refuse", self.refuse),
            web.post(f"{ONE}/end", self.end),
        ]

    async def show(self, request: web.Request) -> web.Response:
        return await self._show(request)

    async def _show(self, request: web.Request, error: str = "") -> web.Response:
        session, t, now = session_of(request), words_of(request), self._console.clock.now()
        found = await self._console.desk.glasses(session.member)
        return self._pages.render(
            request,
            "break_glass.html",
            session,
            status=400 if error else 200,
            rows=[row(t, now, session.member, one) for one in found],
            minutes=int(self._console.desk.open_for.total_seconds() // 60),
            given=form_of(request) if error else {},
            error=error,
        )

    async def ask(self, request: web.Request) -> web.Response:
        """Who asks has just shown who they are."""
        session, form = proven(request, HERE), form_of(request)
        try:
            await self._console.desk.break_glass(
                session.member, form.get("which", "")[:64], form.get("text", "")
            )
        except (BadInput, Conflict, NotFound) as error:
            return await self._show(request, words_of(request)(str(error)))
        raise web.HTTPSeeOther(HERE)

    async def open(self, request: web.Request) -> web.Response:
        """The second person, who has just shown who they are, too."""
        session = proven(request, HERE)
        await self._console.desk.open_glass(session.member, request.match_info["access"])
        raise web.HTTPSeeOther(HERE)

    async def refuse(self, request: web.Request) -> web.Response:
        await self._console.desk.refuse_glass(session_of(request).member, request.match_info["access"])
        raise web.HTTPSeeOther(HERE)

    async def end(self, request: web.Request) -> web.Response:
        await self._console.desk.end_glass(session_of(request).member, request.match_info["access"])
        raise web.HTTPSeeOther(HERE)

    async def read(self, request: web.Request) -> web.Response:
        """The conversation, to be read and nothing else; every look is noted."""
        session, t, now = session_of(request), words_of(request), self._console.clock.now()
        before = place_of(request, "before")
        glass, thread = await self._console.desk.through_glass(
            session.member, request.match_info["access"], before=before or None, most=PAGE
        )
        own = await self._console.database.read(staff.settings, session.member.staff_id)
        released = self._console.content()
        rules = released.rules if released is not None else None
        found = lines.shown(t, thread, now, rules, covers=own.covers)
        return self._pages.render(
            request,
            "break_glass_thread.html",
            session,
            id=glass.access_id,
            nickname=glass.nickname,
            until=times.moment(t, now, glass.until),
            lines=lines.folded(found),
            handed=lines.handed(t, thread, now, rules, covers=own.covers) if not before else (),
            older=found[0].seq if found and thread.has_older else 0,
        )


def row(t: Words, now: datetime, member: Member, one: Glass) -> dict[str, object]:
    """A request in words, and what this member can do with it now."""
    until, state = times.moment(t, now, one.until), moment(one, now)
    stands = t(STATES[state], until=until)
    told = t("{name} wants to read {person}: it {state}.", name=one.asker, person=one.nickname, state=stands)
    mine = one.asked_by == member.staff_id
    return {
        "id": one.access_id,
        "told": told,
        "reason": lines.readable(one.reason),
        "asked": times.moment(t, now, one.asked_at),
        "at": times.exact(one.asked_at),
        "decider": one.decider or "",
        "may_read": mine and one.is_open(now),
        "may_decide": one.waits(now) and may_decide(member, one),
        "may_end": one.is_open(now) or (mine and one.waits(now)),
    }

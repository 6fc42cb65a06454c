"""Giving a conversation to somebody else: a colleague, the desk, another desk with the person's consent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from admin.guard import form_of, session_of
from admin.views import lines, side
from admin.views.pages import Pages
from admin.views.thread import NUMBER, TICKET
from admin.words import words_of
from bot.errors import BadInput, NotFound
from bot.handoff.desk import SEES_ALL
from bot.handoff.notes import NoteKind, is_valid

if TYPE_CHECKING:
    from admin.app import Console


class Handing:
    """The page 「ほかの人へ渡す」 and what can be done from it."""

    def __init__(self, console: Console, pages: Pages) -> None:
        self._console, self._pages = console, pages

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(f"{TICKET}/pass", self.show),
            web.post(f"{TICKET}/pass", self.pass_on),
            web.post(f"{TICKET}/release", self.release),
            web.post(f"{TICKET}/stand-in", self.stand_in),
            web.post(f"{TICKET}/refuse", self.refuse),
            web.get(f"{TICKET}/send-on/{NUMBER}", self.preview),
            web.post(f"{TICKET}/send-on/{NUMBER}", self.send_on),
        ]

    async def show(self, request: web.Request) -> web.Response:
        return await self._show(request)

    async def _show(self, request: web.Request, *, error: str = "", part: str = "") -> web.Response:
        session, t, now = session_of(request), words_of(request), self._console.clock.now()
        member, form = session.member, form_of(request) if request.method == "POST" else {}
        thread = await self._console.desk.thread(member, request.match_info["ticket"], most=1)
        ticket, names = thread.ticket, dict(self._console.desks())
        consents = [
            side.noted(t, note, thread.panel.names, names, member, now)
            for note in thread.panel.notes
            if note.kind is NoteKind.CONSENT
            and note.consent is not None
            and is_valid(note, note.consent.to, side.today(now))
        ]
        return self._pages.render(
            request,
            "pass.html",
            session,
            status=400 if error else 200,
            thread=thread,
            colleagues=thread.panel.colleagues,
            keeper=(ticket.assignee, thread.keeper),
            is_active=ticket.keeper is not None,
            leads=member.staff_id in (ticket.keeper, ticket.stand_in) or member.role in SEES_ALL,
            mine=ticket.keeper == member.staff_id,
            others=[one for one in names.items() if one[0] != ticket.desk_id],
            consents=consents,
            error=error,
            part=part,
            given=form,
            stand_in=ticket.stand_in,
        )

    async def pass_on(self, request: web.Request) -> web.Response:
        """To a colleague of the same desk; the person is told who writes from now on (R-112)."""
        member, ticket_id, form = session_of(request).member, request.match_info["ticket"], form_of(request)
        try:
            await self._console.desk.pass_on(member, ticket_id, form.get("to", ""), form.get("text", ""))
        except (BadInput, NotFound) as error:
            return await self._again(request, error, "pass")
        raise web.HTTPSeeOther("/admin?group=mine")

    async def release(self, request: web.Request) -> web.Response:
        member, ticket_id = session_of(request).member, request.match_info["ticket"]
        try:
            await self._console.desk.release(member, ticket_id, form_of(request).get("text", ""))
        except BadInput as error:
            return await self._again(request, error, "release")
        raise web.HTTPSeeOther("/admin?group=mine")

    async def stand_in(self, request: web.Request) -> web.Response:
        member, ticket_id = session_of(request).member, request.match_info["ticket"]
        try:
            await self._console.desk.stand_in(member, ticket_id, form_of(request).get("to", ""))
        except (BadInput, NotFound) as error:
            return await self._again(request, error, "stand-in")
        raise web.HTTPSeeOther(f"/admin/tickets/{ticket_id}#about")

    async def refuse(self, request: web.Request) -> web.Response:
        """The person would rather not have somebody: no reason is asked, and that one is told none (R-089)."""
        member, ticket_id, who = (
            session_of(request).member, request.match_info["ticket"], form_of(request).get("to", "")
        )  # fmt: skip
        try:
            await self._console.desk.refuse(member, ticket_id, who)
        except NotFound as error:
            return await self._again(request, error, "refuse")
        mine = who != member.staff_id
        raise web.HTTPSeeOther(f"/admin/tickets/{ticket_id}#about" if mine else "/admin?group=mine")

    async def _again(self, request: web.Request, error: Exception, part: str) -> web.Response:
        """The same page with a word on what is missing. Who may not see the conversation still gets NotFound."""
        t = words_of(request)
        said = t("Choose somebody.") if isinstance(error, NotFound) else str(error)
        return await self._show(request, error=t(said) if t.knows(said) else said, part=part)

    async def preview(self, request: web.Request) -> web.Response:
        """Exactly what goes, before anything does (R-033); nothing else does."""
        return await self._preview(request)

    async def _preview(self, request: web.Request, error: str = "") -> web.Response:
        session, t, now = session_of(request), words_of(request), self._console.clock.now()
        ticket_id, number = request.match_info["ticket"], int(request.match_info["number"])
        goes = await self._console.desk.preview(session.member, ticket_id, number)
        thread = await self._console.desk.thread(session.member, ticket_id, most=1)
        names = dict(self._console.desks())
        note = next(note for note in thread.panel.notes if note.number == number)
        return self._pages.render(
            request,
            "send_on.html",
            session,
            status=400 if error else 200,
            thread=thread,
            consent=side.noted(t, note, thread.panel.names, names, session.member, now),
            goes=[(side.label_of(t, label), lines.readable(text)) for label, text in goes],
            mine=thread.ticket.keeper == session.member.staff_id,
            error=error,
        )

    async def send_on(self, request: web.Request) -> web.Response:
        member, ticket_id = session_of(request).member, request.match_info["ticket"]
        number, why = int(request.match_info["number"]), form_of(request).get("text", "")
        try:
            await self._console.desk.send_on(member, ticket_id, number, why)
        except BadInput as error:
            t = words_of(request)
            return await self._preview(request, t(str(error)))
        raise web.HTTPSeeOther("/admin?group=mine")

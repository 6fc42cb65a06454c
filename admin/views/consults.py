"""相談したい: the form from which a colleague is asked, and the page of what one is asked (R-107)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aiohttp import web

from admin.guard import form_of, session_of
from admin.views import labels, lines, times
from admin.views.pages import Pages
from admin.views.thread import NUMBER, TICKET
from admin.words import words_of
from bot.errors import BadInput, NotFound

if TYPE_CHECKING:
    from admin.app import Console

HERE = "/consults"


class Consults:
    """Both pages work without a script."""

    def __init__(self, console: Console, pages: Pages) -> None:
        self._console, self._pages = console, pages

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(f"{TICKET}/consult", self.form),
            web.post(f"{TICKET}/consult", self.ask),
            web.get(HERE, self.show),
            web.post(f"{HERE}/{{ticket:[0-9a-f]{{32}}}}/{NUMBER}", self.advise),
        ]

    async def form(self, request: web.Request) -> web.Response:
        return await self._form(request, {})

    async def _form(self, request: web.Request, given: Mapping[str, str], error: str = "") -> web.Response:
        session, t = session_of(request), words_of(request)
        thread = await self._console.desk.thread(session.member, request.match_info["ticket"], most=1)
        return self._pages.render(
            request,
            "consult.html",
            session,
            status=400 if error else 200,
            thread=thread,
            mine=thread.ticket.keeper == session.member.staff_id,
            level=thread.ticket.priority,
            reason=t(labels.REASONS[thread.ticket.reason]),
            colleagues=thread.panel.colleagues,
            given=given,
            error=error,
        )

    async def ask(self, request: web.Request) -> web.Response:
        member, ticket_id, form = session_of(request).member, request.match_info["ticket"], form_of(request)
        t = words_of(request)
        try:
            await self._console.desk.consult(member, ticket_id, form.get("to", ""), form.get("text", ""))
        except NotFound:
            return await self._form(request, form, t("Choose somebody."))
        except BadInput as error:
            said = t(str(error)) if t.knows(str(error)) else t("This could not be taken.")
            return await self._form(request, form, said)
        raise web.HTTPSeeOther(f"/admin/tickets/{ticket_id}#about")

    async def show(self, request: web.Request) -> web.Response:
        return await self._show(request)

    async def _show(self, request: web.Request, error: str = "") -> web.Response:
        session, t, now = session_of(request), words_of(request), self._console.clock.now()
        asked = [
            {
                "action": f"/admin{HERE}/{one.ticket_id}/{one.number}",
                "id": f"{one.ticket_id}-{one.number}",
                "level": one.level,
                "reason": t(labels.REASONS[one.reason]),
                "by": one.by,
                "at": times.moment(t, now, one.at),
                "question": lines.readable(one.question),
            }
            for one in await self._console.desk.consults(session.member)
        ]
        return self._pages.render(
            request,
            "consults.html",
            session,
            status=400 if error else 200,
            asked=asked,
            error=error,
        )

    async def advise(self, request: web.Request) -> web.Response:
        member, number = session_of(request).member, int(request.match_info["number"])
        t, text = words_of(request), form_of(request).get("text", "")
        try:
            await self._console.desk.advise(member, request.match_info["ticket"], number, text)
        except BadInput as error:
            said = t(str(error)) if t.knows(str(error)) else t("This could not be taken.")
            return await self._show(request, said)
        except NotFound:
            return await self._show(request, t("This question is no longer open."))
        raise web.HTTPSeeOther(f"/admin{HERE}")

"""One conversation: read it, take it, answer, hand it back."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from aiohttp import web

from admin.guard import form_of, is_no_text, session_of
from admin.views import labels, lines, times
from admin.views.pages import Pages
from admin.views.queue import claimed_by
from admin.words import words_of
from bot.errors import BadInput, Conflict
from bot.handoff.desk import MAX_REPLY, Thread
from bot.handoff.ticket import Status
from bot.store.staff import Member
from bot.store.tickets import Waiting

if TYPE_CHECKING:
    from admin.app import Console

TICKET = "/tickets/{ticket:[0-9a-f]{32}}"
MOST_LINES = 200  # what `Desk.thread` shows at once


class Threads:
    """The place where counselors write."""

    def __init__(self, console: Console, pages: Pages) -> None:
        self._console, self._pages = console, pages

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(TICKET, self.show),
            web.post(f"{TICKET}/claim", self.claim),
            web.post(f"{TICKET}/seen", self.seen),
            web.post(f"{TICKET}/reply", self.reply),
            web.post(f"{TICKET}/hand-back", self.hand_back),
        ]

    async def show(self, request: web.Request) -> web.Response:
        return await self._page(request)

    async def _page(
        self, request: web.Request, *, error: str = "", draft: str = "", reply_id: str = ""
    ) -> web.Response:
        session = session_of(request)
        desk, now, t = self._console.desk, self._console.clock.now(), words_of(request)
        thread = await desk.thread(session.member, request.match_info["ticket"])
        mine = await desk.queue(session.member, Status.ACTIVE, mine=True)
        ticket = thread.ticket
        return self._pages.render(
            request,
            "thread.html",
            session,
            status=400 if error else 200,
            thread=thread,
            ticket=ticket,
            state=state_of(thread, session.member),
            tabs=tabs_of(thread, mine),
            lines=lines.shown(t, thread, now),
            handed=lines.handed(t, thread, now),
            cut=len(thread.lines) >= MOST_LINES,
            categories=labels.categories(t, ticket),
            wishes=[(lines.readable(label), lines.readable(wish)) for label, wish in ticket.wishes],
            hits=sorted({(hit.rule, hit.category) for hit in ticket.hits}),
            desk=self._console.desk_name(ticket.desk_id),
            entrance=labels.entrance(t, thread.account_id),
            came=times.since(t, now, ticket.opened_at),
            came_at=times.exact(ticket.opened_at),
            limit=MAX_REPLY,
            error=error,
            draft=draft,
            reply_id=reply_id or uuid.uuid4().hex,
        )

    async def claim(self, request: web.Request) -> web.Response:
        member, ticket_id = session_of(request).member, request.match_info["ticket"]
        try:
            await self._console.desk.claim(member, ticket_id)
        except Conflict as error:
            if not await self._is_mine(member, ticket_id):
                taken = await claimed_by(self._console, member, ticket_id)
                raise taken or Conflict(str(error)) from error
        raise web.HTTPSeeOther(f"/admin/tickets/{ticket_id}#text")

    async def _is_mine(self, member: Member, ticket_id: str) -> bool:
        """Whether a second press only repeats what is already so."""
        mine = await self._console.desk.queue(member, Status.ACTIVE, mine=True)
        return any(waiting.ticket.id == ticket_id for waiting in mine)

    async def seen(self, request: web.Request) -> web.Response:
        """The wishes were seen; now the field to write in is there (R-030)."""
        member, ticket_id = session_of(request).member, request.match_info["ticket"]
        await self._console.desk.confirm(member, ticket_id)
        raise web.HTTPSeeOther(f"/admin/tickets/{ticket_id}#text")

    async def reply(self, request: web.Request) -> web.Response:
        member, ticket_id = session_of(request).member, request.match_info["ticket"]
        form = form_of(request)
        text, reply_id = form.get("text", ""), form.get("reply_id", "")
        try:
            await self._console.desk.reply(member, ticket_id, checked(text), once(reply_id, text))
        except BadInput as error:
            t = words_of(request)
            said = t(str(error)) if t.knows(str(error)) else t("This could not be taken.")
            return await self._page(request, error=said, draft=lines.readable(text), reply_id=reply_id)
        raise web.HTTPSeeOther(f"/admin/tickets/{ticket_id}#text")

    async def hand_back(self, request: web.Request) -> web.Response:
        member, ticket_id = session_of(request).member, request.match_info["ticket"]
        await self._console.desk.hand_back(member, ticket_id)
        raise web.HTTPSeeOther(f"/admin/tickets/{ticket_id}")


def state_of(thread: Thread, member: Member) -> str:
    """What this member can do here: `mine` to write, `waiting` to take, `other` and `resting` to read."""
    match thread.ticket.status:
        case Status.WAITING:
            return "waiting"
        case Status.RESTING:
            return "resting"
        case Status.ACTIVE:
            return "mine" if thread.ticket.assignee == member.staff_id else "other"


def tabs_of(thread: Thread, mine: list[Waiting]) -> list[tuple[str, str]]:
    """The conversations with me, each in its place; one that is only looked at stands before them."""
    tabs = [(waiting.ticket.id, waiting.nickname) for waiting in mine]
    here = (thread.ticket.id, thread.nickname)
    return tabs if here in tabs else [here, *tabs]


def checked(text: str) -> str:
    """The text as it may be sent. Raises BadInput for signs nobody can see or any platform would refuse."""
    if is_no_text(text):
        raise BadInput("There are signs in it that are no text.")
    return text


def once(reply_id: str, text: str) -> str:
    """The key under which a reply is sent once: this form with this text, however often it is posted."""
    try:
        form = uuid.UUID(reply_id)
    except ValueError as error:
        raise BadInput("This page was out of date. Open it again.") from error
    return uuid.uuid5(form, text).hex

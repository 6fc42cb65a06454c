"""One conversation: read it, take it, answer, hand it back."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from aiohttp import web

from admin.guard import form_of, is_no_text, session_of
from admin.live import Streams
from admin.views import labels, lines, side, times, writing
from admin.views.pages import Pages, is_fragment
from admin.views.queue import claimed_by
from admin.views.telling import news
from admin.words import words_of
from bot.errors import BadInput, Conflict, NotFound
from bot.handoff.desk import ANSWERS, MAX_REPLY, How, Thread
from bot.handoff.replies import is_urgent
from bot.handoff.ticket import Status
from bot.store import staff
from bot.store.inbox import PERSON
from bot.store.staff import Member
from bot.store.tickets import Waiting

if TYPE_CHECKING:
    from admin.app import Console

TICKET = "/tickets/{ticket:[0-9a-f]{32}}"
NUMBER = "{number:[1-9][0-9]{0,5}}"
PAGE = 50  # lines shown at once; older ones are asked for
MOST_SINCE = 200  # lines a page that is open already asks for anew


class Threads:
    """The place where counselors write."""

    def __init__(self, console: Console, pages: Pages, streams: Streams) -> None:
        self._console, self._pages, self._streams = console, pages, streams

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(TICKET, self.show),
            web.post(f"{TICKET}/claim", self.claim),
            web.post(f"{TICKET}/seen", self.seen),
            web.post(f"{TICKET}/reply", self.reply),
            web.post(f"{TICKET}/draft", self.draft),
            web.post(f"{TICKET}/read-later", self.read_later),
            web.post(f"{TICKET}/scheduled/{NUMBER}/take-back", self.take_back),
            web.post(f"{TICKET}/scheduled/{NUMBER}/hold", self.hold),
            web.post(f"{TICKET}/lines/{NUMBER}/hide", self.hide),
            web.get("/places", self.places),
            web.post(f"{TICKET}/hand-back", self.hand_back),
        ]

    async def show(self, request: web.Request) -> web.Response:
        return await self._page(request)

    async def _page(
        self, request: web.Request, *, error: str = "", draft: str | None = None, reply_id: str = ""
    ) -> web.Response:
        session = session_of(request)
        member, ticket_id = session.member, request.match_info["ticket"]
        desk, now, t = self._console.desk, self._console.clock.now(), words_of(request)
        since, before = place_of(request, "since"), place_of(request, "before")
        thread = await desk.thread(
            member, ticket_id, since=since, before=before or None, most=MOST_SINCE if since else PAGE
        )
        mine = await desk.queue(member, Status.ACTIVE, mine=True)
        own = await self._console.database.read(staff.settings, member.staff_id)
        covers = own.covers
        ticket, released = thread.ticket, self._console.content()
        rules = released.rules if released is not None else None
        found = lines.shown(t, thread, now, rules, covers=covers)
        text = thread.draft if draft is None else draft
        return self._pages.render(
            request,
            "thread.html",
            session,
            status=400 if error else 200,
            thread=thread,
            ticket=ticket,
            state=state_of(thread, member),
            tabs=tabs_of(thread, mine),
            lines=lines.folded(found),
            leaving=writing.leaving(t, thread, member, now) if not before else [],
            may_wait=not is_urgent(ticket),
            tomorrow=writing.tomorrow(now),
            handed=lines.handed(t, thread, now, rules, covers=covers) if not before else (),
            news=await news(self._console, member, newest(thread) if not before else 0),
            first=found[0].seq if found else ticket.opened_seq,
            before=before,
            categories=labels.categories(t, ticket),
            wishes=[(lines.readable(label), lines.readable(wish)) for label, wish in ticket.wishes],
            hits=sorted({(hit.rule, hit.category) for hit in ticket.hits}),
            panel=side.panel(t, thread, member, now, released, await self._console.accounts()),
            desk=self._console.desk_name(ticket.desk_id),
            entrance=labels.entrance(t, thread.account_id),
            beside=await self._streams.beside(member, ticket.contact_id),
            came=times.since(t, now, ticket.opened_at),
            came_at=times.exact(ticket.opened_at),
            cost=labels.cost(t, thread.account_id, thread.free_until, now),
            free_for=int((thread.free_until - now).total_seconds()) if thread.free_until else 0,
            promises=[(value, t(word)) for value, word in writing.PROMISES],
            phrases=writing.phrases(released, member, now),
            remarks=writing.remarks(t, released.latest.words if released else None, text),
            limit=MAX_REPLY,
            error=error,
            draft=text,
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
            how = How(
                quiet="quiet" in form,
                no_answer="no_answer" in form,
                entry_id=form.get("entry", "")[:64],
                at=writing.moment_of(form) if "later" in form else None,
            )
            key = once(reply_id, f"{how.entry_id}/{checked(text)}" if how.entry_id else checked(text))
            await self._console.desk.reply(member, ticket_id, text, key, how)
        except BadInput as error:
            t = words_of(request)
            said = t(str(error)) if t.knows(str(error)) else t("This could not be taken.")
            return await self._page(request, error=said, draft=lines.readable(text), reply_id=reply_id)
        raise web.HTTPSeeOther(f"/admin/tickets/{ticket_id}#text")

    async def take_back(self, request: web.Request) -> web.Response:
        """What has not left yet is a draft again."""
        member, ticket_id = session_of(request).member, request.match_info["ticket"]
        await self._console.desk.take_back(member, ticket_id, int(request.match_info["number"]))
        raise web.HTTPSeeOther(f"/admin/tickets/{ticket_id}#text")

    async def hold(self, request: web.Request) -> web.Response:
        """While the way to take it back has the focus, it does not leave (ui.md, 10)."""
        member, ticket_id = session_of(request).member, request.match_info["ticket"]
        await self._console.desk.hold(member, ticket_id, int(request.match_info["number"]))
        return web.Response(status=204)

    async def hide(self, request: web.Request) -> web.Response:
        """A name written by mistake: it is read nowhere any more."""
        member, ticket_id = session_of(request).member, request.match_info["ticket"]
        seq = int(request.match_info["number"])
        await self._console.desk.hide(member, ticket_id, seq, form_of(request).get("words", ""))
        raise web.HTTPSeeOther(f"/admin/tickets/{ticket_id}#l-{seq}")

    async def read_later(self, request: web.Request) -> web.Response:
        """One tap: 読みました。返事は◯時ごろ; a promise that the queue knows."""
        member, ticket_id = session_of(request).member, request.match_info["ticket"]
        minutes = form_of(request).get("minutes", "")
        if minutes not in dict(writing.PROMISES):
            raise BadInput("Choose a time from now on.")
        at = self._console.clock.now() + timedelta(minutes=int(minutes))
        await self._console.desk.save_draft(
            member, ticket_id, lines.readable(form_of(request).get("text", ""))
        )
        await self._console.desk.read_later(member, ticket_id, at)
        raise web.HTTPSeeOther(f"/admin/tickets/{ticket_id}#text")

    async def draft(self, request: web.Request) -> web.Response:
        """Keeps the draft, with a phrase put in if one was pressed, and tells what to look at once more."""
        member, ticket_id = session_of(request).member, request.match_info["ticket"]
        t, form, released = words_of(request), form_of(request), self._console.content()
        text = lines.readable(form.get("text", ""))
        said = dict(writing.phrases(released, member, self._console.clock.now()))
        if form.get("phrase") in said:
            text = f"{text.rstrip()}\n\n{said[form['phrase']]}".lstrip()
        await self._console.desk.save_draft(member, ticket_id, text)
        if not is_fragment(request):
            raise web.HTTPSeeOther(f"/admin/tickets/{ticket_id}#text")
        remarks = writing.remarks(t, released.latest.words if released else None, text)
        return self._pages.render(request, "remarks.html", session_of(request), remarks=remarks, draft=text)

    async def places(self, request: web.Request) -> web.Response:
        """Places and dates by a part of their name, as choices for a reply."""
        session = session_of(request)
        if session.member.role not in ANSWERS:
            raise NotFound
        asked = request.query.get("q", "")[:64]
        found = writing.places(self._console.content(), asked)
        return self._pages.render(request, "places.html", session, found=found, asked=asked)

    async def hand_back(self, request: web.Request) -> web.Response:
        member, ticket_id = session_of(request).member, request.match_info["ticket"]
        await self._console.desk.hand_back(member, ticket_id)
        raise web.HTTPSeeOther(f"/admin/tickets/{ticket_id}")


def place_of(request: web.Request, name: str) -> int:
    """A place in the thread from the address; 0 when there is none. Raises NotFound for what is no place."""
    said = request.query.get(name, "0")
    if not (said.isascii() and said.isdecimal() and len(said) <= 9):
        raise NotFound
    return int(said)


def newest(thread: Thread) -> int:
    """The place of the person's last words."""
    return max((line.seq for line in thread.lines if line.author == PERSON), default=0)


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

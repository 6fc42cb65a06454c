"""Writing down what stands beside a thread: notes, promises, consents, decisions of two, a word later on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from aiohttp import web

from admin.guard import form_of, session_of
from admin.views import side, writing
from admin.views.pages import Pages
from admin.views.side import PLAIN
from admin.views.thread import NUMBER, TICKET
from admin.words import words_of
from bot.errors import BadInput, NotFound
from bot.handoff.notes import STAYS, Consent, Note, NoteKind, Source

if TYPE_CHECKING:
    from admin.app import Console

LATER = "follow_up"
FORMS = (*(str(kind) for kind in NoteKind if kind is not NoteKind.CONSULT), LATER)
MOST_TICKS = 16  # notes that can be chosen for a consent; a form has at most 32 fields
HOLDS = timedelta(days=30)
IN_TWO_WEEKS = timedelta(days=14)


class Noting:
    """Forms of one purpose each; all of them work without a script."""

    def __init__(self, console: Console, pages: Pages) -> None:
        self._console, self._pages = console, pages

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(f"{TICKET}/notes", self.form),
            web.post(f"{TICKET}/notes", self.add),
            web.post(f"{TICKET}/notes/{NUMBER}/settle", self.settle),
            web.post(f"{TICKET}/notes/{NUMBER}/agree", self.agree),
            web.post(f"{TICKET}/follow-up/cancel", self.call_off),
            web.get(f"{TICKET}/hand-over", self.hand_over),
        ]

    async def form(self, request: web.Request) -> web.Response:
        kind = request.query.get("kind", NoteKind.SAID)
        if kind not in FORMS:
            raise NotFound
        return await self._form(request, kind, {})

    async def _form(
        self, request: web.Request, kind: str, given: Mapping[str, str], error: str = ""
    ) -> web.Response:
        session, t, now = session_of(request), words_of(request), self._console.clock.now()
        thread = await self._console.desk.thread(session.member, request.match_info["ticket"], most=1)
        desks = [one for one in self._console.desks() if one[0] != thread.ticket.desk_id]
        rows = [
            side.noted(t, note, thread.panel.names, dict(desks), session.member, now)
            for note in thread.panel.notes
            if note.kind not in STAYS and note.consent is None and note.kind is not NoteKind.DECISION
        ]
        me = (session.member.staff_id, session.member.display_name)
        return self._pages.render(
            request,
            "notes.html",
            session,
            status=400 if error else 200,
            thread=thread,
            kind=kind,
            given=given,
            error=error,
            plain=[(str(one), t(side.KINDS[one])) for one in (*PLAIN, NoteKind.WISH)],
            is_plain=kind in {*map(str, PLAIN), NoteKind.WISH},
            sources=side.sources(t),
            ways=[(name, t(word)) for name, word in side.HOW.items()],
            owners=[me, *(one for one in thread.panel.colleagues if one[0] != me[0])],
            desks=desks,
            goes=rows[:MOST_TICKS],
            has_wishes=bool(thread.ticket.wishes),
            earliest=side.today(now).isoformat(),
            holds=(side.today(now) + HOLDS).isoformat(),
            fortnight=(side.today(now) + IN_TWO_WEEKS).isoformat(),
        )

    async def add(self, request: web.Request) -> web.Response:
        member, ticket_id, form = session_of(request).member, request.match_info["ticket"], form_of(request)
        kind = form.get("kind", "")
        if kind not in FORMS:
            raise NotFound
        try:
            if kind == LATER:
                await self._console.desk.follow_up(
                    member, ticket_id, writing.moment_of(form), chosen="chosen" in form
                )
            else:
                made = note_of(NoteKind(kind), form, self._console.clock.now())
                await self._console.desk.note(member, ticket_id, made)
        except BadInput as error:
            t = words_of(request)
            said = t(str(error)) if t.knows(str(error)) else t("This could not be taken.")
            return await self._form(request, kind, form, said)
        raise web.HTTPSeeOther(f"/admin/tickets/{ticket_id}#about")

    async def settle(self, request: web.Request) -> web.Response:
        """A promise was kept or a wish is no more; with `owner` a promise goes to a colleague."""
        member, ticket_id = session_of(request).member, request.match_info["ticket"]
        owner = form_of(request).get("owner") or None
        await self._console.desk.settle(member, ticket_id, int(request.match_info["number"]), owner=owner)
        raise web.HTTPSeeOther(f"/admin/tickets/{ticket_id}#about")

    async def agree(self, request: web.Request) -> web.Response:
        """The second person of a decision, with a reason of their own (R-080)."""
        member, ticket_id = session_of(request).member, request.match_info["ticket"]
        why = form_of(request).get("text", "")
        await self._console.desk.agree(member, ticket_id, int(request.match_info["number"]), why)
        raise web.HTTPSeeOther(f"/admin/tickets/{ticket_id}#about")

    async def call_off(self, request: web.Request) -> web.Response:
        member, ticket_id = session_of(request).member, request.match_info["ticket"]
        await self._console.desk.call_off(member, ticket_id)
        raise web.HTTPSeeOther(f"/admin/tickets/{ticket_id}#about")

    async def hand_over(self, request: web.Request) -> web.Response:
        """The page for who goes on, made of the notes; a guess is never on it (R-111)."""
        session, t, ticket_id = session_of(request), words_of(request), request.match_info["ticket"]
        found = await self._console.desk.hand_over_page(session.member, ticket_id)
        thread = await self._console.desk.thread(session.member, ticket_id, most=1)
        return self._pages.render(
            request, "hand_over.html", session, thread=thread, sections=side.hand_over(t, found)
        )


def note_of(kind: NoteKind, form: Mapping[str, str], now: datetime) -> Note:
    """The note a form asks for; what is missing is told by `notes.checked`. Raises BadInput for what is no choice."""
    source = form.get("source", "")
    if source and source not in set(Source):
        raise BadInput("This form cannot be read.")
    return Note(
        kind=kind,
        text=form.get("text", ""),
        by="",
        at=now,
        source=Source(source) if source else None,
        owner=form.get("owner") or None,
        due_on=day_of(form, "due_on"),
        consent=_consent(form) if kind is NoteKind.CONSENT else None,
    )


def _consent(form: Mapping[str, str]) -> Consent | None:
    until = day_of(form, "until")
    if until is None:
        return None
    ticked = (name.removeprefix("note-") for name in form if name.startswith("note-"))
    return Consent(
        to=form.get("to", ""),
        how=form.get("how", ""),
        until=until,
        notes=tuple(sorted(int(number) for number in ticked if number.isascii() and number.isdigit())),
        wishes="wishes" in form,
    )


def day_of(form: Mapping[str, str], name: str) -> date | None:
    """A day from a form; None when none was given. Raises BadInput for what is none."""
    said = form.get(name, "")
    try:
        return date.fromisoformat(said) if said else None
    except ValueError as error:
        raise BadInput("This is no day.") from error

"""The practice desk: the console as it is, with simulated people. Nothing here knows the desk, the queue or anybody's
thread; what is kept is one sealed row of whoever practises."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from admin.guard import form_of, session_of
from admin.views import labels, lines, times, writing
from admin.views.lines import Shown
from admin.views.pages import Pages, is_fragment
from admin.views.thread import checked
from admin.words import Words, words_of
from bot.content import practice
from bot.content.practice import Practice, Practised, Said
from bot.errors import BadInput, NotFound
from bot.handoff.desk import MAX_REPLY
from bot.handoff.hours import TOKYO
from bot.handoff.risk import Rules, window
from bot.store import practices, staff
from bot.store.staff import Member

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from admin.app import Console

ONE = "/practice/{practice:[0-9a-f]{32}}"
EVENING = time(22, 0, tzinfo=TOKYO)  # when every practice begins


class Practising:
    """Where new counselors begin."""

    def __init__(self, console: Console, pages: Pages) -> None:
        self._console, self._pages = console, pages

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/practice", self.people),
            web.post("/practice", self.begin),
            web.get(ONE, self.show),
            web.post(f"{ONE}/seen", self.seen),
            web.post(f"{ONE}/draft", self.draft),
            web.post(f"{ONE}/reply", self.reply),
            web.post(f"{ONE}/end", self.end),
            web.post(f"{ONE}/away", self.away),
        ]

    async def people(self, request: web.Request) -> web.Response:
        """Who can be practised with, and what this member has begun."""
        session, scripts = session_of(request), self._scripts()
        mine = await self._console.database.read(practices.of, self._console.sealer, session.member)
        begun = [
            (practice_id, scripts[one.practice], one.over)
            for practice_id, one in mine
            if one.practice in scripts
        ]
        return self._pages.render(
            request, "practice.html", session, scripts=list(scripts.values()), begun=begun
        )

    async def begin(self, request: web.Request) -> web.Response:
        member = session_of(request).member
        script = self._script(form_of(request).get("with", ""))
        practice_id = await self._console.database.write(
            practices.add, self._console.sealer, member, practice.begin(script), self._console.clock.now()
        )
        raise web.HTTPSeeOther(f"/admin/practice/{practice_id}")

    async def show(self, request: web.Request) -> web.Response:
        return await self._page(request)

    async def _page(self, request: web.Request, *, error: str = "", draft: str | None = None) -> web.Response:
        session, t, released = session_of(request), words_of(request), self._console.content()
        member, practice_id = session.member, request.match_info["practice"]
        found = await self._console.database.write(practices.read, self._console.sealer, member, practice_id)
        script = self._script(found.practice)
        own = await self._console.database.read(staff.settings, member.staff_id)
        rules = released.latest.words if released is not None else None
        text = found.draft if draft is None else draft
        now = self._console.clock.now()
        told = lines_of(
            t, script, found, member, now, released.rules if released else None, covers=own.covers
        )
        return self._pages.render(
            request,
            "practising.html",
            session,
            status=400 if error else 200,
            id=practice_id,
            script=script,
            over=found.over,
            must_confirm=not found.seen,
            count=len(found.said),
            why=labels.category(t, script.category) if script.category else t("Wants to talk with a person"),
            lines=told,
            phrases=writing.phrases(released, member, now),
            remarks=writing.remarks(t, rules, text),
            looked=[(reply, writing.remarks(t, rules, reply)) for reply in found.replies],
            told=practice.afterwards(script, found),
            limit=MAX_REPLY,
            error=error,
            draft=text,
        )

    async def seen(self, request: web.Request) -> web.Response:
        await self._change(request, lambda _script, one: practice.confirm(one))
        raise self._back(request)

    async def draft(self, request: web.Request) -> web.Response:
        """As with a real reply: kept, a phrase put in, and a word about its words."""
        member, t, released = session_of(request).member, words_of(request), self._console.content()
        form = form_of(request)
        text = lines.readable(form.get("text", ""))[:MAX_REPLY]
        said = dict(writing.phrases(released, member, self._console.clock.now()))
        if form.get("phrase") in said:
            text = f"{text.rstrip()}\n\n{said[form['phrase']]}".lstrip()
        await self._change(request, lambda _script, one: practice.keep(one, text))
        if not is_fragment(request):
            raise self._back(request)
        remarks = writing.remarks(t, released.latest.words if released else None, text)
        return self._pages.render(request, "remarks.html", session_of(request), remarks=remarks, draft=text)

    async def reply(self, request: web.Request) -> web.Response:
        """Once for each form: what was pressed twice is said once."""
        form, released = form_of(request), self._console.content()
        text = form.get("text", "").strip()
        try:
            if not checked(text):
                raise BadInput("Nothing is written.")
            if len(text) > MAX_REPLY:
                raise BadInput("At most 5000 characters can be sent at once.")
        except BadInput as error:
            return await self._page(request, error=words_of(request)(str(error)), draft=lines.readable(text))
        heard = writing.heard(released.latest.words if released else None, text)

        def said(script: Practice, one: Practised) -> Practised:
            is_new = form.get("count") == str(len(one.said))
            return practice.reply(script, one, text, heard) if is_new else one

        await self._change(request, said)
        raise self._back(request)

    async def end(self, request: web.Request) -> web.Response:
        await self._change(request, practice.hand_back)
        raise web.HTTPSeeOther(f"/admin/practice/{request.match_info['practice']}#afterwards")

    async def away(self, request: web.Request) -> web.Response:
        await self._console.database.write(
            practices.drop, session_of(request).member, request.match_info["practice"]
        )
        raise web.HTTPSeeOther("/admin/practice")

    def _back(self, request: web.Request) -> web.HTTPSeeOther:
        return web.HTTPSeeOther(f"/admin/practice/{request.match_info['practice']}#text")

    async def _change(self, request: web.Request, change: Callable[[Practice, Practised], Practised]) -> None:
        """Reads, changes and keeps a practice of this member's in one transaction."""
        member, practice_id = session_of(request).member, request.match_info["practice"]
        await self._console.database.write(partial(self._changed, change=change), member, practice_id)

    def _changed(
        self,
        connection: Connection,
        member: Member,
        practice_id: str,
        *,
        change: Callable[[Practice, Practised], Practised],
    ) -> None:
        sealer = self._console.sealer
        one = practices.read(connection, sealer, member, practice_id)
        changed = change(self._script(one.practice), one)
        practices.save(connection, sealer, member, practice_id, changed, self._console.clock.now())

    def _scripts(self) -> dict[str, Practice]:
        released = self._console.content()
        return dict(released.latest.practices) if released is not None else {}

    def _script(self, name: str) -> Practice:
        """Raises NotFound when the content has nobody of this name (any more)."""
        found = self._scripts().get(name)
        if found is None:
            raise NotFound
        return found


def lines_of(
    t: Words,
    script: Practice,
    session: Practised,
    member: Member,
    now: datetime,
    rules: Rules | None,
    *,
    covers: bool,
) -> list[Shown]:
    """The lines as a real thread shows them, with what rules point at; the clock is one of the practice's own."""
    began = datetime.combine(now.astimezone(TOKYO).date(), EVENING)
    return [
        _line(t, place, said, script, member, began, rules, covers=covers)
        for place, said in enumerate(session.said, start=1)
    ]


def _line(
    t: Words,
    place: int,
    said: Said,
    script: Practice,
    member: Member,
    began: datetime,
    rules: Rules | None,
    *,
    covers: bool,
) -> Shown:
    at = began + timedelta(minutes=said.minutes)
    side = {practice.THEM: "them", practice.YOU: "staff"}.get(said.by, "mark")
    text = t("Time passes in the practice") if side == "mark" else said.text
    shown = Shown(
        seq=place,
        side=side,
        who=script.nickname if side == "them" else member.display_name,
        at=times.moment(t, at, at),
        exact=times.exact(at),
        paragraphs=lines.paragraphs((text,)),
    )
    if side != "them" or rules is None:
        return shown
    return lines.with_hits(t, shown, text, window.scan(rules, (), text, at), covers=covers)

"""What a member sets for themselves: covered words, day or night; and how and where they are signed in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiohttp import web

from admin.auth import Cookies, Door
from admin.guard import form_of, proven, session_of
from admin.live import Streams
from admin.second import SecondFactor
from admin.views import times
from admin.views.pages import THEME_COOKIE, THEMES, Pages, theme_of
from admin.words import COOKIE_AGE, Words, marked, words_of
from bot.errors import BadInput, NotFound
from bot.store import factors, sittings, staff
from bot.store.factors import Factor
from bot.store.sittings import Sitting
from bot.store.staff import ANSWERING
from bot.store.staff import Settings as Own

if TYPE_CHECKING:
    from admin.app import Console

HERE = "/admin/settings"
KINDS: dict[str, str] = {
    factors.TOTP: marked("An app with six figures"),
    factors.PASSKEY: marked("A passkey"),
}
WAYS: dict[str, str] = {
    **KINDS,
    factors.RECOVERY: marked("A recovery code"),
    staff.ONE_TIME: marked("A one-time passphrase"),
    "passphrase": marked("A new passphrase"),
}


class Settings:
    """The page of settings."""

    def __init__(
        self,
        console: Console,
        pages: Pages,
        cookies: Cookies,
        door: Door,
        second: SecondFactor,
        streams: Streams,
    ) -> None:
        self._console, self._pages, self._cookies = console, pages, cookies
        self._door, self._second, self._streams = door, second, streams

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/settings", self.show),
            web.post("/settings", self.save),
            web.post("/settings/end", self.end),
            web.post("/settings/alerts", self.reach),
            web.post("/settings/codes", self.codes),
            web.post("/settings/factor", self.drop),
        ]

    async def show(self, request: web.Request) -> web.Response:
        return await self._show(request)

    async def _show(self, request: web.Request, error: str = "", given: str = "") -> web.Response:
        session, t, now = session_of(request), words_of(request), self._console.clock.now()
        member, read = session.member, self._console.database.read
        known = await read(factors.of, self._console.sealer, member)
        left = await read(factors.codes_left, member.staff_id)
        return self._pages.render(
            request,
            "settings.html",
            session,
            status=400 if error else 200,
            error=error,
            reached=member.role in ANSWERING,
            where=given or (await self._console.alerts.own(member)).removeprefix("mailto:"),
            own=await read(staff.settings, member.staff_id),
            undo=staff.UNDO,
            chosen=theme_of(request),
            saved="saved" in request.query,
            factors=[(one.factor_id, factor(t, one)) for one in known],
            codes_left=t.count("{n} recovery code left", "{n} recovery codes left", left),
            sessions=[
                (one.session_id, sitting(t, one), times.since(t, now, one.created_at))
                for one in await self._door.sessions(member)
            ],
        )

    async def save(self, request: web.Request) -> web.Response:
        member, form = session_of(request).member, form_of(request)
        undo = form.get("undo", "0")
        chosen = Own(covers="covers" in form, undo_seconds=int(undo) if undo in map(str, staff.UNDO) else 0)
        await self._console.database.write(staff.set_settings, member.staff_id, chosen)
        response = web.Response(status=303, headers={"Location": "/admin/settings?saved=1"})
        theme = form.get("theme", "")
        response.set_cookie(
            THEME_COOKIE,
            theme if theme in THEMES else "",
            max_age=COOKIE_AGE,
            path="/admin",
            secure=self._cookies.secure,
            httponly=True,
            samesite="Strict",
        )
        return response

    async def reach(self, request: web.Request) -> web.Response:
        """Where this member is told while they are on duty."""
        t, where = words_of(request), form_of(request).get("where", "")
        try:
            await self._console.alerts.set_own(session_of(request).member, where)
        except BadInput as error:
            return await self._show(request, t(str(error)), where)
        raise web.HTTPSeeOther(f"{HERE}?saved=1")

    async def end(self, request: web.Request) -> web.Response:
        """Ends one session of this member, or all but this one (ASVS 7.5.2). Theirs alone: others are not found."""
        session, chosen = session_of(request), form_of(request).get("session", "")
        own, write = session.member.staff_id, self._console.database.write
        if chosen == "others":
            ended = await write(sittings.end_other_sessions, own, session.session_id)
        else:
            ended = await write(sittings.end_one_session, own, chosen)
            if not ended:
                raise NotFound
        self._streams.end(*ended)
        raise web.HTTPSeeOther(HERE)

    async def codes(self, request: web.Request) -> web.Response:
        """New recovery codes in place of those before."""
        session = proven(request, HERE)
        codes = await self._second.new_codes(session.member)
        return self._pages.render(request, "codes.html", session, codes=codes)

    async def drop(self, request: web.Request) -> web.Response:
        """Takes a second factor away, unless it is the last."""
        session, chosen = proven(request, HERE), form_of(request).get("factor", "")
        if not re.fullmatch("[0-9a-f]{32}", chosen):
            raise NotFound
        await self._console.database.write(factors.drop, session.member.staff_id, chosen)
        raise web.HTTPSeeOther(HERE)


def factor(t: Words, one: Factor) -> str:
    """A second factor in words."""
    return t(KINDS.get(one.kind, one.kind))


def sitting(t: Words, one: Sitting) -> str:
    """A session in words: by what it was begun. No machine or network is kept."""
    return t(WAYS.get(one.way, one.way))

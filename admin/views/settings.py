"""What a member sets for themselves: covered words (kept with the member), day or night (kept in the browser)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from admin.auth import Cookies
from admin.guard import form_of, session_of
from admin.views.pages import THEME_COOKIE, THEMES, Pages, theme_of
from admin.words import COOKIE_AGE
from bot.store import staff

if TYPE_CHECKING:
    from admin.app import Console


class Settings:
    """The page of settings."""

    def __init__(self, console: Console, pages: Pages, cookies: Cookies) -> None:
        self._console, self._pages, self._cookies = console, pages, cookies

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/settings", self.show), web.post("/settings", self.save)]

    async def show(self, request: web.Request) -> web.Response:
        session = session_of(request)
        covers = await self._console.database.read(staff.covers, session.member.staff_id)
        return self._pages.render(
            request,
            "settings.html",
            session,
            covers=covers,
            chosen=theme_of(request),
            saved="saved" in request.query,
        )

    async def save(self, request: web.Request) -> web.Response:
        member, form = session_of(request).member, form_of(request)
        await self._console.database.write(staff.set_covers, member.staff_id, "covers" in form)
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

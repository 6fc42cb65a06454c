"""Signing in and out."""

from __future__ import annotations

import secrets

from aiohttp import web

from admin.auth import Cookies, Door
from admin.guard import form_of, session_of
from admin.live import Streams
from admin.views.pages import Pages
from bot.channels.patience import network_of


class SignIn:
    """The sheet at the door."""

    def __init__(self, pages: Pages, door: Door, cookies: Cookies, streams: Streams) -> None:
        self._pages, self._door, self._cookies, self._streams = pages, door, cookies, streams

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/login", self.ask, name="login"),
            web.post("/login", self.enter, name="login"),
            web.post("/logout", self.leave, name="leave"),
        ]

    async def ask(self, request: web.Request) -> web.Response:
        token = request.cookies.get(self._cookies.session, "")
        if await self._door.session(token, touch=False) is not None:
            raise web.HTTPSeeOther("/admin")
        return self._sheet(request)

    async def enter(self, request: web.Request) -> web.Response:
        form = form_of(request)
        login, secret = form.get("login", ""), form.get("secret", "")
        old_token = request.cookies.get(self._cookies.session)
        old = await self._door.session(old_token or "", touch=False)
        token = await self._door.enter(login, secret, network_of(request), old_token)
        if token is None:
            return self._sheet(request, login=login[:64], wrong=True)
        if old is not None:
            self._streams.end(old.session_id)
        response = web.Response(status=303, headers={"Location": "/admin"})
        self._cookies.give(response, self._cookies.session, token)
        self._cookies.drop(response, self._cookies.login)
        return response

    async def leave(self, request: web.Request) -> web.Response:
        session = session_of(request)
        await self._door.leave(session.token)
        self._streams.end(session.session_id)
        # what was open must not come back by the back button
        headers = {"Location": "/admin/login", "Clear-Site-Data": '"cache"'}
        response = web.Response(status=303, headers=headers)
        self._cookies.drop(response, self._cookies.session)
        return response

    def _sheet(self, request: web.Request, *, login: str = "", wrong: bool = False) -> web.Response:
        seen = request.cookies.get(self._cookies.login, "")
        csrf = seen if len(seen) == 43 and seen.isascii() else secrets.token_urlsafe(32)
        status = 401 if wrong else 200
        response = self._pages.render(
            request, "login.html", None, status=status, login=login, wrong=wrong, login_csrf=csrf
        )
        self._cookies.give(response, self._cookies.login, csrf)
        return response

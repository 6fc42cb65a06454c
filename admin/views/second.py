"""The second page at the door: the second factor, setting one up at the first sign-in, and choosing a passphrase."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from aiohttp import web
from markupsafe import Markup

from admin import passwords
from admin.auth import Cookies, Door, Session
from admin.guard import form_of, proven, session_of
from admin.live import Streams
from admin.second import SecondFactor
from admin.views.pages import Pages
from admin.words import words_of
from bot.errors import BadInput
from bot.store.staff import ENROL, FULL

WAY_BACK = re.compile(r"/admin(/[a-z0-9-]+)*")


class Second:
    """The pages between passphrase and console."""

    def __init__(
        self,
        pages: Pages,
        door: Door,
        second: SecondFactor,
        cookies: Cookies,
        streams: Streams,
        service_name: Callable[[], str],
    ) -> None:
        self._pages, self._door, self._second = pages, door, second
        self._cookies, self._streams, self._service_name = cookies, streams, service_name

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/second", self.ask, name="second"),
            web.post("/second", self.show, name="second"),
            web.get("/enrol", self.offer, name="enrol"),
            web.post("/enrol", self.set_up, name="enrol"),
            web.get("/passphrase", self.change),
            web.post("/passphrase", self.choose),
        ]

    # --- the second factor ---

    async def ask(self, request: web.Request) -> web.Response:
        """The sheet that asks; who is through comes to show once more who they are."""
        return await self._ask(request, session_of(request), request.query.get("to", ""))

    async def _ask(
        self, request: web.Request, session: Session, to: str, *, wrong: bool = False
    ) -> web.Response:
        return self._pages.render(
            request,
            "second.html",
            session,
            status=401 if wrong else 200,
            asking=await self._second.ask(session),
            again=session.stage == FULL,
            to=way_back(to),
            wrong=wrong,
        )

    async def show(self, request: web.Request) -> web.Response:
        session, form = session_of(request), form_of(request)
        if session.stage == ENROL:
            raise web.HTTPSeeOther("/admin/enrol")
        if form.get("passkey"):
            token = await self._second.show_passkey(session, form["passkey"])
        else:
            token = await self._second.show_code(session, form.get("code", ""))
        if token is None:
            return await self._ask(request, session, form.get("to", ""), wrong=True)
        forgotten = session.stage != FULL and session.member.password_hash is None
        where = "/admin/passphrase" if forgotten else way_back(form.get("to", ""))
        return self._given(web.Response(status=303, headers={"Location": where}), token)

    # --- setting one up ---

    async def offer(self, request: web.Request) -> web.Response:
        """At the first sign-in, or for one more, who has just shown who they are."""
        session = session_of(request) if self._is_first(request) else proven(request, "/admin/enrol")
        return await self._offer(request, session)

    @staticmethod
    def _is_first(request: web.Request) -> bool:
        return session_of(request).stage == ENROL

    async def _offer(self, request: web.Request, session: Session, problem: str = "") -> web.Response:
        needs_passphrase = session.stage == ENROL and session.member.password_hash is None
        offer = None if needs_passphrase else await self._second.offer(session)
        return self._pages.render(
            request,
            "enrol.html",
            session,
            status=400 if problem else 200,
            offer=offer,
            picture=Markup(offer.picture) if offer else "",  # noqa: S704 - segno draws it
            problem=problem,
            more=session.stage == FULL,
        )

    async def set_up(self, request: web.Request) -> web.Response:
        form, first = form_of(request), self._is_first(request)
        session = session_of(request) if first else proven(request, "/admin/enrol")
        t = words_of(request)
        try:
            if "secret" in form:
                if not first:
                    raise BadInput("This form cannot be read.")
                return await self._first_passphrase(session, form["secret"])
            if form.get("passkey"):
                token, codes = await self._second.set_up_passkey(session, form["passkey"])
            else:
                token, codes = await self._second.set_up_app(session, form.get("code", ""))
        except BadInput as error:
            return await self._offer(request, session, t(str(error)))
        if not codes:
            return self._given(web.Response(status=303, headers={"Location": "/admin/settings"}), token)
        through = replace(session, token=token, stage=FULL)
        return self._given(self._pages.render(request, "codes.html", through, codes=codes), token)

    async def _first_passphrase(self, session: Session, secret: str) -> web.Response:
        self._check(session, secret)
        token = await self._door.set_password(session.member, secret, ENROL)
        return self._given(web.Response(status=303, headers={"Location": "/admin/enrol"}), token)

    # --- the passphrase ---

    async def change(self, request: web.Request) -> web.Response:
        return self._change(request, proven(request, "/admin/passphrase"))

    def _change(self, request: web.Request, session: Session, problem: str = "") -> web.Response:
        asks = session.member.password_hash is not None
        status = 400 if problem else 200
        return self._pages.render(
            request, "passphrase.html", session, status=status, asks=asks, problem=problem
        )

    async def choose(self, request: web.Request) -> web.Response:
        """A new passphrase; every other session of this member ends (ASVS 7.4.3)."""
        session, form, t = proven(request, "/admin/passphrase"), form_of(request), words_of(request)
        member = session.member
        try:
            if member.password_hash and not await self._door.matches(member, form.get("old", "")):
                raise BadInput("The passphrase until now is not right.")
            self._check(session, form.get("secret", ""))
        except BadInput as error:
            return self._change(request, session, t(str(error)))
        ended = await self._door.sessions(member)
        token = await self._door.set_password(member, form["secret"], FULL)
        self._streams.end(*(one.session_id for one in ended))
        where = {"Location": "/admin/settings?saved=1"}
        return self._given(web.Response(status=303, headers=where), token)

    def _check(self, session: Session, secret: str) -> None:
        member = session.member
        passwords.check(secret, (member.login, member.display_name, self._service_name()))

    def _given(self, response: web.Response, token: str) -> web.Response:
        self._cookies.give(response, self._cookies.session, token)
        return response


def way_back(to: str) -> str:
    """Where to go on: a place of this console, never one elsewhere."""
    return to if WAY_BACK.fullmatch(to) else "/admin"

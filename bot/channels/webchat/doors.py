"""The ways in and out of the web chat: hiding it, coming back by passphrase, coming over by link, the button."""

from __future__ import annotations

import re

from aiohttp import web

from bot.channels.patience import Allowance, Delays, network_of
from bot.channels.webchat import passphrase
from bot.channels.webchat.backend import Backend, Moves
from bot.channels.webchat.pages import Pages, is_foreign, small_form, to
from bot.channels.webchat.sessions import Sessions, address_of
from bot.errors import BadInput, Busy
from bot.messages import Address

GUESSES, ONE_GUESS_EVERY = 30, 0.5  # seconds; of all networks together
MAX_TOKEN = 64
PLACE = re.compile(r"[A-Za-z0-9_-]{1,32}")


class Doors:
    """Routes around the talk. None of them is ever in the way of a new talk."""

    def __init__(
        self, backend: Backend, moves: Moves, sessions: Sessions, pages: Pages, base_url: str
    ) -> None:
        self._backend, self._moves, self._sessions, self._pages = backend, moves, sessions, pages
        self._base_url = base_url
        self.delays = Delays()
        self._guesses = Allowance(GUESSES, ONE_GUESS_EVERY)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/chat/hidden", self.hidden),
            web.post("/chat/open", self.open),
            web.get("/chat/passphrase", self.passphrase),
            web.post("/chat/passphrase", self.change_passphrase),
            web.get("/chat/move/{token}", self.invitation),
            web.post("/chat/move/{token}", self.follow),
            web.get("/chat/button", self.button),
        ]

    # --- 画面をかくす ---

    async def hidden(self, request: web.Request) -> web.Response:
        """A neutral page; the chat stays behind it in this browser, whatever way leads there, until it is opened."""
        response = self._pages.render(request, "hidden.html")
        self._sessions.hide(response)
        return response

    async def open(self, request: web.Request) -> web.Response:
        if is_foreign(request):
            return to("/chat/hidden")
        response = to("/chat")
        self._sessions.show(response)
        return response

    # --- つづきから話せる合言葉 ---

    async def passphrase(self, request: web.Request) -> web.Response:
        if self._sessions.is_hidden(request):
            return to("/chat/hidden")
        return await self._passphrase_page(request)

    async def change_passphrase(self, request: web.Request) -> web.Response:
        """`do=make` shows a new one, once; `do=drop` ends it; else `words` are looked for."""
        if is_foreign(request):
            return to("/chat/passphrase")
        try:
            form = await small_form(request)
        except BadInput:
            return await self._passphrase_page(request, told="phrase_shape", status=400)
        address = self._sessions.address(request)
        try:
            match form.get("do"):
                case "make":
                    return await self._make(request, address)
                case "drop":
                    if address is not None:
                        await self._moves.drop_passphrase(address)
                    return await self._passphrase_page(request, told="phrase_dropped")
            return await self._come_back(request, form, address)
        except Busy:
            return await self._passphrase_page(
                request, told="phrase_busy", typed=form.get("words", ""), status=503
            )

    async def _make(self, request: web.Request, address: Address | None) -> web.Response:
        words = passphrase.new()
        kept = address is not None and await self._moves.set_passphrase(
            address, passphrase.fold("".join(words))
        )
        return await self._passphrase_page(request, made=words if kept else ())

    async def _come_back(
        self, request: web.Request, form: dict[str, str], address: Address | None
    ) -> web.Response:
        typed = form.get("words", "")[: passphrase.MAX_TYPED]
        phrase = passphrase.fold(typed)
        if not phrase:
            return await self._passphrase_page(request, told="phrase_shape", typed=typed, status=400)
        if "anyway" not in form and await self._has_words(address):
            return await self._passphrase_page(request, told="phrase_replaces", typed=typed, anyway=True)
        network = network_of(request)
        await self.delays.before("passphrase", network)
        if not self._guesses.take(""):
            raise Busy
        token = self._sessions.begin()
        if not await self._moves.come_back(phrase, address_of(token)):
            return await self._passphrase_page(request, told="phrase_wrong", typed=typed, status=404)
        self.delays.succeeded("passphrase", network)
        return self._arrived(token)

    async def _passphrase_page(
        self,
        request: web.Request,
        *,
        told: str = "",
        typed: str = "",
        made: tuple[str, ...] = (),
        anyway: bool = False,
        status: int = 200,
    ) -> web.Response:
        address = self._sessions.address(request)
        has = await self._moves.has_passphrase(address) if address is not None else None
        return self._pages.render(
            request,
            "passphrase.html",
            status=status,
            has=has,
            told=told,
            typed=typed,
            made=made,
            anyway=anyway,
        )

    # --- ウェブで話す ---

    async def invitation(self, request: web.Request) -> web.Response:
        """One button. Looking does not use the link up: previews and careful mail programs look, too."""
        return await self._invitation_page(request, request.match_info["token"])

    async def follow(self, request: web.Request) -> web.Response:
        token = request.match_info["token"]
        try:
            form = await small_form(request)
        except BadInput:
            form = {}
        if is_foreign(request):
            return await self._invitation_page(request, token)
        if "anyway" not in form and await self._has_words(self._sessions.address(request)):
            return await self._invitation_page(request, token, anyway=True)
        cookie = self._sessions.begin()
        if len(token) > MAX_TOKEN or not await self._moves.follow(token, address_of(cookie)):
            return await self._invitation_page(request, token)
        return self._arrived(cookie)

    async def _invitation_page(
        self, request: web.Request, token: str, *, anyway: bool = False
    ) -> web.Response:
        is_open = len(token) <= MAX_TOKEN and await self._moves.is_open(token)
        return self._pages.render(
            request, "move.html", status=200 if is_open else 404, is_open=is_open, anyway=anyway
        )

    async def _has_words(self, address: Address | None) -> bool:
        """Whether something was written in this browser that would be out of reach."""
        if address is None:
            return False
        thread = await self._backend.thread(address, 0, newest=True)
        return any(message["from"] == "person" for message in thread.messages)

    def _arrived(self, token: str) -> web.Response:
        """To the talk, as somebody this browser did not know before: an old cookie opens nothing of it."""
        response = to("/chat")
        self._sessions.set_cookie(response, token)
        self._sessions.show(response)
        return response

    # --- the button ---

    async def button(self, request: web.Request) -> web.Response:
        """For who looks after another site: the link to the chat, to be copied, with a place code."""
        place = place_code(request.query.get("from", ""))
        base = self._base_url or f"{request.scheme}://{request.host}"
        query = f"?from={place}" if place else ""
        name, where = self._backend.service()
        return self._pages.render(
            request, "button.html", link=f"{base}/chat{query}", place=place, operator_name=where or name
        )


def place_code(text: str) -> str:
    """A poster's or a link's code, as it may be counted; empty when it is none."""
    return text if PLACE.fullmatch(text) else ""

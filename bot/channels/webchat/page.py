"""The page and the JSON API of the web chat (docs/contracts.md)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from bot.channels.parsing import json_object
from bot.channels.patience import Allowance, shared_by
from bot.channels.webchat.backend import Backend, Moves
from bot.channels.webchat.doors import Doors, place_code
from bot.channels.webchat.pages import Pages, is_foreign, to
from bot.channels.webchat.sessions import Sessions, address_of
from bot.channels.webchat.stream import Streams, gone_message
from bot.channels.webhook import read_body
from bot.clock import Clock
from bot.errors import BadInput, Busy, StoreUnavailable, TooLarge
from bot.messages import EXITS, Address, Inbound, Kind

MAX_TEXT = 5_000
MAX_BODY = 256 * 1024  # a JSON body or a form
MAX_CHOICE = 128
MAX_SEQ = 2**31 - 1
MESSAGES, ONE_MESSAGE_EVERY = 60, 1.0  # seconds; of one session
OF_A_NETWORK, ONE_OF_A_NETWORK_EVERY = 600, 0.1  # seconds; ever new sessions get round the limit of one
MAX_FIELDS = 16


class WebChat:
    """Routes under /chat."""

    def __init__(
        self, backend: Backend, moves: Moves, clock: Clock, *, secure_cookies: bool, base_url: str = ""
    ) -> None:
        self._backend, self._clock = backend, clock
        self._sessions = Sessions(secure=secure_cookies)
        self.pages = Pages(secure=secure_cookies)
        self._messages = Allowance(MESSAGES, ONE_MESSAGE_EVERY)
        self._networks = Allowance(OF_A_NETWORK, ONE_OF_A_NETWORK_EVERY)
        self.doors = Doors(backend, moves, self._sessions, self.pages, base_url)
        self.streams = Streams(backend)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/chat", self.page),
            web.get("/chat/static/{name}", self.pages.static),
            web.post("/chat/send", self.send_form),
            web.post("/chat/api/session", self.begin),
            web.post("/chat/api/messages", self.send),
            web.get("/chat/api/messages", self.messages),
            web.get("/chat/api/stream", self.stream),
            *self.doors.routes(),
        ]

    # --- pages ---

    async def page(self, request: web.Request, *, error: str | None = None, draft: str = "") -> web.Response:
        address = self._sessions.address(request)
        if address is None and request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
            return self._here(request)
        if self._sessions.is_hidden(request):
            return to("/chat/hidden")
        token = None
        if address is None:
            token = self._sessions.begin()
            address = address_of(token)
        thread = None
        try:
            thread = await self._backend.thread(address, 0, newest=True)
        except StoreUnavailable:
            error = error or self.pages.words(request)["failed"]
        name, place = self._backend.service()
        response = self.pages.render(
            request,
            "chat.html",
            status=400 if error and request.method == "POST" else 200,
            operator_name=place or name,
            messages=thread.messages if thread else [],
            greeting=[] if thread is None or thread.topic else self._backend.greeting(),
            moved=self._backend.text("moved_away") if thread is not None and thread.moved else "",
            state=thread.state if thread else {"mode": "bot", "line": ""},
            form_error=error,
            draft=draft,
            client_id=uuid.uuid4().hex,
        )
        if token is not None:
            self._sessions.set_cookie(response, token)
        return response

    def _here(self, request: web.Request) -> web.Response:
        """Who follows a link from another site comes without our cookies (SameSite=Strict): from here they go on
        with them. A new session now would put an end to the one they may have."""
        kept = {name: request.query[name] for name in ("lang", "from") if name in request.query}
        link = f"/chat?{urlencode(kept)}" if kept else "/chat"
        return self.pages.render(request, "here.html", link=link)

    # --- API ---

    async def begin(self, request: web.Request) -> web.Response:
        """A session; with a valid cookie of a known thread, the same again."""
        if is_foreign(request):
            return _refused(403, "foreign", "")
        address = self._sessions.address(request)
        try:
            if address is not None:
                try:
                    thread = await self._backend.thread(address, 0, newest=True)
                except StoreUnavailable:  # what is written next is kept all the same, and under this cookie
                    return web.json_response({"seq": None})
                if thread.topic is not None:
                    seq = max((message["seq"] for message in thread.messages), default=0)
                    return web.json_response({"seq": seq})
            token, entry = self._sessions.begin(), await _entry(request)
            # A busy network keeps nobody out: they are greeted by the page, and stored with their first words.
            seq = await self._join(address_of(token), entry) if self._has_room(request) else 0
        except StoreUnavailable:
            return self._unavailable()
        response = web.json_response({"seq": seq})
        self._sessions.set_cookie(response, token)
        return response

    async def send(self, request: web.Request) -> web.Response:
        if is_foreign(request):
            return _refused(403, "foreign", "")
        address = self._sessions.address(request)
        if address is None:
            return _refused(401, "no_session", "")
        try:
            body = json_object(await read_body(request, MAX_BODY))
            seq = await self._take(request, address, body)
        except TooLarge:
            return _refused(413, "too_large", self._backend.text("too_long"))
        except BadInput as error:
            key = str(error) if str(error) in ("too_long", "empty") else "unreadable"
            return _refused(400, key, self._backend.text(key) if key != "unreadable" else "")
        except StoreUnavailable:
            return self._unavailable()
        except Busy:
            response = _refused(429, "slow_down", self._backend.text("slow_down"))
            response.headers["Retry-After"] = "3"
            return response
        return web.json_response({"seq": seq}, status=202)

    async def send_form(self, request: web.Request) -> web.Response:
        """The same for pages without script: answers 303 to the page, or the page with what was written."""
        address = self._sessions.address(request)
        if address is None or is_foreign(request):
            return to("/chat")
        draft = ""
        try:
            fields = await _form(request)
            draft = fields.get("text", "")
            choice = fields.get("choice_id") or None
            text = None if choice else draft
            await self._take(request, address, {**fields, "text": text, "choice_id": choice})
            if choice and draft.strip():  # a tap with words still in the field: neither is lost
                return await self.page(request, draft=draft)
        except BadInput as error:
            key = str(error) if str(error) in ("too_long", "empty") else "too_long"
            return await self.page(request, error=self._backend.text(key), draft=draft)
        except Busy:
            return await self.page(request, error=self._backend.text("slow_down"), draft=draft)
        except StoreUnavailable:
            return await self.page(request, error=self.pages.words(request)["failed"], draft=draft)
        return to("/chat")

    async def messages(self, request: web.Request) -> web.Response:
        address = self._sessions.address(request)
        if address is None:
            return _refused(401, "no_session", "")
        after = _seq(request.query.get("after"))
        try:
            thread = await self._backend.thread(address, after)
        except StoreUnavailable:
            return self._unavailable()
        messages = list(thread.messages)
        if thread.topic is None and after > 0:
            messages = [gone_message(self._backend, thread)]
        return web.json_response({"messages": messages, "state": thread.state})

    async def stream(self, request: web.Request) -> web.StreamResponse:
        address = self._sessions.address(request)
        if address is None:
            return _refused(401, "no_session", "")
        last = request.headers.get("Last-Event-ID") or request.query.get("after")
        try:
            return await self.streams.serve(request, address, _seq(last))
        except StoreUnavailable:
            return self._unavailable()

    # --- events ---

    async def _join(self, address: Address, entry: str) -> int | None:
        event = Inbound(
            address=address,
            dedupe_key=f"join/{address.key}",
            sent_at=self._clock.now(),
            kind=Kind.JOINED,
            entry=entry,
        )
        return (await self._backend.accept([event]))[0].seq

    def _has_room(self, request: web.Request) -> bool:
        network = shared_by(request)
        return not network or self._networks.take(network)

    async def _take(self, request: web.Request, address: Address, fields: Mapping[str, Any]) -> int | None:
        """Stores one message. Raises BadInput with the name of the text to tell, and Busy over a limit.

        No limit is ever in the way of a word of danger, or of the ways out.
        """
        text, choice_id = fields.get("text"), fields.get("choice_id")
        try:
            key = uuid.UUID(fields.get("client_id")).hex
        except (ValueError, TypeError, AttributeError) as error:
            raise BadInput("unreadable") from error
        if isinstance(choice_id, str) and text is None:
            if not 0 < len(choice_id) <= MAX_CHOICE or not choice_id.isprintable():
                raise BadInput("unreadable")
            kind, pieces = Kind.CHOICE, [""]
        elif isinstance(text, str) and choice_id is None:
            kind, pieces = Kind.TEXT, _pieces(text)
        else:
            raise BadInput("unreadable")
        within = self._messages.take(address.key) and self._has_room(request)
        if not within or len(pieces) > 1:
            urgent = choice_id in EXITS or any(map(self._backend.is_urgent, ["".join(pieces), *pieces]))
            if not urgent and len(pieces) > 1:
                raise BadInput("too_long")
            if not urgent:
                raise Busy
        events = [
            Inbound(
                address=address,
                dedupe_key=f"{address.key}/{key}" + (f"/{place}" if place else ""),
                sent_at=self._clock.now(),
                kind=kind,
                text=piece,
                choice_id=choice_id or "",
            )
            for place, piece in enumerate(pieces)
        ]
        return (await self._backend.accept(events))[-1].seq

    def _unavailable(self) -> web.Response:
        response = _refused(503, "unavailable", "")
        response.headers["Retry-After"] = "2"
        return response


def _pieces(text: str) -> list[str]:
    """The text without NUL and with plain line ends, in pieces of the longest message; more than one is too much
    for who is in no danger. Raises BadInput with the name of the text to tell."""
    clean = text.replace("\x00", "").replace("\r\n", "\n").encode("utf-8", "ignore").decode()
    if not clean.strip():
        raise BadInput("empty")
    return [clean[start : start + MAX_TEXT] for start in range(0, len(clean), MAX_TEXT)]


async def _entry(request: web.Request) -> str:
    """The place code a page hands on, if any. Nothing that is wrong with it keeps anybody out."""
    try:
        found = json_object(await read_body(request, MAX_BODY)).get("from")
    except BadInput:
        return ""
    return place_code(found) if isinstance(found, str) else ""


async def _form(request: web.Request) -> dict[str, str]:
    """The fields of a posted form; nothing of it is ever written to a disk. Raises BadInput and TooLarge."""
    raw = await read_body(request, MAX_BODY)
    try:
        return dict(parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError as error:
        raise BadInput("unreadable") from error


def _refused(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": code, "message": message}, status=status)


def _seq(text: str | None) -> int:
    return min(int(text), MAX_SEQ) if text and text.isascii() and text.isdigit() and len(text) < 12 else 0

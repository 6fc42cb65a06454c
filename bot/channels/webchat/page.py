"""The page and the JSON API of the web chat (docs/contracts.md)."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

import jinja2
import yaml
from aiohttp import web

from bot.channels.parsing import json_object
from bot.channels.webchat.backend import Backend
from bot.channels.webchat.sessions import Sessions, address_of
from bot.channels.webchat.stream import Streams, erased_message
from bot.channels.webhook import read_body
from bot.clock import Clock
from bot.errors import BadInput, StoreUnavailable, TooLarge
from bot.messages import Address, Inbound, Kind

MAX_TEXT = 5_000
MAX_BODY = 64 * 1024
MAX_CHOICE = 128
MAX_SEQ = 2**31 - 1
HERE = resources.files("bot.channels.webchat")


class WebChat:
    """Routes under /chat."""

    def __init__(self, backend: Backend, clock: Clock, *, secure_cookies: bool) -> None:
        self._backend, self._clock = backend, clock
        self._sessions = Sessions(secure=secure_cookies)
        self._words: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "words.yaml").read_text("utf-8"))
        self._pages = jinja2.Environment(
            loader=jinja2.PackageLoader("bot.channels.webchat"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
        )
        self._static = {item.name: item.read_bytes() for item in (HERE / "static").iterdir()}
        self.streams = Streams(backend)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/chat", self.page),
            web.get("/chat/hidden", self.hidden),
            web.get("/chat/static/{name}", self.static),
            web.post("/chat/send", self.send_form),
            web.post("/chat/api/session", self.begin),
            web.post("/chat/api/messages", self.send),
            web.get("/chat/api/messages", self.messages),
            web.get("/chat/api/stream", self.stream),
        ]

    # --- pages ---

    async def page(self, request: web.Request, *, error: str | None = None, draft: str = "") -> web.Response:
        address = self._sessions.address(request)
        token = None
        if address is None:
            token = self._sessions.begin()
            address = address_of(token)
        thread = None
        try:
            thread = await self._backend.thread(address, 0, newest=True)
        except StoreUnavailable:
            error = error or self._words[_language(request)]["failed"]
        lang = _language(request)
        name, place = self._backend.service()
        response = self._render(
            "chat.html",
            lang,
            status=400 if error and draft else 200,
            operator_name=place or name,
            messages=thread.messages if thread else [],
            greeting=[] if thread is None or thread.topic else self._backend.greeting(),
            state=thread.state if thread else {"mode": "bot", "line": ""},
            form_error=error,
            draft=draft,
            client_id=uuid.uuid4().hex,
        )
        if token is not None:
            self._sessions.set_cookie(response, token)
        return response

    async def hidden(self, request: web.Request) -> web.Response:
        return self._render("hidden.html", _language(request))

    def _render(self, template: str, lang: str, *, status: int = 200, **values: Any) -> web.Response:
        text = self._pages.get_template(template).render(
            words=self._words[lang], lang=lang, asset=self._asset, **values
        )
        return web.Response(text=text, content_type="text/html", status=status)

    def _asset(self, name: str) -> str:
        return f"/chat/static/{name}?v={hashlib.sha256(self._static[name]).hexdigest()[:12]}"

    async def static(self, request: web.Request) -> web.Response:
        content = self._static.get(request.match_info["name"])
        if content is None:
            return web.Response(status=404)
        kinds = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
        suffix = "." + request.match_info["name"].rpartition(".")[2]
        response = web.Response(body=content, content_type=kinds.get(suffix, "application/octet-stream"))
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

    # --- API ---

    async def begin(self, request: web.Request) -> web.Response:
        """A session; with a valid cookie of a known thread, the same again."""
        if _is_foreign(request):
            return _refused(403, "foreign", "")
        address = self._sessions.address(request)
        try:
            if address is not None:
                thread = await self._backend.thread(address, 0, newest=True)
                if thread.topic is not None:
                    seq = max((message["seq"] for message in thread.messages), default=0)
                    return web.json_response({"seq": seq})
            token = self._sessions.begin()
            seq = await self._join(address_of(token))
        except StoreUnavailable:
            return self._unavailable()
        response = web.json_response({"seq": seq})
        self._sessions.set_cookie(response, token)
        return response

    async def send(self, request: web.Request) -> web.Response:
        if _is_foreign(request):
            return _refused(403, "foreign", "")
        address = self._sessions.address(request)
        if address is None:
            return _refused(401, "no_session", "")
        try:
            body = json_object(await read_body(request, MAX_BODY))
            seq = await self._take(address, body.get("client_id"), body.get("text"), body.get("choice_id"))
        except TooLarge:
            return _refused(413, "too_large", self._backend.text("too_long"))
        except BadInput as error:
            key = str(error) if str(error) in ("too_long", "empty") else "unreadable"
            return _refused(400, key, self._backend.text(key) if key != "unreadable" else "")
        except StoreUnavailable:
            return self._unavailable()
        return web.json_response({"seq": seq}, status=202)

    async def send_form(self, request: web.Request) -> web.Response:
        """The same for pages without script: answers 303 to the page, or the page with what was written."""
        address = self._sessions.address(request)
        if address is None or _is_foreign(request):
            return web.Response(status=303, headers={"Location": "/chat"})
        draft = ""
        try:
            async with asyncio.timeout(10):
                form = await request.post()
            fields = {key: value for key, value in form.items() if isinstance(value, str)}
            draft = fields.get("text", "")
            choice = fields.get("choice_id") or None
            text = None if choice else draft
            await self._take(address, fields.get("client_id"), text, choice)
            if choice and draft.strip():  # a tap with words still in the field: neither is lost
                return await self.page(request, draft=draft)
        except BadInput as error:
            key = str(error) if str(error) in ("too_long", "empty") else "too_long"
            return await self.page(request, error=self._backend.text(key), draft=draft)
        except (StoreUnavailable, TimeoutError, ValueError):
            return await self.page(request, error=self._words[_language(request)]["failed"], draft=draft)
        return web.Response(status=303, headers={"Location": "/chat"})

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
            messages = [erased_message(self._backend)]
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

    async def _join(self, address: Address) -> int:
        event = Inbound(
            address=address, dedupe_key=f"join/{address.key}", sent_at=self._clock.now(), kind=Kind.JOINED
        )
        return (await self._backend.accept([event]))[0].seq

    async def _take(self, address: Address, client_id: Any, text: Any, choice_id: Any) -> int:
        """Stores one message. Raises BadInput with the name of the text to tell."""
        try:
            key = uuid.UUID(client_id).hex
        except (ValueError, TypeError, AttributeError) as error:
            raise BadInput("unreadable") from error
        if isinstance(choice_id, str) and text is None:
            if not 0 < len(choice_id) <= MAX_CHOICE or not choice_id.isprintable():
                raise BadInput("unreadable")
            kind, words = Kind.CHOICE, ""
        elif isinstance(text, str) and choice_id is None:
            kind, words = Kind.TEXT, _clean(text)
        else:
            raise BadInput("unreadable")
        event = Inbound(
            address=address,
            dedupe_key=f"{address.key}/{key}",
            sent_at=self._clock.now(),
            kind=kind,
            text=words,
            choice_id=choice_id or "",
        )
        return (await self._backend.accept([event]))[0].seq

    def _unavailable(self) -> web.Response:
        response = _refused(503, "unavailable", "")
        response.headers["Retry-After"] = "2"
        return response


def _clean(text: str) -> str:
    """The text without NUL and with plain line ends. Raises BadInput with the name of the text to tell."""
    clean = text.replace("\x00", "").replace("\r\n", "\n").encode("utf-8", "ignore").decode()
    if not clean.strip():
        raise BadInput("empty")
    if len(clean) > MAX_TEXT:
        raise BadInput("too_long")
    return clean


def _refused(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": code, "message": message}, status=status)


def _language(request: web.Request) -> str:
    return "en" if request.query.get("lang") == "en" else "ja"


def _seq(text: str | None) -> int:
    return min(int(text), MAX_SEQ) if text and text.isascii() and text.isdigit() and len(text) < 12 else 0


def _is_foreign(request: web.Request) -> bool:
    """Whether a browser says that another site sent this (the cookie is SameSite=Strict besides)."""
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        return True
    origin = request.headers.get("Origin")
    return origin is not None and origin != "null" and urlsplit(origin).netloc != request.host

"""What every request to the console passes: language, session, role, CSRF; and every error on its way out.

Deny by default: a route is open to the roles that `admin.access` names for it, and to nobody else.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit

import structlog
from aiohttp import BodyPartReader, hdrs, web
from aiohttp.typedefs import Handler, Middleware

from admin.access import ACCESS, NOTED, OPEN, REFUSED, key_of
from admin.auth import Cookies, Door, Session
from admin.views.pages import Pages, is_fragment
from admin.words import COOKIE as LANGUAGE_COOKIE
from admin.words import COOKIE_AGE, LANGUAGES
from bot.channels.webhook import read_body
from bot.clock import Clock
from bot.errors import BadInput, Busy, Conflict, EngawaError, NotAllowed, NotFound, StoreUnavailable, TooLarge
from bot.store.audit import Trail
from bot.store.staff import FULL

MAX_BODY = 64 * 1024
MAX_FIELDS = 32
LARGE = "studio-"  # routes whose forms hold a whole document
MAX_DOCUMENT, MAX_DOCUMENT_FIELDS = 4 << 20, 200
FORM_TYPE = "application/x-www-form-urlencoded"
DRAFT = "text"  # may hold anything: who wrote it gets it back, with a word on what is wrong
SESSION = web.RequestKey("session", Session)
FORM = web.RequestKey("form", dict[str, str])
UPLOAD = web.RequestKey("upload", tuple[str, bytes])
UPLOADS = frozenset({"studio-table-read"})
MAX_UPLOAD = 7 << 20
UPLOAD_TIMEOUT = 60.0  # seconds

STATUS = {
    NotFound: 404,
    NotAllowed: 403,
    Conflict: 409,
    TooLarge: 413,  # before BadInput, which it is as well
    BadInput: 400,
    StoreUnavailable: 503,
    Busy: 503,
}

log = structlog.get_logger("console")


def session_of(request: web.Request) -> Session:
    """Who is asking. Only for routes behind the guard."""
    return request[SESSION]


def form_of(request: web.Request) -> dict[str, str]:
    """The fields of a POST, read and checked by the guard."""
    return request[FORM]


def proven(request: web.Request, back: str) -> Session:
    """The session of who has just shown who they are; others are asked to, and come `back` (ASVS 7.5.1)."""
    session = session_of(request)
    if not session.is_proven:
        raise web.HTTPSeeOther(f"/admin/second?{urlencode({'to': back})}")
    return session


class Guard:
    """The middlewares of the console, outermost first."""

    def __init__(self, door: Door, cookies: Cookies, pages: Pages, trail: Trail, clock: Clock) -> None:
        self._door, self._cookies, self._pages = door, cookies, pages
        self._trail, self._clock = trail, clock

    @property
    def middlewares(self) -> Sequence[Middleware]:
        return [self.gentle, self.language, self.known]

    @web.middleware
    async def gentle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Errors become pages in the console's own words; nothing of what was written is lost or logged."""
        try:
            return await handler(request)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            return self._problem(request, error.status, None)
        except Exception as error:  # noqa: BLE001 - no error may reach a browser as it is
            return self._explained(request, error)

    def _explained(self, request: web.Request, error: Exception) -> web.Response:
        status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
        if status == 500:
            log.error("console_failed", error=type(error).__name__)
        return self._problem(request, status, error if isinstance(error, EngawaError) else None)

    def _problem(self, request: web.Request, status: int, error: EngawaError | None) -> web.Response:
        if is_background(request):
            return web.Response(status=status)
        return self._pages.problem(request, status, error, request.get(SESSION), request.get(FORM, {}))

    @web.middleware
    async def language(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """`?lang=en` is kept in a cookie and leaves the address."""
        chosen = request.query.get("lang")
        if chosen not in LANGUAGES or request.method not in (hdrs.METH_GET, hdrs.METH_HEAD):
            return await handler(request)
        kept = [(name, value) for name, value in request.query.items() if name != "lang"]
        response = web.Response(status=303, headers={"Location": str(request.rel_url.with_query(kept))})
        response.set_cookie(
            LANGUAGE_COOKIE,
            chosen,
            max_age=COOKIE_AGE,
            path="/admin",
            secure=self._cookies.secure,
            httponly=True,
            samesite="Strict",
        )
        return response

    @web.middleware
    async def known(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """A session for everything that is not open; a form of ours for every change."""
        name, key = request.match_info.route.name, key_of(request)
        roles = ACCESS.get(key)
        posts = request.method not in (hdrs.METH_GET, hdrs.METH_HEAD)
        if posts and is_foreign(request):
            raise NotAllowed("This came from another site.")
        if roles == OPEN:
            if posts:
                request[FORM] = form = await read_form(request)
                if not self._has_seen_login(request, form):
                    raise NotAllowed("This page was out of date. Open it again.")
            return await handler(request)
        token = request.cookies.get(self._cookies.session, "")
        session = await self._door.session(token, touch=is_by_hand(request))
        if session is None:
            if is_background(request):
                return web.Response(status=401)
            return web.Response(status=303, headers={"Location": "/admin/login"})
        request[SESSION] = session
        if session.stage != FULL and name not in (session.stage, "leave"):
            if is_background(request):
                return web.Response(status=401)
            return web.Response(status=303, headers={"Location": f"/admin/{session.stage}"})
        if request.match_info.http_exception is None and session.member.role not in (roles or ()):
            if roles is None:
                log.error("route_without_roles", route=key)  # closed to everybody until it has a line
            await self._trail.note(session.member, REFUSED, self._clock.now())
            raise NotAllowed("This page is for others of the staff.")
        if posts:
            if name in UPLOADS:
                request[FORM], request[UPLOAD] = await read_upload(request)
            else:
                request[FORM] = await read_form(request, large=(name or "").startswith(LARGE))
            form = request[FORM]
            if not session.is_ours(form.get("csrf", "")):
                raise NotAllowed("This page was out of date. Open it again.")
            if key in NOTED:
                await self._trail.note(session.member, NOTED[key], self._clock.now())
        return await handler(request)

    def _has_seen_login(self, request: web.Request, form: Mapping[str, str]) -> bool:
        cookie, field = request.cookies.get(self._cookies.login, ""), form.get("csrf", "")
        return bool(cookie) and cookie.isascii() and hmac.compare_digest(cookie.encode(), field.encode())


def is_background(request: web.Request) -> bool:
    """Asked by a script or a stream, not by somebody going to a page: an error needs no page."""
    streams = "text/event-stream" in request.headers.get("Accept", "")
    return streams or is_fragment(request) or request.headers.get("Sec-Fetch-Dest") == "empty"


def is_by_hand(request: web.Request) -> bool:
    """Whether a person is there: what a page asks by itself keeps no session alive, unless somebody types."""
    return not is_background(request) or "X-Active" in request.headers


def is_foreign(request: web.Request) -> bool:
    """Whether a browser says that another site sent this. `null` is what our own no-referrer pages send."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = request.headers.get("Origin")
    return origin is not None and origin != "null" and urlsplit(origin).netloc != request.host


async def read_form(request: web.Request, *, large: bool = False) -> dict[str, str]:
    """The fields of a posted form. Raises TooLarge or BadInput with a sentence for who wrote it."""
    if request.content_type != FORM_TYPE:
        raise BadInput("This form cannot be read.")
    raw = await read_body(request, MAX_DOCUMENT if large else MAX_BODY)
    fields_most = MAX_DOCUMENT_FIELDS if large else MAX_FIELDS
    try:
        found = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, errors="surrogateescape", max_num_fields=fields_most
        )
    except ValueError as error:
        raise BadInput("This form cannot be read.") from error
    fields = {name: value.replace("\r\n", "\n").replace("\r", "\n") for name, value in found}
    if any(is_no_text(value) for name, value in found if name != DRAFT):
        raise BadInput("There are signs in it that are no text.")
    return fields


async def read_upload(request: web.Request) -> tuple[dict[str, str], tuple[str, bytes]]:
    """The fields of a form with a file, and the file with its name. Raises TooLarge or BadInput."""
    if request.content_type != "multipart/form-data":
        raise BadInput("This form cannot be read.")
    fields, file, total, parts = dict[str, str](), ("", b""), 0, 0
    try:
        async with asyncio.timeout(UPLOAD_TIMEOUT):
            async for part in await request.multipart():
                parts += 1  # also of those without a byte: no other limit of aiohttp's holds here
                if not isinstance(part, BodyPartReader) or parts > MAX_FIELDS:
                    raise BadInput("This form cannot be read.")
                found = bytearray()
                while chunk := await part.read_chunk(1 << 16):
                    found += chunk
                    total += len(chunk)
                    if total > MAX_UPLOAD:
                        raise TooLarge("This file is too large.")
                if part.filename is not None:
                    file = (part.filename, bytes(found))
                else:
                    fields[part.name or ""] = found.decode("utf-8")
    except TimeoutError as error:
        raise BadInput("The body did not arrive in time.") from error
    except (ValueError, AssertionError) as error:
        raise BadInput("This form cannot be read.") from error
    if any(map(is_no_text, fields.values())):
        raise BadInput("There are signs in it that are no text.")
    return fields, file


def is_no_text(value: str) -> bool:
    """Whether bytes in it were no UTF-8, or are signs that no store takes."""
    return "\x00" in value or any("\ud800" <= sign <= "\udfff" for sign in value)

"""How the pages of the web chat look and read: templates, words in two languages, files with their versions."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jinja2
import yaml
from aiohttp import web

from bot.channels.webhook import read_body
from bot.errors import BadInput

HERE = resources.files("bot.channels.webchat")
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
LANGUAGES = ("ja", "en")
LANGUAGE_COOKIE = "engawa_lang"
COOKIE_AGE = 365 * 24 * 3600  # seconds
MAX_FORM = 4 * 1024


class Pages:
    """Renders pages and serves static files."""

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure
        self._words: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "words.yaml").read_text("utf-8"))
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("bot.channels.webchat"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
        )
        self._static = {item.name: item.read_bytes() for item in (HERE / "static").iterdir()}

    def words(self, request: web.Request) -> dict[str, Any]:
        return self._words[language(request)]

    def render(
        self, request: web.Request, template: str, *, status: int = 200, **values: Any
    ) -> web.Response:
        """A page in the language of the request; a language chosen by `?lang=` is kept."""
        lang = language(request)
        text = self._templates.get_template(template).render(
            words=self._words[lang], lang=lang, asset=self._asset, **values
        )
        response = web.Response(text=text, content_type="text/html", status=status)
        if request.query.get("lang") in LANGUAGES:
            response.set_cookie(
                LANGUAGE_COOKIE,
                lang,
                max_age=COOKIE_AGE,
                path="/chat",
                secure=self._secure,
                httponly=True,
                samesite="Strict",
            )
        return response

    def _asset(self, name: str) -> str:
        return f"/chat/static/{name}?v={hashlib.sha256(self._static[name]).hexdigest()[:12]}"

    async def static(self, request: web.Request) -> web.Response:
        """A file, for ever: its address changes with it."""
        name = request.match_info["name"]
        content = self._static.get(name)
        if content is None:
            return web.Response(status=404)
        kind = KINDS.get("." + name.rpartition(".")[2], "application/octet-stream")
        response = web.Response(body=content, content_type=kind)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.enable_compression()
        return response


def language(request: web.Request) -> str:
    """Of the buttons: as asked for, else as chosen before, else Japanese."""
    wanted = request.query.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    return "en" if wanted == "en" else "ja"


def is_foreign(request: web.Request) -> bool:
    """Whether a browser says that another site sent this (the cookie is SameSite=Strict besides)."""
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        return True
    origin = request.headers.get("Origin")
    return origin is not None and origin != "null" and urlsplit(origin).netloc != request.host


def to(path: str) -> web.Response:
    """See other."""
    return web.Response(status=303, headers={"Location": path})


async def small_form(request: web.Request) -> dict[str, str]:
    """The fields of a small form. Raises BadInput."""
    raw = await read_body(request, MAX_FORM)
    try:
        return dict(parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=16))
    except ValueError as error:
        raise BadInput from error

"""Public pages over plain HTTP, without script, cookie or log: /places and the like, /privacy (R-010, R-120).

They are read from the current release at each request, so that what is taken back is gone at once.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import Any
from urllib.parse import urlencode

import jinja2
import segno
import yaml
from aiohttp import web
from markupsafe import Markup

from bot.channels.webchat.doors import place_code
from bot.clock import Clock
from bot.config import Settings
from bot.content.areas import areas
from bot.content.library import Library
from bot.content.pack import Released
from bot.content.reading import articles_on
from bot.handoff.hours import DAYS
from bot.public import looking, privacy
from bot.public.slips import SlipPages
from bot.slips import Slips
from bot.store.database import Database

HERE = resources.files("bot.public")
TOKENS = resources.files("bot.channels.webchat") / "static" / "tokens.css"
MAX_ID = 100


class PublicPages:
    """Routes of what anybody may look at."""

    def __init__(
        self, database: Database, library: Library, clock: Clock, settings: Settings, slips: Slips
    ) -> None:
        self._database, self._library, self._clock = database, library, clock
        self._base_url, self._facts = settings.base_url, privacy.facts_of(settings)
        self._one, self._slips = asyncio.Lock(), SlipPages(self, slips)
        self.words: dict[str, Any] = yaml.safe_load((HERE / "words.yaml").read_text("utf-8"))
        self._style = TOKENS.read_bytes() + (HERE / "static" / "public.css").read_bytes()
        version = hashlib.sha256(self._style).hexdigest()[:12]
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("bot.public"), autoescape=True, undefined=jinja2.StrictUndefined
        )
        self._templates.globals |= {
            "words": self.words,
            "style": f"/public/style.css?v={version}",
            "weekdays": DAYS,
            "prefectures": [one.name for one in areas().values() if one.is_prefecture],
        }
        self._templates.filters["query"] = _query

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/places", self.places),
            web.get("/places/{id}", self.place),
            web.get("/calendar", self.calendar),
            web.get("/read", self.read),
            web.get("/read/{id}", self.article),
            web.get("/lines", self.lines),
            web.get("/card", self.card),
            web.get("/privacy", self.privacy),
            web.get("/public/style.css", self.style),
            *self._slips.routes(),
        ]

    async def places(self, request: web.Request) -> web.Response:
        released = await self.released()
        asked = looking.asked_of(request.query, released)
        shelf = looking.shelf(released, asked, self._clock.now())
        return self.page(released, "places.html", here="places", asked=asked, shelf=shelf)

    async def place(self, request: web.Request) -> web.Response:
        released, name, now = await self.released(), request.match_info["id"][:MAX_ID], self._clock.now()
        entry = looking.entry(released, name, now)
        if entry is None:
            return self._gone(released, "places")
        days = looking.coming(released, name, now)
        return self.page(released, "place.html", here="places", entry=entry, days=days)

    async def calendar(self, request: web.Request) -> web.Response:
        released = await self.released()
        area = request.query.get("area", "").strip()[: looking.MAX_ASKED]
        async with self._one:  # days of thousands of series take long: whoever asks, one at a time
            diary = await asyncio.to_thread(looking.diary, released, area, self._clock.now())
        return self.page(released, "calendar.html", here="calendar", wanted=area, diary=diary)

    async def read(self, _request: web.Request) -> web.Response:
        released = await self.released()
        articles = articles_on(released.latest.articles.values(), "")
        return self.page(released, "read.html", here="read", articles=articles)

    async def article(self, request: web.Request) -> web.Response:
        released = await self.released()
        article = released.article(request.match_info["id"][:MAX_ID])
        if article is None:
            return self._gone(released, "read")
        return self.page(released, "article.html", here="read", article=article)

    async def lines(self, _request: web.Request) -> web.Response:
        released, now = await self.released(), self._clock.now()
        people = released.values(now)["human_now_or_not"]
        return self.page(
            released, "lines.html", here="lines", lines=looking.lines(released, now), people=people
        )

    async def card(self, request: web.Request) -> web.Response:
        """A card to print and leave somewhere; `from` is the code of that place, counted in total only (R-119)."""
        code = place_code(request.query.get("from", ""))
        base = self._base_url or f"{request.scheme}://{request.host}"
        link = f"{base}/chat" + (f"?from={code}" if code else "")
        drawn = segno.make_qr(link, error="m").svg_inline(
            border=4, omitsize=True, svgclass="qr", light="#fff"
        )
        qr = Markup(drawn)  # noqa: S704 - drawn by the library from an address; it has no words in it
        return self.page(await self.released(), "card.html", here="card", link=link, qr=qr)

    async def privacy(self, request: web.Request) -> web.Response:
        """What is kept here, for how long, and who else knows; `?lang=en` in English."""
        lang = "en" if request.query.get("lang") == "en" else "ja"
        return self.page(
            await self.released(),
            "privacy.html",
            here="privacy",
            lang=lang,
            title=privacy.PAGE["title"][lang],
            lead=privacy.PAGE["lead"][lang],
            sections=list(privacy.told(self._facts, lang)),
        )

    async def style(self, _request: web.Request) -> web.Response:
        """One file, for ever: its address changes with it."""
        response = web.Response(body=self._style, content_type="text/css", charset="utf-8")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.enable_compression()
        return response

    async def released(self) -> Released:
        """The current release."""
        return await self._database.read(self._library.released)

    def _gone(self, released: Released, here: str) -> web.Response:
        return self.page(released, "gone.html", status=404, here=here)

    def page(self, released: Released, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """A page of this template."""
        service, texts = released.latest.service, released.latest.texts
        text = self._templates.get_template(template).render(service=service, texts=texts, **values)
        response = web.Response(text=text, content_type="text/html", status=status)
        response.enable_compression()
        return response


def _query(conditions: Mapping[str, str], **changed: object) -> str:
    """The address of the same page with other conditions; an empty one is left out."""
    kept = {name: value for name, value in {**conditions, **changed}.items() if value}
    return f"?{urlencode(kept)}" if kept else "?"

"""Calendars to subscribe to, and single days to keep, over plain HTTP: no cookie, nothing of who asks.

/calendar/area/{prefecture}.ics                   everything in a prefecture; `全国` for all there is
/calendar/area/{prefecture}/{municipality}.ics    everything in a city, town or village
/calendar/series/{id}.ics                         one series, or one place with a schedule
/calendar/event/{id}.ics                          one day, to download
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from datetime import date
from functools import partial

from aiohttp import ETag, hdrs, web

from bot.clock import Clock
from bot.content import ics
from bot.content.agenda import Occurrence
from bot.content.calendar import HORIZON
from bot.content.events import Event, EventSeries, Particulars
from bot.content.library import Library
from bot.content.model import Resource
from bot.content.pack import Pack
from bot.handoff.hours import TOKYO
from bot.store.database import Database

EVERYWHERE = "全国"
MAX_AGE = 3600  # seconds
MAX_KEPT = 256
FILE_NAME = "calendar.ics"
"""Neutral on purpose: it stays in the downloads of a telephone others may look at (R-045)."""

Key = tuple[int, date, str, str]


class CalendarFeed:
    """Routes under /calendar, from the current release. What was made is kept for the day."""

    def __init__(self, database: Database, library: Library, clock: Clock) -> None:
        self._database, self._library, self._clock = database, library, clock
        self._kept: OrderedDict[Key, bytes] = OrderedDict()
        self._one = asyncio.Lock()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/calendar/area/{name}.ics", self.area),
            web.get("/calendar/area/{prefecture}/{name}.ics", self.area),
            web.get("/calendar/series/{name}.ics", self.series),
            web.get("/calendar/event/{name}.ics", self.event),
        ]

    async def area(self, request: web.Request) -> web.Response:
        prefecture = request.match_info.get("prefecture", "")
        return await self._answer(request, "area", f"{prefecture}/{request.match_info['name']}")

    async def series(self, request: web.Request) -> web.Response:
        return await self._answer(request, "series", request.match_info["name"])

    async def event(self, request: web.Request) -> web.Response:
        return await self._answer(request, "event", request.match_info["name"])

    async def _answer(self, request: web.Request, what: str, name: str) -> web.Response:
        released = await self._database.read(self._library.released)
        pack, today = released.latest, self._clock.now().astimezone(TOKYO).date()
        key = (pack.number, today, what, name)
        async with self._one:  # a calendar of a thousand days is a second's work: whoever asks, one at a time
            made = self._kept.get(key) or await asyncio.to_thread(_made, pack, today, what, name)
        if made is None:
            return web.Response(status=404)
        self._kept[key] = made
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        etag = hashlib.sha256(made).hexdigest()[:32]
        unchanged = request.if_none_match is not None and any(
            known.value in (etag, "*") for known in request.if_none_match
        )
        response = web.Response(status=304) if unchanged else web.Response(body=made)
        response.etag = ETag(etag)
        response.headers[hdrs.CACHE_CONTROL] = f"public, max-age={MAX_AGE}"
        if not unchanged:
            response.headers[hdrs.CONTENT_TYPE] = "text/calendar; charset=utf-8"
            kind = "attachment" if what == "event" else "inline"
            response.headers[hdrs.CONTENT_DISPOSITION] = f'{kind}; filename="{FILE_NAME}"'
        return response


def _made(pack: Pack, today: date, what: str, name: str) -> bytes | None:
    """The calendar; None when there is no such thing. A quiet one is none without days."""
    agenda, title = pack.agenda, pack.service.name
    found: Iterable[Occurrence]
    if what == "event":
        one = agenda.find(name)
        if one is None:
            return None
        found, title = [one], one.name
    elif what == "series":
        if name not in agenda.series:
            return None
        found, title = agenda.of(name, today, today + HORIZON), agenda.series[name].name
    else:
        prefecture, _, place = name.rpartition("/")
        if not _is_known(pack, prefecture, place):
            return None
        everywhere = not prefecture and place == EVERYWHERE
        there = None if everywhere else partial(_lies_in, prefecture, place)
        found = agenda.nearest(today, ics.MAX_EVENTS, there)
        title = f"{title}　{place}"
    labels = {
        key.removeprefix("label_"): words[0] for key, words in pack.texts.items() if key.startswith("label_")
    }
    return ics.calendar(title, found, labels, number=pack.number, published_at=pack.published_at)


def _is_known(pack: Pack, prefecture: str, place: str) -> bool:
    """Whether anything we tell of lies there; other names are none of ours to make calendars of."""
    if not prefecture and place == EVERYWHERE:
        return True
    told: list[Resource | EventSeries | Event] = [
        *pack.resources.values(),
        *pack.agenda.series.values(),
        *pack.agenda.single.values(),
    ]
    if prefecture:
        return any(each.prefecture == prefecture and each.municipality == place for each in told)
    return any(each.prefecture == place for each in told)


def _lies_in(prefecture: str, place: str, about: Particulars) -> bool:
    if prefecture:
        return about.prefecture == prefecture and about.municipality == place
    return about.prefecture == place

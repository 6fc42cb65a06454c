"""Calendars over HTTP: from the current release, for anybody, and nothing kept of who asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import icalendar
import pytest
from aiohttp import ClientResponse, ClientSession, DummyCookieJar, web
from aiohttp.test_utils import BaseTestServer, TestServer

from bot import edge
from bot.app import Engawa
from bot.content.codec import Document
from bot.testing import FakeClock, an_engawa

SERIES: dict[str, Any] = {
    "id": "kokoiru",
    "name": "ここにいるよ",
    "prefecture": "宮城県",
    "municipality": "仙台市",
    "venue": "夢プラザ",
    "schedule": {"kind": "exact", "rrule": "FREQ=MONTHLY;BYDAY=1SA,2WE,3WE,4WE", "begins": "13:30"},
}
ROUGH: dict[str, Any] = {
    "id": "manma",
    "name": "まんまの会",
    "prefecture": "大阪府",
    "schedule": {"kind": "roughly", "wording": "おおむね第4土曜"},
}
MOVED: dict[str, Any] = {
    "id": "moved",
    "series": "kokoiru",
    "state": "moved",
    "was": "2026-12-05",
    "day": "2026-12-06",
}


class Site:
    """The public side of one house, and a way to publish."""

    def __init__(
        self, engawa: Engawa, clock: FakeClock, server: BaseTestServer, session: ClientSession
    ) -> None:
        self.engawa, self.clock, self.server, self.session = engawa, clock, server, session

    async def publish(self, **documents: dict[str, Any]) -> None:
        made = [
            Document(kind=kind.partition("__")[0], name=body["id"], body=body)
            for kind, body in documents.items()
        ]
        await self.engawa.database.write(self.engawa.library.merge, made, "x", self.clock.now())

    async def get(self, path: str, **headers: str) -> tuple[ClientResponse, bytes]:
        asked = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.get(self.server.make_url(path), headers=asked) as response:
            return response, await response.read()


@pytest.fixture
async def site(ready_sqlite_url: str) -> AsyncIterator[Site]:
    clock = FakeClock()
    async with an_engawa(ready_sqlite_url, clock=clock) as engawa:
        app = web.Application(middlewares=[edge.calm])
        app.on_response_prepare.append(edge.headers)
        app.add_routes(engawa.calendars.routes())
        async with (
            TestServer(app, host="127.0.0.1") as server,
            ClientSession(cookie_jar=DummyCookieJar(), auto_decompress=True) as session,
        ):
            made = Site(engawa, clock, server, session)
            await made.publish(event_series=SERIES, event_series__2=ROUGH)
            yield made


def parsed(body: bytes) -> list[Any]:
    return list(icalendar.Calendar.from_ical(body).events)


def days(body: bytes) -> list[str]:
    return [f"{each['DTSTART'].dt:%Y-%m-%d}" for each in parsed(body)]


@pytest.mark.parametrize(
    "path",
    [
        "/calendar/series/kokoiru.ics",
        "/calendar/area/" + quote("宮城県") + ".ics",
        "/calendar/area/" + quote("宮城県/仙台市") + ".ics",
        "/calendar/area/" + quote("全国") + ".ics",
    ],
)
async def test_a_calendar_to_subscribe_to(site: Site, path: str) -> None:
    """The coming days, told once; with a name, to be asked for again in an hour, and without a cookie."""
    response, body = await site.get(path)
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert response.headers["Cache-Control"] == "public, max-age=3600"
    assert "Set-Cookie" not in response.headers
    assert days(body)[:4] == ["2026-11-25", "2026-12-05", "2026-12-09", "2026-12-16"]
    assert len(days(body)) > 40
    again, nothing = await site.get(path, If_None_Match=response.headers["ETag"])
    assert (again.status, nothing) == (304, b"")
    assert again.headers["ETag"] == response.headers["ETag"]


async def test_one_day_to_keep(site: Site) -> None:
    """A download with a name that tells nothing; after a move it is the same day, elsewhere."""
    response, body = await site.get("/calendar/event/kokoiru.20261205.ics")
    assert response.headers["Content-Disposition"] == 'attachment; filename="calendar.ics"'
    assert days(body) == ["2026-12-05"]
    await site.publish(event=MOVED)
    _, moved = await site.get("/calendar/event/kokoiru.20261205.ics")
    before, after = (parsed(text)[0] for text in (body, moved))
    assert f"{after['DTSTART'].dt:%Y-%m-%d}" == "2026-12-06"
    assert (after["UID"], after["SEQUENCE"]) == (before["UID"], before["SEQUENCE"] + 1)


async def test_a_new_release_is_told_at_once(site: Site) -> None:
    """Whoever holds the old one hears that there is another."""
    old, _ = await site.get("/calendar/series/kokoiru.ics")
    await site.publish(event=MOVED)
    new, body = await site.get("/calendar/series/kokoiru.ics", If_None_Match=old.headers["ETag"])
    assert new.status == 200
    assert "2026-12-06" in days(body)
    assert "2026-12-05" not in days(body)


async def test_tomorrow_the_past_is_gone(site: Site) -> None:
    """The same release, another day."""
    site.clock.move(timedelta(days=5))
    _, body = await site.get("/calendar/series/kokoiru.ics")
    assert days(body)[0] == "2026-12-05"


async def test_what_is_rough_is_on_no_calendar(site: Site) -> None:
    """A calendar of it exists, and stays empty until a day is confirmed (R-098)."""
    response, body = await site.get("/calendar/series/manma.ics")
    assert (response.status, days(body)) == (200, [])
    await site.publish(event={"id": "next", "series": "manma", "day": "2026-12-26", "begins": "13:30"})
    _, body = await site.get("/calendar/area/" + quote("大阪府") + ".ics")
    assert days(body) == ["2026-12-26"]


@pytest.mark.parametrize(
    "path",
    [
        "/calendar/series/nothing.ics",
        "/calendar/event/kokoiru.20261206.ics",
        "/calendar/event/kokoiru.99999999.ics",
        "/calendar/area/nowhere.ics",
        "/calendar/area/" + quote("宮城県/阪南市") + ".ics",
        "/calendar/area/%00.ics",
        "/calendar/area/" + "x" * 3000 + ".ics",
        "/calendar/event/kokoiru.00010101.ics",
    ],
)
async def test_other_names_are_not_found(site: Site, path: str) -> None:
    """And found quickly not to be."""
    response, body = await site.get(path)
    assert (response.status, body) == (404, b"")


async def test_the_house_serves_them(site: Site) -> None:
    """The routes stand in the application that is served."""
    known = {resource.canonical for resource in site.engawa.application().router.resources()}
    assert {"/calendar/area/{name}.ics", "/calendar/series/{name}.ics", "/calendar/event/{name}.ics"} <= known

"""The public pages over HTTP: what the release may tell, to anybody, without a cookie, a script or a trace."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import pytest
import segno
import yaml
from aiohttp import ClientSession, DummyCookieJar
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot.content import areas
from bot.content.codec import Document
from bot.public import looking
from bot.store.schema import daily_counts
from bot.testing import A_DAY, a_release
from tests.house import ROOT
from tests.strategies import seed_pack
from tests.webchat.conftest import BASE, Chat

PLACES = seed_pack().resources
LISTED = {one.id for one in PLACES.values() if one.is_listed}
MAX_BYTES = 60_000
SERIES: dict[str, Any] = {
    "id": "veranda",
    "name": "縁側の会",
    "prefecture": "大阪府",
    "municipality": "阪南市",
    "venue": "夢プラザ",
    "schedule": {"kind": "exact", "rrule": "FREQ=WEEKLY;BYDAY=SA", "begins": "13:30"},
}


class Visitor:
    """Somebody with a browser that keeps nothing."""

    def __init__(self, chat: Chat, session: ClientSession) -> None:
        self.chat, self._session = chat, session
        self.headers: dict[str, str] = {}

    async def sees(self, path: str, status: int = 200) -> str:
        async with self._session.get(self.chat.server.make_url(path)) as response:
            assert response.status == status, path
            self.headers = dict(response.headers)
            return await response.text()

    async def publish(self, kind: str, body: dict[str, Any]) -> None:
        engawa = self.chat.engawa
        made = [Document(kind=kind, name=body["id"], body=body)]
        await engawa.database.write(engawa.library.merge, made, "x", engawa.clock.now())


@pytest.fixture
async def visitor(chat: Chat) -> AsyncIterator[Visitor]:
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        yield Visitor(chat, session)


def ids(page: str) -> list[str]:
    """The places a list shows."""
    return re.findall(r'<h2 class="name"><a href="/places/([^"]+)"', page)


PAGES = (
    "/card",
    "/places",
    "/places?area=岬町&word=ゲーム",
    "/places/hannan-manma",
    "/calendar",
    "/read",
    "/read/ibasho",
    "/lines",
    "/privacy",
    "/privacy?lang=en",
)


async def test_nobody_is_asked_and_nothing_is_kept(
    visitor: Visitor, capfd: pytest.CaptureFixture[str]
) -> None:
    """R-010, R-097, R-120: no cookie, script or third party; light; what was looked for is neither told nor counted."""
    capfd.readouterr()
    for path in PAGES:
        page = await visitor.sees(path)
        assert len(page.encode()) < MAX_BYTES
        assert "Set-Cookie" not in visitor.headers
        assert "script-src 'self'" in visitor.headers["Content-Security-Policy"]
        assert "<script" not in page
        assert " style=" not in page
        assert not re.findall(r'<(?:link|img|iframe)[^>]+(?:src|href)="https?:', page)
    told = capfd.readouterr()
    assert "岬" not in told.out + told.err
    assert "places" not in told.out + told.err
    counted = await visitor.chat.engawa.database.read(
        lambda connection: connection.execute(select(daily_counts)).all()
    )
    assert counted == []


async def test_the_style_comes_once(visitor: Visitor) -> None:
    """One file under an address of its own content, kept for ever."""
    page = await visitor.sees("/places")
    [style] = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
    assert "prefers-color-scheme: dark" in await visitor.sees(style)
    assert "immutable" in visitor.headers["Cache-Control"]


async def test_every_place_has_its_page_and_says_what_is_not_known(visitor: Visitor) -> None:
    """R-098, R-100: all 131; those that are not to be gone to say so first, and have no link to follow."""
    words = seed_pack().texts
    for one in PLACES.values():
        page = html.unescape(await visitor.sees(f"/places/{quote(one.id)}"))
        assert one.name in page
        assert one.summary in page
        assert words["unknown"][0] in page
        assert "だれもまだ確かめていません。" in page
        assert ('class="note look"' in page) is (one.id not in LISTED)
        if one.url:
            assert (f'href="{one.url}"' in page) is (one.id in LISTED)


async def test_lists_show_what_may_be_listed_and_all_of_it(visitor: Visitor) -> None:
    """Three at a time, each page of two kinds where there are; name-only and past ones never, in no list (R-092)."""
    found: set[str] = set()
    for query in ("", *(f"&area={name}" for name in {one.prefecture for one in PLACES.values()})):
        for number in range(1, 30):
            page = await visitor.sees(f"/places?page={number}{query}")
            shown = ids(page)
            assert len(shown) <= 3
            found |= set(shown)
            if "つぎの三つ" not in page:
                break
    children = {one.id for one in PLACES.values() if one.age and one.age.firm and (one.age.most or 99) < 18}
    unasked = {one.id for one in PLACES.values() if one.kind in ("work_experience", "money_planning")}
    assert found <= LISTED
    assert found >= LISTED - children - unasked


async def test_filters_narrow_and_never_end_in_nothing(visitor: Visitor) -> None:
    """R-103, R-104: by area, kind, who and words; where nothing is, what is near, with the reason."""
    assert ids(await visitor.sees("/places?word=まんまの会 つぎ いつ"))[0] == "hannan-manma"
    assert ids(await visitor.sees("/places?word=大阪の家族会"))[0] == "hannan-manma"
    for one in ids(await visitor.sees("/places?kind=窓口&area=岡山県&who=family")):
        place = PLACES[one]
        assert place.prefecture == "岡山県" or place.is_centre or "online" in place.ways
    page = await visitor.sees("/places?area=岬町")
    assert "岬町では見つかりませんでした。" in page
    assert "となりの阪南市にあり、外からも入れます" in page
    assert ids(page)[0] == "hannan-manma"
    assert "その地域の名前が見つかりませんでした。" in await visitor.sees("/places?area=ひみつのまち")


async def test_who_asks_for_what_is_only_a_name_is_told_so(visitor: Visitor) -> None:
    """By its name it is told of, beside what can be gone to, and marked as what it is (R-098)."""
    one = next(one for one in PLACES.values() if one.readiness == "name_only")
    page = await visitor.sees(f"/places?word={quote(one.name)}")
    assert "行く所としては出していないもの" in page
    assert seed_pack().texts["standing_name_only"][0] in page


async def test_what_is_taken_back_is_gone_at_once(visitor: Visitor) -> None:
    """R-114: a paused place has no page and stands in no list, from the next request on."""
    rows = {
        "id": "stopped",
        "name": "見合わせの会",
        "kind": "ibasho",
        "prefecture": "大阪府",
        "summary": "見本です。",
    }
    rows |= {"source": {"title": "見本", "seen_in_source": "2026-10"}}  # type: ignore[dict-item]
    await visitor.publish("resource", rows)
    assert "見合わせの会" in await visitor.sees("/places/stopped")
    await visitor.publish("resource", {**rows, "paused": True})
    assert "見合わせの会" not in await visitor.sees("/places/stopped", 404)
    assert "stopped" not in ids(await visitor.sees("/places?word=見合わせの会"))


async def test_only_certain_days_are_dates(visitor: Visitor) -> None:
    """R-098: what is rough stands in its own words; a certain day has its date, its page, and its calendars."""
    page = await visitor.sees("/calendar?area=大阪府")
    assert "確かな日にちは、いまはありません。" in page
    assert "2か月に1回、おおむね第4土曜の午後（最新は主催者の案内で）" in page
    assert not re.search(r"\d+月\d+日", page)
    await visitor.publish("event_series", SERIES)
    page = await visitor.sees("/calendar?area=阪南市")
    assert re.search(r"\d+月\d+日（土）</span> 13:30", page)
    assert "大阪府 阪南市のこよみ" in page
    [feed] = re.findall(r'href="(/calendar/area/[^"]+)"', page)
    assert "BEGIN:VEVENT" in await visitor.sees(feed)
    assert "縁側の会" not in await visitor.sees("/calendar?area=岡山県")
    own = await visitor.sees("/places/veranda")
    for path in re.findall(r'href="(/calendar/[^"]+)"', own):
        assert "BEGIN:VEVENT" in await visitor.sees(path)


async def test_every_calendar_that_is_offered_is_there(visitor: Visitor) -> None:
    """For every prefecture and every town of ours, and where we know nothing, that of everything."""
    towns = {areas.full_name(one) for one in areas.areas().values() if one.is_prefecture} | {
        f"{one.prefecture}{one.municipality}" for one in PLACES.values() if one.municipality
    }
    feeds = {looking.diary(a_release(), town, A_DAY).feed for town in (*towns, "", "ひみつのまち")}
    for feed in feeds:
        assert "BEGIN:VCALENDAR" in await visitor.sees(feed)


async def test_there_is_something_to_read_and_somebody_to_call(visitor: Visitor) -> None:
    """R-120, R-079: every article whole; the lines that may be told, 110 and 119 among them."""
    for article in seed_pack().articles.values():
        page = html.unescape(await visitor.sees(f"/read/{article.id}"))
        assert all(text in page for text in article.pages)
    page = await visitor.sees("/lines")
    assert "110" in page
    assert "119" in page
    await visitor.sees("/read/none", 404)


@given(
    st.dictionaries(
        st.sampled_from(["area", "kind", "who", "word", "page"]), st.text(max_size=80), max_size=5
    )
)
def test_whatever_stands_in_an_address_something_is_shown(query: dict[str, str]) -> None:
    """Any words, numbers and signs give a page; what cannot be meant is left out."""
    released = a_release()
    asked = looking.asked_of(query, released)
    shelf = looking.shelf(released, asked, A_DAY)
    assert all(one.id in LISTED for one in shelf.entries)
    looking.diary(released, query.get("area", ""), A_DAY)


async def test_words_of_an_address_are_words_on_the_page(visitor: Visitor) -> None:
    """Nothing a link brings becomes markup."""
    page = await visitor.sees("/places?word=" + quote('"><script>alert(1)</script>'))
    assert "<script" not in page


def said(words: Any) -> Iterator[str]:
    if isinstance(words, dict | list):
        for one in words.values() if isinstance(words, dict) else words:
            yield from said(one)
    else:
        yield words


def test_what_the_pages_say_besides_hurts_nobody() -> None:
    """R-012, R-043: no word to avoid, no urging, no more than a bubble."""
    words = list(said(yaml.safe_load((ROOT / "bot" / "public" / "words.yaml").read_text("utf-8"))))
    assert len(words) > 40
    for text in words:
        assert list(seed_pack().words.scan(text)) == []
        assert len(text) <= 120
        assert "ひきこもり" not in text


def test_every_kind_to_tap_on_is_a_wish() -> None:
    """Each means something to the search, and shows something."""
    words = yaml.safe_load((ROOT / "bot" / "public" / "words.yaml").read_text("utf-8"))
    for kind in (*words["places"]["kinds"], words["places"]["online"], words["places"]["desks"]):
        asked = looking.asked_of({"kind": kind}, a_release())
        assert asked.kind == kind
        assert looking.shelf(a_release(), asked, A_DAY).entries


def modules(page: str) -> set[tuple[int, int]]:
    """The dark squares of a drawn QR code, by column and row, its quiet border left out."""
    [path] = re.findall(r'class="qrline"[^>]* d="([^"]+)"', page)
    found, x, y = set(), 0.0, 0.0
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", path):
        values = [float(one) for one in re.findall(r"-?[\d.]+", numbers)]
        if command == "h":
            found |= {(int(x) + at - 4, int(y - 0.5) - 4) for at in range(int(values[0]))}
            x += values[0]
        else:
            x, y = (values[0], values[1]) if command == "M" else (x + values[0], y + values[1])
    return found


@pytest.mark.parametrize(("code", "query"), [("library", "?from=library"), ("", ""), ("<b>", "")])
async def test_a_card_leads_to_the_chat_and_tells_nothing_of_whom_it_is_for(
    visitor: Visitor, code: str, query: str
) -> None:
    """R-119, R-045: a neutral card with the code of its place; what is drawn is the address that is printed."""
    page = await visitor.sees(f"/card?from={quote(code)}")
    link = f"{BASE}/chat{query}"
    assert f">{link}</p>" in page
    matrix = segno.make_qr(link, error="m").matrix
    assert modules(page) == {(x, y) for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark}
    assert not [word for word in ("ひきこもり", "相談") if word in page]

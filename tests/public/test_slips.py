"""A group without accounts writes on one page: by a link that ends, is spent once, and leads to review."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

import pytest
from aiohttp import ClientSession, DummyCookieJar
from axe_playwright_python.async_playwright import Axe
from hypothesis import given
from hypothesis import strategies as st
from playwright.async_api import Browser

from bot.content.codec import Document, typed
from bot.content.export import body_of
from bot.content.importing import Unfit
from bot.content.slip import TEXTS, applied, filled
from bot.drafting import PROPOSED
from bot.errors import BadInput, NotFound
from bot.slips import LASTS
from bot.store import staff
from bot.store.staff import Member
from tests.webchat.conftest import DESK, PHONE, Chat, window

TODAY = date(2026, 11, 21)
SERIES: dict[str, Any] = {
    "id": "veranda",
    "name": "縁側の会",
    "prefecture": "大阪府",
    "municipality": "阪南市",
    "venue": "夢プラザ",
    "schedule": {"kind": "exact", "rrule": "FREQ=WEEKLY;BYDAY=SA", "begins": "13:30", "year_end": "none"},
}
FORM = {
    "days": "毎月第2土曜",
    "begins": "14:00",
    "ends": "16時",
    "on_holiday": "休み",
    "venue": "市民館",
    "do": "send",
}


class Group:
    """Somebody of a group with a browser that keeps nothing, and an editor who gave them a link."""

    def __init__(self, chat: Chat, session: ClientSession, editor: Member) -> None:
        self.chat, self._session, self.editor = chat, session, editor
        self.page, self.headers = "", dict[str, str]()

    @property
    def engawa(self) -> Any:
        return self.chat.engawa

    async def link(self) -> str:
        made: str = await self.engawa.slips.link(self.editor, "event_series", "veranda")
        return made[made.index("/slip/") :]

    async def get(self, path: str) -> int:
        async with self._session.get(self.chat.server.make_url(path)) as response:
            self.page, self.headers = await response.text(), dict(response.headers)
            return response.status

    async def post(self, path: str, data: dict[str, str] | bytes, **headers: str) -> int:
        sent = data if isinstance(data, bytes) else urlencode(data).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        async with self._session.post(self.chat.server.make_url(path), data=sent, headers=kind) as response:
            self.page = await response.text()
            return response.status

    async def said(self) -> tuple[str, dict[str, Any]]:
        """State and body of the document as it is being written."""
        draft = await self.engawa.studio.draft(self.editor, "event_series", "veranda")
        return draft.state, body_of("event_series", "veranda", draft.body)


@pytest.fixture
async def group(chat: Chat) -> AsyncIterator[Group]:
    engawa = chat.engawa
    made = [Document(kind="event_series", name="veranda", body=SERIES)]
    await engawa.database.write(engawa.library.merge, made, "x", engawa.clock.now())
    await engawa.database.write(staff.add, engawa.operator_id, "tanabe", "たなべ", "editor", None)
    editor = await engawa.database.read(staff.by_login, engawa.operator_id, "tanabe")
    assert editor is not None
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        yield Group(chat, session, editor)


async def test_from_the_link_to_review(group: Group) -> None:
    """It is looked at first, sent once, and then waits for staff: people are told what they were told before."""
    path = await group.link()
    assert await group.get(path) == 200
    assert "縁側の会" in group.page
    assert "毎週土" in group.page
    assert "<script" not in group.page
    assert "Set-Cookie" not in group.headers
    assert group.headers["Referrer-Policy"] == "no-referrer"
    assert await group.post(path, FORM | {"do": "look"}) == 200
    assert "2026年12月12日（土）" in group.page
    assert (await group.said())[0] != PROPOSED
    assert await group.post(path, FORM) == 200
    assert "ありがとうございました" in group.page
    state, body = await group.said()
    assert state == PROPOSED
    assert body["schedule"]["rrule"] == "FREQ=MONTHLY;BYDAY=2SA"
    assert (body["venue"], body["prefecture"]) == ("市民館", "大阪府")
    assert body["source"]["title"] == "会から届いた用紙"
    released = await group.engawa.database.read(group.engawa.library.released)
    assert released.latest.series["veranda"].venue == "夢プラザ"
    assert await group.get(path) == 404
    assert await group.post(path, FORM) == 404


async def test_what_cannot_be_read_is_told_and_kept(group: Group) -> None:
    path = await group.link()
    assert await group.post(path, FORM | {"begins": "ひるすぎ"}) == 400
    assert "時刻として読めません" in group.page
    assert 'value="ひるすぎ"' in group.page
    assert (await group.said())[0] != PROPOSED
    assert await group.post(path, FORM) == 200


async def test_a_link_ends(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its day, with newer words, and with its maker's office."""
    studio, write = group.engawa.studio, group.engawa.database.write
    with monkeypatch.context() as patch:
        patch.setattr("bot.slips.LASTS", timedelta(0))
        assert await group.get(await group.link()) == 404
    newer = await group.link()
    draft = await studio.draft(group.editor, "event_series", "veranda")
    await studio.save(group.editor, "event_series", "veranda", draft.body + "\n# x", draft.revision)
    assert await group.get(newer) == 404
    last = await group.link()
    assert await group.get(last) == 200
    await write(staff.disable, group.editor.staff_id, group.engawa.clock.now())
    assert await group.get(last) == 404


@pytest.mark.parametrize("kind", ["article", "texts", "hotline"])
async def test_there_are_forms_for_places_and_dates_only(group: Group, kind: str) -> None:
    name = {"article": "reading-1", "texts": "texts", "hotline": "yorisoi"}[kind]
    with pytest.raises((BadInput, NotFound)):
        await group.engawa.slips.link(group.editor, kind, name)


async def test_hostile_input(group: Group) -> None:
    """Forged links, other sites, too much, and bytes that are no form: plain answers, and nothing is written."""
    path = await group.link()
    for forged in (path[:-2] + "AA", "/slip/x", "/slip/" + "A" * 2000, "/slip/%F0%9F%92%A9", path + "A"):
        assert await group.get(forged) == 404, forged
    assert await group.post(path, FORM, Origin="https://evil.example") == 403
    assert await group.post(path, b"days=" + b"x" * 50_000) == 413
    assert await group.post(path, b"\xff\xfe") == 400
    assert await group.post(path, urlencode({"days": "\x00"}).encode()) == 400
    assert await group.post(path, "&".join(f"a{n}=1" for n in range(100)).encode()) == 400
    assert await group.post(path, FORM | {"summary": "<script>alert(1)</script>", "do": "look"}) == 200
    assert "<script" not in group.page
    assert (await group.said())[0] != PROPOSED


@given(
    form=st.dictionaries(
        st.sampled_from(
            ["days", "dates", "off", "begins", "ends", "on_holiday", "venue", "summary", "paused"]
        ),
        st.one_of(
            st.text(max_size=30),
            st.sampled_from(["毎週土曜", "2026-12-05", "13:30", "休み", "毎日", "隔週水曜"]),
        ),
    )
)
def test_whatever_is_written_is_a_document_or_a_problem(form: dict[str, str]) -> None:
    """And what the form does not ask stays as it was."""
    try:
        body = applied("event_series", SERIES, form, "用紙", TODAY)
    except Unfit:
        return
    typed(Document(kind="event_series", name="veranda", body=body))
    asked = {*TEXTS["event_series"], "schedule", "source"}
    assert {name: value for name, value in body.items() if name not in asked} == {
        name: value for name, value in SERIES.items() if name not in asked
    }


def test_a_form_sent_back_as_it_was_changes_nothing() -> None:
    assert applied("event_series", SERIES, filled("event_series", SERIES), "用紙", TODAY) == SERIES
    assert timedelta(days=14) == LASTS


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), (DESK, "dark")], ids=["phone", "desk"])
async def test_axe_finds_nothing_in_any_state_of_the_form(
    group: Group, chrome: Browser, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    """As it is opened, with what cannot be read, looked at, sent, and when the link is spent."""
    one, path = await window(group.chat, chrome, size, scheme), await group.link()
    page, found = one.page, dict[str, list[str]]()

    async def look(state: str) -> None:
        result = await Axe().run(page)
        wrong = [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in result.response["violations"]]
        if (wide := await page.evaluate("document.documentElement.scrollWidth")) > size[0]:
            wrong.append(f"{wide} px wide")
        if wrong:
            found[state] = wrong

    await page.goto(str(group.chat.server.make_url(path)))
    await look("opened")
    for state, said, button in (
        ("unread", "ひるすぎ", "look"),
        ("looked at", FORM["begins"], "look"),
        ("sent", FORM["begins"], "send"),
    ):
        await page.fill("[name=days]", FORM["days"])
        await page.fill("[name=begins]", said)
        await page.click(f"button[value={button}]")
        await look(state)
    await page.wait_for_selector("text=ありがとうございました")
    await page.goto(str(group.chat.server.make_url(path)))
    await look("spent")
    assert found == {}
    assert [line for line in one.wrong if "400" not in line and "404" not in line] == []

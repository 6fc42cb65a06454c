"""The hours of a desk as a form, with what people would be told by them."""

from __future__ import annotations

import html
import re
from itertools import pairwise

import pytest

from admin.views.studio_fields import FORMS
from admin.views.studio_form import applied, shown
from bot.content.export import body_of
from tests.admin.conftest import Browser, House
from tests.admin.test_studio import revision

DESK = "/admin/studio/documents/desk/main"
FORM = {
    "name": "相談の窓口",
    "shifts": "月火水木金 10:00-16:00\n 土・日曜 ２０：００〜26:00",
    "on_holiday": "skipped",
    "year_end": "12-28/01-04",
    "closed": "2026-12-20",
    "people": "2",
    "minutes_each": "30",
}
SPANS = next(field for section in FORMS["desk"] for field in section.fields if field.path == "shifts")


@pytest.fixture
async def editor(house: House) -> Browser:
    browser = await house.signed_in("tanabe", "たなべ", "editor")
    await browser.get(DESK)
    assert browser.status == 200, browser.text
    return browser


async def kept(editor: Browser, **fields: str) -> None:
    await editor.get(DESK)
    await editor.post(DESK, {"revision": revision(editor), **FORM, **fields})
    assert editor.status == 200, editor.text


async def test_hours_are_written_as_lines_and_told_as_people_would_be(editor: Browser) -> None:
    """R-070: by the very function that tells people; what the form does not know stays."""
    assert "人がいつ読むかは、まだ決まっていません" in editor.text
    await kept(editor)
    assert "月火水木金 10:00-16:00\n土日 20:00-26:00</textarea>" in editor.page
    told = re.search(r"(?s)<h2>この時間で、伝わること</h2>.*?</section>", editor.page)
    assert told is not None
    assert "月火水木金" in told[0]
    said = re.findall(r"<dd lang=\"ja\">(.*?)</dd>", told[0])
    assert {"いまは人が読む時間です。すぐに読めるとはかぎりません。"} < set(said)
    assert any(
        re.fullmatch(r"いまは人が見ていません。つぎに読むのは \d+月\d+日 (10|20)時ごろです。", one)
        for one in said
    )
    assert all(one != other for one, other in pairwise(said))  # a line for each change only
    await editor.get(f"{DESK}?raw=1")
    stored = re.search(r"(?s)<textarea[^>]*name=\"body\"[^>]*>(.*?)</textarea>", editor.page)
    assert stored is not None
    body = body_of("desk", "main", html.unescape(stored[1]))
    assert body["shifts"] == [
        {"days": "月火水木金", "opens": "10:00", "closes": "16:00"},
        {"days": "土日", "opens": "20:00", "closes": "26:00"},
    ]
    assert (body["people"], body["year_end"]) == (2, "12-28/01-04")


async def test_what_cannot_be_read_stays_and_is_told(editor: Browser) -> None:
    await kept(editor, shifts="いつでも")
    assert "いつでも</textarea>" in editor.page
    assert "日か時刻が読みとれません" in editor.text
    assert "ここには「項目: 内容」の組を書いてください" in editor.text


async def test_where_the_shift_table_decides_no_hours_are_promised(editor: Browser) -> None:
    await kept(editor, shift_table="yes")
    assert "当番の表で決まります" in editor.text
    assert "いまは人が読む時間です" not in editor.text


def test_what_a_form_does_not_know_stays() -> None:
    body = {
        "name": "x",
        "room": 9,
        "areas": ["岡山県"],
        "shifts": [{"days": "月", "opens": "9:00", "closes": "10:00"}],
    }
    made = applied("desk", body, {"name": "x", "shifts": shown(body, SPANS)})
    assert made == body

"""The practice desk: like the real one, with remarks afterwards, and nothing of it anywhere else."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import func, select

from bot.content.practice import (
    THEM,
    YOU,
    Answer,
    Heard,
    Practice,
    afterwards,
    begin,
    confirm,
    hand_back,
    reply,
)
from bot.errors import BadInput
from bot.runtime.live import QUEUE
from bot.store.schema import metadata
from bot.testing import a_pack
from tests.admin.conftest import Browser, House

OWN = {"practices", "staff_sessions", "chores", "accounts", "watch_rounds"}
"""Tables that may change while somebody practises: the practice itself, and what runs on its own."""


def scripts() -> list[Practice]:
    return list(a_pack().practices.values())


async def sizes(house: House) -> dict[str, int]:
    def counted(connection) -> dict[str, int]:
        return {
            name: connection.scalar(select(func.count()).select_from(table))
            for name, table in metadata.tables.items()
            if name not in OWN
        }

    return await house.engawa.database.read(counted)


async def begun(browser: Browser, script: str = "danger") -> str:
    """Begins one; returns its address."""
    await browser.get("/admin/practice")
    await browser.post("/admin/practice", {"with": script})
    found = re.search(r'action="(/admin/practice/[0-9a-f]{32})/seen"', browser.page)
    assert found, browser.text
    return found[1]


async def says(browser: Browser, here: str, text: str) -> None:
    count = re.search(r'name="count" value="(\d+)"', browser.page)
    assert count, browser.text
    await browser.post(f"{here}/reply", {"text": text, "count": count[1]})


@pytest.mark.parametrize("script", scripts(), ids=lambda one: one.id)
def test_every_person_can_be_practised_with_to_the_end(script: Practice) -> None:
    """Whatever is written, each answer comes once, and then there is silence; nothing they say is too long."""
    session = confirm(begin(script))
    for number in range(len(script.answers) + 3):
        session = reply(script, session, f"ことば{number}", Heard())
    assert len(set(session.used)) == len(session.used)
    assert session.said[-1].by == YOU
    session = hand_back(script, session)
    assert session.over
    with pytest.raises(BadInput):
        reply(script, session, "まだ書けますか", Heard())
    said = [*script.opening, *script.goodbye, *(text for one in script.answers for text in one.says)]
    assert [text for text in said if len(text) > 120] == []
    assert [one.minutes for one in session.said] == sorted(one.minutes for one in session.said)


def test_there_are_several_temperaments_and_one_is_in_danger() -> None:
    assert {one.id for one in scripts()} >= {"silent", "testing", "angry", "danger", "mother"}
    assert any(one.level == 3 for one in scripts())


def test_an_answer_fits_the_manner_of_the_reply() -> None:
    """Two questions at once, pressing words and words that were hoped for each have an answer of their own."""
    script = Practice(
        id="p",
        name="n",
        nickname="k",
        about="a",
        opening=("はじめ",),
        answers=(
            Answer(manner="presses", says=("押された",), tells="押していました"),
            Answer(manner="asks_more", says=("二つ",)),
            Answer(manner="asks", says=("一つ",)),
            Answer(manner="long", minutes=30),
            Answer(manner="says", words=("119",), says=("番号",)),
        ),
    )
    session = confirm(begin(script))
    for text, heard, answer in (
        ("１１９です", Heard(), "番号"),
        ("x", Heard(presses=True, questions=2), "押された"),
        ("x", Heard(questions=2), "二つ"),
        ("x", Heard(questions=1), "一つ"),
    ):
        session = reply(script, session, text, heard)
        assert (session.said[-1].by, session.said[-1].text) == (THEM, answer)
    before = session.minutes
    session = reply(script, session, "x" * 200, Heard(longest=200))
    assert session.minutes == before + 1 + 30
    assert afterwards(script, session) == ["押していました"]
    assert "はじめ" not in repr(session)


async def test_a_practice_is_like_the_console_and_tells_afterwards(house: House) -> None:
    """Taken, wishes confirmed first, a remark that blocks nothing, and the whole looked at in the end (build 9)."""
    browser = await house.signed_in()
    here = await begun(browser)
    assert "緊急" in browser.text
    assert 'id="text"' not in browser.page
    await browser.post(f"{here}/reply", {"text": "読んでいます", "count": "2"})
    assert browser.status == 400
    await browser.get(here)
    await browser.post(f"{here}/seen")
    assert 'id="text"' in browser.page
    await browser.post(f"{here}/draft", {"text": "早めに書いてください"}, {"X-Fragment": "1"})
    assert "「早め」" in browser.text
    await browser.get(here)
    assert "早めに書いてください</textarea>" in browser.page
    await says(browser, here, "早めに書いてください")
    assert "やっぱりだれにもわからない" in browser.text
    once = browser.page
    await says(browser, here, "119があります。ここにいます。")
    assert "文字ならここにいます" in browser.text
    stale = re.search(r'name="count" value="(\d+)"', once)
    assert stale
    await browser.post(f"{here}/reply", {"text": "二度目", "count": stale[1]})
    assert "二度目" not in browser.page
    await browser.post(f"{here}/end")
    assert "ふりかえり" in browser.text
    assert "119のことを書きました。" in browser.text
    assert "「早め」" in browser.text
    assert "気になる所はありません。" in browser.text
    assert 'id="text"' not in browser.page
    await browser.post(f"{here}/away")
    assert browser.status == 200
    await browser.get(here)
    assert browser.status == 404


async def test_nothing_of_a_practice_is_anywhere_else(house: House) -> None:
    """Out of every count, queue, report, alert and limit: no row of any other table comes of it, and nobody hears."""
    browser, lead = await house.signed_in(), await house.signed_in("oono", "おおの", "lead")
    other = await house.signed_in("sakurai", "さくらい")
    before = await sizes(house)
    with house.engawa.hub.listen(QUEUE) as bell:
        here = await begun(browser)
        await browser.post(f"{here}/seen")
        for text in ("これから死にます、と書いてもどこへも行きません", "119があります"):
            await says(browser, here, text)
        await browser.post(f"{here}/end")
        await house.engawa.alerts.work()
        await house.engawa.delivery.work()
        assert not await bell.wait(0.05)
    assert await sizes(house) == before
    for page in ("/admin", "/admin/board", "/admin/alerts", "/admin/records"):
        await lead.get(page)
        assert "深夜の階段" not in lead.text, page
        assert "これから死にます" not in lead.text, page
    for stranger in (lead, other):
        await stranger.get(here)
        assert stranger.status == 404
        await stranger.get("/admin/practice")
        assert "はじめたもの" not in stranger.text


async def test_a_practice_is_forgotten_after_a_month(house: House) -> None:
    browser = await house.signed_in()
    here = await begun(browser, "silent")
    house.later(29 * 24 * 60)
    await house.engawa.retention.run()
    browser = await house.signed_in("oono", "おおの")
    table = metadata.tables["practices"]

    def rows(connection) -> int:
        return int(connection.scalar(select(func.count()).select_from(table)))

    assert await house.engawa.database.read(rows) == 1
    house.later(2 * 24 * 60)
    await house.engawa.retention.run()
    assert await house.engawa.database.read(rows) == 0
    assert here

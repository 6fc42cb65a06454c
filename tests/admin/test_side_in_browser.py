"""Beside a conversation in a real Chromium: handing over with consent, words that wait, keys only, no script, axe."""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from bot.handoff.ticket import Status
from tests.admin.conftest import House
from tests.admin.test_in_browser import DESK, PHONE, chrome, opened
from tests.admin.test_side import two_desks

__all__ = ["chrome"]


async def asked(house: House) -> str:
    """A morning with two desks, and somebody who asks for a person."""
    await two_desks(house)
    house.later(9 * 60)
    house.engawa.channels["line"] = house.line
    await house.staff("mizuno", "みずの")
    await house.staff("sakurai", "さくらい")
    return await house.request("u1", "ゆっくり", "文字だけ")


@pytest.mark.parametrize("script", [True, False])
async def test_to_another_desk_with_consent_and_its_preview(
    house: House, chrome: Browser, *, script: bool
) -> None:
    """R-030, R-033, R-065, with and without scripts: the wishes first, then a consent, then exactly what goes."""
    ticket = await asked(house)
    _, page, complaints = await opened(house, chrome, script=script)
    await page.click("#next")
    await expect(page.locator("#text")).to_have_count(0)  # nothing can be written before the wishes were read
    await page.click("#seen")
    await expect(page.locator("#text")).to_be_visible()
    await page.click("text=おぼえ書きを足す")
    await page.fill("#text", "夜のほうが書きやすい")
    await page.click("#keep")
    await page.click("text=おぼえ書きを足す")
    await page.check("input[value=guess]")
    await page.fill("#text", "推しはかり")
    await page.click("#keep")
    await page.click("#pass-on")
    await page.click("text=了解を書きとめる")
    await page.fill("#text", "家族の窓口に話していいです")
    await page.check("input[name=source][value=person]")
    await page.check("input[name=how][value=wrote]")
    await page.select_option("#to", "families")
    await page.check("input[name=note-1]")
    await page.click("#keep")
    await page.click("text=「家族の窓口」へ渡る内容を見る")
    await expect(page.locator("#goes li")).to_have_count(1)
    await expect(page.locator("#goes")).to_contain_text("夜のほうが書きやすい")
    await expect(page.locator("#main")).not_to_contain_text("推しはかり")
    await page.fill("#text", "本人の了解があるので")
    await page.click("#send-on")
    lead = await house.staff("oono", "おおの", "lead")
    [moved] = await house.engawa.desk.queue(lead, Status.WAITING)
    assert (moved.ticket.id, moved.ticket.desk_id, moved.ticket.wishes) == (ticket, "families", ())
    assert complaints == []


async def test_words_wait_and_are_taken_back_by_keys_alone(house: House, chrome: Browser) -> None:
    """What waits leaves by itself, and the page says so; taken back it stands in the field again."""
    await asked(house)
    _, page, complaints = await opened(house, chrome)
    await page.goto("/admin/settings")
    await page.check("input[name=undo][value='20']")
    await page.click("text=この設定にする")
    await page.goto("/admin")
    await page.keyboard.press("n")
    await expect(page.locator("#seen")).to_be_visible()
    await page.keyboard.press("r")
    await page.keyboard.press("Enter")
    await expect(page.locator("#text")).to_be_focused()
    await page.keyboard.type("取り消す言葉")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".unsent")).to_contain_text("まだ送っていません")
    async with page.expect_response("**/scheduled/1/hold") as held:  # not gone under one's finger
        await page.focus("#take-back-1")
    assert (await held.value).status == 204
    await page.keyboard.press("Enter")
    await expect(page.locator("#text")).to_have_value("取り消す言葉")
    await expect(page.locator(".unsent")).to_have_count(0)
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".unsent")).to_have_count(1)
    house.later(1)
    await house.engawa.desk.send_due()
    await expect(page.locator(".unsent")).to_have_count(0, timeout=10_000)
    await expect(page.locator("#th-log .staff", has_text="取り消す言葉")).to_be_visible()
    assert complaints == []


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (PHONE, "dark")])
async def test_axe_finds_nothing_beside_a_conversation(
    house: House, chrome: Browser, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    ticket = await asked(house)
    context, page, complaints = await opened(house, chrome, size, scheme)
    await page.click("#next")
    await page.click("#seen")
    here = f"/admin/tickets/{ticket}"
    beside = (
        "#about",
        "/notes",
        "/notes?kind=consent",
        "/notes?kind=follow_up",
        "/pass",
        "/hand-over",
        "/consult",
    )
    for path in (*(here + one for one in beside), "/admin/consults", "/admin/settings"):
        await page.goto(path)
        found = await Axe().run(page)
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
        wide = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{path} is {wide} px too wide"
    assert complaints == []
    await context.close()

"""The public pages in a real Chromium: no script needed, nothing asked of others, and what axe says of them."""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from tests.webchat.conftest import DESK, PHONE, Chat, window

PAGES = (
    "/places",
    "/places?area=岬町&kind=家族会",
    "/places?word=スペース正雀",
    "/places/hannan-manma",
    "/places/none",
    "/calendar?area=大阪府",
    "/read",
    "/read/ibasho",
    "/lines",
    "/card?from=library",
)


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), (DESK, "dark")], ids=["phone", "desk"])
async def test_axe_finds_nothing_and_no_page_scrolls_sideways(
    chat: Chat, chrome: Browser, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    """By day and by night, 390 and 1280 px wide; no violation of the policy, nothing from elsewhere."""
    one = await window(chat, chrome, size, scheme)
    found: dict[str, list[str]] = {}
    for path in PAGES:
        await one.page.goto(str(chat.server.make_url(path)))
        result = await Axe().run(one.page)
        wrong = [
            f"{issue['id']}: {issue['nodes'][0]['html'][:120]}" for issue in result.response["violations"]
        ]
        wide = await one.page.evaluate("document.documentElement.scrollWidth")
        if wide > size[0]:
            wrong.append(f"{wide} px wide")
        if wrong:
            found[path] = wrong
    assert found == {}
    assert [line for line in one.wrong if "404" not in line] == []


async def test_without_script_one_comes_from_a_kind_to_a_place(chat: Chat, chrome: Browser) -> None:
    """R-010: a tap on a kind, a tap on a place, the calendar, something to read; words only if one likes."""
    one = await window(chat, chrome, PHONE, java_script_enabled=False)
    page = one.page
    await page.goto(str(chat.server.make_url("/places")))
    await page.click("text=家族会")
    await expect(page.locator("[aria-current=true]").first).to_have_text("家族会")
    await page.fill("input[name=area]", "大阪")
    await page.click("text=さがす")
    name = await page.locator(".name a").first.inner_text()
    await page.locator(".name a").first.click()
    await expect(page.locator("h1")).to_have_text(name)
    await page.click("nav >> text=こよみ")
    await expect(page.locator("h1")).to_have_text("こよみ")
    await page.click("nav >> text=読むもの")
    await page.locator(".titles a").first.click()
    await expect(page.locator("article p").first).to_be_visible()
    assert one.wrong == []


async def test_on_paper_only_what_is_told_remains(chat: Chat, chrome: Browser) -> None:
    """Printing leaves out what only leads on."""
    one = await window(chat, chrome, DESK)
    await one.page.goto(str(chat.server.make_url("/places")))
    await one.page.emulate_media(media="print")
    for selector in (".ask", ".fl", ".more", ".pu-h nav"):
        await expect(one.page.locator(selector)).to_be_hidden()
    await expect(one.page.locator(".pe").first).to_be_visible()

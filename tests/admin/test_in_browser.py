"""The console in a real Chromium: live parts, keys, no script, no violation, axe by day and by night."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.admin.conftest import House, enter
from tests.provision import chromium

DESK, PHONE = (1280, 860), (390, 844)
WATCH = "addEventListener('securitypolicyviolation', (e) => console.error('csp', e.violatedDirective))"


@pytest.fixture
async def chrome(chromium_path: Path) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**chromium.launch_options(chromium_path))
        yield browser
        await browser.close()


async def opened(
    house: House,
    chrome: Browser,
    size: tuple[int, int] = DESK,
    scheme: Literal["dark", "light"] = "light",
    *,
    script: bool = True,
    heading: str = "待っている人",
) -> tuple[BrowserContext, Page, list[str]]:
    """A signed-in window, and what it complains about."""
    context = await chrome.new_context(
        base_url=str(house.server.make_url("/")),
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        java_script_enabled=script,
        locale="ja-JP",
    )
    page, complaints = await context.new_page(), list[str]()
    await page.add_init_script(WATCH)
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto("/admin")
    await enter(page, "mizuno")
    await expect(page.locator("h1")).to_have_text(heading)
    return context, page, complaints


async def test_new_words_arrive_and_what_is_being_written_stays(house: House, chrome: Browser) -> None:
    ticket = await house.risk("u1")
    await house.staff("mizuno", "みずの")
    _, page, complaints = await opened(house, chrome)
    await page.click("text=次の人を受け取る")
    await expect(page.locator("#text")).to_be_focused()
    await page.keyboard.type("書きかけ")
    await page.locator("#th-log .fold > summary").first.click()
    await house.hear(house.line.heard("u1", "新しいことば"))
    await expect(page.locator("#th-log .them", has_text="新しいことば")).to_be_visible(timeout=2_000)
    await expect(page.locator("#text")).to_have_value("書きかけ")
    assert await page.locator("#th-log .fold").first.get_attribute("open") is not None
    await page.focus("#text")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#th-log .staff", has_text="書きかけ")).to_be_visible()
    assert page.url.endswith(f"{ticket}#text")
    await page.click("text=案内へもどす")
    await expect(page.locator("#text")).to_have_count(0)
    assert complaints == []


async def test_the_queue_grows_a_line_by_itself_and_keeps_the_place(house: House, chrome: Browser) -> None:
    for person in ("u1", "u2"):
        await house.request(person)
        house.later(1)
    await house.staff("mizuno", "みずの")
    _, page, complaints = await opened(house, chrome)
    await page.keyboard.press("j")
    second = await page.evaluate("document.activeElement.id")
    house.later(5)
    await house.risk("u3")
    await expect(page.locator("tr[data-row]")).to_have_count(3, timeout=2_000)
    assert await page.evaluate("document.activeElement.id") == second
    assert await page.evaluate("document.querySelector('.is-on a').id") == second
    await page.keyboard.press("?")
    await expect(page.locator("#help")).to_be_visible()
    await page.uncheck("#keys-on")
    await page.keyboard.press("Escape")
    assert await page.evaluate("document.activeElement.id") == second
    await page.keyboard.press("n")
    await page.reload()
    await expect(page.locator("tr[data-row]")).to_have_count(3)
    await page.keyboard.press("?")
    await expect(page.locator("#help")).to_be_hidden()
    assert not await page.is_checked("#keys-on")
    assert complaints == []


async def test_signed_out_elsewhere_the_words_go_and_the_draft_stays(house: House, chrome: Browser) -> None:
    ticket = await house.risk("u1", "死にたい canary")
    await house.staff("mizuno", "みずの")
    context, page, _ = await opened(house, chrome)
    await page.click("text=次の人を受け取る")
    await page.fill("#text", "下書き")
    other = await context.new_page()
    await other.goto("/admin")
    await other.click("text=出る")
    await house.hear(house.line.heard("u1", "まだいます"))
    await expect(page.locator("#lapsed")).to_be_visible(timeout=5_000)
    assert "canary" not in await page.content()
    await expect(page.locator("#text")).to_have_value("下書き")
    await enter(other, "mizuno")
    await expect(other.locator("h1")).to_have_text("待っている人")
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(page.locator("#lapsed")).to_be_hidden(timeout=5_000)
    await page.click("#send")
    await expect(page.locator("#th-log .staff", has_text="下書き")).to_be_visible()
    assert ticket in page.url


async def test_it_works_without_script(house: House, chrome: Browser) -> None:
    await house.request("u1")
    await house.staff("mizuno", "みずの")
    _, page, _ = await opened(house, chrome, PHONE, script=False)
    await page.click("text=次の人を受け取る")
    await page.click("#seen")
    await page.fill("#text", "こんばんは")
    await page.click("#send")
    await expect(page.locator("#th-log .staff", has_text="こんばんは")).to_be_visible()
    await page.click("text=この人のこと")
    await expect(page.locator("#about")).to_be_in_viewport()
    await page.click("text=とじる")
    await page.click("text=案内へもどす")
    await expect(page.locator(".dock")).to_contain_text("いまは自動の案内です")
    await page.click("text=出る")
    await expect(page.locator("#secret")).to_be_visible()


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), (DESK, "dark")], ids=["phone", "desk"])
async def test_axe_finds_nothing_and_no_page_scrolls_sideways(
    house: House, chrome: Browser, size: tuple[int, int], scheme: Literal["dark", "light"]
) -> None:
    waiting = await house.request("u1")
    mine = await house.risk("u2")
    await house.hear(house.line.heard("u1", "さがす"))
    mizuno = await house.staff("mizuno", "みずの")
    await house.engawa.desk.claim(mizuno, mine)
    await house.engawa.desk.reply(mizuno, mine, "読みました。", "r1")
    _, page, complaints = await opened(house, chrome, size, scheme)
    paths = (
        "/admin",
        "/admin?group=mine",
        f"/admin/tickets/{waiting}",
        f"/admin/tickets/{mine}",
        "/admin?group=team",
        "/admin/settings",
        "/admin/components",
        "/admin/places?q=の",
        f"/admin/tickets/{mine}?before=3",
        "/admin/login",
    )
    for path in (*paths, "/admin?lang=en", f"/admin/tickets/{mine}"):
        await page.goto(path)
        await asyncio.wait_for(page.wait_for_load_state(), 5)
        found = await Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    await page.goto("/admin/practice")
    assert (await Axe().run(page)).violations_count == 0
    await page.click("[name=with][value=danger]")
    for press in ("#seen", "#hand-back"):
        await page.click(press)
        found = await Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), press
    await page.keyboard.press("Escape")
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("?")
    await expect(page.locator("#help")).to_be_visible()
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert complaints == []

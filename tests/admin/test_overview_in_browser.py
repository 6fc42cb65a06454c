"""The lead's pages in a real Chromium: axe by day and by night, narrow and wide; without script, too."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from bot.store import accounts, duties
from tests.admin.conftest import House
from tests.admin.test_in_browser import DESK, PHONE, chrome, opened

__all__ = ["chrome"]
PATHS = (
    *("/admin/board", "/admin/shifts", "/admin/members", "/admin/status", "/admin/records"),
    "/admin/break-glass",
)


@pytest.fixture
async def evening(house: House) -> House:
    """Somebody waits, somebody is answered, somebody is in danger; a lead looks at it."""
    lead = await house.staff("mizuno", "みずの", "lead")
    other = await house.staff("sakurai", "さくらい")
    write, now = house.engawa.database.write, house.clock.now()
    for member, begins, ends in ((lead, -1, 5), (other, 2, 9)):
        span = now + timedelta(hours=begins), now + timedelta(hours=ends)
        await write(duties.add, member.staff_id, *span)
    house.engawa.channels["line"] = house.line
    marks = {"line": accounts.Marks(received_at=now, sent_at=now, failed_at=now, failure_code="throttled")}
    await write(accounts.note, house.engawa.operator_id, marks)
    taken = await house.request("u1")
    await house.engawa.desk.claim(other, taken)
    await house.request("u2")
    await house.risk("u3", "これから死にます。薬をたくさん飲みました")
    house.later(8)
    await house.engawa.alerts.work()
    ops = await house.staff("ops", "うんよう", "operator")
    await house.engawa.desk.break_glass(ops, taken, "ご家族から電話があった")
    return house


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), (DESK, "dark")], ids=["phone", "desk"])
async def test_axe_finds_nothing_and_no_page_scrolls_sideways(
    evening: House, chrome: Browser, size: tuple[int, int], scheme: Literal["light", "dark"], tmp_path: Path
) -> None:
    context, page, complaints = await opened(evening, chrome, size, scheme)
    await page.goto("/admin/members")
    one = await page.get_attribute("td a[href^='/admin/members/']", "href") or ""
    for path in (*PATHS, one):
        await page.goto(path)
        found = await Axe().run(page)
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
        wide = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{path} is {wide} px too wide"
        name = f"{path.split('/')[2]}-{len(path)}-{size[0]}-{scheme}.png"
        await page.screenshot(path=tmp_path / name, full_page=True)
    assert complaints == []
    await context.close()


async def test_the_board_renews_itself_and_works_without_script(evening: House, chrome: Browser) -> None:
    context, page, complaints = await opened(evening, chrome)
    await page.goto("/admin/board")
    await expect(page.locator("#b-lead")).to_contain_text("2人が待っています")
    await evening.request("u4")
    await expect(page.locator("#b-lead")).to_contain_text("3人が待っています", timeout=10_000)
    assert complaints == []
    await context.close()
    context, page, _ = await opened(evening, chrome, PHONE, script=False)
    await page.goto("/admin/board")
    await page.click("#b-red button:has-text('受け取る')")
    await expect(page.locator("#seen, #text").first).to_be_visible()
    await page.goto("/admin/shifts")
    await page.click("button:has-text('入れる')")
    await expect(page.locator(".grid tbody tr")).to_have_count(3)
    await context.close()

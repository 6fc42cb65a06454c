"""Alerts, records and report in a real Chromium: axe by day and by night, narrow and wide."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser

from bot.store import counts
from tests.admin.conftest import House
from tests.admin.test_in_browser import DESK, PHONE, chrome, opened

__all__ = ["chrome"]


@pytest.fixture
async def lead(house: House) -> House:
    """A house with an open alert, records and numbers."""
    await house.staff("mizuno", "みずの", "lead")
    counted = {
        "handoffs_wished": 86,
        "opened/kita": 412,
        "first_reply/high/10": 12,
        "first_reply/none/45": 30,
        "first_reply/none/10": 6,
        "first_reply/none/240": 6,
        "searches_without_entry": 9,
    }
    write, operator = house.engawa.database.write, house.engawa.operator_id
    await write(counts.add, operator, date(2026, 12, 1), counted)
    house.clock.move(timedelta(days=60))
    await house.risk("u1")
    await house.engawa.alerts.work()
    return house


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), (DESK, "dark")], ids=["phone", "desk"])
async def test_axe_finds_nothing_and_no_page_scrolls_sideways(
    lead: House, chrome: Browser, size: tuple[int, int], scheme: Literal["light", "dark"], tmp_path: Path
) -> None:
    context, page, complaints = await opened(lead, chrome, size, scheme)
    for path in ("/admin/alerts", "/admin/records", "/admin/report?period=2026-Q4"):
        await page.goto(path)
        found = await Axe().run(page)
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
        wide = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{path} is {wide} px too wide"
        await page.screenshot(path=tmp_path / f"{path.strip('/').replace('/', '-')[:20]}.png", full_page=True)
        if path == "/admin/alerts":
            assert await page.locator("text=見ました").first.is_visible()
    assert complaints == []
    await context.close()

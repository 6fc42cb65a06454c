"""The flow editor in a real Chromium: axe by day and by night, keys on the map, saving by itself, the phone."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page

from tests.admin.conftest import House, enter
from tests.admin.test_in_browser import DESK, PHONE, WATCH, chrome

__all__ = ["chrome"]

MEET = "/admin/studio/flows/F-MEET"


async def at_desk(
    house: House,
    chrome: Browser,
    size: tuple[int, int] = DESK,
    scheme: Literal["dark", "light"] = "light",
    *,
    login: str = "tanabe",
) -> tuple[BrowserContext, Page, list[str]]:
    """A signed-in editor's window, and what it complains about."""
    context = await chrome.new_context(
        base_url=str(house.server.make_url("/")),
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        locale="ja-JP",
    )
    page, complaints = await context.new_page(), list[str]()
    await page.add_init_script(WATCH)
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto("/admin")
    await enter(page, login)
    return context, page, complaints


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE])
async def test_axe_finds_nothing_and_no_page_scrolls_sideways(
    house: House, chrome: Browser, size: tuple[int, int], scheme: Literal["light", "dark"], tmp_path: Path
) -> None:
    """Must-show 6."""
    await house.staff("tanabe", "たなべ", "editor")
    context, page, complaints = await at_desk(house, chrome, size, scheme)
    for name, path in (
        ("flows", "/admin/studio/flows"),
        ("menu", f"{MEET}?step=kind"),
        ("list", f"{MEET}?step=list"),
        ("find", "/admin/studio/flows/F-FIND?step=how"),
    ):
        await page.goto(path)
        for part in await page.locator("details:not([open]) > summary").all():
            if await part.is_visible():
                await part.click()
        found = await Axe().run(page)
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
        wide = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{path} is {wide} px too wide"
        await page.goto(path)
        await page.screenshot(path=tmp_path / f"{name}-{size[0]}-{scheme}.png")
    assert complaints == []
    await context.close()

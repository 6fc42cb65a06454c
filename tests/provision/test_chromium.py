"""The browser that is found is one that opens pages."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.async_api import async_playwright

from tests.provision import Unavailable, chromium

PAGE = "<!doctype html><html lang=ja><title>縁側</title><h1>ここにいてもいい</h1>"


async def test_opens_a_page(chromium_path: Path) -> None:
    """A data: page is parsed, and needs no server."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**chromium.launch_options(chromium_path))
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        await page.goto(f"data:text/html;charset=utf-8,{quote(PAGE)}")
        assert await page.title() == "縁側"
        assert await page.inner_text("h1") == "ここにいてもいい"
        assert (await page.screenshot())[:4] == b"\x89PNG"
        await browser.close()


def test_a_wrong_setting_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever names a browser wants that one, not whichever is found instead."""
    monkeypatch.setenv(chromium.ENVIRONMENT, str(tmp_path / "no-browser"))
    with pytest.raises(Unavailable, match=chromium.ENVIRONMENT):
        chromium.ensure()


def test_a_stub_is_no_browser(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A program of the right name that only tells what to install does not count."""
    stub = tmp_path / "chromium"
    stub.write_text(
        "#!/bin/sh\necho 'Command chromium requires the chromium snap to be installed.' >&2\nexit 10\n"
    )
    stub.chmod(0o755)
    monkeypatch.setenv(chromium.ENVIRONMENT, str(stub))
    with pytest.raises(Unavailable, match="does not start"):
        chromium.require()

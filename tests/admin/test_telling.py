"""What a browser tells while one looks elsewhere, and the console on a phone's home screen."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from admin.views.telling import is_night
from bot.handoff.hours import TOKYO
from bot.store import duties
from tests.admin.conftest import House
from tests.admin.test_in_browser import PHONE, chrome, opened

__all__ = ["chrome"]
SHOWN = """async (number) => {
  const [worker] = await navigator.serviceWorker.getRegistrations();
  for (let left = 100; ; left--) {
    const found = await worker.getNotifications();
    if (found.length === number || !left)
      return found.map(({ title, body, silent, tag }) => ({ title, body, silent, tag }));
    await new Promise((done) => setTimeout(done, 50));
  }
}"""
ELSEWHERE = "Document.prototype.hasFocus = () => false"
TOLD = {"title": "新しい知らせがあります", "body": "", "silent": True, "tag": "engawa"}


def next_at(house: House, hour: int) -> None:
    """Moves on to this hour of the next day in Tokyo."""
    now = house.clock.now().astimezone(TOKYO)
    wanted = (now + timedelta(days=1)).replace(hour=hour, minute=0)
    house.clock.move(wanted - now)


async def waiting(page: Page, number: int) -> None:
    """So many stand in the ledger, and in the title."""
    await expect(page.locator("tr[data-row]")).to_have_count(number, timeout=5_000)
    await expect(page).to_have_title(f"({number}) 待っている人 — 縁側")


async def test_something_new_is_told_without_a_word_of_it(house: House, chrome: Browser) -> None:
    """R-045: asked for by a press in the settings; silent, one at a time, and gone when it was seen."""
    await house.staff("mizuno", "みずの")
    context, page, complaints = await opened(house, chrome, PHONE)
    await expect(page).to_have_title("待っている人 — 縁側")
    await context.grant_permissions(["notifications"])
    await page.goto("/admin/settings")
    await expect(page.locator("#tell-state")).to_have_text("ここでは知らせません。")
    await page.click("#tell")
    await expect(page.locator("#tell-state")).to_have_text("ここで知らせます。")
    await page.add_init_script(ELSEWHERE)
    await page.goto("/admin")
    await house.risk("u1", "もう死にたい canary")
    await waiting(page, 1)
    assert await page.evaluate(SHOWN, 1) == [TOLD]
    house.later(1)
    ticket = await house.request("u2")
    await waiting(page, 2)
    assert await page.evaluate(SHOWN, 1) == [TOLD]
    await page.evaluate("dispatchEvent(new Event('focus'))")
    assert await page.evaluate(SHOWN, 0) == []
    await page.click(f"#t-{ticket}")
    await page.click("#take")
    await expect(page.locator("#seen")).to_be_visible()
    await house.hear(house.line.heard("u2", "つづきです"))
    assert await page.evaluate(SHOWN, 1) == [TOLD]
    await page.goto("/admin/settings")
    await page.click("#tell")
    await expect(page.locator("#tell-state")).to_have_text("ここでは知らせません。")
    assert complaints == []


@pytest.mark.parametrize(
    ("hour", "night"), [(22, True), (0, True), (6, True), (7, False), (12, False), (21, False)]
)
def test_the_night_is_from_ten_to_seven_in_tokyo(hour: int, night: bool) -> None:
    assert is_night(datetime(2026, 12, 1, hour, 30, tzinfo=TOKYO)) is night


async def test_at_night_only_who_is_on_duty_is_told_if_anybody_is(house: House) -> None:
    mizuno, sakurai = await house.signed_in(), await house.signed_in("sakurai", "さくらい")
    [on_duty] = [
        one
        for one in await house.engawa.database.read(duties.here, house.engawa.operator_id, house.clock.now())
        if one.login == "mizuno"
    ]
    next_at(house, 3)
    now = house.clock.now()
    ticket = await house.request("u1")

    async def quiet() -> list[bool]:
        found = []
        for browser, login in ((mizuno, "mizuno"), (sakurai, "sakurai")):
            for path in ("/admin", f"/admin/tickets/{ticket}"):
                await browser.sign_in(login)
                await browser.get(path)
                assert re.search(r'data-news="[1-9]\d*"', browser.page)
                found.append("data-quiet" in browser.page)
        return found

    assert await quiet() == [False, False, False, False]  # nobody else would look
    await house.engawa.database.write(
        duties.add, on_duty.staff_id, now - timedelta(hours=1), now + timedelta(hours=9)
    )
    assert await quiet() == [False, False, True, True]
    next_at(house, 7)
    assert await quiet() == [False, False, False, False]


async def test_a_phone_can_pin_the_console(house: House, chrome: Browser) -> None:
    """Chromium finds nothing wrong with the manifest; icons are as large as it says, and all is ours."""
    await house.staff("mizuno", "みずの")
    context, page, complaints = await opened(house, chrome, PHONE)
    devtools = await context.new_cdp_session(page)
    found = await devtools.send("Page.getAppManifest")
    assert found["errors"] == []
    manifest = json.loads(found["data"])
    assert manifest["start_url"] == manifest["scope"] == "/admin"
    errors = (await devtools.send("Page.getInstallabilityErrors"))["installabilityErrors"]
    assert [one["errorId"] for one in errors if one["errorId"] != "in-incognito"] == []
    for icon in manifest["icons"]:
        where = f"/admin/static/{icon['src']}"
        size = await page.evaluate(
            "async (src) => { const i = new Image(); i.src = src; await i.decode(); return i.naturalWidth }",
            where,
        )
        assert icon["sizes"] in ("any", f"{size}x{size}")
        assert (await context.request.get(where)).headers["content-type"] == icon["type"]
    assert complaints == []

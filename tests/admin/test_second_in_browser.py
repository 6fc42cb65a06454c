"""Signing in with a passkey in a real Chromium, whose authenticator is a virtual one; and the pages at the door."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from bot.store import factors, staff
from tests.admin.conftest import House
from tests.admin.test_in_browser import DESK, PHONE, chrome

__all__ = ["chrome"]

KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
NEW = "縁側で ねこが 三びき 昼寝"


async def a_window(
    house: House, chrome: Browser, size: tuple[int, int] = DESK, scheme: Literal["dark", "light"] = "light"
) -> tuple[Page, Any, str]:
    """A window with a virtual authenticator, at the name passkeys belong to."""
    home = f"http://localhost:{house.server.port}"
    context = await chrome.new_context(
        base_url=home, viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, locale="ja-JP"
    )
    page = await context.new_page()
    devtools = await context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    made = await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
    return page, devtools, made["authenticatorId"]


async def passphrase(page: Page, secret: str) -> None:
    await page.goto("/admin/login")
    await page.fill("#login", "mizuno")
    await page.fill("#secret", secret)
    await page.click("text=つづける")


async def newcomer(house: House) -> str:
    write, now = house.engawa.database.write, house.clock.now()
    staff_id = str(await write(staff.add, house.engawa.operator_id, "mizuno", "みずの", "counselor", None))
    await write(staff.offer_one_time_login, staff_id, "once", now + timedelta(hours=1))
    return staff_id


async def test_a_passkey_is_set_up_and_opens_the_door(house: House, chrome: Browser) -> None:
    """B18: origin and relying party from the settings; without user verification, or as a copy, it opens nothing."""
    await newcomer(house)
    page, devtools, key = await a_window(house, chrome)
    await passphrase(page, "once")
    await page.fill("#secret", NEW)
    await page.click("text=つづける")
    await page.click("text=パスキーを作る")
    await expect(page.locator("h1")).to_have_text("控えの合言葉")
    await page.click("text=控えました")
    await expect(page.locator("h1")).to_have_text("待っている人")
    member = await house.engawa.database.read(staff.by_login, house.engawa.operator_id, "mizuno")
    assert member is not None
    [kept] = await house.engawa.database.read(factors.of, house.engawa.sealer, member)
    assert kept.kind == factors.PASSKEY

    await page.click("text=出る")
    await passphrase(page, NEW)
    await page.click("text=鍵を使う")
    await expect(page.locator("h1")).to_have_text("待っている人")

    await page.click("text=出る")
    await devtools.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": False})
    await passphrase(page, NEW)
    await page.click("text=鍵を使う")
    await expect(page.locator("[data-failed]")).to_be_visible()
    await devtools.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": True})

    [credential] = (await devtools.send("WebAuthn.getCredentials", {"authenticatorId": key}))["credentials"]
    await devtools.send("WebAuthn.clearCredentials", {"authenticatorId": key})
    copied = {**credential, "signCount": 0}
    await devtools.send("WebAuthn.addCredential", {"authenticatorId": key, "credential": copied})
    await page.click("text=鍵を使う")
    await expect(page.locator("#wrong")).to_contain_text("合わないか、前に使ったものです")
    await page.context.close()


async def test_an_answer_is_taken_once(house: House, chrome: Browser) -> None:
    """A challenge is spent by the first answer, and belongs to the session it was made for."""
    await newcomer(house)
    page, _, _ = await a_window(house, chrome)
    await passphrase(page, "once")
    await page.fill("#secret", NEW)
    await page.click("text=つづける")
    await page.click("text=パスキーを作る")
    await page.click("text=控えました")
    await page.click("text=出る")
    await passphrase(page, NEW)
    async with page.expect_request(lambda one: one.method == "POST") as sent:
        await page.click("text=鍵を使う")
    await expect(page.locator("h1")).to_have_text("待っている人")
    body = (await sent.value).post_data or ""
    answer = dict(one.split("=", 1) for one in body.split("&"))["passkey"]
    again = house.browser()
    await again.get("/admin/login")
    await again.post("/admin/login", {"login": "mizuno", "secret": NEW})
    csrf = again.marks["csrf"].encode()
    await again.post("/admin/second", b"csrf=" + csrf + b"&to=&passkey=" + answer.encode())
    assert again.status == 401
    await page.context.close()


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), (DESK, "dark")], ids=["phone", "desk"])
async def test_axe_finds_nothing_at_the_door(
    house: House, chrome: Browser, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    await newcomer(house)
    page, _, _ = await a_window(house, chrome, size, scheme)

    async def fine() -> None:
        found = await Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url

    await passphrase(page, "once")
    await fine()
    await page.fill("#secret", NEW)
    await page.click("text=つづける")
    await expect(page.locator(".qr")).to_be_visible()
    await fine()
    await page.click("text=パスキーを作る")
    await expect(page.locator(".codes")).to_be_visible()
    await fine()
    await page.click("text=控えました")
    for path in ("/admin/settings", "/admin/passphrase", "/admin/second"):
        await page.goto(path)
        await fine()
    await page.goto("/admin")
    await page.click("text=出る")
    await passphrase(page, NEW)
    await expect(page.locator("text=鍵を使う")).to_be_visible()
    await fine()
    await page.context.close()

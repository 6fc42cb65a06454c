"""The flow editor in a real Chromium: axe by day and by night, keys on the map, saving by itself, the phone."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, expect

from bot.content.export import text_of
from bot.content.flow_links import plain
from bot.store.content import latest_number
from tests.admin.conftest import House, enter
from tests.admin.test_in_browser import DESK, PHONE, WATCH, chrome
from tests.content.test_flow_map import a_long_flow

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


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), (DESK, "dark")], ids=["phone", "desk"])
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


async def said_to(house: House, person: str, text: str) -> list[str]:
    """What a person is told who writes this."""
    before = len(house.line.texts(person))
    await house.hear(house.line.heard(person, text, at=house.clock.now()))
    delivery = house.engawa.delivery
    await asyncio.gather(*delivery._sends)
    while await delivery.work() or delivery._sends:
        await asyncio.gather(*delivery._sends)
    return house.line.texts(person)[before:]


async def test_a_new_editor_publishes_a_change_while_somebody_is_mid_flow(
    house: House, chrome: Browser, tmp_path: Path
) -> None:
    """From the first page to the next visitor."""
    house.engawa.channels["line"] = house.line
    await house.staff("tanabe", "たなべ", "editor")
    await house.staff("sakurai", "さくらい", "reviewer")
    assert "住まいから離れた集まりもえらべます。" in (await said_to(house, "u1", "家族の集まり"))[0]

    context, page, complaints = await at_desk(house, chrome)
    await page.goto("/admin/studio")
    await page.select_option("#new-kind", "resource")
    await page.fill("#new-name", "yurari")
    await page.get_by_role("button", name="はじめる").click()
    for name, value in PLACE.items():
        field = page.locator(f"[name='{name}']").first
        if await field.evaluate("one => one.tagName") == "SELECT":
            await field.select_option(value)
        elif value == "1" or await field.get_attribute("type") == "radio":
            await page.locator(f"[name='{name}'][value='{value}']").check()
        else:
            await field.fill(value)
    await page.get_by_role("button", name="下書きに残す").first.click()
    await expect(page.locator("body")).to_contain_text(re.compile("11(/|月 ?)28"))  # the next one of its days
    await page.get_by_role("button", name="確認に出す").click()

    await page.goto(f"{MEET}?step=area&person=family&channel=line")
    await page.fill("#say0", "どの地域の集まりを見ますか。")
    await page.locator("#title").focus()
    await expect(page.locator("#fl-phone .bb").last).to_have_text("どの地域の集まりを見ますか。")
    await page.locator("summary", has_text="この後に手順を足す").click()
    await page.select_option("#d-template", "two")
    await page.fill("#d-title", "遠くてもよいか")
    await page.select_option("#d-way", "c:家から遠い所")
    await page.get_by_role("button", name="手順を足す").click()
    await expect(page.locator("#step-h")).to_have_text("遠くてもよいか")
    await expect(page.locator("#i-say")).to_contain_text("何も言わない場面です。")
    await page.fill("#say0", "電車で行く所も出してよいですか。")
    await page.fill("#label0", "遠くの県までひろげてもかまわない、とえらぶ")
    await page.locator("#title").focus()
    await expect(page.locator("#i-label0")).to_contain_text("ボタンが 21 文字です。")
    await expect(page.get_by_role("button", name="確認に出す")).to_be_disabled()
    await page.screenshot(path=tmp_path / "complaint.png")
    await page.fill("#label0", "遠くてもよい")
    await page.fill("#label1", "近くがよい")
    await page.locator("#title").focus()
    await expect(page.get_by_role("button", name="確認に出す")).to_be_enabled()
    await page.locator(".ph-q button", has_text="遠くてもよい").click()
    await expect(page.locator("#fl-phone .bb.mine")).to_have_text("遠くてもよい")
    await expect(page.locator(".nd.at")).to_have_attribute("aria-label", re.compile("集まりの一覧"))
    await page.screenshot(path=tmp_path / "preview.png")
    await page.get_by_role("button", name="確認に出す").click()
    await expect(page.locator("h1 .tag")).to_have_text("確認中")

    other, review, worries = await at_desk(house, chrome, login="sakurai")
    await review.goto("/admin/studio/publish")
    await expect(review.locator("main")).to_contain_text("遠くてもよい")
    await review.fill("#m", "集まりのさがし方をかえました。")
    await review.get_by_role("button", name="公開する").click()
    await review.wait_for_load_state()
    assert await house.engawa.database.read(latest_number, house.engawa.operator_id) == 2

    went_on = await said_to(house, "u1", "家から遠い所")
    assert not any("電車で行く所" in text for text in went_on), "who was mid-way goes on as it began"
    assert went_on
    assert (await said_to(house, "u2", "家族の集まり"))[0] == "どの地域の集まりを見ますか。"
    assert await said_to(house, "u2", "家から遠い所") == ["電車で行く所も出してよいですか。"]
    assert (await said_to(house, "u2", "遠くてもよい"))[0].startswith("日にちが確かなものは")
    assert complaints == worries == []
    await context.close()
    await other.close()


async def test_the_map_of_two_hundred_steps_is_moved_by_keys_and_has_a_list(
    house: House, chrome: Browser, tmp_path: Path
) -> None:
    """What the map does is there by keys, and as a list."""
    member = await house.staff("tanabe", "たなべ", "editor")
    flow = a_long_flow(200)
    await house.engawa.studio.save(member, "flow", flow.id, text_of(plain(flow)), 0)
    context, page, complaints = await at_desk(house, chrome)
    await page.goto(f"/admin/studio/flows/{flow.id}?step=s0")
    assert await page.locator(".nd:not(.far)").count() == 200
    assert await page.locator(".steps > ol > li").count() == 200
    await page.locator(".nd.on").focus()
    await page.keyboard.press("ArrowDown")
    below = page.locator(".nd:focus")
    await expect(below).to_have_attribute("href", re.compile("step=s[12](&|$)"))
    await page.keyboard.press("Enter")
    await expect(page.locator(".nd.on")).to_have_attribute("href", re.compile("step=s[12](&|$)"))
    wide = await page.locator(".map").evaluate("map => map.clientWidth")
    for _ in range(4):
        await page.get_by_role("button", name="小さく").click()
    assert await page.locator(".map").evaluate("map => map.clientWidth") < wide / 2
    await page.set_viewport_size({"width": 1600, "height": 1000})
    await page.screenshot(path=tmp_path / "long.png")
    await page.goto(f"/admin/studio/flows/{flow.id}?step=s199")
    assert await page.locator(".nd.on").is_visible(), "the map opens where one is"
    assert complaints == []
    await context.close()


PLACE = {
    "name": "ゆらりの家族会",
    "kind": "family_group",
    "prefecture": "宮城県",
    "municipality": "仙台市",
    "summary": "話しても、聞くだけでもいい集まりです。",
    "audience=family": "1",
    "residence.rule": "anyone",
    "agreement": "agreed",
    "status": "active",
    "source.title": "主催の案内",
    "source.seen_in_source": "2026年11月",
    "schedule.kind": "exact",
    "schedule.words": "毎月第2・第4土曜",
    "schedule.begins": "13:00",
    "schedule.ends": "15:00",
    "schedule.on_holiday": "skipped",
}

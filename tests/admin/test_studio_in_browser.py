"""The content studio in a real Chromium: axe by day and by night, narrow and wide; what is typed is kept by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from bot.content.export import body_of, text_of
from bot.store.staff import Member
from tests.admin.conftest import House
from tests.admin.test_in_browser import DESK, PHONE, chrome, opened
from tests.admin.test_studio import FORM, PLACE, sent

__all__ = ["chrome"]

KITA = {
    "id": "kita",
    "name": "きたの部屋",
    "kind": "ibasho",
    "prefecture": "宮城県",
    "municipality": "仙台市",
    "summary": "ひとりで過ごせる部屋です。",
    "source": {"title": "市の資料", "seen_in_source": "2026年11月"},
    "schedule": {"kind": "exact", "rrule": "FREQ=MONTHLY;BYDAY=2SA,4SA,1MO", "begins": "13:00"},
}
HEADING = "案内の内容"
PAGES = (
    "/admin/studio",
    PLACE,
    "/admin/studio/documents/texts/texts?q=later",
    "/admin/studio/documents/hotline/ambulance?raw=1",
    "/admin/studio/documents/flow/F-MONEY",
    "/admin/studio/documents/flow/F-MONEY/history",
    "/admin/studio/documents/desk/main",
    "/admin/studio/publish",
    "/admin/studio/releases",
    "/admin/studio/releases/1",
    "/admin/studio/board",
    "/admin/studio/import",
    "/admin/studio/words",
)


async def changed(house: House, member: Member, kind: str, document: str, **fields: object) -> None:
    """A draft that was sent to review."""
    studio = house.engawa.studio
    draft = await studio.draft(member, kind, document)
    body = text_of(body_of(kind, document, draft.body) | fields)
    saved = await studio.save(member, kind, document, body, draft.revision)
    await studio.propose(member, kind, document, saved.revision)


@pytest.fixture
async def office(house: House) -> House:
    """A house whose reviewer is called as `opened` signs in, with two changes in review and a draft."""
    member = await house.staff("mizuno", "みずの", "reviewer")
    tanabe = await house.staff("tanabe", "たなべ", "editor")
    await changed(house, tanabe, "flow", "F-MONEY", name="お金のこと、すこし")
    await changed(house, member, "flow", "F-SAFE", name="つらいとき")
    await house.engawa.studio.save(tanabe, "resource", "kita", text_of(KITA), 0)
    desk = await house.engawa.studio.draft(tanabe, "desk", "main")
    hours = [{"days": "月火水木金祝", "opens": "10:00", "closes": "16:00"}]
    body = text_of(body_of("desk", "main", desk.body) | {"shifts": hours})
    await house.engawa.studio.save(tanabe, "desk", "main", body, desk.revision)
    return house


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), (DESK, "dark")], ids=["phone", "desk"])
async def test_axe_finds_nothing_and_no_page_scrolls_sideways(
    office: House, chrome: Browser, size: tuple[int, int], scheme: Literal["light", "dark"], tmp_path: Path
) -> None:
    context, page, complaints = await opened(office, chrome, size, scheme, heading=HEADING)
    for place, path in enumerate(PAGES):
        await page.goto(path)
        found = await Axe().run(page)
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
        wide = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{path} is {wide} px too wide"
        if path.endswith("/words"):
            await page.fill("#text", "ぜひ来てください。もう死にたい")
            await page.click("main button")
            await expect(page.locator("text=公開中のきまりで")).to_be_visible()
            found = await Axe().run(page)
            assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
        await page.screenshot(path=tmp_path / f"{place}-{size[0]}-{scheme}.png")
    assert complaints == []
    await context.close()


async def test_what_is_typed_is_kept_by_itself(office: House, chrome: Browser) -> None:
    """An editor whose session dies finds it again; the page then saves on top of what it kept itself."""
    context, page, complaints = await opened(office, chrome, DESK, "light", heading=HEADING)
    await page.goto("/admin/studio")
    await page.select_option("#new-kind", "resource")
    await page.fill("#new-name", "kita-2")
    await page.click("text=はじめる")
    await page.fill("[name='name']", "にしの部屋")
    await page.fill("[name='schedule.words']", FORM["schedule.words"])
    await expect(page.locator("#kept")).to_contain_text("に残しました", timeout=20_000)
    member = await office.engawa.studio.documents(await office.staff("oono", "おおの", "editor"), "resource")
    assert "きたの部屋" in [row.title for row in member]
    await page.check("[name='schedule.kind'][value=exact]")
    await page.click("form[data-autosave] button")
    assert await page.locator("text=第2土曜・第4土曜").count()
    assert page.url.endswith(f"{PLACE}-2")
    assert complaints == []
    await context.close()


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), (DESK, "dark")], ids=["phone", "desk"])
async def test_axe_finds_nothing_where_something_is_recalled(
    house: House, chrome: Browser, size: tuple[int, int], scheme: Literal["light", "dark"], tmp_path: Path
) -> None:
    """The history, who was shown it with what can be known, the correction, and its state in the history."""
    await house.staff("mizuno", "みずの", "reviewer")
    tanabe, mori = (
        await house.staff("tanabe", "たなべ", "editor"),
        await house.staff("mori", "もり", "reviewer"),
    )
    studio, key = house.engawa.studio, ("texts", "texts")
    texts = body_of(*key, (await studio.draft(mori, *key)).body)["texts"]
    await changed(house, tanabe, *key, texts=texts | {"later": ["まちがえた文を、ここに置きました。"]})
    await studio.publish(mori)
    await house.hear(house.line.heard("u1", "あとで", at=house.clock.now()))
    await sent(house)
    await house.risk("u1")
    await changed(house, tanabe, *key, texts=texts)
    await studio.publish(mori)
    path = "/admin/studio/documents/texts/texts/history"
    context, page, complaints = await opened(house, chrome, size, scheme, heading=HEADING)

    async def look(name: str) -> None:
        found = await Axe().run(page)
        assert found.violations_count == 0, f"{name}\n{found.generate_report()}"
        wide = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{name} is {wide} px too wide"
        await page.screenshot(path=tmp_path / f"{name}-{size[0]}-{scheme}.png", full_page=True)

    await page.goto(path)
    await look("history")
    await page.click("a[href$='?wrong=2']")
    await page.click("summary")
    await expect(page.locator("text=相談員とのやりとりが開いている人")).to_be_visible()
    await look("shown")
    await page.fill("#text", "前の文に、まちがいがありました。")
    await page.click("main form button")
    await expect(page.locator("main textarea").first).to_have_value("前の文に、まちがいがありました。")
    await look("correction")
    name = page.url.rsplit("/", 1)[1].partition("#")[0]
    revision = (await studio.draft(mori, "correction", name)).revision
    await studio.approve(mori, "correction", name, revision)
    await studio.publish(mori)
    await page.goto(path)
    await expect(page.locator("text=送りかけのもの")).to_be_visible()
    await look("public")
    assert complaints == []
    await context.close()

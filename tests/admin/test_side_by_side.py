"""Two at once in a real Chromium: a claim race, somebody beside me, a line that was gone, and what the person gets."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser, Page, expect

from tests.admin.conftest import House, enter
from tests.admin.test_in_browser import DESK, PHONE, chrome, opened

__all__ = ["chrome"]


async def second(house: House, chrome: Browser, login: str = "sakurai") -> Page:
    """Another member's window."""
    context = await chrome.new_context(base_url=str(house.server.make_url("/")), locale="ja-JP")
    page = await context.new_page()
    await page.goto("/admin/login")
    await enter(page, login)
    await expect(page.locator("h1")).to_have_text("待っている人")
    return page


async def test_two_take_the_same_person_and_the_second_is_told(house: House, chrome: Browser) -> None:
    """One wins; the other is told who it was, in words, and finds nothing to write in."""
    await house.request("u1")
    await house.staff("mizuno", "みずの")
    await house.staff("sakurai", "さくらい")
    _, mine, _ = await opened(house, chrome)
    theirs = await second(house, chrome)
    for page in (mine, theirs):  # news of the first must not take the button from under the second
        await page.route("**/admin/stream*", lambda route: route.abort())
        await page.goto("/admin")
    press = "document.querySelector('button[id^=c-]').click()"
    await asyncio.gather(*(page.evaluate(press) for page in (mine, theirs)))
    for page in (mine, theirs):
        await expect(page.locator("#seen, .trouble")).to_have_count(1)
    wins = [page for page in (mine, theirs) if await page.locator("#seen").count()]
    assert len(wins) == 1
    loser = theirs if wins[0] is mine else mine
    name = "みずの" if wins[0] is mine else "さくらい"
    await expect(loser.locator("h1")).to_have_text(f"{name} さんが先に受け取りました。")


async def test_a_remark_is_shown_while_writing_and_blocks_nothing(house: House, chrome: Browser) -> None:
    """R-013: a hint under the cursor, the draft kept on the way, the words sent as they are."""
    house.engawa.channels["line"] = house.line
    await house.request("u1")
    await house.staff("mizuno", "みずの")
    _, page, complaints = await opened(house, chrome)
    await page.keyboard.press("n")
    await page.click("#seen")
    await expect(page.locator("#text")).to_be_focused()
    await page.keyboard.type("早めに書いてみます。")
    await expect(page.locator("#hints")).to_contain_text("「早め」", timeout=5_000)
    await expect(page.locator("#hints")).to_contain_text("このまま送れます")
    await expect(page.locator("#text")).to_be_focused()
    await page.reload()
    await expect(page.locator("#text")).to_have_value("早めに書いてみます。")
    await page.click("#phrases summary")
    await page.click("#phrases button >> nth=2")
    await expect(page.locator("#text")).to_have_value(
        "早めに書いてみます。\n\n書いてくださって、受け取りました。"
    )
    await page.focus("#text")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#th-log .staff", has_text="早めに")).to_be_visible()
    await house.engawa.delivery.work()
    assert any("早めに書いてみます。" in text for text in house.line.texts("u1"))
    assert complaints == []


async def test_who_else_looks_is_seen_and_gone_again(house: House, chrome: Browser) -> None:
    ticket = await house.request("u1")
    await house.staff("mizuno", "みずの")
    await house.staff("oono", "おおの", "lead")
    _, page, _ = await opened(house, chrome)
    await page.keyboard.press("n")
    await page.click("#seen")
    await expect(page.locator("#text")).to_be_visible()
    lead = await second(house, chrome, "oono")
    await lead.goto(f"/admin/tickets/{ticket}")
    await expect(page.locator("#th-sub")).to_contain_text(
        "おおの も、この会話をひらいています", timeout=5_000
    )
    await expect(lead.locator("#th-sub")).to_contain_text(
        "みずの も、この会話をひらいています", timeout=5_000
    )
    await lead.close()
    await expect(page.locator("#th-sub")).not_to_contain_text("おおの", timeout=20_000)


async def test_what_came_while_the_line_was_gone_is_there_afterwards(house: House, chrome: Browser) -> None:
    """No connection for a while: the page stays, the draft stays, and nothing that was said is lost."""
    await house.request("u1")
    await house.staff("mizuno", "みずの")
    context, page, _ = await opened(house, chrome)
    await page.keyboard.press("n")
    await page.click("#seen")
    await page.locator("#text").fill("書きかけ")
    await context.set_offline(True)
    await house.hear(house.line.heard("u1", "ひとつめ"), house.line.heard("u1", "ふたつめ"))
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert not await page.evaluate("navigator.onLine")
    await context.set_offline(False)  # by itself: nobody touches the page
    for text in ("ひとつめ", "ふたつめ"):
        await expect(page.locator("#th-log .them", has_text=text)).to_be_visible(timeout=15_000)
    await expect(page.locator("#text")).to_have_value("書きかけ")


async def test_older_lines_come_before_what_is_there_and_new_ones_after(
    house: House, chrome: Browser
) -> None:
    """By keyset: none twice, none left out, while new ones keep coming."""
    await house.request("u1")
    await house.staff("mizuno", "みずの")
    _, page, complaints = await opened(house, chrome, PHONE)
    await page.click("text=次の人を受け取る")
    await page.click("#seen")
    await expect(page.locator("#text")).to_be_visible()
    for number in range(70):
        await house.hear(house.line.heard("u1", f"文{number:02}。"))
    await page.reload()
    await expect(page.locator("#th-log .them")).to_have_count(50)
    await page.locator("#older").evaluate("(link) => link.click()")
    await expect(page.locator("#th-log", has_text="文00。")).to_be_visible(timeout=10_000)
    await house.hear(house.line.heard("u1", "文70。"))
    await expect(page.locator("#th-log", has_text="文70。")).to_be_visible(timeout=10_000)
    said = await page.locator("#th-log .them .slip").all_inner_texts()
    found = [text for text in said if text.startswith("文")]
    assert found == [f"文{number:02}。" for number in range(71)]
    assert complaints == []


@pytest.mark.parametrize("covers", [True, False])
async def test_hard_words_are_covered_until_they_are_opened(
    house: House, chrome: Browser, covers: bool
) -> None:
    ticket = await house.risk("u1", "もう死にたいです")
    await house.staff("mizuno", "みずの")
    _, page, _ = await opened(house, chrome, DESK, "dark")
    await page.goto("/admin/settings")
    await page.set_checked("[name=covers]", covers)
    await page.click("text=この設定にする")
    await page.goto(f"/admin/tickets/{ticket}")
    words = page.locator("#th-log .them p[lang]", has_text="死にたい")
    if covers:
        await expect(words).to_be_hidden()
        await page.locator(".cover summary").press("Enter")
    await expect(words).to_be_visible()
    await expect(words.locator("mark").first).to_contain_text("死に")
    await page.click("text=しるしのわけ")
    await expect(page.locator(".rule")).to_contain_text("規則 S-WISH")


async def test_a_whole_answer_by_keyboard_alone(house: House, chrome: Browser) -> None:
    """From the queue to what was sent, and back, without a pointer."""
    for person in ("u1", "u2"):
        await house.request(person)
        house.later(1)
    await house.staff("mizuno", "みずの")
    _, page, complaints = await opened(house, chrome)
    keys = page.keyboard
    await keys.press("j")
    second_one = await page.evaluate("document.activeElement.textContent")
    await keys.press("k")
    await keys.press("j")
    await keys.press("Enter")
    await expect(page.locator("h1")).to_have_text(second_one)
    await keys.press("r")
    await expect(page.locator("#take")).to_be_focused()
    await keys.press("Enter")
    await expect(page.locator("#seen")).to_be_visible()
    await keys.press("r")
    await expect(page.locator("#seen")).to_be_focused()
    await keys.press("Enter")
    await expect(page.locator("#text")).to_be_focused()
    await keys.type("j k n r ? も書けます")
    await expect(page.locator("#text")).to_have_value("j k n r ? も書けます")
    await keys.press("Control+Enter")
    await expect(page.locator("#th-log .staff", has_text="も書けます")).to_be_visible()
    await page.evaluate("document.activeElement.blur()")
    await keys.press("g")
    await expect(page.locator("tr[data-row]")).to_have_count(1)
    assert complaints == []

"""The web chat in a real Chromium: hiding, bad lines, reloading, weight, and what axe says of every state."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any, Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, CDPSession, Page, Route, expect

from bot.channels.patience import Allowance
from bot.channels.webchat import stream
from tests.webchat.conftest import DESK, PHONE, Chat, Window, window

SECRET = "だれにも見られたくない話です"
CHAT_WORDS = ("縁側", "案内", "やりとり", "相談", SECRET, "人と話したい")
MAX_BYTES = 100_000
MAX_BUSY = 1.0  # seconds of a processor slowed down four times
SLOWED = 4
LOADS = 3


async def cdp(page: Page) -> CDPSession:
    return await page.context.new_cdp_session(page)


async def read_aloud(page: Page) -> str:
    """All that a screen reader is given."""
    found = await (await cdp(page)).send("Accessibility.getFullAXTree")
    values = [
        node.get(part, {}).get("value", "")
        for node in found["nodes"]
        if not node.get("ignored")
        for part in ("name", "value", "description")
    ]
    return " ".join(str(value) for value in values)


async def entries(page: Page) -> list[tuple[str, str]]:
    """Title and address of every entry of the window's history."""
    found = await (await cdp(page)).send("Page.getNavigationHistory")
    return [(entry["title"], entry["url"]) for entry in found["entries"]]


async def assert_hidden(page: Page) -> None:
    assert await page.title() == "お知らせ"
    seen = await page.inner_text("body") + await read_aloud(page) + json.dumps(await entries(page))
    assert not [word for word in CHAT_WORDS if word in seen], seen
    assert await page.evaluate("sessionStorage.length") == 0


class TestHiding:
    async def test_at_once_and_nothing_is_left(self, chat: Chat, chrome: Browser) -> None:
        """In the very moment of the click title, page and address are neutral, before any answer of the server; the
        history entry is replaced; neither back, nor forward, nor the address lead to the talk; one action does."""
        one = await window(chat, chrome)
        page = one.page
        await one.open()
        await one.says(SECRET)
        await expect(page.locator("#log .person")).to_have_count(1)
        await page.fill("#text", SECRET)
        at_once = await page.evaluate(
            "() => { document.getElementById('hide').click();"
            " return [document.title, document.body.innerText, location.pathname, document.cookie] }"
        )
        assert at_once[0] == "お知らせ"
        assert at_once[2] == "/chat/hidden"
        assert "engawa_hidden=1" in at_once[3]
        assert SECRET not in at_once[1]
        await page.wait_for_load_state()
        await expect(page.locator("h1")).to_have_text("お知らせ")
        await assert_hidden(page)
        await page.go_back()
        await page.go_forward()
        await page.wait_for_url("**/chat/hidden")
        await assert_hidden(page)
        await page.goto(chat.url)
        await page.wait_for_url("**/chat/hidden")
        await assert_hidden(page)
        await page.get_by_role("button", name="もどる").click()
        await expect(page.locator("#log")).to_contain_text(SECRET)
        await expect(page.locator("#text")).to_have_value("")
        assert one.wrong == []

    async def test_by_key_in_every_tab_and_from_every_page(self, chat: Chat, chrome: Browser) -> None:
        """Esc twice hides, once does not; other tabs go with it; back from there shows no talk, from a frozen page
        neither."""
        one = await window(chat, chrome)
        await one.open()
        await one.says(SECRET)
        await expect(one.page.locator("#log .person")).to_have_count(1)
        other = await one.context.new_page()
        await other.goto(chat.url)
        await expect(other.locator("#log")).to_contain_text(SECRET)
        await other.click("text=つづきから話せる合言葉")
        await expect(other.locator("h1")).to_have_text("つづきから話せる合言葉")
        await one.page.focus("#text")
        await one.page.keyboard.press("Escape")
        assert await one.page.title() != "お知らせ"
        await one.page.keyboard.press("Escape")
        for page in (one.page, other):
            await page.wait_for_url("**/chat/hidden")
            await expect(page.locator("h1")).to_have_text("お知らせ")
            await assert_hidden(page)
        await other.go_back()
        await other.wait_for_url("**/chat/hidden")
        await expect(other.locator("h1")).to_have_text("お知らせ")
        assert SECRET not in await read_aloud(other)
        assert one.wrong == []

    async def test_without_a_line(self, chat: Chat, chrome: Browser) -> None:
        """Offline it hides all the same, and stays hidden when the line is back."""
        one = await window(chat, chrome)
        await one.open()
        await one.says(SECRET)
        await expect(one.page.locator("#log .person")).to_have_count(1)
        await one.context.set_offline(True)
        await one.page.click("#hide")
        await assert_hidden(one.page)
        await one.context.set_offline(False)
        await one.page.reload()
        await assert_hidden(one.page)
        await one.page.goto(chat.url)
        await assert_hidden(one.page)

    async def test_without_script(self, chat: Chat, chrome: Browser) -> None:
        one = await window(chat, chrome, java_script_enabled=False)
        page = one.page
        await page.goto(chat.url)
        await page.fill("#text", SECRET)
        await page.click("#say .act")
        await expect(page.locator("#log")).to_contain_text(SECRET)
        await page.click("#hide")
        await expect(page.locator("h1")).to_have_text("お知らせ")
        await page.go_back()
        await expect(page.locator("h1")).to_have_text("お知らせ")
        assert SECRET not in await read_aloud(page)
        await page.get_by_role("button", name="もどる").click()
        await expect(page.locator("#log")).to_contain_text(SECRET)


class TestLine:
    async def test_every_missed_message_once_in_order(self, chat: Chat, chrome: Browser) -> None:
        """A minute without a line, while a counselor writes on: then everything is there, once each, in order."""
        one = await window(chat, chrome)
        page = one.page
        await page.clock.install()
        await one.open()
        await one.says("死にたい")
        await expect(page.locator("#log")).to_contain_text("119")
        ticket = await chat.claim(await one.address())
        await chat.reply(ticket, "ひとこと目です")
        await expect(page.locator("#log")).to_contain_text("ひとこと目です")
        await one.context.set_offline(True)
        chat.cut_streams()  # Chromium's own offline leaves what streams already
        await expect(page.locator("#line")).to_contain_text("いまつながっていません")
        for place in range(7):
            await chat.reply(ticket, f"るす中の {place}")
        await one.says("つながらないまま書きました")
        await page.clock.run_for(60_000)
        await expect(page.locator("#log")).to_contain_text("まだ届いていません")
        await expect(page.locator("#log")).not_to_contain_text("るす中の")
        await one.context.set_offline(False)
        for _ in range(5):  # a try that came a moment too early is made up for half a minute later
            await page.clock.run_for(37_000)
            with contextlib.suppress(AssertionError):
                await expect(page.locator("#log .sent")).to_have_count(0, timeout=3_000)
                break
        await expect(page.locator("#log .sent")).to_have_count(0)
        await expect(page.locator("#log")).to_contain_text("るす中の 6")
        await assert_as_stored(chat, one)
        await expect(page.locator("#line")).to_contain_text("みずの")

    async def test_a_line_that_breaks_again_and_again(self, chat: Chat, chrome: Browser) -> None:
        """Streams that end in the middle lose nothing and double nothing."""
        one = await window(chat, chrome)
        page = one.page
        await page.clock.install()
        await one.open()
        await one.says("死にたい")
        await expect(page.locator("#log")).to_contain_text("119")
        ticket = await chat.claim(await one.address())
        for place in range(6):
            await chat.reply(ticket, f"きれぎれ {place}")
            chat.cut_streams()
        await page.clock.run_for(5_000)
        await expect(page.locator("#log")).to_contain_text("きれぎれ 5")
        await assert_as_stored(chat, one)

    async def test_without_streams_it_asks(
        self, chat: Chat, chrome: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """When there are no streams left the server says so, and the page asks now and then; not in a hurry."""
        monkeypatch.setattr(stream, "TOTAL", 0)
        one = await window(chat, chrome)
        page = one.page
        await page.clock.install()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(chat.url)
        await page.clock.run_for(2_000)
        await expect(page.locator("#log")).to_contain_text("ここは自動で答える案内所です")
        await one.says("死にたい")
        await page.clock.run_for(2_000)
        await expect(page.locator("#log")).to_contain_text("119")
        ticket = await chat.claim(await one.address())
        await chat.reply(ticket, "たずねて届きました")
        asked.clear()
        for _ in range(12):
            await page.clock.run_for(10_000)
            await asyncio.sleep(0)  # the answers of this round come in
        await expect(page.locator("#log")).to_contain_text("たずねて届きました")
        assert len([url for url in asked if "/api/messages" in url]) <= 40
        await assert_as_stored(chat, one)

    async def test_nothing_typed_is_lost_on_reload(self, chat: Chat, chrome: Browser) -> None:
        """What had not arrived goes out with the same client_id after a reload and is taken once; so is what was
        being written kept."""
        one = await window(chat, chrome)
        page = one.page
        await one.open()
        sent: list[Any] = []

        async def lose(route: Route) -> None:
            """Takes the message to the server, and loses the answer."""
            sent.append(json.loads(route.request.post_data or "{}"))
            if len(sent) == 1:
                await route.fetch()
            await route.abort()

        async def watched(route: Route) -> None:
            if route.request.method == "POST":
                sent.append(json.loads(route.request.post_data or "{}"))
            await route.continue_()

        await page.route("**/chat/api/messages", lose)
        await one.says("とちゅうで切れました")
        await expect(page.locator("#log .sent").first).to_contain_text("まだ届いていません")
        await page.fill("#text", "書きかけです")
        await page.unroute("**/chat/api/messages")
        await page.route("**/chat/api/messages", watched)
        await page.reload()
        await expect(page.locator("#text")).to_have_value("書きかけです")
        await expect(page.locator("#log .person")).to_have_count(1)
        await expect(page.locator("#log .sent")).to_have_count(0)
        assert len({one["client_id"] for one in sent if one["text"] == "とちゅうで切れました"}) == 1
        await assert_as_stored(chat, one)
        assert await page.evaluate("sessionStorage.getItem('kept')") is not None
        await page.click("#say .act")
        await expect(page.locator("#log .person[data-seq]")).to_have_count(2)
        assert await page.evaluate("sessionStorage.getItem('kept')") is None

    async def test_a_limit_is_told_and_the_words_stay(
        self, chat: Chat, chrome: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Over the limit the words go back to the field, in their order; a cry for help goes through."""
        one = await window(chat, chrome)
        page = one.page
        await one.open()
        monkeypatch.setattr(chat.engawa.webchat, "_messages", Allowance(0, 1e9))
        await one.says("ひとつめ")
        await expect(page.locator("#note")).to_contain_text("書いたものは残っています")
        await expect(page.locator("#text")).to_have_value("ひとつめ\n")
        await expect(page.locator("#log .person")).to_have_count(0)
        await one.says("もう死にたいです")
        await expect(page.locator("#log")).to_contain_text("119")


async def assert_as_stored(chat: Chat, one: Window) -> None:
    """The page shows exactly what the thread holds."""
    thread = await chat.engawa.webchat._backend.thread(await one.address(), 0)
    stored = [message["seq"] for message in thread.messages]
    await expect(one.page.locator("#log [data-seq]")).to_have_count(len(stored))
    assert await one.seqs() == stored


class TestEntrance:
    async def test_from_another_site_the_talk_goes_on(self, chat: Chat, chrome: Browser) -> None:
        """A link on a municipality's site brings a person back to the talk they had, on its own, never framed."""
        one = await window(chat, chrome)
        page = one.page
        await one.open("?from=library")
        assert page.url == chat.url
        await one.says(SECRET)
        await expect(page.locator("#log .person")).to_have_count(1)
        cookie = await one.address()
        site = f"<a id=go href='{chat.url}?from=library'>案内所</a><iframe id=in src='{chat.url}'></iframe>"
        await page.route(
            "https://city.example/", lambda route: route.fulfill(body=site, content_type="text/html")
        )
        await page.goto("https://city.example/")
        assert [frame.url for frame in page.frames if SECRET in await frame.content()] == []
        await page.click("#go")
        await expect(page.locator("#log")).to_contain_text(SECRET)
        assert await one.address() == cookie


async def measured(chat: Chat, chrome: Browser) -> tuple[float, float]:
    """A first visit: bytes over the line, and seconds of script, layout and style."""
    one = await window(chat, chrome)
    session, received = await cdp(one.page), list[float]()
    await session.send("Network.enable")
    await session.send("Performance.enable")
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    await session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    await one.open()
    metrics = (await session.send("Performance.getMetrics"))["metrics"]
    took = {metric["name"]: metric["value"] for metric in metrics}
    assert one.wrong == []
    await one.context.close()
    return sum(received), took["ScriptDuration"] + took["LayoutDuration"] + took["RecalcStyleDuration"]


class TestWeight:
    async def test_light_and_quick(self, chat: Chat, chrome: Browser) -> None:
        """Under 100 kB in all, nothing from anybody else, and on a processor slowed down four times less than a
        second of work until one can write. Of three visits the quickest tells; the others tell of the machine."""
        loads = [await measured(chat, chrome) for _ in range(LOADS)]
        assert all(0 < size < MAX_BYTES for size, _ in loads), loads
        assert 0 < min(busy for _, busy in loads) < MAX_BUSY, loads

    async def test_no_script_stands_in_a_page(self, chat: Chat, chrome: Browser) -> None:
        """Every page of the chat has scripts by address only, and breaks no rule of its own policy."""
        one = await window(chat, chrome)
        for path in ("", "/hidden", "/passphrase", "/move/none", "/button"):
            await one.context.clear_cookies(name="engawa_hidden")
            response = await one.page.goto(chat.url + path)
            assert response is not None
            policy = response.headers["content-security-policy"]
            assert "script-src 'self'" in policy
            assert "unsafe" not in policy
            inline = await one.page.eval_on_selector_all(
                "script:not([src]), style, [style], [onclick]", "all => all.length"
            )
            assert inline == 0, path
        assert [told for told in one.wrong if "404" not in told] == []

    async def test_no_motion_when_less_is_wished(self, chat: Chat, chrome: Browser) -> None:
        one = await window(chat, chrome, reduced_motion="reduce")
        await one.open()
        moving = await one.page.evaluate(
            "[...document.querySelectorAll('*')].filter((one) => { const style = getComputedStyle(one);"
            " return style.animationName !== 'none' || parseFloat(style.transitionDuration) > 0 }).length"
        )
        assert moving == 0


async def talking(one: Window) -> None:
    await one.page.get_by_role("button", name="家族のこと").last.click()
    await expect(one.page.locator("#log")).to_contain_text("ここまで支えてこられたこと")


async def cards(one: Window) -> None:
    await talking(one)
    await one.page.get_by_role("button", name="家族の集まりの日").last.click()
    await one.page.get_by_role("button", name="まだ言いたくない").last.click()
    await expect(one.page.locator("article.card")).to_have_count(3)


async def waiting(one: Window) -> None:
    await one.says("死にたい")
    await expect(one.page.locator("#log")).to_contain_text("119")


async def counselor(one: Window) -> None:
    await waiting(one)
    ticket = await one.chat.claim(await one.address())
    await one.chat.reply(ticket, "読みました。ここにいます。")
    await expect(one.page.locator("#log")).to_contain_text("読みました")


async def hidden(one: Window) -> None:
    await one.page.click("#hide")
    await expect(one.page.locator("h1")).to_have_text("お知らせ")
    await one.page.wait_for_load_state()


async def passphrase(one: Window) -> None:
    await one.page.click("text=つづきから話せる合言葉")
    await expect(one.page.locator("h1")).to_have_text("つづきから話せる合言葉")


async def made(one: Window) -> None:
    await passphrase(one)
    await one.page.click("text=合言葉をつくる")
    await expect(one.page.locator(".phrase li")).to_have_count(6)


async def wrong(one: Window) -> None:
    await passphrase(one)
    await one.page.fill("#words", "さくら" * 6)
    await one.page.click("text=つづきをひらく >> nth=-1")
    await expect(one.page.locator("#told")).to_contain_text("見つかりませんでした")


async def moving(one: Window) -> None:
    chat = one.chat
    await chat.engawa.ingress.accept([chat.platform.heard("p", "ウェブで話す")])
    await chat.platform.until(lambda: any("/chat/move/" in text for text in chat.platform.texts("p")))
    link = next(text for text in chat.platform.texts("p") if "/chat/move/" in text)
    await one.page.goto(chat.url + "/move/" + link.partition("/chat/move/")[2])
    await expect(one.page.locator("h1")).to_have_text("ウェブで話す")


async def spent(one: Window) -> None:
    await one.page.goto(one.chat.url + "/move/none")


async def button(one: Window) -> None:
    await one.page.goto(one.chat.url + "/button?from=library")


async def nothing(one: Window) -> None:
    """The page as it opens."""


STATES = [
    nothing, talking, cards, waiting, counselor, hidden, passphrase, made, wrong, moving, spent, button
]  # fmt: skip


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESK, "light")], ids=["phone", "desk"])
async def test_axe_finds_nothing_serious(
    chat: Chat,
    chrome: Browser,
    size: tuple[int, int],
    scheme: Literal["light", "dark"],
) -> None:
    """In every state, by day and by night; nothing is wider than the window."""
    found: dict[str, list[str]] = {}
    for state in STATES:
        one = await window(chat, chrome, size, scheme)
        await one.open()
        await state(one)
        result = await Axe().run(one.page)
        serious = [
            f"{issue['id']}: {issue['nodes'][0]['html'][:120]}"
            for issue in result.response["violations"]
            if issue["impact"] in ("serious", "critical")
        ]
        wide = await one.page.evaluate("document.documentElement.scrollWidth")
        if wide > size[0]:
            serious.append(f"{wide} px wide")
        if serious:
            found[state.__name__] = serious
        await one.context.close()
    assert found == {}

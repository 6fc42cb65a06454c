"""The queue as a page, and the button to the next person."""

from __future__ import annotations

import asyncio
import re

import pytest

from bot.channels.base import Health, WebhookState
from bot.messages import Kind
from tests.admin.conftest import House


def rows(page: str) -> list[str]:
    """The tickets of the ledger, in their order."""
    return re.findall(r'<tr id="r-([0-9a-f]{32})"', page)


async def test_the_ledger_tells_level_reason_wait_and_entrance_but_no_words(house: House) -> None:
    asked = await house.request("u1")
    house.later(30)
    risky = await house.risk("u2", "もう死にたい canary")
    house.later(8)
    browser = await house.signed_in()
    assert rows(browser.page) == [risky, asked]
    for said in (
        "2人が待っています。いちばん長い方で 38分ほど。",
        "高い",
        "ことば：死にたい気持ち",
        "8分ほど",
    ):
        assert said in browser.text
    for said in ("人と話したい", "進め方の希望があります", "相談の窓口", "LINE", "注意なし"):
        assert said in browser.text
    assert "canary" not in browser.page
    assert "ゆっくり" not in browser.page


async def test_an_empty_queue_is_a_sentence(house: House) -> None:
    browser = await house.signed_in()
    assert "いま待っている人はいません。" in browser.text
    assert re.search(r'id="next"\s+disabled', browser.page)
    await browser.post("/admin/next")
    assert "いま待っている人はいません。" in browser.text
    await browser.get("/admin?group=mine")
    assert "受け持っている会話はありません。" in browser.text
    await browser.get("/admin?group=resting")
    assert "おやすみ中の会話はありません。" in browser.text


async def test_next_takes_the_most_urgent_and_then_who_waits_longest(house: House) -> None:
    first = await house.request("u1")
    house.later(1)
    second = await house.request("u2")
    house.later(1)
    risky = await house.risk("u3")
    browser = await house.signed_in()
    taken = []
    for _ in range(3):
        await browser.get("/admin")
        response = await browser.post("/admin/next", follow=False)
        taken.append(response.headers["Location"].rpartition("/")[2].removesuffix("#text"))
    assert taken == [risky, first, second]
    await browser.get("/admin?group=mine")
    assert rows(browser.page) == [risky, first, second]
    assert 'href="/admin?group=mine" aria-current="page"' in browser.page


async def test_two_press_next_at_the_same_moment(house: House) -> None:
    """Each gets a conversation of their own, and the first one presses nobody's away."""
    first = await house.request("u1")
    house.later(1)
    second = await house.request("u2")
    mizuno, sakurai = await house.signed_in(), await house.signed_in("sakurai")
    answers = await asyncio.gather(*(one.post("/admin/next", follow=False) for one in (mizuno, sakurai)))
    places = {answer.headers["Location"] for answer in answers}
    assert places == {f"/admin/tickets/{ticket}#text" for ticket in (first, second)}
    await mizuno.get("/admin")
    again = await mizuno.post("/admin/next", follow=False)
    assert again.headers["Location"] == "/admin"


async def test_the_groups_show_what_this_member_may_open(house: House) -> None:
    ticket = await house.request("u1")
    browser = await house.signed_in()
    await browser.post(f"/admin/tickets/{ticket}/claim")
    await browser.post(f"/admin/tickets/{ticket}/hand-back")
    await browser.get("/admin?group=resting")
    assert rows(browser.page) == [ticket]
    other = await house.signed_in("sakurai", "さくらい")
    await other.get("/admin?group=resting")
    assert rows(other.page) == []
    lead = await house.signed_in("oono", "おおの", "lead")
    await lead.get("/admin?group=resting")
    assert rows(lead.page) == [ticket]
    assert "みずの が受け持ちました" in lead.text


async def test_a_fragment_is_only_what_changes(house: House) -> None:
    ticket = await house.request("u1")
    browser = await house.signed_in()
    for path in ("/admin", f"/admin/tickets/{ticket}"):
        for address, headers in ((path, {"X-Fragment": "1"}), (f"{path}?fragment=1", {})):
            await browser.get(address, headers)
            assert browser.status == 200
            assert "data-live" in browser.page
            assert "<html" not in browser.page
            assert "console.css" not in browser.page


async def test_english_leaves_no_japanese_but_names_and_contents(house: House) -> None:
    ticket = await house.request("u1")
    risky = await house.risk("u2")
    await house.hear(house.line.heard("u2", "さがす"))
    browser = await house.signed_in(name="Mizuno")
    await browser.get("/admin?lang=en&group=waiting")
    assert browser.status == 200
    pages = [
        "/admin",
        "/admin?group=mine",
        f"/admin/tickets/{ticket}",
        f"/admin/tickets/{risky}",
        "/admin/nothing",
        "/admin?group=team",
        "/admin?group=resting&desk=nowhere",
        "/admin/settings?saved=1",
        "/admin/components",
        "/admin/places?q=nothing",
        f"/admin/tickets/{risky}?before=9",
    ]
    await browser.post(f"/admin/tickets/{risky}/claim")
    await browser.post(f"/admin/tickets/{risky}/reply", {"text": "Good evening"})
    await browser.post(f"/admin/tickets/{risky}/reply", {"text": ""})
    assert browser.status == 400
    await browser.post(
        f"/admin/tickets/{risky}/draft", {"text": "早めに。〔 〕ですか。ますか。ください。" * 9}
    )
    seen = [browser.page]
    for path in pages:
        await browser.get(path)
        seen.append(browser.page)
    await browser.get("/admin")
    await browser.post("/admin/logout")
    seen.append(browser.page)
    for page in seen:
        assert '<html lang="en">' in page
        names = set(re.findall(r'<bdi[^>]*lang="ja">(.*?)</bdi>', page))
        english = re.sub(r'(?s)<(\w+)\b[^>]*\blang="ja"[^>]*>.*?</\1>', "", page)
        for name in names:
            english = english.replace(name, "")
        assert not re.findall("[\u3040-\u30ff\u4e00-\u9fff\u3000-\u303f\uff00-\uff60]+", english)
    await browser.get("/admin/login?lang=ja")
    assert "合言葉" in browser.text


async def test_who_cannot_be_reached_is_seen_in_queue_and_thread_until_they_are_back(house: House) -> None:
    """The ticket stays; both places say it, and say it no more once the person is back."""
    paused = "本人の側で受けとりが止まっています"
    ticket = await house.risk("u1")
    browser = await house.signed_in()
    assert paused not in browser.text
    await house.hear(house.line.heard("u1", kind=Kind.LEFT, at=house.clock.now()))
    await browser.get("/admin")
    assert rows(browser.page) == [ticket]
    assert paused in browser.text
    for claims in (False, True):
        if claims:
            await browser.post(f"/admin/tickets/{ticket}/claim")
            await browser.post(f"/admin/tickets/{ticket}/reply", {"text": "読みました。"})
            assert f"届いていません。{paused}。" in browser.text
        await browser.get(f"/admin/tickets/{ticket}")
        assert paused in browser.text
        assert "本人の側で、受けとりが止まりました" in browser.text
    await house.hear(house.line.heard("u1", kind=Kind.JOINED, at=house.clock.now()))
    await browser.get("/admin?group=mine")
    assert rows(browser.page) == [ticket]
    assert paused not in browser.text
    await browser.post(f"/admin/tickets/{ticket}/reply", {"text": "また読みました。"})
    later = browser.text.partition("また読みました。")[2]
    assert later
    assert paused not in later


async def test_an_entrance_that_ails_is_one_line_above_the_queue(house: House) -> None:
    """What it means for people, by the name of the entrance; gone once it is well."""
    house.engawa.channels["line"] = house.line
    house.line.health = Health(webhook=WebhookState.FAILING, problem="timeout")
    browser = await house.signed_in()
    line = "LINE：いま、書かれたものが届いていないかもしれません。"
    assert line not in browser.text
    await house.engawa.vitals.look()
    await browser.get("/admin")
    assert line in browser.text
    house.line.health = Health(webhook=WebhookState.UNKNOWN, problem="misconfigured")
    house.later(5)
    await house.engawa.vitals.look()
    await browser.get("/admin")
    assert "LINE：" in browser.text
    assert line not in browser.text
    house.line.health = Health(webhook=WebhookState.OK)
    house.later(5)
    await house.engawa.vitals.look()
    await browser.get("/admin")
    assert "LINE：" not in browser.text


async def test_what_is_chosen_stands_in_the_address_and_pages_follow_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty a page in earnest; three here. A page that never was is not there."""
    monkeypatch.setattr("admin.views.queue.PAGE", 3)
    monkeypatch.setattr("bot.store.queue.PAGE", 3)
    tickets = []
    for number in range(7):
        tickets.append(await house.request(f"u{number}"))
        house.later(1)
    browser = await house.signed_in()
    seen, path = list[str](), "/admin?desk=main"
    while path:
        await browser.get(path)
        seen += rows(browser.page)
        found = re.search(r'id="q-more" href="([^"]+)"', browser.page)
        path = found[1].replace("&amp;", "&") if found else ""
        assert not path or "desk=main" in path
    assert seen == tickets
    assert "7人が待っています" in browser.text
    await browser.get("/admin?desk=nowhere")
    assert rows(browser.page) == []
    for wrong in ("after=x", "after=1-2-3", "group=nobody"):
        await browser.get(f"/admin?{wrong}")
        assert browser.status == 404


async def test_the_team_is_seen_without_its_words(house: House) -> None:
    """R-077: who has whom is seen by colleagues; only leads open it."""
    ticket = await house.risk("u1", "もう死にたい canary")
    browser, other = await house.signed_in(), await house.signed_in("sakurai", "さくらい")
    await browser.post(f"/admin/tickets/{ticket}/claim")
    await other.get("/admin?group=team")
    assert rows(other.page) == [ticket]
    assert "受け持ち みずの" in other.text
    assert f"/admin/tickets/{ticket}" not in other.page
    assert "canary" not in other.page
    await browser.get("/admin?group=team")
    assert rows(browser.page) == []
    lead = await house.signed_in("oono", "おおの", "lead")
    await lead.get("/admin?group=team")
    assert f"/admin/tickets/{ticket}" in lead.page


async def test_that_nothing_is_deleted_by_age_is_told(house: House) -> None:
    """After a day of it, above the queue; and no longer once it runs again (B11)."""
    told = "日数が来たものを消す仕事が、一日以上止まっています。"
    await house.engawa.retention.look()
    house.later(23 * 60)
    browser = await house.signed_in()
    assert told not in browser.text
    house.later(2 * 60)
    again = await house.signed_in("sakurai", "さくらい")
    assert told in again.text
    await house.engawa.retention.look()
    await again.get("/admin")
    assert told not in again.text

"""One conversation: who may read, take, write and hand back; and that nothing written is ever markup."""

from __future__ import annotations

import asyncio
import re
import uuid

import pytest
from sqlalchemy import Connection, update

from bot.errors import StoreUnavailable
from bot.handoff.desk import Desk
from bot.store import tickets
from bot.store.schema import contacts
from tests.admin.conftest import House

EVIL = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>{{7*7}}"


def at(ticket: str, do: str = "") -> str:
    return f"/admin/tickets/{ticket}{do}"


async def test_the_thread_begins_at_the_handoff(house: House) -> None:
    await house.hear(house.line.heard("u1", "before-canary"))
    ticket = await house.request("u1", "ゆっくり", "家族に言わない")
    browser = await house.signed_in()
    await browser.get(at(ticket))
    assert "これより前の自動の案内は、渡されていません" in browser.text
    assert "before-canary" not in browser.page
    for said in (
        "ゆっくり",
        "家族に言わない",
        "渡しました。待たずに閉じて大丈夫です。",
        "自動の案内",
        "えらべたもの",
    ):
        assert said in browser.text
    assert "まだだれも受け取っていません" in browser.text
    assert 'name="text"' not in browser.page


async def test_no_place_asked_for_leads_before_the_handoff(house: House) -> None:
    await house.hear(house.line.heard("u1", "before-canary"))
    ticket = await house.request("u1")
    browser = await house.signed_in()
    for query in ("since=1", "before=2", "since=0&before=999999999", "before=99999"):
        await browser.get(f"{at(ticket)}?{query}")
        assert browser.status == 200
        assert "before-canary" not in browser.page
    for wrong in ("since=-1", "before=x", "before=9999999999", "since=%D9%A1"):
        await browser.get(f"{at(ticket)}?{wrong}")
        assert browser.status == 404


async def test_claim_write_and_hand_back(house: House) -> None:
    ticket = await house.risk("u1")
    browser = await house.signed_in()
    await browser.get(at(ticket))
    assert "注意のついた文" in browser.text
    assert "規則 S-WISH" in browser.text
    claimed = await browser.post(at(ticket, "/claim"), follow=False)
    assert (claimed.status, claimed.headers["Location"]) == (303, at(ticket) + "#text")
    await browser.get(at(ticket))
    assert "みずの が受け取りました。自動の案内は止まっています" in browser.text
    assert "送っていません。人が受け取りました。" not in browser.text  # the safety card is owed to the person
    await browser.post(at(ticket, "/reply"), {"text": "読みました。\r\n\r\n返事はいつでも大丈夫です。"})
    assert browser.status == 200
    assert "順番を待っています" in browser.text
    await house.engawa.delivery.work()
    await house.hear(house.line.heard("u1", "ありがとうございます"))
    await browser.get(at(ticket))
    assert "ありがとうございます" in browser.text
    assert '<p dir="auto" lang="ja">読みました。</p>' in browser.page
    await browser.post(at(ticket, "/hand-back"))
    assert "みずの が案内へもどしました" in browser.text
    assert 'name="text"' not in browser.page


async def test_two_take_the_same_one_and_the_second_is_told_who_was_first(house: House) -> None:
    ticket = await house.request()
    first, second = await house.signed_in(), await house.signed_in("sakurai", "さくらい")
    for browser in (first, second):
        await browser.get(at(ticket))
    await asyncio.gather(*(one.post(at(ticket, "/claim"), follow=False) for one in (first, second)))
    assert sorted((first.status, second.status)) == [303, 409]
    loser, winner = (first, "さくらい") if first.status == 409 else (second, "みずの")
    assert f"{winner} さんが先に受け取りました。" in loser.text
    await loser.get(at(ticket))
    assert loser.status == 404


async def test_a_lead_who_comes_second_is_told_as_well(house: House) -> None:
    ticket = await house.request()
    first, lead = await house.signed_in(), await house.signed_in("oono", "おおの", "lead")
    for browser in (first, lead):
        await browser.get(at(ticket))
        await browser.post(at(ticket, "/claim"))
    assert lead.status == 409
    assert "みずの さんが先に受け取りました。" in lead.text
    await lead.get(at(ticket))
    assert "みずの が受け持っています。" in lead.text
    await lead.post(at(ticket, "/reply"), {"text": "x", "reply_id": uuid.uuid4().hex})
    assert lead.status == 403


async def test_pressing_take_twice_is_no_conflict(house: House) -> None:
    ticket = await house.request()
    browser = await house.signed_in()
    for _ in range(2):
        await browser.get("/admin")
        response = await browser.post(at(ticket, "/claim"), follow=False)
        assert response.status == 303


async def test_who_did_not_take_it_cannot_write(house: House) -> None:
    ticket = await house.request()
    browser = await house.signed_in()
    await browser.get(at(ticket))
    await browser.post(at(ticket, "/reply"), {"text": "ことば canary", "reply_id": uuid.uuid4().hex})
    assert browser.status == 403
    assert "返事を書けるのは、会話を受け取った人です。" in browser.text
    assert "ことば canary" in browser.text
    await browser.get(at(ticket))
    assert "canary" not in browser.page
    await browser.post(at(ticket, "/hand-back"))
    assert browser.status == 409


async def test_somebody_elses_conversation_is_not_there(house: House) -> None:
    ticket = await house.request()
    first, other = await house.signed_in(), await house.signed_in("sakurai", "さくらい")
    await first.get(at(ticket))
    await first.post(at(ticket, "/claim"))
    await other.get("/admin")
    csrf = other.marks["csrf"]
    await other.get(at(ticket))
    hidden = (other.status, other.page)
    await other.get(at("0" * 32))
    assert hidden == (404, other.page)
    for do in ("/reply", "/hand-back"):
        await other.post(at(ticket, do), {"csrf": csrf, "text": "x", "reply_id": uuid.uuid4().hex})
        assert other.status == 404


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("   ", "なにも書かれていません。"),
        ("あ" * 5_001, "一度に送れるのは 5000字までです。"),
        ("draft\x00canary", "文字でないものが入っています。"),
    ],
)
async def test_what_cannot_be_sent_stays_in_the_field(house: House, text: str, said: str) -> None:
    ticket = await house.request()
    browser = await house.signed_in()
    await browser.post(at(ticket, "/claim"))
    await browser.post(at(ticket, "/seen"))
    reply_id = browser.marks["reply_id"]
    await browser.post(at(ticket, "/reply"), {"text": text})
    assert browser.status == 400
    assert said in browser.text
    assert f"\n{text.replace(chr(0), '')}</textarea>" in browser.page
    assert browser.marks["reply_id"] == reply_id


async def test_bytes_that_are_no_text_are_refused_and_the_rest_is_kept(house: House) -> None:
    ticket = await house.request()
    browser = await house.signed_in()
    await browser.post(at(ticket, "/claim"))
    await browser.post(at(ticket, "/seen"))
    marks = "&".join(f"{name}={value}" for name, value in browser.marks.items()).encode()
    await browser.post(at(ticket, "/reply"), marks + b"&text=half%ED%A0%80sign")
    assert browser.status == 400
    assert "halfsign" in browser.page


async def test_a_reply_is_sent_once_however_often_it_is_posted(house: House) -> None:
    ticket = await house.request()
    browser = await house.signed_in()
    await browser.post(at(ticket, "/claim"))
    await browser.post(at(ticket, "/seen"))
    marks = browser.marks
    for text in ("once-canary", "once-canary", "changed-canary"):
        await browser.post(at(ticket, "/reply"), {**marks, "text": text})
    assert browser.page.count("once-canary") == 1
    assert browser.page.count("changed-canary") == 1
    await browser.post(at(ticket, "/reply"), {"text": "x", "reply_id": "no uuid"})
    assert browser.status == 400


async def test_an_outage_keeps_the_draft_and_offers_to_try_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = await house.request()
    browser = await house.signed_in()
    await browser.post(at(ticket, "/claim"))
    await browser.post(at(ticket, "/seen"))
    reply_id = browser.marks["reply_id"]

    async def fails(*_args: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(Desk, "reply", fails)
        await browser.post(at(ticket, "/reply"), {"text": "draft-canary"})
    assert browser.status == 503
    assert "書いたものはここに残っています。" in browser.text
    assert "draft-canary" in browser.text
    assert browser.marks["reply_id"] == reply_id
    await browser.post(at(ticket, "/reply"), {"text": "draft-canary"})
    assert browser.status == 200
    assert browser.page.count("draft-canary") == 1


async def test_words_of_a_message_are_hidden_by_who_has_it(house: House) -> None:
    """C-06: without script; the person is told, the draft stays, and words that are not there change nothing."""
    ticket = await house.request()
    await house.hear(house.line.heard("u2", "担当は 田中一郎 さん、田中一郎です"))
    browser, other = await house.signed_in(), await house.signed_in("sakurai", "さくらい")
    for one in (browser, other):
        await one.get(at(ticket))
        assert "言葉をふせる" not in one.text  # nobody has it yet
    await browser.post(at(ticket, "/claim"))
    assert "言葉をふせる" not in browser.text  # the wishes first
    await browser.post(at(ticket, "/seen"))
    await browser.post(at(ticket, "/draft"), {"text": "draft-canary"})
    *_, action = re.findall(r'action="([^"]+/lines/\d+/hide)"', browser.page)
    await browser.post(action, {"words": "鈴木"})
    assert browser.status == 400
    assert "その言葉は、この文にはありません。なにも変えていません。" in browser.text
    await browser.get(at(ticket))
    assert "田中一郎" in browser.page
    await other.get("/admin")
    await other.post(action, {"words": "田中一郎"})
    assert other.status == 404
    hidden = await browser.post(action, {"words": "田中一郎"}, follow=False)
    assert (hidden.status, "田中" in browser.location) == (303, False)
    await browser.get(at(ticket))
    assert "田中" not in browser.page
    for said in ("担当は ○○ さん、○○です", "こちらでは見えないようにしました。", "draft-canary"):
        assert said in browser.text
    lead = await house.signed_in("oono", "おおの", "lead")
    await lead.get("/admin/records")
    assert "文の言葉をふせた" in lead.text
    assert "田中" not in lead.page


async def test_nothing_a_person_or_a_name_says_is_markup(house: House) -> None:
    ticket = await house.request("u1", EVIL, EVIL)
    await house.engawa.database.write(_rename, house.engawa.operator_id, ticket, EVIL[:64])
    await house.hear(house.line.heard("u1", EVIL))
    browser = await house.signed_in(name=EVIL[:64])
    await browser.get("/admin")
    pages = [browser.page]
    await browser.post(at(ticket, "/claim"))
    await browser.post(at(ticket, "/seen"))
    await browser.post(at(ticket, "/reply"), {"text": EVIL})
    pages.append(browser.page)
    await browser.post(at(ticket, "/reply"), {"text": EVIL * 200})
    pages.append(browser.page)
    assert all("{{7*7}}" in page for page in pages[1:])
    for page in pages:
        assert "<img" not in page
        assert "<script>" not in page
        assert "onerror=alert(1)&gt;" in page


async def test_signs_that_turn_the_direction_are_taken_out(house: House) -> None:
    ticket = await house.risk("u1", "死にたい\u202egnp.exe\u2066\x07")
    browser = await house.signed_in()
    await browser.get(at(ticket))
    assert "死にた</mark>いgnp.exe" in browser.page


def _rename(connection: Connection, operator_id: str, ticket: str, name: str) -> None:
    contact = tickets.contact_of(connection, operator_id, ticket)
    connection.execute(update(contacts).where(contacts.c.contact_id == contact).values(nickname=name))

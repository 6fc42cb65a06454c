"""While a reply is being written: remarks that never block, drafts that are kept, phrases, places, quiet ways."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, select

from admin.views import writing
from admin.words import words
from bot.store.schema import drafts
from bot.testing import a_pack
from tests.admin.conftest import House

RULES, JA = a_pack().words, words("ja")


def said(text: str) -> list[str]:
    return [one.word or one.said for one in writing.remarks(JA, RULES, text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("読みました。返事はいつでも大丈夫です。", []),
        ("早めに書いてみませんか。", ["早め"]),
        ("朝はどうですか。夜は眠れますか。", ["質問が 2つあります。ひとつずつだと、答えやすくなります。"]),
        ("朝はどうですか？", []),
        ("教えてください。", ["ください"]),
        ("公園でお会いできます。", ["お会い"]),
        ("公園でお会いできます。前の日でも当日でも、やめて大丈夫です。", []),
        ("〔時刻〕ごろに書きます。", ["〔　〕の所が、まだうまっていません。"]),
    ],
)
def test_a_remark_names_the_word_and_other_ways(text: str, found: list[str]) -> None:
    """R-013, R-024, R-026."""
    assert said(text) == found


def test_more_than_a_bubble_suggests_two() -> None:
    """R-038: a blank line is what makes two of it."""
    assert said("あ" * 121) == ["ひとつづきで 121字あります。空の行を入れると、ふたつに分かれます。"]
    assert said("あ" * 120 + "\n\n" + "い" * 120) == []


async def test_a_remark_is_no_block(house: House) -> None:
    """R-013: what the check remarks on is sent as it stands, and the person is told nothing of it."""
    ticket = await house.request("u1")
    browser = await house.signed_in()
    await browser.post(f"/admin/tickets/{ticket}/claim")
    await browser.post(f"/admin/tickets/{ticket}/seen")
    text = "早めに、必ず来てください。いつ来ますか。だれと来ますか。"
    await browser.post(f"/admin/tickets/{ticket}/draft", {"text": text}, {"X-Fragment": "1"})
    assert browser.status == 200
    for word in ("「早め」", "「必ず」", "急がせたり", "このまま送れます。本人には見えません。"):
        assert word in browser.text
    await browser.get(f"/admin/tickets/{ticket}")
    house.engawa.channels["line"] = house.line
    await browser.post(f"/admin/tickets/{ticket}/reply", {"text": text})
    await house.engawa.delivery.work()
    assert house.line.texts("u1")[-1:] == [text]


async def test_a_draft_is_sealed_and_lives_on_after_signing_in_again(house: House) -> None:
    ticket = await house.request("u1")
    browser = await house.signed_in()
    await browser.post(f"/admin/tickets/{ticket}/claim")
    await browser.post(f"/admin/tickets/{ticket}/seen")
    await browser.post(f"/admin/tickets/{ticket}/draft", {"text": "書きかけ canary"})
    cells = await house.engawa.database.read(_drafts)
    assert len(cells) == 1
    assert b"canary" not in cells[0]
    house.later(31)  # the session is over; the draft is not
    await browser.sign_in("mizuno")
    await browser.get(f"/admin/tickets/{ticket}")
    assert "書きかけ canary</textarea>" in browser.page
    assert "下書きは残っています" in browser.text
    await browser.post(f"/admin/tickets/{ticket}/reply", {"text": "書きかけ canary"})
    assert "canary</textarea>" not in browser.page
    assert await house.engawa.database.read(_drafts) == []


async def test_a_draft_is_its_writers_own(house: House) -> None:
    ticket = await house.request("u1")
    browser, lead = await house.signed_in(), await house.signed_in("oono", "おおの", "lead")
    await browser.post(f"/admin/tickets/{ticket}/claim")
    await browser.post(f"/admin/tickets/{ticket}/seen")
    await browser.post(f"/admin/tickets/{ticket}/draft", {"text": "canary"})
    await lead.get(f"/admin/tickets/{ticket}")
    assert "canary" not in lead.page
    await lead.post(f"/admin/tickets/{ticket}/draft", {"text": "canary"})
    assert lead.status == 403
    await browser.get(f"/admin/tickets/{ticket}")
    await browser.post(f"/admin/tickets/{ticket}/hand-back")
    assert await house.engawa.database.read(_drafts) == []


async def test_phrases_are_put_in_without_script(house: House) -> None:
    ticket = await house.request("u1")
    browser = await house.signed_in()
    await browser.post(f"/admin/tickets/{ticket}/claim")
    await browser.post(f"/admin/tickets/{ticket}/seen")
    assert "はじめまして。みずのです。" in browser.text
    fields = {"text": "こんばんは。", "phrase": "phrase_read"}
    await browser.post(f"/admin/tickets/{ticket}/draft", fields)
    assert "こんばんは。\n\n読みました。〔　　〕 ごろに書きます。</textarea>" in browser.page
    assert "まだうまっていません" in browser.text


def test_phrases_pass_the_check_they_are_checked_by() -> None:
    """R-013: what is at hand is clean."""
    for key, text in a_pack().texts.items():
        if key.startswith(writing.PHRASE):
            assert not list(RULES.scan("\n".join(text))), key


async def test_a_place_goes_with_a_reply_without_a_sound(house: House) -> None:
    ticket = await house.request("u1")
    browser = await house.signed_in()
    await browser.post(f"/admin/tickets/{ticket}/claim")
    await browser.post(f"/admin/tickets/{ticket}/seen")
    pack = a_pack()
    entry = next(one for one in pack.resources.values() if one.is_told)
    await browser.get(f"/admin/places?q={entry.name}", {"X-Fragment": "1"})
    assert f'data-entry="{entry.id}"' in browser.page
    await browser.get(f"/admin/tickets/{ticket}")
    house.engawa.channels["line"] = house.line
    fields = {"text": "よければ。", "entry": entry.id, "quiet": "1", "no_answer": "1"}
    await browser.post(f"/admin/tickets/{ticket}/reply", fields)
    await house.engawa.delivery.work()
    sent = house.line.arrived[-1].reply
    assert sent.silent
    assert sent.texts == ("よければ。", "返事は、なくて大丈夫です。")
    assert [card.title for card in sent.cards] == [entry.name]
    await browser.get(f"/admin/tickets/{ticket}")
    await browser.post(f"/admin/tickets/{ticket}/reply", {"text": "x", "entry": "nothing"})
    assert browser.status == 400
    assert "この場所は、いまの一覧にありません。" in browser.text


def _drafts(connection: Connection) -> list[bytes]:
    return list(connection.scalars(select(drafts.c.sealed_draft)))

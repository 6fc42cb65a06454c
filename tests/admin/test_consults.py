"""相談したい: a colleague is asked, and sees the question and nothing of the conversation."""

from __future__ import annotations

import re

import pytest

from bot.store import staff
from tests.admin.conftest import Browser, House
from tests.admin.test_side import kept, side
from tests.admin.test_thread import EVIL, at


async def colleague(house: House, login: str = "hara", desks: str = staff.EVERY_DESK) -> tuple[str, Browser]:
    """Somebody else of the desk, signed in; and their id."""
    browser = await house.signed_in(login, "はら")
    found = await house.engawa.database.read(staff.members, house.engawa.operator_id)
    return next(one.staff_id for one in found if one.login == login), browser


async def test_a_colleague_is_asked_without_a_word_of_the_person(house: House) -> None:
    """R-107: level, reason, question and who asks; no name, no line, no note, no way into the thread; the answer stands
    beside the thread, and nowhere else."""
    ticket, browser = await kept(house)
    hara, theirs = await colleague(house)
    await browser.post(at(ticket, "/notes"), {"kind": "said", "text": "note-canary"})
    nickname = re.search(r'class="th-name"><bdi[^>]*>([^<]+)', browser.page)
    assert nickname is not None
    assert f'href="/admin/tickets/{ticket}/consult"' in side(browser.page)
    await browser.get(at(ticket, "/consult"))
    assert "相手に見えるもの" in browser.text
    question = f"場所の話は、いつ出すのがよさそうでしょうか{EVIL}"
    await browser.post(at(ticket, "/consult"), {"to": hara, "text": question})
    assert browser.status == 200
    assert "返事はまだありません" in side(browser.page)
    await theirs.get("/admin")
    assert "あなたへの相談があります（1）" in theirs.text
    await theirs.get("/admin/consults")
    assert "場所の話は、いつ出すのがよさそうでしょうか" in theirs.page
    assert EVIL not in theirs.page
    for hidden in (nickname[1], "note-canary", "文字だけ", f'href="/admin/tickets/{ticket}'):
        assert hidden not in theirs.page
    action = re.search(r'action="(/admin/consults/[^"]+)"', theirs.page)
    assert action is not None
    await theirs.get(at(ticket))
    assert theirs.status == 404
    await theirs.get("/admin/consults")
    await theirs.post(action[1], {"text": "急がなくていいと思います"})
    assert "相談は来ていません" in theirs.text
    await browser.get(at(ticket))
    assert "返事：急がなくていいと思います" in side(browser.page)
    await browser.get(at(ticket, "/hand-over"))
    assert "急がなくて" not in browser.page


async def test_the_persons_words_are_not_taken_and_nothing_typed_is_lost(house: House) -> None:
    """A question that quotes them is given back with a reason; nobody was asked."""
    ticket, browser = await kept(house)
    hara, theirs = await colleague(house)
    words = "きのうからずっとカーテンを閉めたままです"
    await house.hear(house.line.heard("u1", words, at=house.clock.now()))
    given = {"to": hara, "text": f"{words[:14]}\n{words[14:]}、どう返す？"}
    await browser.post(at(ticket, "/consult"), given)
    assert browser.status == 400
    assert "自分のことばに直すと送れます" in browser.text
    assert words[:14] in browser.page
    await theirs.get("/admin/consults")
    assert "相談は来ていません" in theirs.text
    await browser.post(at(ticket, "/consult"), {"to": hara, "text": " "})
    assert (browser.status, "質問をひとこと" in browser.text) == (400, True)


@pytest.mark.parametrize("ends", ["/hand-back", "/refuse"])
async def test_a_question_ends_with_the_conversation_and_with_a_refusal(house: House, ends: str) -> None:
    """R-089: who was refused is asked nothing any more, and learns no reason; what was handed back is over."""
    ticket, browser = await kept(house)
    hara, theirs = await colleague(house)
    await browser.post(at(ticket, "/consult"), {"to": hara, "text": "どう思いますか"})
    await theirs.get("/admin/consults")
    action = re.search(r'action="(/admin/consults/[^"]+)"', theirs.page)
    assert action is not None
    await browser.post(at(ticket, ends), {"to": hara})
    assert browser.status == 200
    await theirs.post(action[1], {"text": "返事"})
    assert theirs.status == 400
    assert "いまは開いていません" in theirs.text
    if ends == "/refuse":
        await browser.post(at(ticket, "/consult"), {"to": hara, "text": "もう一度"})
        assert (browser.status, "選んでください" in browser.text or "選ぶ" in browser.text) == (400, True)

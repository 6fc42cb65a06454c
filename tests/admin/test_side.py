"""What stands beside a thread: notes with their source, promises, two-person decisions, consent, a word later on."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import Connection, select

from bot.content.codec import Document
from bot.handoff.hours import TOKYO
from bot.handoff.ticket import Status
from bot.store.schema import wakeups
from bot.wakes import FOLLOW_UP
from tests.admin.conftest import Browser, House
from tests.admin.test_thread import EVIL, at

DESKS = (("main", "県の窓口"), ("families", "家族の窓口"))


async def two_desks(house: House) -> None:
    made = [
        Document(kind="desk", name=desk_id, body={"id": desk_id, "name": name, **extra})
        for (desk_id, name), extra in zip(DESKS, ({}, {"audience": ["family"]}), strict=True)
    ]
    await house.engawa.database.write(house.engawa.library.merge, made, "test", house.clock.now())
    await house.engawa.boards.look()


async def kept(house: House, login: str = "mizuno", name: str = "みずの") -> tuple[str, Browser]:
    """A conversation that is with this member, the wishes seen."""
    house.later(9 * 60)  # a morning
    house.engawa.channels["line"] = house.line
    ticket = await house.request("u1", "ゆっくり", "文字だけ")
    browser = await house.signed_in(login, name)
    await browser.post(at(ticket, "/claim"))
    await browser.post(at(ticket, "/seen"))
    return ticket, browser


async def texts(house: House) -> list[str]:
    while await house.engawa.delivery.work():
        pass
    return house.line.texts("u1")


def side(page: str) -> str:
    return page[page.index('id="th-side"') :]


def day(house: House, **span: int) -> str:
    return (house.clock.now() + timedelta(**span)).astimezone(TOKYO).date().isoformat()


async def test_notes_keep_what_they_are_and_whose_words(house: House) -> None:
    """R-048, R-049, R-055, R-076: a wish without its source is not taken; a guess says that it goes nowhere; what a
    family tells of small changes is plain text, without any scale."""
    ticket, browser = await kept(house)
    await browser.get(at(ticket, "/notes?kind=wish"))
    assert not re.search(r'type="(range|number)"', browser.page)
    wish = {"kind": "wish", "text": "夜、だれかに読んでもらえたら"}
    await browser.post(at(ticket, "/notes"), wish)
    assert (browser.status, wish["text"] in browser.page) == (400, True)
    assert "だれの願いかを選ぶと進めます" in browser.text
    for source, text in (
        ("person", "本人の願い"),
        ("family", "家族の願い"),
        ("family_quoting", "聞いた願い"),
    ):
        await browser.post(at(ticket, "/notes"), {"kind": "wish", "text": text, "source": source})
        assert browser.status == 200
    for kind, text in (
        ("said", "夕食のときに少し話した"),
        ("observed", "返事は夜"),
        ("guess", "眠れていないかも"),
    ):
        await browser.post(at(ticket, "/notes"), {"kind": kind, "text": text})
        assert browser.status == 200
    shown = side(browser.page)
    order = [shown.index(text) for text in ("本人の願い", "家族の願い", "聞いた願い", "おぼえ書き")]
    assert order[0] == min(order)
    for text, label in (
        ("家族の願い", "家族から"),
        ("聞いた願い", "家族から（本人が言ったと聞いた）"),
        ("眠れていないかも", "推測は外へ出ません"),
    ):
        assert label in shown[shown.index(text) :].split("</li>")[0], text
    await browser.get(at(ticket, "/hand-over"))
    assert "夕食のときに少し話した" in browser.text
    assert "返事は夜" in browser.text
    assert "眠れていないかも" not in browser.page
    assert "家族から 家族の願い" in browser.text


async def test_a_promise_has_a_day_and_an_owner_and_can_be_given_on(house: House) -> None:
    """R-111: promises are seen by who goes on, with the day; kept ones stay below."""
    ticket, browser = await kept(house)
    other = await house.staff("sakurai", "さくらい")
    await browser.post(at(ticket, "/notes"), {"kind": "promise", "text": "本のことを調べる"})
    assert browser.status == 400
    mine = re.search(r'<select[^>]*name="owner".*?<option value="(\w+)"', browser.page, re.DOTALL)
    assert mine is not None
    made = {"kind": "promise", "text": "本のことを調べる", "owner": mine[1], "due_on": day(house, days=3)}
    await browser.post(at(ticket, "/notes"), made)
    assert "みずの" in side(browser.page).split("本のことを調べる")[1].split("</li>")[0]
    await browser.post(at(ticket, "/notes/1/settle"), {"owner": other.staff_id})
    assert "さくらい" in side(browser.page).split("本のことを調べる")[1].split("</li>")[0]
    await browser.get(at(ticket, "/hand-over"))
    assert "本のことを調べる" in browser.text
    await browser.get(at(ticket))
    await browser.post(at(ticket, "/notes/1/settle"))
    assert "まえのもの（1）" in browser.text
    await browser.post(at(ticket, "/notes/9/settle"))
    assert browser.status == 404


async def test_a_decision_needs_a_second_person_with_a_reason_of_their_own(house: House) -> None:
    """R-080: who asked cannot agree; the second one writes why; nothing leaves by itself (R-081)."""
    ticket, browser = await kept(house)
    lead = await house.signed_in("oono", "おおの", "lead")
    before = await texts(house)
    await browser.post(at(ticket, "/notes"), {"kind": "decision", "text": "名前をたずねるかどうか"})
    assert "もう一人の同意を待っています" in browser.text
    assert "二人目として同意する" not in browser.text
    await browser.post(at(ticket, "/notes/1/agree"), {"text": "わたしも"})
    assert browser.status == 409
    assert "二人目は、べつの人です。" in browser.text
    await lead.get(at(ticket))
    assert "二人目として同意する" in lead.text
    await lead.post(at(ticket, "/notes/1/agree"), {"text": " "})
    assert lead.status == 400
    await lead.get(at(ticket))
    await lead.post(at(ticket, "/notes/1/agree"), {"text": "けがの話が続いている"})
    assert "おおの が同意「けがの話が続いている」" in lead.text
    assert await texts(house) == before


async def test_to_another_desk_only_what_was_shown_and_agreed(house: House) -> None:
    """R-033, R-065, R-066: no consent, no way; the preview is exactly what the other desk finds."""
    await two_desks(house)
    ticket, browser = await kept(house)
    for kind, text in (
        ("said", "夜のほうが書きやすい"),
        ("observed", "渡さないこと"),
        ("guess", "推しはかり"),
    ):
        await browser.post(at(ticket, "/notes"), {"kind": kind, "text": text})
    await browser.get(at(ticket, "/send-on/1"))
    assert browser.status == 403
    await browser.get(at(ticket, "/notes?kind=consent"))
    assert "推しはかり" not in browser.page
    assert not re.search(
        r'type="(?:radio|checkbox)" name[^>]*checked', browser.page
    )  # nothing is agreed to beforehand
    consent = {
        "kind": "consent",
        "text": "家族の窓口に話していいです",
        "source": "person",
        "how": "wrote",
        "to": "families",
        "until": day(house, days=30),
        "note-1": "1",
        "note-3": "1",
        "wishes": "1",
    }
    for wrong in ({"source": "supporter"}, {"how": "silence"}, {"to": ""}, {"until": day(house, days=-2)}):
        await browser.post(at(ticket, "/notes"), {**consent, **wrong})
        assert browser.status == 400, wrong
        assert "家族の窓口に話していいです" in browser.page
    await browser.post(at(ticket, "/notes"), consent)
    assert "「家族の窓口」へ渡る内容を見る" in browser.text
    await browser.get(at(ticket, "/send-on/4"))
    goes = re.findall(r"<li><span.*?</li>", browser.page[browser.page.index('id="goes"') :], re.DOTALL)
    assert len(goes) == 3
    assert "夜のほうが書きやすい" in goes[2]
    assert "渡さないこと" not in browser.page
    assert "推しはかり" not in browser.page
    await browser.post(at(ticket, "/send-on/4"), {"text": " "})
    assert browser.status == 400
    await browser.post(at(ticket, "/send-on/4"), {"text": "本人の了解があるので"})
    assert browser.status == 200
    assert any(
        "「家族の窓口」に、見ていただいた内容だけを渡しました。" in text for text in await texts(house)
    )
    there = await house.signed_in("kita", "きた")
    await there.get(at(ticket))
    await there.post(at(ticket, "/claim"))
    await there.post(at(ticket, "/seen"))
    assert "夜のほうが書きやすい" in there.text
    for text in ("渡さないこと", "推しはかり"):
        assert text not in there.page


async def test_to_a_colleague_back_to_the_desk_and_not_with_them(house: House) -> None:
    """R-089, R-106, R-112: the person reads who writes; who is refused is told nothing and finds nothing."""
    ticket, browser = await kept(house)
    other = await house.staff("sakurai", "さくらい")
    theirs = house.browser()
    await theirs.sign_in("sakurai")
    await browser.get(at(ticket, "/pass"))
    await browser.post(at(ticket, "/stand-in"), {"to": other.staff_id})
    assert "控え さくらい" in browser.text
    for wrong in ({"to": other.staff_id, "text": ""}, {"to": "0" * 32, "text": "x"}, {"to": "", "text": "x"}):
        await browser.post(at(ticket, "/pass"), wrong)
        assert browser.status == 400, wrong
    await browser.post(at(ticket, "/pass"), {"to": other.staff_id, "text": "勤務のおわり"})
    assert browser.status == 200
    assert any("このあとは さくらい が書きます。" in text for text in await texts(house))
    await browser.get(at(ticket))
    assert browser.status == 404
    await theirs.get(at(ticket))
    assert "受け持ち さくらい" in theirs.text
    await theirs.get(at(ticket, "/pass"))
    await theirs.post(at(ticket, "/release"), {"text": "休みに入る"})
    waiting = await house.engawa.desk.queue(other, Status.WAITING)
    assert [one.ticket.id for one in waiting] == [ticket]
    lead = await house.signed_in("oono", "おおの", "lead")
    await lead.get(at(ticket, "/pass"))
    await lead.post(at(ticket, "/refuse"), {"to": other.staff_id})
    said = await texts(house)
    assert not any("さくらい" in text for text in said[-1:])
    await theirs.get(at(ticket))
    refused = (theirs.status, theirs.page)
    await theirs.get(at("0" * 32))
    assert refused == (404, theirs.page)
    assert await house.engawa.desk.queue(other, Status.WAITING) == []


async def test_a_word_later_on_is_shown_and_called_off(house: House) -> None:
    """R-085: by day unless the person named the hour; they see it beforehand; called off, they are told that, too."""
    ticket, browser = await kept(house)
    wanted = {"kind": "follow_up", "day": day(house, days=14), "time": "23:00"}
    for wrong in (wanted, {**wanted, "day": day(house, days=-1), "time": "12:00"}, {**wanted, "time": "xx"}):
        await browser.post(at(ticket, "/notes"), wrong)
        assert browser.status == 400, wrong
    await browser.post(at(ticket, "/notes"), {**wanted, "chosen": "1"})
    assert "本人には見せてあります" in browser.text
    assert any("ひとこと送ります。返事はいりません。" in text for text in await texts(house))
    await browser.post(at(ticket, "/follow-up/cancel"))
    assert "決めたものはありません" in browser.text
    assert "取りやめました" in (await texts(house))[-1]
    assert await house.engawa.database.read(_planned) == []
    await browser.post(at(ticket, "/follow-up/cancel"))
    assert browser.status == 400


@pytest.mark.parametrize("do", ["/notes", "/hand-over", "/pass", "/send-on/1"])
async def test_whoever_may_not_see_it_finds_nothing_beside_it(house: House, do: str) -> None:
    """Guessed ids and other people's conversations look alike (R-077); and editors have no threads."""
    ticket, browser = await kept(house)
    await browser.post(at(ticket, "/notes"), {"kind": "said", "text": "beside-canary"})
    other, editor = await house.signed_in("sakurai", "さくらい"), house.browser()
    await house.staff("hon", "ほん", "editor")
    await editor.sign_in("hon")
    for one, told in ((other, 404), (editor, 403)):
        await one.get("/admin/settings")
        csrf = one.marks["csrf"]
        for place in (at(ticket, do), at("0" * 32, do)):
            await one.get(place)
            assert one.status == told, place
            assert "beside-canary" not in one.page
        for path in ("/notes", "/pass", "/release", "/stand-in", "/refuse", "/send-on/1", "/notes/1/settle",
                     "/notes/1/agree", "/follow-up/cancel"):  # fmt: skip
            form = {"csrf": csrf, "kind": "said", "text": "x", "to": "0" * 32}
            await one.post(at(ticket, path), form)
            assert one.status == told, path


async def test_nothing_that_is_noted_is_markup(house: House) -> None:
    await two_desks(house)
    ticket, browser = await kept(house)
    until = day(house, days=9)
    for form in (
        {"kind": "said"},
        {"kind": "wish", "source": "person"},
        {"kind": "decision"},
        {
            "kind": "consent",
            "source": "person",
            "how": "said",
            "to": "families",
            "until": until,
            "note-1": "1",
        },
    ):
        await browser.post(at(ticket, "/notes"), {**form, "text": EVIL})
        assert browser.status == 200, form
    for page in ("", "/notes?kind=consent", "/hand-over", "/pass", "/send-on/4"):
        await browser.get(at(ticket, page))
        assert browser.status == 200, page
        assert "<img src=x" not in browser.page, page
        assert "<script>alert" not in browser.page, page
        assert "&lt;img src=x" in browser.page, page


def _planned(connection: Connection) -> list[str]:
    return list(connection.scalars(select(wakeups.c.contact_id).where(wakeups.c.reason == FOLLOW_UP)))


async def test_words_wait_where_somebody_asked_for_it_and_are_taken_back(house: House) -> None:
    """The setting is off unless chosen; what waits stands in the thread with a way back, and what did not leave says
    so in the queue."""
    ticket, browser = await kept(house)
    await browser.get("/admin/settings")
    assert re.search(r'name="undo" value="0" checked', browser.page)
    await browser.post("/admin/settings", {"undo": "10", "covers": "1"})
    await browser.get(at(ticket))
    await browser.post(at(ticket, "/reply"), {"text": "取り消す言葉"})
    assert "まだ送っていません あと10秒" in browser.text
    assert "取り消す言葉" not in await texts(house)
    await browser.post(at(ticket, "/scheduled/1/take-back"))
    assert "取り消す言葉</textarea>" in browser.page
    assert "まだ送っていません" not in browser.text
    when = {"later": "1", "day": day(house, days=1), "time": "10:00"}
    for wrong in ({"time": ""}, {"day": day(house, days=-1)}, {"day": day(house, days=30)}):
        await browser.post(at(ticket, "/reply"), {**when, **wrong, "text": "あすの言葉"})
        assert browser.status == 400, wrong
        assert "あすの言葉</textarea>" in browser.page
    await browser.post(at(ticket, "/reply"), {**when, "text": "あすの言葉"})
    assert "10:00 ごろ送ります" in browser.text
    house.later(3 * 24 * 60)  # nothing ran for days
    await house.engawa.desk.send_due()
    await browser.sign_in("mizuno")
    await browser.get("/admin?group=mine")
    assert "送っていない言葉があります" in browser.text
    await browser.get(at(ticket))
    assert "下書きにもどす" in browser.text
    assert "あすの言葉" not in await texts(house)


async def test_one_tap_says_when_an_answer_comes_and_the_queue_knows_it(house: House) -> None:
    """A promise of the keeper's: told without a sound, seen by everybody, and past it a sentence."""
    ticket, browser = await kept(house)
    await browser.post(at(ticket, "/read-later"), {"minutes": "30", "text": "書きかけの言葉"})
    assert "書きかけの言葉</textarea>" in browser.page  # also where no script keeps it
    assert any(text.startswith("読みました。返事は") for text in await texts(house))
    await browser.get("/admin?group=mine")
    assert "ごろ返事と伝えました" in browser.text
    await browser.get(at(ticket))
    await browser.post(at(ticket, "/read-later"), {"minutes": "7"})
    assert browser.status == 400
    house.later(70)
    await browser.sign_in("mizuno")
    await browser.get("/admin?group=mine")
    assert "分すぎました" in browser.text

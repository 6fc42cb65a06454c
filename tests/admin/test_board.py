"""The lead's pages: how it stands, shifts, staff, entrances; in words, and without ranks."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from admin.views.shifts import spans
from bot.errors import BadInput
from bot.handoff.hours import TOKYO
from bot.store import accounts, duties, staff
from tests.admin.conftest import PASSWORD, Browser, House
from tests.admin.test_access import of_role
from tests.admin.test_side import two_desks


async def a_lead(house: House) -> Browser:
    return await house.signed_in("oono", "おおの", "lead")


async def test_the_board_tells_who_waits_who_is_here_and_what_is_red(house: House) -> None:
    lead = await a_lead(house)
    await lead.get("/admin/board")
    assert "待っている人はいません" in lead.text
    assert "からは、当番がいません" in lead.text
    await house.request("u1")
    house.later(16)
    ticket = await house.risk("u2", "これから死にます。薬をたくさん飲みました canary")
    house.later(8)
    await house.engawa.alerts.work()
    mizuno = await house.staff("mizuno", "みずの")
    now = house.clock.now()
    await house.engawa.database.write(
        duties.add, mizuno.staff_id, now - timedelta(hours=1), now + timedelta(hours=2)
    )
    await lead.get("/admin/board")
    for said in ("2人が待っています", "当番は 1人です", "緊急が 1人です", "24分ほど", "8分ほど", "みずの"):
        assert said in lead.text, said
    assert "canary" not in lead.page
    assert f'href="/admin/tickets/{ticket}"' in lead.page
    await lead.post(f"/admin/tickets/{ticket}/claim")
    await lead.get("/admin/board")
    assert "緊急が" not in lead.text
    assert f'href="/admin/tickets/{ticket}/pass"' in lead.page
    assert "移す" in lead.text


async def test_shifts_are_entered_for_weeks_and_taken_out(house: House) -> None:
    lead = await a_lead(house)
    mizuno = await house.staff("mizuno", "みずの")
    day = (house.clock.now().astimezone(TOKYO) + timedelta(days=1)).date().isoformat()
    await lead.get("/admin/shifts")
    fields = {"staff": mizuno.staff_id, "day": day, "begins": "20:00", "ends": "02:00", "weeks": "3"}
    await lead.post("/admin/shifts", fields)
    assert lead.page.count('action="/admin/shifts/drop"') == 3
    await lead.post("/admin/shifts", {**fields, "begins": "21:00", "weeks": "1"})
    assert lead.status == 400
    assert "もう当番に入っています" in lead.text
    await lead.get("/admin/shifts")
    begins = re.search(r'name="begins" value="([^"]*T[^"]*)"', lead.page)
    assert begins
    await lead.post("/admin/shifts/drop", {"staff": mizuno.staff_id, "begins": begins[1]})
    assert lead.page.count('action="/admin/shifts/drop"') == 2
    for odd in ({"staff": "0" * 32}, {"begins": "soon"}):
        await lead.post("/admin/shifts/drop", {"staff": mizuno.staff_id, "begins": begins[1], **odd})
        assert lead.status == 404
        await lead.get("/admin/shifts")


@pytest.mark.parametrize(
    "odd",
    [{"day": ""}, {"begins": "x"}, {"ends": "25:00"}, {"weeks": "0"}, {"weeks": "13"}, {"ends": "19:59"},
     {"begins": "20:00+09:00"}, {"day": "2026-13-01"}],
)  # fmt: skip
def test_odd_shifts_are_refused_in_words(odd: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        spans({"day": "2026-12-01", "begins": "20:00", "ends": "02:00", **odd})


def test_an_end_before_the_begin_is_of_the_next_day() -> None:
    begins, ends, weeks = spans({"day": "2026-12-31", "begins": "20:00", "ends": "02:00", "weeks": "2"})
    assert (ends - begins, ends.year, weeks) == (timedelta(hours=6), 2027, 2)


async def test_a_lead_takes_somebody_on_and_they_set_up_their_sign_in(house: House) -> None:
    lead = await a_lead(house)
    await lead.get("/admin/members")
    fields = {"name": "あらい", "login": "arai", "role": "peer", "most": "6"}
    await lead.post("/admin/members", fields)
    secret = re.search(r'mono">([a-z2-9-]{29})<', lead.page)
    assert secret, lead.text
    made = await house.engawa.database.read(staff.by_login, house.engawa.operator_id, "arai")
    assert made is not None
    assert (made.role, made.peer, made.most, made.desks) == ("peer", True, 6, "*")
    arai = house.browser()
    await arai.get("/admin/login")
    await arai.post("/admin/login", {"login": "arai", "secret": secret[1]})
    assert "はじめに合言葉を決めます" in arai.text
    await lead.get("/admin/members")
    await lead.post("/admin/members", fields)
    assert lead.status == 409
    assert "もう使われています" in lead.text
    await lead.get("/admin/members")
    await lead.post("/admin/members", {**fields, "login": "b", "most": "0"})
    assert lead.status == 400


async def test_a_role_changes_at_once_and_is_noted(house: House) -> None:
    lead = await a_lead(house)
    counselor = await house.signed_in()
    mizuno = await house.engawa.database.read(staff.by_login, house.engawa.operator_id, "mizuno")
    assert mizuno is not None
    await lead.get(f"/admin/members/{mizuno.staff_id}")
    await lead.post(f"/admin/members/{mizuno.staff_id}", {"role": "editor", "most": "12"})
    assert (await counselor.get("/admin/queue")).status == 403
    await lead.get("/admin/records")
    assert "務めや窓口を変えました" in lead.text
    own = await house.engawa.database.read(staff.by_login, house.engawa.operator_id, "oono")
    assert own is not None
    for path, fields in (
        ("", {"role": "operator", "most": "1"}),
        ("/leave", {}),
        ("/reset", {}),
        ("/renew", {}),
    ):
        await lead.get(f"/admin/members/{own.staff_id}")
        await lead.post(f"/admin/members/{own.staff_id}{path}", fields)
        assert lead.status == 409, path


async def test_who_lost_a_factor_begins_anew_and_is_signed_out(house: House) -> None:
    lead = await a_lead(house)
    counselor = await house.signed_in()
    mizuno = await house.engawa.database.read(staff.by_login, house.engawa.operator_id, "mizuno")
    assert mizuno is not None
    await lead.get(f"/admin/members/{mizuno.staff_id}")
    await lead.post(f"/admin/members/{mizuno.staff_id}/reset")
    secret = re.search(r'mono">([a-z2-9-]{29})<', lead.page)
    assert secret
    assert (await counselor.get("/admin", follow=False)).headers["Location"] == "/admin/login"
    again = house.browser()
    assert (await again.sign_in("mizuno", PASSWORD)).status == 401
    await again.get("/admin/login")
    await again.post("/admin/login", {"login": "mizuno", "secret": secret[1]})
    assert "はじめに合言葉を決めます" in again.text


async def test_who_leaves_is_signed_out_and_their_people_wait_for_others(house: House) -> None:
    lead = await a_lead(house)
    counselor = await house.signed_in()
    ticket = await house.request()
    await counselor.get("/admin")
    await counselor.post(f"/admin/tickets/{ticket}/claim")
    mizuno = await house.engawa.database.read(staff.by_login, house.engawa.operator_id, "mizuno")
    assert mizuno is not None
    await lead.get(f"/admin/members/{mizuno.staff_id}")
    await lead.post(f"/admin/members/{mizuno.staff_id}/leave")
    assert (await counselor.get("/admin", follow=False)).headers["Location"] == "/admin/login"
    await lead.get("/admin")
    assert "1人が待っています" in lead.text
    await lead.get(f"/admin/members/{mizuno.staff_id}")
    assert lead.status == 404


async def test_staff_pages_ask_again_who_one_is(house: House) -> None:
    """ASVS 7.5.3: not with a session that was left open for a while."""
    lead = await a_lead(house)
    mizuno = await house.staff("mizuno", "みずの")
    house.later(11)
    for path in ("/admin/members", f"/admin/members/{mizuno.staff_id}"):
        response = await lead.get(path, follow=False)
        assert response.headers["Location"] == f"/admin/second?to={path}"
    for path in ("", "/renew", "/reset", "/leave"):
        await lead.get("/admin/settings")
        response = await lead.post(
            f"/admin/members/{mizuno.staff_id}{path}", {"role": "lead", "most": "1"}, follow=False
        )
        assert response.headers["Location"].startswith("/admin/second"), path


async def test_entrances_are_told_in_words_to_operators_too(house: House) -> None:
    house.engawa.channels["line"] = house.line
    marks = {"line": accounts.Marks(received_at=house.clock.now())}
    await house.engawa.database.write(accounts.note, house.engawa.operator_id, marks)
    operator = await house.signed_in("ops", "うんよう", "operator")
    assert "入口" in operator.text
    await operator.get("/admin/status")
    assert "控え（バックアップ） まだありません 見る所があります" in operator.text
    assert "届かなかったことば ありません" in operator.text
    for said in ("LINE", "届いています", "往復の見張り", "知らせる先がありません"):
        assert said in operator.text, said


async def test_a_lead_of_one_desk_lets_nobody_in_at_another(house: House) -> None:
    """R-077: neither themselves nor a colleague; who is of other desks is not theirs to change."""
    await two_desks(house)
    read, operator = house.engawa.database.read, house.engawa.operator_id
    lead, other = await of_role(house, "lead", "families"), await house.staff("mizuno", "みずの")
    own = await read(staff.by_login, operator, "lead-families")
    assert own is not None
    at_main = {"role": "lead", "most": "12", "desk:main": "1"}
    for fields in (at_main, {**at_main, "desk:families": "1"}, {"role": "lead", "most": "12"}):
        await lead.get(f"/admin/members/{own.staff_id}")
        assert (await lead.post(f"/admin/members/{own.staff_id}", fields)).status in (403, 409), fields
        await lead.get("/admin/members")
        new = {**fields, "login": "arai", "name": "あらい"}
        assert (await lead.post("/admin/members", new)).status == 403, fields
    for path in ("", "/renew", "/reset", "/leave"):
        await lead.get("/admin/members")
        fields = {"role": "counselor", "most": "12", "desk:families": "1"}
        assert (await lead.post(f"/admin/members/{other.staff_id}{path}", fields)).status == 403, path
    assert await read(staff.by_login, operator, "lead-families") == own
    assert await read(staff.by_login, operator, "mizuno") == other
    assert await read(staff.by_login, operator, "arai") is None
    await lead.get("/admin/members")
    new = {"role": "counselor", "most": "12", "desk:families": "1", "login": "arai", "name": "あらい"}
    assert (await lead.post("/admin/members", new)).status == 200


async def test_after_something_hard_a_lead_is_asked_to_talk_with_them(house: House) -> None:
    """C-09, R-110: who and when, nothing of the person; done by one press, and nothing is written about it."""
    mizuno, ticket = await house.staff("mizuno", "みずの"), await house.risk("u1", "もう死にたい canary")
    await house.engawa.desk.claim(mizuno, ticket)
    name = (await house.engawa.desk.thread(mizuno, ticket)).nickname
    await house.engawa.desk.hand_back(mizuno, ticket)
    lead = await a_lead(house)
    await lead.get("/admin/board")
    after = re.search(r'(?s)<section id="b-after".*?</section>', lead.page)
    assert after is not None
    assert "みずの" in after[0]
    assert not [said for said in ("canary", name, ticket) if said in after[0]]
    other = await house.signed_in("sakurai", "さくらい")
    found = re.search(r"/admin/debriefs/[0-9a-f]{32}", after[0])
    assert found is not None
    await other.post(found[0])
    assert other.status == 403
    await lead.post(found[0])
    assert "話しました" not in lead.text
    await lead.post(found[0])
    assert lead.status == 404

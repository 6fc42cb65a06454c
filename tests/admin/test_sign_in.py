"""Signing in and out, and how long a session lasts."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, select

from bot.store import staff
from bot.store.schema import staff_sessions
from tests.admin.conftest import PASSWORD, House


async def test_name_and_passphrase_open_the_queue(house: House) -> None:
    await house.staff("mizuno", "みずの")
    browser = house.browser()
    first = await browser.get("/admin", follow=False)
    assert (first.status, first.headers["Location"]) == (303, "/admin/login")
    await browser.get("/admin/login")
    assert "みどり市 ことばの案内所" in browser.text
    entered = await browser.post("/admin/login", {"login": " mizuno ", "secret": PASSWORD}, follow=False)
    assert (entered.status, entered.headers["Location"]) == (303, "/admin")
    cookie = entered.headers.getall("Set-Cookie")[0]
    assert cookie.startswith("engawa_staff=")
    assert "HttpOnly" in cookie
    assert "Path=/" in cookie
    assert "SameSite=Strict" in cookie
    assert "Secure" not in cookie
    await browser.get("/admin")
    assert "あと一つで入れます" in browser.text
    await browser.show_code("mizuno")
    assert "待っている人" in browser.text
    assert "みずの" in browser.text
    await browser.get("/admin/login")
    assert "待っている人" in browser.text


async def test_a_wrong_name_and_a_wrong_passphrase_are_answered_alike(house: House) -> None:
    await house.staff("mizuno", "みずの")
    answers = []
    for login in ("mizuno", "nobody"):
        browser = house.browser()
        response = await browser.sign_in(login, "wrong")
        stable = browser.page.replace(browser.marks["csrf"], "").replace(login, "")
        answers.append((response.status, sorted(set(response.headers)), stable))
        assert "名前と合言葉の組み合わせが合いません" in browser.text
        assert "engawa_staff" not in browser.cookies
    assert answers[0] == answers[1]
    assert answers[0][0] == 401


async def test_odd_fields_are_refused_like_wrong_ones(house: House) -> None:
    for login, secret in (("", ""), ("あ" * 5_000, "x"), ("mizuno\n", "y" * 5_000), ("a\u202eb", "絵文字🎐")):
        browser = house.browser()
        await browser.sign_in(login, secret)
        assert browser.status == 401, login[:10]
    browser = house.browser()
    await browser.sign_in("nul\x00", "x")
    assert browser.status == 400
    await browser.get("/admin/login")
    await browser.post(
        "/admin/login", b"csrf=" + browser.marks["csrf"].encode() + b"&login=%ED%A0%80&secret=x"
    )
    assert browser.status == 400
    assert "文字でないもの" in browser.text


async def test_a_one_time_password_opens_once(house: House) -> None:
    member = await house.staff("mizuno", "みずの")
    write, now = house.engawa.database.write, house.clock.now()
    await write(staff.offer_one_time_login, member.staff_id, "once-only", now + timedelta(hours=1))
    first, second = house.browser(), house.browser()
    assert (await first.sign_in("mizuno", " once-only")).status == 200
    assert (await second.sign_in("mizuno", "once-only")).status == 401
    await write(staff.offer_one_time_login, member.staff_id, "too-late", now)
    assert (await second.sign_in("mizuno", "too-late")).status == 401
    await write(staff.offer_one_time_login, member.staff_id, "not-yours", now + timedelta(hours=1))
    await house.staff("sakurai", "さくらい")
    assert (await second.sign_in("sakurai", "not-yours")).status == 401


async def test_wrong_tries_are_slowed_down_and_the_right_one_still_enters(house: House) -> None:
    await house.staff("mizuno", "みずの")
    browser = house.browser()
    for _ in range(4):
        await browser.sign_in("mizuno", "wrong")
    assert house.waits[0] == 0.5
    assert (await browser.sign_in("mizuno")).status == 200


async def test_the_session_is_new_at_sign_in_and_over_after_leaving(house: House) -> None:
    browser = await house.signed_in()
    old = browser.cookies["engawa_staff"]
    assert len(old) == 43
    stored = await house.engawa.database.read(_hashes)
    assert stored == [staff.hashed(old)]
    planted = house.browser()
    planted.plant(engawa_staff=old)
    await planted.get("/admin/login?lang=ja")
    await planted.post("/admin/logout", {"csrf": "wrong"})
    assert planted.status == 403
    await browser.get("/admin")
    left = await browser.post("/admin/logout", follow=False)
    assert (left.status, left.headers["Location"]) == (303, "/admin/login")
    assert left.headers["Clear-Site-Data"] == '"cache"'
    assert await house.engawa.database.read(_hashes) == []
    assert (await planted.get("/admin", follow=False)).status == 303


async def test_signing_in_again_ends_the_old_session(house: House) -> None:
    browser = await house.signed_in()
    await house.staff("sakurai", "さくらい")
    old = browser.cookies["engawa_staff"]
    other = house.browser()
    await other.get("/admin/login")
    other.plant(engawa_staff=old)
    await other.post("/admin/login", {"login": "sakurai", "secret": PASSWORD})
    await other.show_code("sakurai")
    assert "さくらい" in other.text
    assert (await browser.get("/admin", follow=False)).status == 303


async def test_a_session_ends_idle_and_pages_that_renew_themselves_do_not_prolong_it(house: House) -> None:
    browser = await house.signed_in()
    for _ in range(3):
        house.later(20)
        assert (await browser.get("/admin", {"X-Fragment": "1", "X-Active": "1"})).status == 200
    for _ in range(2):
        house.later(14)
        await browser.get("/admin", {"X-Fragment": "1"})
    house.later(3)
    assert (await browser.get("/admin", {"X-Fragment": "1"})).status == 401


async def test_the_sheet_must_have_been_seen(house: House) -> None:
    await house.staff("mizuno", "みずの")
    browser = house.browser()
    await browser.post("/admin/login", {"login": "mizuno", "secret": PASSWORD})
    assert browser.status == 403
    await browser.get("/admin/login")
    await browser.post("/admin/login", {"csrf": "x" * 43, "login": "mizuno", "secret": PASSWORD})
    assert browser.status == 403
    assert "engawa_staff" not in browser.cookies


def _hashes(connection: Connection) -> list[bytes]:
    return [bytes(row) for row in connection.scalars(select(staff_sessions.c.token_hash))]

"""The second factor: asked of everybody, taken once, set up at the first sign-in, and lost without drama."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta
from functools import partial

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from admin import passwords
from admin.codes import STEP, new_code, step_of
from bot.errors import BadInput
from bot.store import factors, staff
from bot.store.schema import recovery_codes, staff_factors
from tests.admin.conftest import APP_SECRET, PASSWORD, Browser, House, codes_of

INSIDE = ("/admin", "/admin/settings", "/admin/alerts", "/admin/records", "/admin/stream?topic=queue")
NEW = "縁側で ねこが 三びき 昼寝"


def code_of(house: House, steps: int = 0, secret: str = APP_SECRET) -> str:
    return pyotp.TOTP(secret).generate_otp(int(house.clock.now().timestamp()) // STEP + steps)


async def half_way(house: House, login: str = "mizuno") -> Browser:
    """A browser that has shown the passphrase, and no more."""
    browser = house.browser()
    await browser.get("/admin/login")
    await browser.post("/admin/login", {"login": login, "secret": PASSWORD})
    assert "/admin/second" in browser.page
    return browser


async def first_time(house: House, login: str = "mizuno", role: str = "counselor") -> Browser:
    """A new member who came with a one-time passphrase."""
    write, now = house.engawa.database.write, house.clock.now()
    staff_id = await write(staff.add, house.engawa.operator_id, login, "みずの", role, None)
    await write(staff.offer_one_time_login, staff_id, "once", now + timedelta(hours=1))
    browser = house.browser()
    await browser.get("/admin/login")
    await browser.post("/admin/login", {"login": login, "secret": "once"})
    return browser


async def test_a_passphrase_alone_opens_nothing(house: House) -> None:
    """ASVS 6.3.3: every page, the stream and every change wait for the second factor."""
    ticket = await house.request()
    await house.staff("mizuno", "みずの")
    browser = await half_way(house)
    for path in (*INSIDE, f"/admin/tickets/{ticket}", "/admin/enrol", "/admin/passphrase"):
        response = await browser.get(path, follow=False)
        assert (response.status, response.headers["Location"]) == (303, "/admin/second"), path
        assert (await browser.get(path, {"X-Fragment": "1"})).status == 401, path
    await browser.get("/admin/second")
    for path in ("/admin/next", f"/admin/tickets/{ticket}/claim", "/admin/settings/codes"):
        response = await browser.post(path, follow=False)
        assert (response.status, response.headers["Location"]) == (303, "/admin/second"), path
    assert await house.engawa.database.read(_nobody_here, house.clock.now())


def _nobody_here(connection, now) -> bool:
    from bot.store import duties

    return not duties.here(connection, "default", now)


async def test_a_code_is_taken_once_and_none_before_it_again(house: House) -> None:
    """ASVS 6.5.1: not the same, not an older one that is still within the window."""
    await house.staff("mizuno", "みずの")
    house.later(10)
    browser = await half_way(house)
    await browser.post("/admin/second", {"code": code_of(house)})
    assert "待っている人" in browser.text
    for steps in (0, -1):
        again = await half_way(house)
        await again.post("/admin/second", {"code": code_of(house, steps)})
        assert again.status == 401
        assert "前に使ったもの" in again.text
    later = await half_way(house)
    await later.post("/admin/second", {"code": f" {code_of(house, 1)[:3]} {code_of(house, 1)[3:]}"})
    assert "待っている人" in later.text


async def test_of_fifty_at_once_one_gets_in(house: House) -> None:
    await house.staff("mizuno", "みずの")
    house.later(10)
    browsers = [await half_way(house) for _ in range(8)]
    code = code_of(house)
    await asyncio.gather(*(one.post("/admin/second", {"code": code}) for one in browsers))
    assert sum("待っている人" in one.text for one in browsers) == 1


async def test_wrong_codes_are_slowed_down_whoever_tries(house: House) -> None:
    """Twenty guesses in a while are too many, from however many sessions."""
    await house.staff("mizuno", "みずの")
    seen = []
    for _ in range(14):
        browser = await half_way(house)
        await browser.post("/admin/second", {"code": "000000"})
        seen.append(browser.status)
    assert seen.count(401) < 10
    assert seen[-1] == 503


async def test_the_session_gets_a_new_id_with_the_second_factor(house: House) -> None:
    await house.staff("mizuno", "みずの")
    browser = await half_way(house)
    before = browser.cookies["engawa_staff"]
    await browser.show_code("mizuno")
    assert browser.cookies["engawa_staff"] != before
    old = house.browser()
    old.plant(engawa_staff=before)
    assert (await old.get("/admin", follow=False)).headers["Location"] == "/admin/login"


async def test_half_way_ends_after_ten_minutes(house: House) -> None:
    await house.staff("mizuno", "みずの")
    browser = await half_way(house)
    house.later(11)
    assert (await browser.get("/admin/second", follow=False)).headers["Location"] == "/admin/login"


async def test_a_recovery_code_works_once_and_lies_as_a_hash(house: House) -> None:
    await house.staff("mizuno", "みずの")
    code = codes_of("mizuno")[59]
    for right in (True, False):
        browser = await half_way(house)
        await browser.post("/admin/second", {"code": code.upper()})
        assert ("待っている人" in browser.text) is right
    rows = await house.engawa.database.read(lambda c: list(c.scalars(select(recovery_codes.c.code_hash))))
    assert len(rows) == 59
    assert all(len(bytes(row)) == 32 for row in rows)


async def test_at_the_first_sign_in_passphrase_and_app_are_set_up(house: House) -> None:
    browser = await first_time(house)
    assert "はじめに合言葉を決めます" in browser.text
    for weak in ("short", "password1234", "mizuno-mizuno", "111111111111"):
        await browser.post("/admin/enrol", {"secret": weak})
        assert browser.status == 400, weak
    await browser.post("/admin/enrol", {"secret": NEW})
    secret = re.search(r'mono">([A-Z2-7]{32})<', browser.page)
    assert secret, browser.text
    assert "<svg" in browser.page
    await browser.get("/admin/enrol")
    assert secret[1] in browser.page, "another look gives the same secret"
    await browser.post("/admin/enrol", {"code": "000000"})
    assert browser.status == 400
    assert "いまの数字と合いません" in browser.text
    await browser.post("/admin/enrol", {"code": code_of(house, 0, secret[1])})
    codes = re.findall(r"<li>([a-z2-9-]{29})</li>", browser.page)
    assert len(codes) == 8
    await browser.get("/admin")
    assert "待っている人" in browser.text
    stored = await house.engawa.database.read(lambda c: c.execute(select(staff_factors)).one())
    assert secret[1].encode() not in bytes(stored.sealed_factor)
    other = house.browser()
    await other.get("/admin/login")
    await other.post("/admin/login", {"login": "mizuno", "secret": NEW})
    await other.post("/admin/second", {"code": codes[0]})
    assert "待っている人" in other.text


async def test_the_demo_asks_for_no_second_factor(house: House) -> None:
    write = house.engawa.database.write
    staff_id = await write(staff.add, house.engawa.operator_id, "demo", "みずの", "lead", None)
    until = house.clock.now() + timedelta(hours=1)
    await write(partial(staff.offer_one_time_login, suffices=True), staff_id, "demo-secret", until)
    browser = house.browser()
    await browser.sign_in("demo", "demo-secret")
    assert "待っている人" in browser.text


async def test_a_forgotten_passphrase_never_skips_the_second_factor(house: House) -> None:
    """ASVS 6.4.3."""
    member = await house.staff("mizuno", "みずの")
    write = house.engawa.database.write
    await write(staff.set_password, member.staff_id, None)
    await write(staff.offer_one_time_login, member.staff_id, "once", house.clock.now() + timedelta(hours=1))
    browser = house.browser()
    await browser.sign_in("mizuno", "once")
    assert browser.status == 200
    assert "新しい合言葉" in browser.text
    await browser.post("/admin/passphrase", {"secret": NEW})
    assert (await house.browser().sign_in("mizuno", NEW)).status == 200


async def test_a_new_passphrase_asks_for_the_old_one_and_ends_the_others(house: House) -> None:
    browser = await house.signed_in()
    other = house.browser()
    await other.sign_in("mizuno")
    await browser.get("/admin/passphrase")
    await browser.post("/admin/passphrase", {"old": "wrong", "secret": NEW})
    assert browser.status == 400
    await browser.post("/admin/passphrase", {"old": PASSWORD, "secret": NEW})
    assert "残しました" in browser.text
    assert (await other.get("/admin", follow=False)).status == 303


async def test_what_matters_asks_again_after_ten_minutes(house: House) -> None:
    """ASVS 7.5.3; the way back leads to the page one came from, and nowhere else."""
    browser = await house.signed_in()
    house.later(11)
    response = await browser.get("/admin/passphrase", follow=False)
    assert response.headers["Location"] == "/admin/second?to=/admin/passphrase"
    await browser.get("/admin/second?to=%2Fadmin%2Fpassphrase")
    assert "もう一度確かめます" in browser.text
    answer = await browser.post(
        "/admin/second", {"code": code_of(house), "to": "/admin/passphrase"}, follow=False
    )
    assert answer.headers["Location"] == "/admin/passphrase"
    await browser.get("/admin/passphrase")
    assert "これまでの合言葉" in browser.text
    for bad in ("//elsewhere.example", "/admin//elsewhere.example", "https://elsewhere.example", "/chat"):
        await browser.get(f"/admin/second?to={bad}")
        assert "elsewhere" not in browser.page
        assert 'name="to" value="/admin"' in browser.page


async def test_sessions_are_listed_and_ended(house: House) -> None:
    browser = await house.signed_in()
    other, third = house.browser(), house.browser()
    await other.sign_in("mizuno")
    await third.sign_in("mizuno")
    stranger = await house.signed_in("sakurai", "さくらい")
    await stranger.get("/admin/settings")
    foreign = await house.engawa.database.read(_sessions_of, "sakurai")
    await browser.get("/admin/settings")
    assert browser.page.count("そこを出る") == 2
    await browser.post("/admin/settings/end", {"session": foreign[0]})
    assert browser.status == 404
    await browser.get("/admin/settings")
    ended = re.search(r'name="session" value="([0-9a-f]{32})"', browser.page)
    assert ended
    await browser.post("/admin/settings/end", {"session": ended[1]})
    assert browser.page.count("そこを出る") == 1
    await browser.post("/admin/settings/end", {"session": "others"})
    assert "そこを出る" not in browser.page
    for gone in (other, third):
        assert (await gone.get("/admin", follow=False)).status == 303
    assert (await stranger.get("/admin", follow=False)).status == 200


def _sessions_of(connection, login) -> list[str]:
    from bot.store.schema import staff as members
    from bot.store.schema import staff_sessions

    found = select(staff_sessions.c.session_id).join(members).where(members.c.login == login)
    return list(connection.scalars(found))


async def test_the_last_second_factor_stays(house: House) -> None:
    browser = await house.signed_in()
    member = await house.engawa.database.read(staff.by_login, house.engawa.operator_id, "mizuno")
    assert member is not None
    own = await house.engawa.database.read(factors.of, house.engawa.sealer, member)
    await browser.get("/admin/settings")
    await browser.post("/admin/settings/factor", {"factor": own[0].factor_id})
    assert browser.status == 409
    assert "合言葉だけでは入れない" in browser.text


@pytest.mark.parametrize("answer", ["", "{", "[]", "{}", '{"id": 1}', json.dumps({"id": "x"}), "[" * 9_000])
async def test_what_is_no_passkey_is_refused(house: House, answer: str) -> None:
    await house.staff("mizuno", "みずの")
    browser = await half_way(house)
    await browser.post("/admin/second", {"passkey": answer, "code": "x"})
    assert browser.status == 401


@given(st.integers(min_value=2 * STEP, max_value=2**33), st.integers(min_value=-STEP, max_value=STEP))
def test_the_code_of_a_step_is_known_beside_it(now: int, drift: int) -> None:
    """RFC 6238: clocks may differ by a step; further away nothing is taken."""
    step = (now + drift) // STEP
    if step >= 0:
        assert step_of(APP_SECRET, pyotp.TOTP(APP_SECRET).generate_otp(step), now) is not None
    far = pyotp.TOTP(APP_SECRET).generate_otp(now // STEP + 7)
    near = {pyotp.TOTP(APP_SECRET).generate_otp(max(0, now // STEP + one)) for one in (-1, 0, 1)}
    assert far in near or step_of(APP_SECRET, far, now) is None


@given(st.text(max_size=80))
def test_no_text_is_a_code_by_accident(typed: str) -> None:
    assert typed.isdigit() or step_of(APP_SECRET, typed, 1_700_000_000) is None


def test_recovery_codes_hold_118_bits() -> None:
    assert len({new_code() for _ in range(100)}) == 100
    assert re.fullmatch(r"([a-z2-9]{4}-){5}[a-z2-9]{4}", new_code())


@pytest.mark.parametrize(
    "weak", ["", "a" * 11, "a" * 257, "qwertyuiopasdf", "password12345", "engawa-engawa"]
)
def test_weak_passphrases_are_refused(weak: str) -> None:
    with pytest.raises(BadInput):
        passwords.check(weak, ("mizuno",))


@pytest.mark.parametrize(
    "good", [PASSWORD, NEW, "correct horse battery staple", "風鈴🎐と朝顔、ときどき麦茶。" * 8]
)
def test_any_signs_will_do(good: str) -> None:
    """ASVS 6.2.5: no rule about kinds of signs; long ones pass whole."""
    passwords.check(good, ("mizuno", "みずの"))

"""What every request must pass, and how errors look."""

from __future__ import annotations

import pytest

from admin.words import words
from bot.errors import StoreUnavailable
from bot.handoff.desk import Desk
from tests.admin.conftest import House

PAGES = (
    "/admin",
    "/admin/",
    "/admin/queue",
    "/admin?group=mine",
    f"/admin/tickets/{'0' * 32}",
    "/admin/nothing",
)
POSTS = (
    "/admin/next",
    "/admin/logout",
    *(f"/admin/tickets/{'0' * 32}/{do}" for do in ("claim", "reply", "hand-back")),
)


async def test_without_a_session_there_is_only_the_door(house: House) -> None:
    browser = house.browser()
    for path in PAGES:
        response = await browser.get(path, follow=False)
        assert (response.status, response.headers["Location"]) == (303, "/admin/login"), path
        assert (await browser.get(path, {"X-Fragment": "1"})).status == 401, path
    for path in POSTS:
        response = await browser.post(path, {"text": "x"}, follow=False)
        assert (response.status, response.headers["Location"]) == (303, "/admin/login"), path
    stream = await browser.get("/admin/stream?topic=queue", {"Accept": "text/event-stream"})
    assert stream.status == 401


async def test_every_change_needs_the_mark_of_this_session(house: House) -> None:
    ticket = await house.request()
    browser = await house.signed_in()
    other = await house.signed_in("sakurai", "さくらい")
    await other.get("/admin")
    foreign = other.marks["csrf"]
    for path in ("/admin/next", "/admin/logout", f"/admin/tickets/{ticket}/claim"):
        for csrf in ("", "x", foreign):
            await browser.post(path, {"csrf": csrf}, follow=False)
            assert browser.status == 403, path
    await browser.get("/admin")
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
    ):
        await browser.post("/admin/next", headers=headers)
        assert browser.status == 403
        assert "ほかのサイト" in browser.text
        await browser.get("/admin")
    assert "1人が待っています" in browser.text
    own = str(house.server.make_url("/")).rstrip("/")
    await browser.post("/admin/next", headers={"Sec-Fetch-Site": "same-origin", "Origin": own})
    assert browser.status == 200


async def test_a_page_without_referrer_sends_null_as_its_origin(house: House) -> None:
    await house.request()
    browser = await house.signed_in()
    await browser.get("/admin")
    await browser.post("/admin/next", headers={"Origin": "null", "Sec-Fetch-Site": "same-origin"})
    assert browser.status == 200


async def test_what_is_not_there_is_told_gently(house: House) -> None:
    browser = await house.signed_in()
    for path in (
        f"/admin/tickets/{'0' * 32}",
        "/admin/tickets/x",
        "/admin/nothing",
        "/admin?group=everything",
    ):
        await browser.get(path)
        assert browser.status == 404, path
        assert "ここには何もありません" in browser.text
        assert "順番へ" in browser.text
    await browser.get("/admin/next")
    assert browser.status == 405
    assert "ここからはできません" in browser.text


async def test_a_large_or_odd_body_is_refused_with_a_word(house: House) -> None:
    browser = await house.signed_in()
    await browser.get("/admin")
    csrf = browser.marks["csrf"].encode()
    await browser.post("/admin/next", b"csrf=" + csrf + b"&x=" + b"a" * 70_000)
    assert browser.status == 413
    assert "大きすぎて" in browser.text
    for body, kind in (
        (b"csrf=" + csrf, "text/plain"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"&".join([b"a=b"] * 40), "application/x-www-form-urlencoded"),
        (b"csrf=" + csrf + b"&x=%00", "application/x-www-form-urlencoded"),
    ):
        await browser.post("/admin/next", body, {"Content-Type": kind})
        assert browser.status == 400, kind
        assert browser.text


async def test_an_outage_and_an_unforeseen_error_are_told_without_a_trace(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await house.signed_in()
    raised: Exception = StoreUnavailable()

    async def fails(*_args: object, **_named: object) -> None:
        raise raised

    monkeypatch.setattr(Desk, "page", fails)
    response = await browser.get("/admin")
    assert browser.status == 503
    assert "記録に手がとどきません" in browser.text
    assert response.headers["Retry-After"]
    raised = RuntimeError("secret-canary")
    await browser.get("/admin")
    assert browser.status == 500
    assert "うまく動きませんでした" in browser.text
    assert "secret-canary" not in browser.page


async def test_pages_are_never_kept_and_carry_the_headers(house: House) -> None:
    browser = await house.signed_in()
    for path in ("/admin", "/admin/login", "/admin/nothing"):
        response = await browser.get(path)
        assert response.headers["Cache-Control"] == "no-store"
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]
        assert "unsafe" not in response.headers["Content-Security-Policy"]
        assert " style=" not in browser.page
        assert browser.page.count("<script") == browser.page.count("<script src=") == 1


async def test_static_files_may_be_kept_for_ever_under_their_own_hash(house: House) -> None:
    browser = await house.signed_in()
    page = browser.page
    for name in ("console.css", "console.js", "icon.svg"):
        assert f"/admin/static/{name}?v=" in page
        response = await browser.get(f"/admin/static/{name}")
        assert "immutable" in response.headers["Cache-Control"]
    await browser.get("/admin/static/..%2fapp.py")
    assert browser.status == 404


async def test_an_editor_sees_no_conversation(house: House) -> None:
    ticket = await house.request()
    await house.staff("hensyu", "へんしゅう", "editor")
    browser = house.browser()
    await browser.sign_in("hensyu")
    assert browser.status == 200
    assert "案内の内容" in browser.text
    assert "待って" not in browser.text
    csrf = browser.marks["csrf"]
    for path in ("/admin/queue", f"/admin/tickets/{ticket}"):
        await browser.get(path)
        assert browser.status == 403
        assert "ここは、ほかの務めの人のページです。" in browser.text
    for path in ("/admin/next", f"/admin/tickets/{ticket}/claim"):
        await browser.post(path, {"csrf": csrf})
        assert browser.status == 403
    mizuno = await house.signed_in()
    assert "1人が待っています" in mizuno.text


async def test_cookies_nobody_gave_are_no_error(house: House) -> None:
    browser = house.browser()
    for value in ("x", "x" * 500, "\u3042", "a=b"):
        await browser.get(
            "/admin/login", {"Cookie": f"engawa_staff={value}; engawa_login={value}; engawa_lang={value}"}
        )
        assert browser.status == 200
        await browser.get("/admin", {"Cookie": f"engawa_staff={value}"}, follow=False)
        assert browser.status == 303


async def test_an_upload_of_endless_empty_parts_is_refused(house: House) -> None:
    """B29: parts without a byte grow no limit of size; their number has an end of its own."""
    editor = await house.signed_in("kishi", "きし", "editor")
    await editor.get("/admin/studio/import")
    mark = editor.marks["csrf"]

    def form(count: int) -> bytes:
        part = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
        return (part.format("csrf", mark) + part.format("a", "") * count + "--x--\r\n").encode()

    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    unreadable = words("ja")("This form cannot be read.")
    await editor.post("/admin/studio/import", form(3), kind)
    assert unreadable not in editor.text
    await editor.post("/admin/studio/import", form(100), kind)
    assert editor.status == 400
    assert unreadable in editor.text

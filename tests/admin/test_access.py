"""Who may come where: the matrix of every route and every role, made from the route table itself (ASVS 8.2, 8.3)."""

from __future__ import annotations

import re
import secrets

import pytest
from aiohttp import web

from admin.access import ACCESS, HOME, NOTED, OPEN, REFUSED
from bot.store import audit, staff
from bot.store.staff import ANSWERING, ROLES
from tests.admin.conftest import Browser, House
from tests.screenshots import FOLDER, SCHEMES, SIZES, shots

CLOSED = "ほかの務めの人のページです"
GUESSED = "0123456789abcdef" * 2
LEAVES = {"POST /logout", "POST /settings/end", "POST /settings/codes", "POST /passphrase"}
"""What would end the session that looks, or change how it signs in."""
FIELDS = {
    "text": "x", "reply_id": "r1", "to": GUESSED, "why": "x", "staff": GUESSED, "note": "1", "number": "1",
    "kind": "said", "desk": "nowhere", "day": "2026-12-01", "hour": "10:00", "at": "2026-12-01T10:00",
    "session": GUESSED, "factor": GUESSED, "role": "counselor", "login": "somebody", "name": "だれか",
}  # fmt: skip


def routes(house: House) -> dict[str, web.AbstractRoute]:
    """Every route under /admin, by its line in the table."""
    app = house.app
    found = {}
    for route in app.router.routes():
        path = route.resource.canonical if route.resource is not None else ""
        if path.startswith("/admin") and route.method not in ("HEAD", "*"):
            found[f"{route.method} {path.removeprefix('/admin')}"] = route
    return found


def address(key: str, ticket: str) -> tuple[str, str]:
    """Method and address of a line, with ids in place of its fields."""
    method, _, path = key.partition(" ")
    known = {"ticket": ticket, "number": "1", "name": "console.css"}
    return method, "/admin" + re.sub(r"\{(\w+)\}", lambda field: known.get(field[1], GUESSED), path)


async def of_role(house: House, role: str, desks: str = staff.EVERY_DESK) -> Browser:
    """A browser that is signed in as somebody of this role."""
    write, token, login = house.engawa.database.write, secrets.token_urlsafe(32), f"{role}-{desks}"[:64]
    operator = house.engawa.operator_id

    def made(connection) -> None:
        staff_id = staff.add(connection, operator, login, role, role, None, desks=desks)
        staff.begin_session(connection, staff_id, token, house.clock.now())

    await write(made)
    browser = house.browser()
    browser.plant(engawa_staff=token)
    await browser.get("/admin/settings")
    assert browser.status == 200, browser.text
    return browser


FRESH = {
    *(key for key in ACCESS if "/members" in key or key.endswith("/export")),
    *("POST /break-glass", "POST /break-glass/{access}/open"),
    *("POST /settings/codes", "POST /settings/factor", "GET /passphrase", "POST /passphrase"),
    *("GET /enrol", "POST /enrol"),
}
"""Roles and who there is, exports, emergencies, how one signs in: only who has just shown who they are (ASVS 7.5.1)."""


async def asks(browser: Browser, key: str, ticket: str) -> int:
    method, path = address(key, ticket)
    if method == "GET":
        accept = {"Accept": "text/event-stream"} if path.endswith("/stream") else {}
        if accept:
            async with browser.stream("topic=queue") as response:
                return response.status
        await browser.get(path, accept, follow=False)
    else:
        await browser.get("/admin/settings")
        await browser.post(path, {**browser.marks, **FIELDS}, follow=False)
    return browser.status


async def test_every_route_has_a_line_and_every_line_a_route(house: House) -> None:
    """A new page without a line is closed to everybody, and fails here."""
    assert set(routes(house)) == set(ACCESS)
    for key, roles in ACCESS.items():
        assert roles <= set(ROLES), key
    assert {key for key, roles in ACCESS.items() if roles == OPEN} == {
        "GET /login",
        "POST /login",
        "GET /static/{name}",
    }


async def test_a_session_that_was_left_open_changes_no_role_and_takes_nothing_out(house: House) -> None:
    """Each of those routes asks again first, and does nothing before that; after the second factor it goes on."""
    ticket, checked = await house.request(), set[str]()
    for role in ("lead", "reviewer"):
        browser = await house.signed_in(role, role, role)
        house.later(11)
        for key in sorted(FRESH):
            if role not in ACCESS[key] or key in checked:
                continue
            assert await asks(browser, key, ticket) == 303, (key, browser.status)
            assert browser.location.startswith("/admin/second"), (key, browser.location)
            checked.add(key)
        await browser.get("/admin/settings")
        await browser.show_code(role)
        assert await asks(browser, "GET /passphrase", ticket) == 200
    assert checked == FRESH


def test_every_page_has_its_pictures() -> None:
    """At 390 and 1280 px, by day and by night, small; `make screenshots` takes them (must-show 3)."""
    wanted = {
        f"{name}-{width}-{scheme}.png" for name, _, _ in shots() for width in SIZES for scheme in SCHEMES
    }
    kept = {path.name: path.stat().st_size for path in FOLDER.glob("*.png")}
    assert kept.keys() == wanted
    assert max(kept.values()) < 200_000


@pytest.mark.parametrize("role", ROLES)
async def test_every_route_for_every_role(house: House, role: str) -> None:
    """Who has no business there is told so; nobody else is; nothing breaks."""
    ticket = await house.request()
    browser = await of_role(house, role)
    for key, roles in ACCESS.items():
        if roles == OPEN or key in LEAVES:
            continue
        status = await asks(browser, key, ticket)
        assert status < 500, (key, status)
        assert (CLOSED in browser.page) is (role not in roles), (key, status, browser.text[:200])
        assert role in roles or status == 403, key


@pytest.mark.parametrize("role", ROLES)
async def test_no_thread_of_another_desk_and_none_that_is_guessed(house: House, role: str) -> None:
    """R-077: not there and not yours are the same answer, by any way to it."""
    ticket = await house.risk("u1", "もう死にたい canary")
    stranger, own = await of_role(house, role, "elsewhere"), await of_role(house, role)
    for key in (key for key in ACCESS if "{ticket}" in key):
        expected = 404 if role in ANSWERING else 403
        answers = []
        for browser, asked in ((stranger, ticket), (own, GUESSED), (stranger, GUESSED)):
            assert await asks(browser, key, asked) in (expected, 400), (key, browser.status)
            assert "canary" not in browser.page
            answers.append(browser.status)
        assert len(set(answers)) == 1, (key, answers)


@pytest.mark.parametrize("role", [role for role in ROLES if role not in ANSWERING])
async def test_who_does_not_answer_sees_no_word(house: House, role: str) -> None:
    """Editors and reviewers see no thread, operators no text, on any page they may open."""
    await house.risk("u1", "もう死にたい canary")
    await house.engawa.alerts.work()
    browser = await of_role(house, role)
    response = await browser.get("/admin", follow=False)
    assert response.headers["Location"] == HOME[role]
    for key, roles in ACCESS.items():
        if role in roles and key.startswith("GET") and "stream" not in key:
            await browser.get(address(key, GUESSED)[1])
            assert "canary" not in browser.page, key
            assert "もう死にたい" not in browser.page, key


async def test_deeds_at_no_thread_are_noted_though_they_come_to_nothing(house: House) -> None:
    """B43: each of those routes once makes one event of its name, and a page of others one more; none has words."""
    read = house.engawa.database.read
    for role in ("lead", "reviewer"):
        browser = await house.signed_in(role, role, role)
        for key, action in NOTED.items():
            if key == "POST /logout" or role not in ACCESS[key]:
                continue
            before = len(await read(lambda connection: list(audit.events(connection))))
            await asks(browser, key, GUESSED)
            events = (await read(lambda connection: list(audit.events(connection))))[before:]
            assert [event.action for event in events].count(action) == 1, (key, browser.status, events)
            if browser.status == 303 and browser.location == "/admin/login":
                await browser.sign_in(role)
    before = len(await read(lambda connection: list(audit.events(connection))))
    editor = await of_role(house, "editor")
    await editor.get("/admin/queue")
    assert editor.status == 403
    events = (await read(lambda connection: list(audit.events(connection))))[before:]
    assert [event.action for event in events] == [REFUSED]

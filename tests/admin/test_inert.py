"""What people, staff and content say is text on every page, whatever it looks like (must-show 5; ASVS 1.2.1)."""

from __future__ import annotations

import re
import secrets

import html5lib
from sqlalchemy import update

from admin.access import ACCESS
from bot.content.export import body_of, text_of
from bot.handoff.desk import How
from bot.handoff.notes import Note, NoteKind, Source
from bot.store import staff
from bot.store.schema import contacts
from tests.admin.conftest import Browser, House

CORPUS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'><svg onload=alert(1)>",
    "</textarea></title></style><iframe srcdoc='<b onclick=alert(1)>'>",
    "<a href=javascript:alert(1)>x</a>",
    "{{7*7}}${7*7}<%=7*7%>",
    "<math><mtext></p><style>*{display:none}</style>",
    "\u202e<b onmouseover=alert(1)>\u0000</b>",
    "<!--><base href=//evil.example/>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
)
EVIL = " ".join(CORPUS)
SHORT = "<img src=x onerror=alert(1)>"
NO_PAGES = {"GET /static/{name}", "GET /stream"}


def dangers(page: str) -> list[str]:
    """Elements and attributes that only somebody else's words could have brought."""
    found = []
    for node in html5lib.parse(page, namespaceHTMLElements=False).iter("*"):
        handlers = [name for name in node.attrib if str(name).lower().startswith("on") or name == "srcdoc"]
        address = str(node.get("href") or node.get("src") or node.get("action") or "")
        own = not re.match(r"(?i)\s*(javascript|data|vbscript):|//", address)
        inline = node.tag == "script" and not node.get("src")
        if handlers or not own or inline or node.tag in ("iframe", "object", "embed", "base", "img", "style"):
            found.append(f"{node.tag} {handlers} {address}"[:120])
    return found


async def of_role(house: House, role: str) -> Browser:
    """Somebody of this role, whose own name is part of it."""
    token, login = secrets.token_urlsafe(32), role

    def made(connection) -> None:
        staff_id = staff.add(connection, house.engawa.operator_id, login, SHORT, role, None)
        staff.begin_session(connection, staff_id, token, house.clock.now())

    await house.engawa.database.write(made)
    browser = house.browser()
    browser.plant(engawa_staff=token)
    return browser


async def told(house: House) -> dict[str, str]:
    """The corpus wherever somebody can write it; what stands in the place of fields."""
    mizuno = await house.staff("mizuno", SHORT)
    ticket = await house.risk("u1", f"もう死にたい {EVIL}")
    for text in CORPUS:
        await house.hear(house.line.heard("u1", text, at=house.clock.now()))
    desk, now = house.engawa.desk, house.clock.now()
    await desk.claim(mizuno, ticket)
    await desk.confirm(mizuno, ticket)
    await desk.reply(mizuno, ticket, EVIL, "r1", How())
    for kind in (NoteKind.SAID, NoteKind.OBSERVED, NoteKind.GUESS):
        await desk.note(mizuno, ticket, Note(kind=kind, text=EVIL, by="", at=now))
    wish = Note(kind=NoteKind.WISH, text=EVIL, source=Source.PERSON, by="", at=now)
    await desk.note(mizuno, ticket, wish)
    await desk.save_draft(mizuno, ticket, EVIL)
    await house.request("u2")
    await house.engawa.database.write(lambda c: c.execute(update(contacts).values(nickname=SHORT)))
    editor = await house.staff("kishi", SHORT, "editor")
    studio = house.engawa.studio
    draft = await studio.draft(editor, "letter", "01")
    saved = await studio.save(
        editor, "letter", "01", text_of(body_of("letter", "01", draft.body) | {"text": SHORT}), draft.revision
    )
    await studio.propose(editor, "letter", "01", saved.revision)
    await house.engawa.alerts.work()
    return {
        "ticket": ticket,
        "staff": mizuno.staff_id,
        "number": "1",
        "kind": "letter",
        "name": "01",
        "flow": "F-MEET",
        "practice": "0" * 32,
    }


async def test_the_corpus_is_inert_on_every_page_of_every_role(house: House) -> None:
    fields, wrong, seen = await told(house), {}, set()
    for role in ("lead", "counselor", "reviewer", "operator"):
        browser = await of_role(house, role)
        for key, roles in ACCESS.items():
            method, _, path = key.partition(" ")
            if method != "GET" or key in NO_PAGES or role not in roles or (key in seen and role != "lead"):
                continue
            await browser.get(
                "/admin" + re.sub(r"\{(\w+)\}", lambda field: fields.get(field[1], "0" * 32), path)
            )
            assert browser.status < 500, path
            seen.add(key)
            if found := dangers(browser.page):
                wrong[f"{role} {path}"] = found
            if path == "/tickets/{ticket}":
                assert "49$" not in browser.text
    browser = await house.signed_in("last", "さいご")
    await browser.get(f"/admin?lang={EVIL[:40]}")
    assert dangers(browser.page) == []
    assert wrong == {}


def test_the_look_finds_what_it_is_to_find() -> None:
    """Each of the corpus that could do something is found where it was let through."""
    harmless = [text for text in CORPUS if not dangers(f"<!doctype html><body>{text}")]
    assert harmless == [CORPUS[5], CORPUS[9]]

"""Every page of the console is valid to a strict parser, in both languages; English leaves no Japanese label."""

from __future__ import annotations

import re
from datetime import timedelta

import html5lib
import pytest
from sqlalchemy import select

from admin.access import ACCESS
from bot.store import duties
from bot.store.schema import contacts
from bot.testing import a_pack
from tests.admin.conftest import Browser, House

JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
FIXED = {"name": "console.css", "number": "1"}
ELSEWHERE = ("/static", "/stream", "/studio/documents", "/studio/flows/", "/studio/releases/")
"""No pages, or pages of a document that is not here; those of the studio have tests of their own."""
MAY_BE_WRONG = {"expected-doctype-but-got-start-tag"}
"""Of what html5lib tells: fragments have no doctype."""


def addresses(ticket: str, member: str, role: str) -> list[str]:
    """Every page this role may open, by the table of access."""
    known, found = {**FIXED, "ticket": ticket, "staff": member}, []
    for key, roles in ACCESS.items():
        method, _, path = key.partition(" ")
        if method != "GET" or role not in roles or path.startswith(ELSEWHERE):
            continue
        if all(name in known for name in re.findall(r"\{(\w+)\}", path)):
            found.append("/admin" + re.sub(r"\{(\w+)\}", lambda field: known[field[1]], path))
    return [*found, "/admin?group=mine", "/admin?group=team", "/admin/nothing", "/admin/login"]


def faults(page: str) -> list[str]:
    """What a strict parser has against a page."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    parser.parse(page)
    lines = page.split("\n")
    return [
        f"{code} {data} near {lines[min(line, len(lines)) - 1][max(0, column - 60) : column + 20]!r}"
        for (line, column), code, data in parser.errors
        if code not in MAY_BE_WRONG
    ]


def labels(page: str) -> list[str]:
    """What is said outside of what is marked as Japanese: text, and the names of things."""
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    found: list[str] = []

    def walk(node, language: str) -> None:
        if not isinstance(node.tag, str) or node.tag in ("script", "style", "textarea"):
            return
        language = node.get("lang", language)
        if language != "ja":
            found.append(node.text or "")
            found.extend(node.get(name) or "" for name in ("aria-label", "title", "placeholder", "alt"))
        for child in node:
            walk(child, language)
            if language != "ja":
                found.append(child.tail or "")

    walk(tree, "en")
    return [text.strip() for text in found if JAPANESE.search(text)]


async def opened(house: House, browser: Browser, role: str) -> list[str]:
    """An evening with something on every page; the addresses."""
    member = await house.staff("sakurai", "さくらい")
    now = house.clock.now()
    await house.engawa.database.write(
        duties.add, member.staff_id, now - timedelta(hours=1), now + timedelta(hours=3)
    )
    ticket = await house.risk("u1", "これから死にます。薬をたくさん飲みました <b>&amp;")
    await house.request("u2")
    house.later(1)
    await house.engawa.alerts.work()
    if role == "lead":
        await browser.get("/admin")
        await browser.post(f"/admin/tickets/{ticket}/claim")
    return addresses(ticket, member.staff_id, role)


@pytest.mark.parametrize("role", ["lead", "operator", "editor"])
async def test_every_page_is_valid(house: House, role: str) -> None:
    browser = await house.signed_in("oono", "おおの", role)
    wrong = {}
    for path in await opened(house, browser, role):
        for language in ("ja", "en"):
            await browser.get(f"{path}{'&' if '?' in path else '?'}lang={language}")
            if found := faults(browser.page):
                wrong[f"{path} {language}"] = found
    assert wrong == {}, wrong


STUDIO = (
    "/admin/studio/documents/letter/01",
    "/admin/studio/documents/letter/01/history",
    "/admin/studio/documents/risk_class/none?raw=1",
    "/admin/studio/releases/1",
    "/admin/studio/flows/F-FAMILY",
    "/admin/studio/flows/F-FAMILY?step=menu",
)


def words_of_flows() -> list[str]:
    """What stands in flows, the longest first: it is content, in the map and in the names of its parts as well."""
    pack = a_pack()
    found = {*pack.texts["exits"], pack.service.name}
    for flow in pack.flows.values():
        found.add(flow.name)
        for step in flow.steps.values():
            found.update(
                (
                    step.title,
                    *step.say,
                    *step.choices,
                    *(line for said in step.say for line in said.split("\n")),
                )
            )
    return sorted(filter(None, found), key=len, reverse=True)


@pytest.mark.parametrize("role", ["lead", "operator", "reviewer"])
async def test_english_leaves_no_japanese_label(house: House, role: str) -> None:
    """What people and staff wrote, and the content, is marked as Japanese; all the rest is said in English."""
    browser = await house.signed_in("oono", "Oono", role)
    wrong = {}
    paths = await opened(house, browser, role)
    if role == "reviewer":
        paths += STUDIO
    names = await house.engawa.database.read(lambda c: list(c.scalars(select(contacts.c.nickname))))
    names += [one.name for one in a_pack().practices.values()]
    names += ["日本語", "さくらい", "みずの", *(name for _, name in house.engawa.desks())]
    names = (words_of_flows() if role == "reviewer" else []) + names
    for path in paths:
        await browser.get(f"{path}{'&' if '?' in path else '?'}lang=en")
        said = [re.sub("|".join(map(re.escape, names)), "", text) for text in labels(browser.page)]
        found = [text for text in said if JAPANESE.search(text)]  # a label may hold the name of somebody
        if found:
            wrong[path] = found
    assert wrong == {}, wrong

"""The pages of reading in an emergency: two browsers, a reason, some minutes; the lead's board and the records tell."""

from __future__ import annotations

import re

import pytest

from tests.admin.conftest import Browser, House
from tests.admin.test_access import of_role

WHY = "ご家族から電話があった"
HERE = "/admin/break-glass"


async def asked(house: House) -> tuple[Browser, Browser, str]:
    """A counselor of another desk has asked; a lead; the request's id."""
    ticket = await house.risk("u1", "もう死にたい canary")
    other, lead = await of_role(house, "counselor", "elsewhere"), await of_role(house, "lead")
    await other.get(HERE)
    await other.post(HERE, {"which": ticket, "text": WHY})
    assert "もうひとりを待っています" in other.text
    found = re.search(r'id="g-([0-9a-f]{32})"', other.page)
    assert found
    return other, lead, found[1]


async def test_a_second_person_opens_it_and_it_ends(house: House) -> None:
    other, lead, access = await asked(house)
    assert (await other.get(f"{HERE}/{access}")).status == 404
    await lead.get("/admin/board")
    assert "もうひとりを待っています" in lead.text
    await lead.get(HERE)
    assert WHY in lead.text
    await lead.post(f"{HERE}/{access}/open")
    await lead.get("/admin/board")
    assert "まで開いています" in lead.text
    assert (await lead.get(f"{HERE}/{access}")).status == 404
    await other.get(HERE)
    assert f'href="{HERE}/{access}"' in other.page
    await other.get(f"{HERE}/{access}")
    assert "canary" in other.text
    assert 'name="text"' not in other.page, "nothing can be written here"
    for _ in range(2):  # nobody's session ends by itself meanwhile
        house.later(15)
        await other.get("/admin/settings")
        await lead.get("/admin/settings")
    assert (await other.get(f"{HERE}/{access}")).status == 404
    assert "canary" not in other.page
    await lead.get("/admin/board")
    assert "まで開いています" not in lead.text
    await lead.get("/admin/records?purpose=emergency")
    for said in ("緊急の閲覧を申し出ました", "緊急の閲覧を開きました", "緊急のため読みました"):
        assert said in lead.text, said


async def test_who_reads_ends_it(house: House) -> None:
    other, lead, access = await asked(house)
    await lead.get(HERE)
    await lead.post(f"{HERE}/{access}/open")
    await other.get(f"{HERE}/{access}")
    await other.post(f"{HERE}/{access}/end")
    assert "終わりました" in other.text
    assert (await other.get(f"{HERE}/{access}")).status == 404


async def test_an_operator_asks_and_does_not_open_for_a_counselor(house: House) -> None:
    """Operators see no text but through what a lead opened; of others' requests they do not even see that they are."""
    _other, lead, access = await asked(house)
    ops = await of_role(house, "operator")
    await ops.get(HERE)
    assert WHY not in ops.text
    await ops.get("/admin/settings")
    assert (await ops.post(f"{HERE}/{access}/open")).status == 404
    await ops.get(HERE)
    await ops.post(HERE, {"which": await house.newest(), "text": "装置がこわれている"})
    [own] = re.findall(r'id="g-([0-9a-f]{32})"', ops.page)
    await lead.get(HERE)
    await lead.post(f"{HERE}/{own}/open")
    await ops.get(f"{HERE}/{own}")
    assert "canary" in ops.text


async def test_what_is_missing_is_told_and_nothing_written_is_lost(house: House) -> None:
    other, _lead, _access = await asked(house)
    await other.post(HERE, {"which": "いない名まえ", "text": WHY})
    assert other.status == 400
    assert "そのような会話はありません" in other.text
    assert f'value="{WHY}"' in other.page
    await other.post(HERE, {"which": await house.newest(), "text": " "})
    assert other.status == 400


@pytest.mark.parametrize("way", ["ask", "open"])
async def test_both_have_just_shown_who_they_are(house: House, way: str) -> None:
    """ASVS 7.5.3: neither asks nor opens with a session that was left open."""
    _other, _lead, access = await asked(house)
    ops = await house.signed_in("ops", "うんよう", "operator")
    lead = await house.signed_in("oono", "おおの", "lead")
    await lead.get(HERE)
    await ops.get(HERE)
    house.later(11)
    if way == "ask":
        response = await ops.post(HERE, {"which": await house.newest(), "text": WHY}, follow=False)
    else:
        response = await lead.post(f"{HERE}/{access}/open", follow=False)
    assert response.headers["Location"].startswith("/admin/second?"), response.status
    await lead.get(HERE)
    assert lead.page.count("もうひとりを待っています") == 1

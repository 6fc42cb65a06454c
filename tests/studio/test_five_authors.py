"""Five people write at once and two approve: whatever their order, nothing is lost, and each release is whole."""

from __future__ import annotations

import asyncio
import random
from itertools import pairwise

import pytest

from bot.content.export import body_of, text_of
from bot.drafting import DraftConflict, NotReady
from bot.errors import BadInput, Conflict
from bot.store import staff
from bot.store.staff import Member
from tests.studio.office import FLOW, LINE, Office

AUTHORS = ("oono", "tanabe", "kishi", "hara", "ueda")
OWN = {
    "oono": ("flow", "F-READ"),
    "tanabe": ("flow", "F-NOW"),
    "kishi": ("flow", "F-LETTER"),
    "hara": ("flow", "F-AREA"),
    "ueda": LINE,
}
ROUNDS = 2


async def author(office: Office, login: str) -> Member:
    if login not in office.people:
        write, read, operator = (
            office.engawa.database.write,
            office.engawa.database.read,
            office.engawa.operator_id,
        )
        await write(staff.add, operator, login, login, "editor", None)
        found = await read(staff.by_login, operator, login)
        assert found is not None
        office.people[login] = found
    return office.people[login]


def said_of(key: tuple[str, str], word: str) -> dict[str, str]:
    """What an author writes; a hotline says until when it is checked, too (R-079)."""
    return {"about": word, "checked_until": "2027-05-01"} if key == LINE else {"name": word}


@pytest.mark.parametrize("seed", [1, 2])
async def test_nothing_of_five_authors_is_lost(office: Office, seed: int) -> None:
    """Each has a document of their own, and all write on one together: every mark they set is public in the end, once,
    in the order of the history; what needs a second person waits for one."""
    chance, studio = random.Random(seed), office.studio
    marks, kept = list[str](), list[bool]()

    async def write(login: str) -> None:
        member = await author(office, login)
        for turn in range(ROUNDS):
            key = OWN[login]
            draft = await studio.draft(member, *key)
            body = body_of(*key, draft.body) | said_of(key, f"{login}{turn}")
            saved = await studio.save(member, *key, text_of(body), draft.revision)
            await studio.propose(member, *key, saved.revision)
            await together(member, f"・{login}{turn}")
            await asyncio.sleep(0)

    async def together(member: Member, mark: str) -> None:
        """Adds a mark to a name that everybody changes; whoever was too late takes up what is there."""
        for _ in range(200):
            draft = await studio.draft(member, *FLOW)
            body = body_of(*FLOW, draft.body)
            text = text_of(body | {"name": body["name"] + mark})
            await asyncio.sleep(0 if chance.random() < 0.5 else 0.001)
            try:
                saved = await studio.save(member, *FLOW, text, draft.revision)
            except DraftConflict as conflict:
                kept.append(mark in conflict.mine)
                continue
            marks.append(mark)
            try:
                await studio.propose(member, *FLOW, saved.revision)
            except Conflict:
                pass  # somebody wrote on top of it: they propose it, with this in it
            return
        raise AssertionError("never got its turn")

    async def approve(login: str) -> None:
        while not done.is_set():
            for item in (await studio.ready(office[login])).waiting:
                try:
                    await studio.approve(office[login], *item.draft.key, item.draft.revision)
                except Conflict:
                    continue  # its author has written on, or the other one approved it
            try:
                numbers.append(await studio.publish(office[login], login))
            except (BadInput, NotReady, Conflict):
                await asyncio.sleep(0.01)

    done, numbers = asyncio.Event(), list[int]()
    approving = [asyncio.create_task(approve(login)) for login in ("sakurai", "mori")]
    await asyncio.gather(*(write(login) for login in AUTHORS))
    async with asyncio.timeout(60):
        while any(row.state != "published" for row in await studio.documents(office["sakurai"])):
            await asyncio.sleep(0.01)
    done.set()
    await asyncio.gather(*approving)

    last = max(numbers)
    assert sorted(numbers) == list(range(2, last + 1)), "each release once"
    said = str((await office.said(FLOW, last))["name"])
    assert [mark for mark in marks if said.count(mark) != 1] == []
    assert len(marks) == len(AUTHORS) * ROUNDS
    assert all(kept), "whoever was too late has their own words back"
    for login, key in OWN.items():
        found = await office.said(key, last)
        assert found | said_of(key, f"{login}{ROUNDS - 1}") == found
    names = [str((await office.said(FLOW, number))["name"]) for number in range(1, last + 1)]
    assert all(later.startswith(earlier) for earlier, later in pairwise(names))
    line = await office.said(LINE, last)
    assert line["proposed_by"] == "ueda"
    assert line["approved_by"] in ("sakurai", "mori")

"""An installation with people who write its content."""

from __future__ import annotations

from dataclasses import dataclass

from bot.app import Engawa
from bot.content.export import body_of, text_of
from bot.drafting import Draft, Saved
from bot.store import content, staff
from bot.store.staff import Member
from bot.studio import Studio
from bot.testing import FakeClock

TEXT, FLOW, LINE = ("texts", "texts"), ("flow", "F-MONEY"), ("hotline", "yorisoi")


@dataclass
class Office:
    """An installation with two editors and two reviewers."""

    engawa: Engawa
    clock: FakeClock
    people: dict[str, Member]

    @property
    def studio(self) -> Studio:
        return self.engawa.studio

    def __getitem__(self, login: str) -> Member:
        return self.people[login]

    async def draft(self, key: tuple[str, str], who: str = "oono") -> Draft:
        return await self.studio.draft(self[who], *key)

    async def write(self, key: tuple[str, str], who: str = "oono", **fields: object) -> Saved:
        """Saves the document with these fields in it."""
        draft = await self.draft(key, who)
        body = text_of(body_of(*key, draft.body) | fields)
        return await self.studio.save(self[who], *key, body, draft.revision)

    async def propose(self, key: tuple[str, str], who: str = "oono", **fields: object) -> int:
        saved = await self.write(key, who, **fields)
        await self.studio.propose(self[who], *key, saved.revision)
        return saved.revision

    async def publish(self, note: str = "") -> int:
        return await self.studio.publish(self["sakurai"], note)

    async def documents(self, number: int) -> content.Rows:
        return await self.engawa.database.read(content.documents, self.engawa.operator_id, number)

    async def said(self, key: tuple[str, str], number: int) -> dict[str, object]:
        return next(body for kind, name, body in await self.documents(number) if (kind, name) == key)


PEOPLE = {
    "oono": "editor",
    "tanabe": "editor",
    "sakurai": "reviewer",
    "mori": "reviewer",
    "mizuno": "counselor",
    "lead": "lead",
}


async def an_office(engawa: Engawa, clock: FakeClock) -> Office:
    """The same people everywhere; their names are their logins."""
    people = {}
    for login, role in PEOPLE.items():
        await engawa.database.write(staff.add, engawa.operator_id, login, login, role, None)
        member = await engawa.database.read(staff.by_login, engawa.operator_id, login)
        assert member is not None
        people[login] = member
    return Office(engawa, clock, people)

"""Releases that were made: their documents, their history, what differs between two, who is still in one. Service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from sqlalchemy import Connection

from bot.beside import Beside
from bot.clock import Clock
from bot.content.codec import Document
from bot.content.diff import Change, changes, title_of
from bot.content.issues import Issue
from bot.content.library import Library
from bot.errors import NotAllowed, NotFound
from bot.handoff.hours import TOKYO
from bot.store import content, pinned
from bot.store.content import Key, ReleaseRow, RevisionRow
from bot.store.database import Database
from bot.store.sealed import Sealer
from bot.store.staff import Member

EDITS = frozenset({"editor", "reviewer"})
REVIEWS = frozenset({"reviewer"})
MOST_SHOWN = 100
PINNED_DAYS = 7


class Archive:
    """Reads releases, for editors and reviewers."""

    def __init__(
        self, database: Database, library: Library, clock: Clock, operator_id: str, sealer: Sealer
    ) -> None:
        self.database, self._library, self.clock = database, library, clock
        self.operator_id, self._sealer = operator_id, sealer
        self.beside = Beside()
        self._checked: dict[tuple[object, ...], list[Issue]] = {}

    def today(self) -> date:
        """The day in Tokyo."""
        return self.clock.now().astimezone(TOKYO).date()

    async def latest(self) -> tuple[int, list[Document]]:
        """The number of the latest release, and its documents."""

        def read(connection: Connection) -> tuple[int, list[Document]]:
            number = content.latest_number(connection, self.operator_id)
            return number, self.public(connection, number)

        return await self.database.read(read)

    def public(self, connection: Connection, number: int) -> list[Document]:
        """The documents of a release: everybody's, not to be changed."""
        return self._library.documents(connection, number)

    async def releases(self, member: Member) -> list[ReleaseRow]:
        """The newest releases, the latest first."""
        allow(member, EDITS)
        return await self.database.read(content.recent, self.operator_id, MOST_SHOWN)

    async def history(self, member: Member, kind: str, name: str) -> list[RevisionRow]:
        """What a document said in each release that changed it, the newest first."""
        allow(member, EDITS)
        return await self.database.read(content.history, self.operator_id, kind, name, MOST_SHOWN)

    async def compare(self, member: Member, older: int, newer: int) -> list[tuple[Key, str, list[Change]]]:
        """What is different in a newer release: documents with their name and changes. Raises NotFound."""
        allow(member, EDITS)

        def read(connection: Connection) -> tuple[content.Rows, content.Rows]:
            found = content.documents(connection, self.operator_id, older)
            return found, content.documents(connection, self.operator_id, newer)

        before, after = await self.database.read(read)
        if not before or not after:
            raise NotFound
        old = {(kind, name): body for kind, name, body in before}
        new = {(kind, name): body for kind, name, body in after}
        return [
            (key, title_of(*key, new.get(key) or old.get(key)), changes(*key, old.get(key), new.get(key)))
            for key in sorted(old.keys() | new.keys())
            if old.get(key) != new.get(key)
        ]

    async def midway(self, member: Member) -> Mapping[str, int]:
        """How many people are in a flow now, by flow: they finish with the steps their session began with."""
        allow(member, EDITS)
        since = self.clock.now() - timedelta(days=PINNED_DAYS)
        return await self.database.read(pinned.flows, self._sealer, self.operator_id, since)


def allow(member: Member, roles: frozenset[str]) -> None:
    """Raises NotAllowed unless the member's role is one of these."""
    if member.role not in roles:
        raise NotAllowed("Content is for editors and reviewers.")

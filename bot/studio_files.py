"""Content that comes as files: compared with what is public, published at once, or sent to review as drafts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from bot.content.codec import Document
from bot.content.diff import Change
from bot.content.export import text_of
from bot.content.issues import Issue
from bot.content.proposal import Drafted, Proposal, public
from bot.drafting import NotReady
from bot.errors import BadInput, Conflict
from bot.publishing import note_of
from bot.releases import EDITS, allow
from bot.store import content, document_drafts, staff
from bot.store.document_drafts import DraftRow
from bot.store.staff import Member
from bot.studio import Studio

Compared = tuple[list[tuple[str, list[Change]]], list[Issue]]


class StudioFiles:
    """For commands on the machine itself. `whole`: documents that are not among the files go."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def compared(self, fresh: Sequence[Document], *, whole: bool) -> Compared:
        """What would change, in words, and what is wrong with what would then be public."""
        proposal, _ = await self._studio.database.read(self._proposal, fresh, whole, "", "")
        titles = [(item.title, item.changes) for item in proposal.items]
        return titles, await self._issues(proposal)

    async def _issues(self, proposal: Proposal) -> list[Issue]:
        studio = self._studio
        return proposal.issues(await studio.beside.issues(proposal.documents, studio.today()))

    async def publish(
        self, fresh: Sequence[Document], note: str, by: str, second: str, *, whole: bool
    ) -> int:
        """A new release with them in it; 0 when nothing changes.

        Raises NotReady when something blocks, BadInput when a second person is needed, Conflict.
        """
        studio, note = self._studio, note_of(note)
        proposal, number = await studio.database.read(self._proposal, fresh, whole, by, second)
        if not proposal.items:
            return 0
        if blocking := [issue for issue in await self._issues(proposal) if issue.blocks]:
            raise NotReady(blocking, (), ())
        if (waiting := [item for item in proposal.items if item.two]) and not second:
            names = "、".join(item.title for item in waiting[:5])
            raise BadInput(f"{names}: say --by and --second, the logins of the two who stand for this.")
        people = [await self._member(login) for login in (by, second) if login]
        if len({one.staff_id for one in people}) < len(people):
            raise BadInput("--by and --second are two people.")

        published, wanted = proposal.published.values(), proposal.documents
        return await studio.take(number, published, wanted, note, people[0].staff_id if people else None)

    async def draft(self, fresh: Sequence[Document], by: str) -> int:
        """The same for an editor known by login."""
        return await self.draft_of(fresh, await self._member(by))

    async def draft_of(self, fresh: Sequence[Document], member: Member) -> int:
        """Drafts of those that differ, sent to review in an editor's name, all or none. Returns how many.

        Raises Conflict when somebody is writing on one of them: their draft stays.
        """
        allow(member, EDITS)
        studio = self._studio
        proposal, _ = await studio.database.read(self._proposal, fresh, False, "", "")
        await studio.database.write(self._draft, [item.draft for item in proposal.items], member.staff_id)
        return len(proposal.items)

    def _draft(self, connection: Connection, drafts: Sequence[Drafted], staff_id: str) -> None:
        operator, now = self._studio.operator_id, self._studio.clock.now()
        busy = document_drafts.open_drafts(connection, operator)
        known = document_drafts.all_newest(connection, operator)
        if (taken := next((one for one in drafts if one.key in busy), None)) is not None:
            raise Conflict(f"{taken.name}: somebody is writing on it. Publish or put away that draft first.")
        rows = [
            DraftRow(
                kind=one.kind,
                name=one.name,
                revision=known.get(one.key, 0) + 1,
                body=one.text,
                removes=False,
                by=staff_id,
                at=now,
                proposed_by=staff_id,
                approved_by=None,
            )
            for one in drafts
        ]
        document_drafts.add_all(connection, operator, rows)

    def _proposal(
        self, connection: Connection, fresh: Sequence[Document], whole: bool, by: str, second: str
    ) -> tuple[Proposal, int]:
        """The release it would be, with what differs only; and the number of the one it is made on."""
        number = content.latest_number(connection, self._studio.operator_id)
        known = {(one.kind, one.name): one for one in self._studio.public(connection, number)}
        given = {(one.kind, one.name): one for one in public(fresh)}
        if len(given) < len(fresh):
            raise BadInput("The same document stands in two files.")
        blank = Drafted(
            kind="", name="", revision=0, text="", by=by, proposer=by or None, approver=second or None
        )
        changed = [
            replace(blank, kind=kind, name=name, text=text_of(one.body))
            for (kind, name), one in given.items()
            if (kind, name) not in known or known[kind, name].body != one.body
        ]
        gone = [
            replace(blank, kind=kind, name=name, removes=True)
            for kind, name in known
            if whole and (kind, name) not in given
        ]
        return Proposal(known.values(), [*changed, *gone]), number

    async def _member(self, login: str) -> Member:
        found = await self._studio.database.read(staff.by_login, self._studio.operator_id, login)
        if found is None:
            raise BadInput(f"There is no member with the login {login!r}. See `engawa staff list`.")
        return found

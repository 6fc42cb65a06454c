"""The content studio: documents and their drafts, for editors and reviewers. Releases are made in `publishing`.

A draft is never reachable from a channel: what people are told is read from releases only (`content.library`).
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from bot.content import codec
from bot.content.diff import title_of
from bot.content.export import body_of, text_of
from bot.content.issues import Issue
from bot.content.proposal import Proposal, concerns
from bot.content.rehearsal import KINDS, Rehearsal
from bot.drafting import DocumentRow, DocumentTaken, Draft, DraftConflict, Saved, state_of
from bot.errors import BadInput, Conflict, ContentError, NotAllowed, NotFound, TooLarge
from bot.publishing import Releases
from bot.releases import EDITS, REVIEWS, allow
from bot.store import content, document_drafts
from bot.store.content import Key
from bot.store.document_drafts import DraftRow
from bot.store.staff import Member

MAX_BODY = 400_000
MAX_NAME = 64


class Studio(Releases):
    """Reads and writes drafts. Every method takes the member who asks, and raises NotAllowed for other roles."""

    # --- reading ---

    async def documents(self, member: Member, kind: str = "") -> list[DocumentRow]:
        """All documents, or those of a kind, by kind and title; with the drafts on them."""
        allow(member, EDITS)
        number, proposal, drafts, names = await self.database.read(self._drafts)
        issues = await self.checked(number, proposal)
        public = {key: one.body for key, one in proposal.published.items()}
        rows = []
        for key in public.keys() | drafts.keys():
            if kind and key[0] != kind:
                continue
            draft = drafts.get(key)
            body = public.get(key)
            if draft is not None and not draft.removes:
                body = _readable(draft) or body
            own = [issue for issue in issues if concerns(issue, *key)]
            rows.append(
                DocumentRow(
                    kind=key[0],
                    name=key[1],
                    title=title_of(key[0], key[1], body),
                    state=state_of(draft),
                    by=names.get(draft.by, "") if draft else "",
                    at=draft.at if draft else None,
                    is_new=key not in public,
                    removes=draft is not None and draft.removes,
                    issues=len(own),
                    blocking=sum(issue.blocks for issue in own),
                )
            )
        order = list(codec.DOCUMENT_TYPES)
        return sorted(rows, key=lambda row: (order.index(row.kind), row.title, row.name))

    async def draft(self, member: Member, kind: str, name: str) -> Draft:
        """A document as it is being written, or as it is public. Raises NotFound when it is neither."""
        allow(member, EDITS)
        return await self.database.read(self._draft, member.staff_id, kind, name)

    def _draft(self, connection: Connection, staff_id: str, kind: str, name: str) -> Draft:
        operator = self.operator_id
        # First of all, so that words saved between two looks make a conflict, and are never written over.
        revision = document_drafts.newest(connection, operator, kind, name)
        number = content.latest_number(connection, operator)
        public = content.document(connection, operator, number, kind, name)
        drafted = document_drafts.open_draft(connection, operator, kind, name)
        if public is None and drafted is None:
            raise NotFound
        words = text_of(public) if public is not None else ""
        aside = document_drafts.aside(connection, operator, staff_id, kind, name)
        names = document_drafts.names(connection, operator, [drafted.by if drafted else None])
        return Draft(
            kind=kind,
            name=name,
            body=drafted.body if drafted else words,
            revision=revision,
            base_release=number,
            by=names.get(drafted.by, "") if drafted else "",
            at=drafted.at if drafted else None,
            state=state_of(drafted),
            removes=drafted is not None and drafted.removes,
            public=words,
            aside=aside[1] if aside else "",
        )

    async def newest(self, kind: str, name: str) -> int:
        """The number of a document's newest state, to save on top of; 0 for a new one."""
        return await self.database.read(document_drafts.newest, self.operator_id, kind, name)

    async def body(self, kind: str, name: str, revision: int) -> str:
        """The words of a state as YAML; empty when it is gone."""
        found = await self.database.read(document_drafts.body_at, self.operator_id, kind, name, revision)
        return "" if found is None else found[0] if found[1] else text_of(msgspec.json.decode(found[0]))

    async def check(self, member: Member) -> list[Issue]:
        """What is wrong with the latest release and every draft on it, what blocks first."""
        allow(member, EDITS)
        number, proposal, _, _ = await self.database.read(self._drafts)
        return await self.checked(number, proposal)

    async def rehearsed(self, member: Member) -> Rehearsal | Issue | None:
        """What the drafted rules of risk would find, beside the public ones; None when none is drafted."""
        allow(member, EDITS)
        _, proposal, drafts, _ = await self.database.read(self._drafts)
        if not any(kind in KINDS for kind, _ in drafts):
            return None
        return await self.beside.rehearsed([*proposal.published.values()], proposal.documents)

    def _drafts(self, connection: Connection) -> tuple[int, Proposal, dict[Key, DraftRow], dict[str, str]]:
        """The latest release with every draft on it, the drafts, and the names of who wrote them."""
        number = content.latest_number(connection, self.operator_id)
        drafts = document_drafts.open_drafts(connection, self.operator_id)
        proposal = Proposal(self.public(connection, number), self.drafted(connection, list(drafts.values())))
        names = document_drafts.names(connection, self.operator_id, (one.by for one in drafts.values()))
        return number, proposal, drafts, names

    # --- writing ---

    async def save(
        self,
        member: Member,
        kind: str,
        name: str,
        body: str,
        revision: int,
        *,
        removes: bool = False,
        fresh: bool = False,
    ) -> Saved:
        """A new state on top of `revision`. What is wrong with it is told, and keeps nobody from saving.
        `fresh`: it is a new document, and a Conflict when there is one of this name.

        Raises BadInput, TooLarge, or DraftConflict: then what was written is kept aside for this member.
        """
        allow(member, EDITS)
        _allowed_name(kind, name)
        if len(body) > MAX_BODY:
            raise TooLarge("A document has at most 400,000 characters.")
        if any(sign == "\x00" or "\ud800" <= sign <= "\udfff" for sign in body):
            raise BadInput("There are signs in it that are no text.")
        try:
            new = await self.database.write(
                self._save, member.staff_id, kind, name, body, revision, removes=removes, fresh=fresh
            )
        except DocumentTaken:
            raise
        except Conflict:  # the same number at the same moment: now the other one can be seen
            new = None
        if new is None:
            raise await self.database.write(self._set_aside, member.staff_id, kind, name, body, revision)
        found = await self.check(member)
        return Saved(revision=new, issues=[issue for issue in found if concerns(issue, kind, name)])

    def _save(
        self,
        connection: Connection,
        staff_id: str,
        kind: str,
        name: str,
        body: str,
        revision: int,
        *,
        removes: bool,
        fresh: bool,
    ) -> int | None:
        """The number of the new state; None when it is not written on top of the newest one."""
        operator = self.operator_id
        newest = document_drafts.newest(connection, operator, kind, name)
        if newest != revision:
            return None
        drafted = document_drafts.open_draft(connection, operator, kind, name)
        number = content.latest_number(connection, operator)
        if fresh and (drafted or content.document(connection, operator, number, kind, name) is not None):
            raise DocumentTaken("There is a document of this name already.")
        if drafted is not None and drafted.body == body and drafted.removes == removes:
            return revision
        row = DraftRow(
            kind=kind,
            name=name,
            revision=newest + 1,
            body=body,
            removes=removes,
            by=staff_id,
            at=self.clock.now(),
            proposed_by=None,
            approved_by=None,
        )
        document_drafts.add(connection, operator, row)
        document_drafts.forget_aside(connection, operator, staff_id, kind, name)
        return row.revision

    def _set_aside(
        self, connection: Connection, staff_id: str, kind: str, name: str, body: str, revision: int
    ) -> DraftConflict:
        operator, now = self.operator_id, self.clock.now()
        document_drafts.set_aside(connection, operator, staff_id, kind, name, revision, body, now)
        found = document_drafts.body_at(connection, operator, kind, name, revision)
        try:
            theirs = self._draft(connection, staff_id, kind, name)
        except NotFound:  # put away, or taken out of the release meanwhile
            newest = document_drafts.newest(connection, operator, kind, name)
            number = content.latest_number(connection, operator)
            theirs = Draft(kind=kind, name=name, body="", revision=newest, base_release=number, removes=True)
        base = "" if found is None else found[0] if found[1] else text_of(msgspec.json.decode(found[0]))
        return DraftConflict(body, theirs, base or theirs.public)

    async def remove(self, member: Member, kind: str, name: str, revision: int) -> Saved:
        """Drafts that the document goes. Raises NotAllowed for those there must be."""
        if kind in codec.NEEDED:
            raise NotAllowed("This document has to be there.")
        draft = await self.draft(member, kind, name)
        return await self.save(member, kind, name, draft.body, revision, removes=True)

    async def put_away(self, member: Member, kind: str, name: str, revision: int) -> None:
        """Nobody writes on it any more: what is public stays. Raises Conflict when somebody saved since."""
        allow(member, EDITS)

        def write(connection: Connection) -> None:
            if document_drafts.newest(connection, self.operator_id, kind, name) != revision:
                raise Conflict("Somebody else saved this first.")
            document_drafts.put_away(connection, self.operator_id, kind, name)
            document_drafts.forget_aside(connection, self.operator_id, member.staff_id, kind, name)

        await self.database.write(write)

    # --- review ---

    async def propose(self, member: Member, kind: str, name: str, revision: int) -> None:
        """Sends this very state to review. Raises Conflict when it is not the newest any more."""
        allow(member, EDITS)
        await self._mark(member, kind, name, revision, proposed_by=member.staff_id, approved_by=None)

    async def send_back(self, member: Member, kind: str, name: str, revision: int) -> None:
        """Takes it out of review."""
        allow(member, EDITS)
        await self._mark(member, kind, name, revision, proposed_by=None, approved_by=None)

    async def approve(self, member: Member, kind: str, name: str, revision: int) -> None:
        """A second person looked at this very state. Raises NotAllowed for who wrote or proposed it."""
        allow(member, REVIEWS)
        await self._mark(member, kind, name, revision, approved_by=member.staff_id)

    async def _mark(self, member: Member, kind: str, name: str, revision: int, **people: str | None) -> None:
        def write(connection: Connection) -> None:
            row = document_drafts.open_draft(connection, self.operator_id, kind, name)
            if row is None or row.revision != revision:
                raise Conflict("Somebody else saved this first.")
            if people.get("approved_by"):
                if row.proposed_by is None:
                    raise Conflict("It was not sent to review yet.")
                if member.staff_id in (row.by, row.proposed_by):
                    raise NotAllowed("A second person has to look at it.")
            if not document_drafts.mark(connection, self.operator_id, row, **people):
                raise Conflict("Somebody else saved this first.")

        await self.database.write(write)


def _allowed_name(kind: str, name: str) -> None:
    if kind not in codec.DOCUMENT_TYPES:
        raise BadInput("There is no such kind of document.")
    fits = 0 < len(name) <= MAX_NAME and name == name.strip() and name.isprintable() and "/" not in name
    if not fits or (kind in codec.ONLY_ONE and name != kind):
        raise BadInput("This name cannot be a document's.")


def _readable(draft: DraftRow) -> dict[str, object] | None:
    try:
        return body_of(draft.kind, draft.name, draft.body)
    except ContentError:
        return None

"""Releases: what is made of drafts, when, by whom; going back; who is in the middle of a flow. Service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bot.clock import Clock
from bot.content import codec
from bot.content.check import check_documents
from bot.content.codec import Document
from bot.content.diff import Change, changes, title_of
from bot.content.issues import Issue
from bot.content.library import Library
from bot.content.pack import Pack
from bot.content.proposal import Drafted, Proposal
from bot.drafting import NotReady, Ready
from bot.errors import BadInput, Conflict, ContentError, NotAllowed, NotFound, StoreUnavailable
from bot.handoff.hours import TOKYO
from bot.store import content, document_drafts, pinned, staff
from bot.store.content import Key, Origin, ReleaseRow, RevisionRow
from bot.store.database import Database
from bot.store.document_drafts import DraftRow, Planned
from bot.store.sealed import Sealer
from bot.store.staff import Member

EDITS = frozenset({"editor", "reviewer"})
REVIEWS = frozenset({"reviewer"})
MOST_NOTE = 500
MOST_SHOWN = 100
PINNED_DAYS = 7
LOOK_EVERY = 20  # seconds
AT_MOST = timedelta(days=90)

log = structlog.get_logger("studio")


class Releases:
    """Makes releases. Checking is done beside the writer, so that nobody's message waits for it."""

    def __init__(
        self, database: Database, library: Library, clock: Clock, operator_id: str, sealer: Sealer
    ) -> None:
        self.database, self._library, self.clock = database, library, clock
        self.operator_id, self._sealer = operator_id, sealer
        self._checked: tuple[tuple[object, ...], list[Issue]] | None = None

    # --- the next one ---

    async def ready(self, member: Member) -> Ready:
        """The next release as it would be: everything that was sent to review."""
        allow(member, EDITS)
        return await self.database.read(self._ready, None)

    def _ready(self, connection: Connection, wanted: Mapping[Key, int] | None) -> Ready:
        operator = self.operator_id
        number = content.latest_number(connection, operator)
        if wanted is None:
            rows = [
                one for one in document_drafts.open_drafts(connection, operator).values() if one.proposed_by
            ]
        else:
            rows = list(document_drafts.states(connection, operator, wanted).values())
        proposal = Proposal(self.public(connection, number), self.drafted(connection, rows))
        people = [person for row in rows for person in (row.by, row.proposed_by, row.approved_by)]
        return Ready(
            number=number + 1,
            items=proposal.items,
            issues=self.checked(number, proposal),
            unchanged=len(proposal.published) - sum(item.before is not None for item in proposal.items),
            planned=document_drafts.planned(connection, operator),
            names=document_drafts.names(connection, operator, people),
        )

    def public(self, connection: Connection, number: int) -> list[Document]:
        """The documents of a release."""
        rows = content.documents(connection, self.operator_id, number)
        return [Document(kind=kind, name=name, body=body) for kind, name, body in rows]

    def drafted(self, connection: Connection, rows: Sequence[DraftRow]) -> list[Drafted]:
        """Drafts with the logins of who proposed and approved them, and whether they were overtaken."""
        known = document_drafts.published(connection, self.operator_id)
        people = {person for row in rows for person in (row.proposed_by, row.approved_by) if person}
        logins = {
            person: found.login
            for person in people
            if (found := staff.by_id(connection, self.operator_id, person)) is not None
        }
        return [
            Drafted(
                kind=row.kind,
                name=row.name,
                revision=row.revision,
                text=row.body,
                removes=row.removes,
                by=row.by,
                proposer=logins.get(row.proposed_by or "", row.proposed_by),
                approver=logins.get(row.approved_by or "", row.approved_by),
                overtaken=known.get((row.kind, row.name), 0) > row.revision,
            )
            for row in rows
        ]

    def checked(self, number: int, proposal: Proposal) -> list[Issue]:
        """What is wrong with it on top of this release; remembered until something else is asked, or the day ends."""
        seen = (number, proposal.seen, self.today())
        known = self._checked
        if known is None or known[0] != seen:
            self._checked = known = seen, proposal.issues(self.today())
        return known[1]

    def today(self) -> date:
        """The day in Tokyo."""
        return self.clock.now().astimezone(TOKYO).date()

    async def packs(self, member: Member) -> tuple[Pack, Pack | None]:
        """What is public, and what it would be with every draft that can be read; None where nobody drafts."""
        allow(member, EDITS)

        def read(connection: Connection) -> tuple[Pack, Pack | None]:
            public = self._library.released(connection).latest
            rows = list(document_drafts.open_drafts(connection, self.operator_id).values())
            if not rows:
                return public, None
            documents = self.public(connection, public.number)
            proposal = Proposal(documents, self.drafted(connection, rows))
            try:
                return public, codec.build(0, proposal.documents)
            except ContentError:
                return public, None

        return await self.database.read(read)

    # --- publishing ---

    async def publish(self, member: Member, note: str = "", at: datetime | None = None) -> int:
        """Publishes everything that was sent to review, now or at a time. Returns the number it got, or would get.

        Raises NotAllowed, NotReady, BadInput, or Conflict when somebody published at the same moment.
        """
        allow(member, REVIEWS)
        note = note_of(note)
        ready = await self.database.read(self._ready, None)
        if not ready.items:
            raise BadInput("Nothing was sent to review.")
        if not ready.may:
            raise NotReady(ready.blocking, ready.waiting, ready.overtaken)
        if at is None:
            return await self._publish(ready, member.staff_id, note)
        now = self.clock.now()
        if at.tzinfo is None or not now < at <= now + AT_MOST:
            raise BadInput("The time lies between now and ninety days from now.")
        items = {item.draft.key: item.draft.revision for item in ready.items}
        planned = Planned(staff_id=member.staff_id, due_at=at, note=note, items=items, problem="")
        await self.database.write(document_drafts.plan, self.operator_id, planned)
        return ready.number

    async def _publish(self, ready: Ready, staff_id: str, note: str) -> int:
        try:
            return await self.database.write(self._write, ready, staff_id, note)
        except IntegrityError as error:
            raise Conflict("Somebody published at the same moment.") from error

    def _write(self, connection: Connection, ready: Ready, staff_id: str, note: str) -> int:
        """What was checked becomes a release, unless anything under it moved meanwhile."""
        operator, now = self.operator_id, self.clock.now()
        wanted = {item.draft.key: item.draft.revision for item in ready.items}
        rows = document_drafts.states(connection, operator, wanted)
        still = {row.key: row for row in self.drafted(connection, list(rows.values()))}
        if content.latest_number(connection, operator) != ready.number - 1:
            raise Conflict("Somebody published at the same moment.")
        if any(still.get(item.draft.key) != item.draft for item in ready.items):
            raise Conflict("Somebody changed a draft at the same moment.")
        proposal = Proposal(self.public(connection, ready.number - 1), [item.draft for item in ready.items])
        origins = {
            key: Origin(revision=row.revision, staff_id=row.by, approved_by=row.approved_by)
            for key, row in rows.items()
        }
        documents = [(one.kind, one.name, one.body) for one in proposal.documents]
        number = content.publish(
            connection,
            operator,
            documents,
            note,
            now,
            number=ready.number,
            staff_id=staff_id,
            origins=origins,
        )
        document_drafts.published_up_to(connection, operator, wanted)
        document_drafts.call_off(connection, operator)
        return number

    async def call_off(self, member: Member) -> None:
        """What was planned is not published by itself any more."""
        allow(member, REVIEWS)
        await self.database.write(document_drafts.call_off, self.operator_id)

    async def look(self) -> None:
        """Publishes what is due: the clockwork asks. What cannot be published says why, and stays planned."""
        try:
            planned = await self.database.read(document_drafts.planned, self.operator_id)
            if planned is None or planned.problem or planned.due_at > self.clock.now():
                return
            ready = await self.database.read(self._ready, planned.items)
            problem = "" if ready.may and len(ready.items) == len(planned.items) else "not_ready"
            if not problem:
                await self._publish(ready, planned.staff_id, planned.note)
                log.info("published_as_planned", release=ready.number)
                return
            failed = replace(planned, problem=problem)
            await self.database.write(document_drafts.plan, self.operator_id, failed)
            log.warning("plan_not_ready")
        except Conflict:
            log.info("plan_raced")  # another process published it, or something changed: looked at again soon
        except StoreUnavailable:
            log.warning("store_unavailable", worker="studio")

    # --- going back ---

    async def roll_back(self, member: Member, number: int) -> int:
        """A new release of exactly what `number` held. Drafts stay. Raises NotFound, NotReady, Conflict."""
        allow(member, REVIEWS)
        return await self.database.write(self._roll_back, member.staff_id, number)

    def _roll_back(self, connection: Connection, staff_id: str, number: int) -> int:
        operator, latest = self.operator_id, content.latest_number(connection, self.operator_id)
        rows = content.documents(connection, operator, number)
        if not rows or number >= latest:
            raise NotFound
        documents = [Document(kind=kind, name=name, body=body) for kind, name, body in rows]
        # What depends on the day is asked again whenever it is told, so that an old release is never refused for it.
        blocking = [issue for issue in check_documents(documents) if issue.blocks]
        if blocking:
            raise NotReady(blocking, (), ())
        note = f"第{number}版にもどしました"
        return content.publish(connection, operator, rows, note, self.clock.now(), staff_id=staff_id)

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


def note_of(text: str) -> str:
    """A note made fit. Raises BadInput when it is too long."""
    found = text.strip()
    if len(found) > MOST_NOTE:
        raise BadInput("A note has at most 500 characters.")
    return found

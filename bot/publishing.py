"""Releases: what is made of drafts, when, by whom; going back; who is in the middle of a flow. Service."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bot.content import codec
from bot.content.codec import Document
from bot.content.issues import Issue
from bot.content.pack import Pack
from bot.content.proposal import Drafted, Proposal
from bot.drafting import NotReady, Ready
from bot.errors import BadInput, Conflict, ContentError, NotFound, StoreUnavailable
from bot.releases import EDITS, REVIEWS, Archive, allow
from bot.sharing import others_first
from bot.store import content, document_drafts, releasing, staff
from bot.store.content import Key
from bot.store.document_drafts import DraftRow, Planned
from bot.store.releasing import NextRelease, Origin
from bot.store.staff import Member

MOST_NOTE = 500
MOST_CHECKED = 8  # what editors look at, and what is in review, of a few states
LOOK_EVERY = 20  # seconds
AT_MOST = timedelta(days=90)

log = structlog.get_logger("studio")


class Releases(Archive):
    """Makes releases. Checking is done beside the writer, so that nobody's message waits for it."""

    # --- the next one ---

    async def ready(self, member: Member) -> Ready:
        """The next release as it would be: everything that was sent to review."""
        allow(member, EDITS)
        return await self._ready(None)

    async def _ready(self, wanted: Mapping[Key, int] | None) -> Ready:
        """The same, of these states only where some are named."""
        number, proposal, planned, names = await self.database.read(self._proposed, wanted)
        return Ready(
            number=number + 1,
            proposal=proposal,
            issues=await self.checked(number, proposal),
            planned=planned,
            names=names,
        )

    def _proposed(
        self, connection: Connection, wanted: Mapping[Key, int] | None
    ) -> tuple[int, Proposal, Planned | None, dict[str, str]]:
        operator = self.operator_id
        number = content.latest_number(connection, operator)
        if wanted is None:
            drafts = document_drafts.open_drafts(connection, operator)
            rows = [one for one in drafts.values() if one.proposed_by]
        else:
            rows = list(document_drafts.states(connection, operator, wanted).values())
        people = [person for row in rows for person in (row.by, row.proposed_by, row.approved_by)]
        return (
            number,
            Proposal(self.public(connection, number), self.drafted(connection, rows)),
            document_drafts.planned(connection, operator),
            document_drafts.names(connection, operator, people),
        )

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

    async def checked(self, number: int, proposal: Proposal) -> list[Issue]:
        """What is wrong with it on top of this release; the last answers are remembered for the day."""
        seen = (number, proposal.seen, self.today())
        known = self._checked.get(seen)
        if known is None:
            known = proposal.issues(await self.beside.issues(proposal.documents, self.today()))
            while len(self._checked) >= MOST_CHECKED:
                del self._checked[next(iter(self._checked))]
            self._checked[seen] = known
        return known

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
        ready = await self._ready(None)
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
        """All that takes long is done before the write: meanwhile others write."""
        try:
            public, wanted = ready.proposal.published.values(), ready.proposal.documents
            keys = [item.draft.key for item in ready.items]
            made = await asyncio.to_thread(self._made, ready.number - 1, public, wanted, keys)
            return await self.database.write(self._write, ready, made, staff_id, note)
        except IntegrityError as error:
            raise Conflict("Somebody published at the same moment.") from error

    def _made(
        self, base: int, public: Iterable[Document], wanted: Sequence[Document], always: Iterable[Key] = ()
    ) -> NextRelease:
        """The release after `base`, and its pack at hand."""
        known, rows = ([(one.kind, one.name, one.body) for one in some] for some in (public, wanted))
        with others_first():
            made = releasing.after(base, known, rows, always)
            self._library.make_ahead(wanted, made.digest)
        return made

    def _write(
        self, connection: Connection, ready: Ready, made: NextRelease, staff_id: str, note: str
    ) -> int:
        """What was checked becomes a release, unless anything under it moved meanwhile."""
        operator, now = self.operator_id, self.clock.now()
        wanted = {item.draft.key: item.draft.revision for item in ready.items}
        rows = document_drafts.states(connection, operator, wanted)
        still = {row.key: row for row in self.drafted(connection, list(rows.values()))}
        if content.latest_number(connection, operator) != made.base:
            raise Conflict("Somebody published at the same moment.")
        if any(still.get(item.draft.key) != item.draft for item in ready.items):
            raise Conflict("Somebody changed a draft at the same moment.")
        origins = {
            key: Origin(revision=row.revision, staff_id=row.by, approved_by=row.approved_by)
            for key, row in rows.items()
        }
        number = releasing.take(connection, operator, made, note, now, staff_id=staff_id, origins=origins)
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
            ready = await self._ready(planned.items)
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

    # --- taking away, going back ---

    async def export(self, member: Member, number: int) -> bytes:
        """What a release held, as a zip of YAML files that can be taken in again. Raises NotFound."""
        allow(member, EDITS)
        rows = await self.database.read(content.documents, self.operator_id, number)
        if not rows:
            raise NotFound
        documents = [Document(kind=kind, name=name, body=body) for kind, name, body in rows]
        return await self.beside.exported(documents)

    async def roll_back(self, member: Member, number: int) -> int:
        """A new release of exactly what `number` held. Drafts stay. Raises NotFound, NotReady, Conflict."""
        allow(member, REVIEWS)
        latest, public = await self.latest()
        rows = await self.database.read(content.documents, self.operator_id, number)
        documents = [Document(kind=kind, name=name, body=body) for kind, name, body in rows]
        if not documents or number >= latest:
            raise NotFound
        # What depends on the day is asked again whenever it is told, so that an old release is never refused for it.
        blocking = [issue for issue in await self.beside.issues(documents, None) if issue.blocks]
        if blocking:
            raise NotReady(blocking, (), ())
        note = f"第{number}版にもどしました"
        return await self.take(latest, public, documents, note, member.staff_id)

    async def take(
        self,
        base: int,
        public: Iterable[Document],
        wanted: Sequence[Document],
        note: str,
        staff_id: str | None,
    ) -> int:
        """A release of the wanted documents after `base`, which has the public ones, without drafts. Raises Conflict
        when another came first."""
        made = await asyncio.to_thread(self._made, base, public, wanted)
        now = self.clock.now()
        try:
            return await self.database.write(
                releasing.take, self.operator_id, made, note, now, staff_id=staff_id
            )
        except IntegrityError as error:
            raise Conflict("Somebody published at the same moment.") from error


def note_of(text: str) -> str:
    """A note made fit. Raises BadInput when it is too long."""
    found = text.strip()
    if len(found) > MOST_NOTE:
        raise BadInput("A note has at most 500 characters.")
    return found

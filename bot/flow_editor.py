"""The flow editor's service: a flow as it is being written, with what is wrong with it and who says what about it.

Operations are made on the newest draft, whoever saved it: two editors on different steps of one flow do not disturb
each other, and two on the same step are told so, with both versions at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field
from hashlib import blake2b
from typing import Any

import msgspec
from sqlalchemy import Connection

from bot.clock import Clock
from bot.content import codec
from bot.content.check import check, check_flow
from bot.content.codec import Document
from bot.content.export import body_of, text_of
from bot.content.flow_links import plain, uses
from bot.content.issues import Issue, told
from bot.content.library import Library
from bot.content.pack import Pack, Released
from bot.drafting import DocumentRow, Draft, DraftConflict, Saved
from bot.errors import BadInput, Conflict, ContentError
from bot.flows.model import AnyStep, Flow
from bot.frozen import dataclass, replace
from bot.releases import EDITS, allow
from bot.store import document_drafts, remarks
from bot.store.database import Database
from bot.store.remarks import Remark
from bot.store.staff import Member
from bot.studio import Studio

KIND = "flow"
TRIES = 3
MAX_REMARK = 500


Operation = Callable[[Flow, Collection[str]], Flow]
"""What is made of a flow, given the ids its steps have or had in releases."""


class StepConflict(Conflict):
    """Somebody else changed this very step since it was shown. Theirs is saved; what was written here is not yet."""

    def __init__(self) -> None:
        super().__init__("Somebody else changed this step meanwhile. Both versions are shown.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A flow in the editor. `flow` is None while its draft cannot be read, then `problem` says why.

    `content` is the latest release with every readable draft in it: for checks and previews, never for a channel.
    `published` are the ids steps of this flow have, or had, in releases.
    """

    draft: Draft
    flow: Flow | None
    problem: str
    content: Released = field(repr=False)
    issues: Sequence[Issue]
    remarks: Sequence[Remark]
    published: frozenset[str]

    @property
    def pack(self) -> Pack:
        return self.content.latest

    def uses(self, step: str) -> tuple[str, ...]:
        return uses(self.pack, self.draft.name, step)


def fingerprint(step: AnyStep | None) -> str:
    """A short sign of what a step says, to see whether it is still the one that was shown."""
    return blake2b(msgspec.json.encode(plain(step)), digest_size=8).hexdigest()


class FlowEditor:
    """Reads and changes drafts of flows, for editors and reviewers."""

    def __init__(
        self, studio: Studio, database: Database, library: Library, clock: Clock, operator_id: str
    ) -> None:
        self._studio, self._database, self._library = studio, database, library
        self._clock, self._operator_id = clock, operator_id
        self._base: tuple[tuple[object, ...], Pack] | None = None

    async def flows(self, member: Member) -> list[DocumentRow]:
        """Every flow, with the drafts on them."""
        return await self._studio.documents(member, KIND)

    async def open(self, member: Member, name: str) -> Opened:
        """A flow as it is being written. Raises NotFound."""
        draft = await self._studio.draft(member, KIND, name)
        published = await self._published(member, name)
        return await self._database.read(self._opened, draft, published)

    async def _published(self, member: Member, name: str) -> frozenset[str]:
        """The ids that steps of this flow have, or had, in releases."""
        history = await self._studio.history(member, KIND, name)
        return frozenset(step for one in history for step in one.body.get("steps", {}))

    def _opened(self, connection: Connection, draft: Draft, published: frozenset[str]) -> Opened:
        content = self._with_drafts(connection)
        said = remarks.unsettled(connection, self._operator_id, KIND, draft.name)
        flow, problem, issues = None, "", list[Issue]()
        try:
            flow = read(draft.name, draft.body)
            flows = {**content.latest.flows, flow.id: flow}
            content = replace(content, latest=content.latest.with_flows(flows))
            issues = check_flow(content.latest, flow.id)
        except ContentError as error:
            problem = error.what
        return Opened(
            draft=draft,
            flow=flow,
            problem=problem,
            content=content,
            issues=issues,
            remarks=said,
            published=published,
        )

    def _with_drafts(self, connection: Connection) -> Released:
        """The latest release with every draft that can be read in its place."""
        released = self._library.released(connection)
        drafts = document_drafts.open_drafts(connection, self._operator_id)
        others = [row for (kind, _), row in drafts.items() if kind != KIND]
        seen = (released.number, *sorted((row.kind, row.name, row.revision) for row in others))
        if not others:
            base = released.latest
        elif self._base is not None and self._base[0] == seen:
            base = self._base[1]
        else:
            base = self._built(connection, released, others)
            self._base = seen, base
        flows = dict(base.flows)
        for (kind, name), row in drafts.items():
            if kind == KIND and row.removes:
                flows.pop(name, None)
            elif kind == KIND:
                _take(flows, name, row.body)
        return replace(released, latest=base.with_flows(flows))

    def _built(
        self, connection: Connection, released: Released, drafts: Sequence[document_drafts.DraftRow]
    ) -> Pack:
        """The release with other documents' drafts; as it is when they do not go together yet."""
        number = released.number
        known = {(one.kind, one.name): one for one in self._studio.public(connection, number)}
        for row in drafts:
            key = row.kind, row.name
            if row.removes:
                known.pop(key, None)
                continue
            try:
                document = Document(kind=row.kind, name=row.name, body=body_of(*key, row.body))
                codec.typed(document)
            except ContentError:
                continue
            known[key] = document
        try:
            built = codec.build(number, known.values(), released.latest.published_at)
        except ContentError:
            return released.latest
        # A conversation needs its named texts: with one of them away there is nothing to play.
        broken = any(issue.blocks and issue.path.startswith("texts/") for issue in check(built))
        return released.latest if broken else built

    # --- changing ---

    async def change(
        self, member: Member, name: str, operation: Operation, *, step: str = "", seen: str = ""
    ) -> Saved:
        """Makes an operation on the newest draft and saves it.

        With `seen`, the fingerprint of `step` as it was shown: raises StepConflict when it is another one now. Raises
        CannotEdit for what the flow does not allow, BadInput for a draft that cannot be read.
        """
        published = await self._published(member, name)
        for attempt in range(TRIES):
            draft = await self._studio.draft(member, KIND, name)
            try:
                flow = read(name, draft.body)
            except ContentError as error:
                raise BadInput("This draft cannot be read. Mend its text first.") from error
            if seen and fingerprint(flow.steps.get(step)) != seen:
                raise StepConflict
            changed = operation(flow, published)
            text = text_of(plain(changed))
            if text == text_of(plain(flow)):  # the order counts, which equal mappings do not tell
                return Saved(revision=draft.revision, issues=())
            try:
                return await self._studio.save(member, KIND, name, text, draft.revision)
            except DraftConflict:
                if attempt == TRIES - 1:
                    raise
        raise AssertionError("unreachable")

    async def write(self, member: Member, name: str, text: str, revision: int) -> Saved:
        """Saves a flow as text, for one that cannot be read any more. Raises BadInput, TooLarge, DraftConflict."""
        return await self._studio.save(member, KIND, name, text, revision)

    async def propose(self, member: Member, name: str, revision: int) -> None:
        """Sends this very state to review. Raises BadInput while something blocks it, Conflict when it is old."""
        opened = await self.open(member, name)
        if opened.flow is None or any(issue.blocks for issue in opened.issues):
            raise BadInput("There is something to mend first.")
        await self._studio.propose(member, KIND, name, revision)

    async def begin(self, member: Member, flow: Flow) -> Saved:
        """A new flow. Raises Conflict when there is one of this name, or was one."""
        try:
            return await self._studio.save(member, KIND, flow.id, text_of(plain(flow)), 0)
        except DraftConflict as error:
            raise Conflict("There is a flow of this name already.") from error

    async def undo(self, member: Member, name: str, revision: int) -> Saved:
        """Goes back to the state before `revision`, as a new one. Raises Conflict when somebody saved since."""
        draft = await self._studio.draft(member, KIND, name)
        if draft.revision != revision:
            raise Conflict("Somebody else saved this first.")
        before = await self._database.read(
            document_drafts.body_at, self._operator_id, KIND, name, revision - 1
        )
        if before is None:
            raise Conflict("There is nothing to go back to.")
        body, drafted = before
        text = body if drafted else text_of(msgspec.json.decode(body))
        return await self._studio.save(member, KIND, name, text, revision)

    # --- remarks ---

    async def remark(self, member: Member, name: str, step: str, text: str) -> None:
        """Says something about a step, to whoever works on it. Raises BadInput for no words, or too many."""
        allow(member, EDITS)
        text = text.strip()
        if not text or len(text) > MAX_REMARK:
            raise BadInput("A remark has 1 to 500 characters.")
        opened = await self.open(member, name)
        if opened.flow is None or step not in opened.flow.steps:
            raise BadInput("This step is not there any more. Look at the flow again.")
        now = self._clock.now()
        await self._database.write(
            remarks.add, self._operator_id, KIND, name, step, member.staff_id, text, now
        )

    async def settle(self, member: Member, name: str, number: int) -> None:
        """A remark is done with."""
        allow(member, EDITS)
        await self._database.write(remarks.settle, self._operator_id, KIND, name, number)


def read(name: str, text: str) -> Flow:
    """The flow a draft's text says. Raises ContentError."""
    body: Mapping[str, Any] = body_of(KIND, name, text)
    flow: Flow = codec.typed(Document(kind=KIND, name=name, body=body))
    if not flow.steps:
        raise ContentError(f"{KIND}/{name}", told("no_steps"))
    return flow


def _take(flows: dict[str, Flow], name: str, text: str) -> None:
    try:
        flows[name] = read(name, text)
    except ContentError:
        pass  # it stays as it is public; its own page says what is wrong

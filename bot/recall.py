"""Recall: something wrong was published; how many were shown it, and one correction to just those, by two people.

A correction is a document: written once, looked at by a second person, published like any other. When it is public,
those in whose threads the wrong words stand are woken for it, each once; who they are is told to nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bot.clock import new_id
from bot.content import codec
from bot.content.codec import Document
from bot.content.diff import title_of
from bot.content.export import text_of
from bot.content.library import Library
from bot.content.pack import Released
from bot.content.recall import ENTRIES, SPOKEN, Correction, Wrong
from bot.errors import BadInput, ContentError, NotFound, StoreUnavailable
from bot.flows.engine import MAX_LENGTH
from bot.flows.reminders import by_day
from bot.frozen import dataclass
from bot.releases import EDITS, allow
from bot.store import chores, content, counts, shown, wakeups
from bot.store.sealed import Sealer
from bot.store.shown import Reader
from bot.store.staff import Member
from bot.studio import Studio

AT_ONCE = 50
"""Threads looked through in one view of the database."""
SETTLED = timedelta(minutes=1)
"""After a release: until then the wrong words may still be on their way out."""
PATIENCE = timedelta(hours=1)
"""For how long what was said before the release, and has not left, is waited for."""
ONCE, LEASE = timedelta(days=36_500), timedelta(minutes=15)

log = structlog.get_logger("recall")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """People by how they stand. `told` were sent it; of those `unreachable` cannot be written to, `hushed` wish to
    be left alone for now, `with_staff` wait for or have a counselor, `keep` have the entry in their list or wish to
    be told of its date. To `unsure` it may have arrived: they get no correction."""

    told: int
    unreachable: int
    hushed: int
    with_staff: int
    keep: int
    unsure: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A public correction. `begun_at`: when those who were shown it were found; `said`: how many it was said to."""

    correction: Correction
    begun_at: datetime | None
    said: int


class Recalls:
    """Counts, writes and sends corrections."""

    def __init__(self, studio: Studio, library: Library, sealer: Sealer) -> None:
        self._studio, self._library, self._sealer = studio, library, sealer
        self._database, self._clock, self._operator = studio.database, studio.clock, studio.operator_id

    async def counted(self, member: Member, kind: str, name: str, wrong: int) -> Counted:
        """How many were shown what release `wrong` first told, and what is public now tells otherwise.

        Raises NotFound, or BadInput where nothing is told otherwise.
        """
        allow(member, EDITS)
        found = await self._readers(kind, name, wrong)
        told = [one for one in found if one.sure]
        return Counted(
            told=len(told),
            unreachable=sum(not one.reachable for one in told),
            hushed=sum(one.hushed for one in told),
            with_staff=sum(one.with_staff for one in told),
            keep=sum(one.keeps for one in told),
            unsure=len(found) - len(told),
        )

    async def write(self, member: Member, kind: str, name: str, wrong: int, text: str) -> str:
        """Drafts a correction and sends it to review. Returns its name. Raises NotFound, BadInput."""
        allow(member, EDITS)
        text = text.strip()
        if not 0 < len(text) <= MAX_LENGTH:
            raise BadInput(f"A correction has 1 to {MAX_LENGTH} characters.")
        about, _ = await self._database.read(self._wrong, kind, name, wrong)
        title = title_of(kind, name, about.before)
        ident = f"c-{new_id()[-10:]}"
        body = {"id": ident, "name": f"「{title}」の訂正", "of": f"{kind}/{name}"}
        words = text_of({**body, "wrong": wrong, "text": text})
        saved = await self._studio.save(member, "correction", ident, words, 0, fresh=True)
        await self._studio.propose(member, "correction", ident, saved.revision)
        return ident

    async def of(self, member: Member, kind: str, name: str) -> list[Sent]:
        """The public corrections of a document."""
        allow(member, EDITS)
        _, documents = await self._studio.latest()
        return [await self._sent(one) for one in _corrections(documents) if one.about == (kind, name)]

    async def _sent(self, one: Correction) -> Sent:
        def read(connection: Connection) -> Sent:
            begun, day = chores.last_done(connection, _chore(one)), self._studio.today()
            said = counts.between(
                connection, self._operator, day - timedelta(days=365), day, "corrections_sent"
            )
            return Sent(correction=one, begun_at=begun, said=said.get(one.id, 0))

        return await self._database.read(read)

    # --- who was shown it ---

    async def _readers(self, kind: str, name: str, number: int) -> list[Reader]:
        wrong, since = await self._database.read(self._wrong, kind, name, number)
        ids = await self._database.read(shown.candidates, self._operator, since)
        found: list[Reader] = []
        for begin in range(0, len(ids), AT_ONCE):
            part, now = ids[begin : begin + AT_ONCE], self._clock.now()
            found += await self._database.read(
                shown.readers, self._sealer, part, since, now, wrong.was_told, name
            )
        return found

    def _wrong(self, connection: Connection, kind: str, name: str, number: int) -> tuple[Wrong, datetime]:
        """The wrong state beside the public one, and since when it was told."""
        if kind not in ENTRIES | SPOKEN:
            raise BadInput("Corrections are for places, dates, lines and what is said.")
        before = content.document(connection, self._operator, number, kind, name)
        published = content.published(connection, self._operator, number)
        if before is None or published is None:
            raise NotFound
        latest = self._library.released(connection)
        documents = self._studio.public(connection, latest.number)
        key, then = (kind, name), Document(kind=kind, name=name, body=before)
        after = next((one.body for one in documents if (one.kind, one.name) == key), None)
        if after == before:
            raise BadInput(
                "This is what is public now. Publish the right words first, then correct what was told."
            )
        others = [one for one in documents if (one.kind, one.name) != key]
        try:
            pack = codec.build(number, [*others, then])
        except ContentError as error:
            raise BadInput("What was public then cannot be read any more.") from error
        wrong = Wrong(
            kind=kind,
            name=name,
            then=Released(latest=pack),
            now=Released(latest=latest.latest),
            before=before,
            after=after,
        )
        return wrong, published[0]

    # --- sending ---

    async def look(self) -> None:
        """Has those woken who are to get a correction that became public: the clockwork asks."""
        try:
            for one in await self._database.read(self._due):
                await self._begin(one)
        except IntegrityError:
            # somebody was erased at this moment: looked at again when the lease is over
            log.info("recall_raced")
        except StoreUnavailable:
            log.warning("store_unavailable", worker="recall")

    def _due(self, connection: Connection) -> list[Correction]:
        """Approved corrections nobody has begun with, when what was said before them has left."""
        number = content.latest_number(connection, self._operator)
        found = [
            one
            for one in _corrections(self._studio.public(connection, number))
            if one.is_approved and chores.last_done(connection, _chore(one)) is None
        ]
        public = content.published(connection, self._operator, number) if found else None
        if public is None:
            return []
        since, now = public[0], self._clock.now()
        waits = now - since < PATIENCE and shown.on_its_way(connection, since)
        return [] if now - since < SETTLED or waits else found

    async def _begin(self, one: Correction) -> None:
        name, now = _chore(one), self._clock.now()
        if not await self._database.write(chores.claim, name, now, ONCE, LEASE):
            return
        try:
            found = await self._readers(*one.about, one.wrong)
        except (NotFound, BadInput):  # another installation's, or it was wrong to no end: nobody was shown it
            found = []
        told = [reader.contact_id for reader in found if reader.sure and reader.reachable]
        await self._database.write(self._wake, one, told)
        log.info("recall_begun")  # not to how many: a small number would tell of them

    def _wake(self, connection: Connection, one: Correction, told: Sequence[str]) -> None:
        """All of them at one moment, with the mark that it was done: nobody twice, nobody forgotten."""
        now, still = self._clock.now(), shown.still_here(connection, told)
        if still:
            wakeups.set_all(connection, {(contact, one.key): by_day(now) for contact in still})
        chores.done(connection, _chore(one), now)


def _corrections(documents: Sequence[Document]) -> list[Correction]:
    return [codec.typed(one) for one in documents if one.kind == "correction"]


def _chore(one: Correction) -> str:
    return f"correction {one.id}"

"""Releases: the seed as release 1, packs kept ready, older step graphs for people who are mid-way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import count

from sqlalchemy import Connection

from bot.content import codec
from bot.content.check import check
from bot.content.codec import Document
from bot.content.pack import Pack, Released
from bot.content.press import Press, numbered
from bot.errors import ContentError
from bot.handoff.hours import TOKYO
from bot.handoff.waiting import Board
from bot.sharing import others_first
from bot.store import content, releasing

MAX_PACKS = 48
"""People go on with the steps they began with: as many releases as may come while they do. One more costs little, as
it shares what it has in common with the others."""


class Library:
    """Reads releases from the database once and keeps their packs. Used from store threads: packs are immutable,
    and a pack built twice by two threads does no harm."""

    def __init__(self, operator_id: str, base: str = "") -> None:
        self._operator_id = operator_id
        self._base = base
        self.samples = False  # lines nobody approved are shown, marked as samples: only a demonstration does
        self.board: Board | None = None  # how it stands with the desks: kept fresh by `handoff.board`
        self._press = Press()
        self._packs: dict[int, Pack] = {}
        self._used: dict[int, int] = {}
        self._uses = count()
        self._ahead: tuple[bytes, Pack] | None = None
        self._public: tuple[int, list[Document]] = 0, []
        self._latest: Released | None = None
        self._asked: set[int] = set()
        self.beside: Callable[[int], object] | None = None  # has `make` called with this number, soon

    def import_seed(self, connection: Connection, now: datetime) -> int:
        """Publishes the shipped content as release 1 of an empty installation; else does nothing."""
        number = content.latest_number(connection, self._operator_id)
        return number or self.publish(connection, codec.seed(), "はじめの内容", now, number=1)

    def publish(
        self,
        connection: Connection,
        documents: Iterable[Document],
        note: str,
        now: datetime,
        *,
        number: int | None = None,
    ) -> int:
        """A new release of exactly these documents. Raises ContentError when something blocks it."""
        known = list(documents)
        pack = self._press.pack(0, known)
        for issue in check(pack, now.astimezone(TOKYO).date()):
            if issue.blocks:
                raise ContentError(issue.path, issue.message)
        base = (number or content.latest_number(connection, self._operator_id) + 1) - 1
        before, rows = (
            [(one.kind, one.name, one.body) for one in some]
            for some in (self.documents(connection, base), known)
        )
        made = releasing.after(base, before, rows)
        self._ahead = made.digest, pack
        return releasing.take(connection, self._operator_id, made, note, now)

    def merge(self, connection: Connection, fresh: Iterable[Document], note: str, now: datetime) -> int:
        """A new release of the latest one with these documents in it, new or in place of those of their name."""
        number = content.latest_number(connection, self._operator_id)
        known = {(one.kind, one.name): one for one in self.documents(connection, number)}
        known |= {(document.kind, document.name): document for document in fresh}
        return self.publish(connection, known.values(), note, now)

    def documents(self, connection: Connection, number: int) -> list[Document]:
        """The documents of a release, in a fixed order; those of the last one asked for are at hand. Not to be
        changed: they are everybody's."""
        known, documents = self._public
        if known != number:
            words = content.words(connection, self._operator_id, number)
            with others_first():
                documents = self._press.documents(words)
            self._public = number, documents
        return documents

    def make_ahead(self, documents: Iterable[Document], digest: bytes) -> None:
        """Makes the pack of a release that may come, so that nobody's turn waits for it. Raises ContentError."""
        self._ahead = digest, self._press.pack(0, documents)

    def released(self, connection: Connection, pinned: Iterable[int] = ()) -> Released:
        """The latest release, with the step graphs of the pinned ones at hand.

        New rules of risk take half a second to make ready. Where somebody does that `beside`, whoever writes
        meanwhile is answered by the release before, as if they had written a moment earlier.
        """
        number = content.latest_number(connection, self._operator_id)
        latest = self._before(connection, number, pinned := set(pinned)) or self._pack(connection, number)
        if latest is None:
            raise ContentError("release", "there is none yet; run `engawa migrate`")
        number = latest.number
        wanted = {release for release in pinned if 0 < release < number}
        older = {release: pack for release in wanted if (pack := self._pack(connection, release)) is not None}
        self._latest = Released(
            latest=latest, older=older, base=self._base, samples=self.samples, board=self.board
        )
        return self._latest

    def make(self, connection: Connection, number: int) -> None:
        """Makes the pack of a release, for whoever asks for it next."""
        try:
            with others_first():
                self._pack(connection, number)
        finally:
            self._asked.discard(number)

    def _before(self, connection: Connection, number: int, pinned: set[int]) -> Pack | None:
        """The last release, when the newest one takes long and is asked for beside; nobody goes back by it."""
        last = self._latest.latest if self._latest is not None else None
        if (
            self.beside is None
            or last is None
            or number in self._packs
            or max(pinned, default=0) > last.number
        ):
            return None
        if self._is_ahead(connection, number) or self._press.is_quick(self.documents(connection, number)):
            return None
        if number not in self._asked:
            self._asked.add(number)
            self.beside(number)
        return last

    def _is_ahead(self, connection: Connection, number: int) -> bool:
        found = content.published(connection, self._operator_id, number)
        return found is not None and self._ahead is not None and self._ahead[0] == found[1]

    def as_of(self, connection: Connection, at: datetime) -> Pack | None:
        """The content that was public at an instant; None before the first release."""
        number = content.number_at(connection, self._operator_id, at)
        return self._pack(connection, number) if number else None

    @property
    def at_hand(self) -> Released | None:
        """What was read last, without asking the database: good enough for labels and state lines."""
        return self._latest

    def _pack(self, connection: Connection, number: int) -> Pack | None:
        self._used[number] = next(self._uses)
        pack = self._packs.get(number)
        if pack is None:
            found = content.published(connection, self._operator_id, number)
            if found is None:
                return None
            at, digest = found
            ahead = self._ahead
            if ahead is not None and ahead[0] == digest:
                pack = numbered(ahead[1], number, at)
            else:
                pack = self._press.pack(number, self.documents(connection, number), at)
            if len(self._packs) >= MAX_PACKS:
                unused = min(list(self._packs), key=lambda one: self._used.get(one, 0))
                self._packs.pop(unused, None)
            self._packs[number] = pack
        return pack

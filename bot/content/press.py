"""Makes packs of releases one after the other: what a release leaves as it was is used again.

Most releases change one document of hundreds. Each is read and typed once, and only what is made of it is made anew;
compiled rules and the index of places stay (`handoff.risk.compile_rules`, `Pack.with_index`).
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from datetime import datetime
from typing import Any

import msgspec

from bot.content import codec
from bot.content.codec import Document
from bot.content.pack import Pack
from bot.content.second_look import RISK as KINDS

Key = tuple[str, str]


class Press:
    """May be used from several threads: each sees what it was given, or makes it once more."""

    def __init__(self) -> None:
        self._read: dict[Key, tuple[str, Document]] = {}
        self._typed: dict[Key, tuple[Document, Any]] = {}
        self._last: Pack | None = None

    def documents(self, words: Iterable[tuple[str, str, str]]) -> list[Document]:
        """Documents of (kind, name, body as JSON): the same object as long as the words are the same. Not to be
        changed."""
        before, found = self._read, {}
        for kind, name, text in words:
            known = before.get((kind, name))
            if known is None or known[0] != text:
                known = text, self._same(Document(kind=kind, name=name, body=msgspec.json.decode(text)))
            found[kind, name] = known
        self._read = found
        return [document for _, document in found.values()]

    def _same(self, document: Document) -> Document:
        """The document as it was typed before, where it says the same: then it is not typed again."""
        known = self._typed.get((document.kind, document.name))
        return known[0] if known is not None and known[0].body == document.body else document

    def is_quick(self, documents: Iterable[Document]) -> bool:
        """Whether their pack is made in a few milliseconds: the rules of risk are those of the last one."""
        wanted = {(one.kind, one.name): one for one in documents if one.kind in KINDS}
        known = {key: document for key, (document, _) in self._typed.items() if key[0] in KINDS}
        return wanted.keys() == known.keys() and all(known[key] is one for key, one in wanted.items())

    def pack(self, number: int, documents: Iterable[Document], at: datetime = codec.NEVER) -> Pack:
        """The pack, its index of places made. Raises ContentError."""
        before, found = self._typed, dict[Key, tuple[Document, Any]]()

        def typed(document: Document) -> Any:
            key = document.kind, document.name
            known = before.get(key)
            if known is None or known[0] is not document:
                known = document, codec.typed(document)
            found[key] = known
            return known[1]

        in_order = sorted(documents, key=lambda one: (one.kind, one.name))  # as the store has them
        made = codec.build(number, in_order, at, typed)
        if self._last is not None and _searched(made) == _searched(self._last):
            made.with_index(self._last)
        assert made.search is not None  # made now, not in somebody's turn
        self._typed, self._last = found, made
        return made


def _searched(pack: Pack) -> tuple[object, ...]:
    """What the index of places is made of."""
    return pack.resources, pack.borders, pack.wishes, pack.texts, pack.labels()


def numbered(pack: Pack, number: int, at: datetime) -> Pack:
    """The same pack as a release. Nothing is made anew, as `replace` would: somebody waits for an answer meanwhile."""
    made = copy(pack)
    object.__setattr__(made, "number", number)
    object.__setattr__(made, "published_at", at)
    return made

"""The next release before it is one: what is public now, and the drafts that are to change it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any

from bot.content.codec import Document
from bot.content.diff import Change, changes, title_of
from bot.content.export import body_of, plain
from bot.content.issues import Issue
from bot.content.second_look import needs_second_look, safety_flows, stamped
from bot.errors import ContentError
from bot.frozen import dataclass

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """One draft on its way: its words (YAML), its number, who wrote, proposed and approved it.

    `proposer` and `approver` are logins, as a hotline keeps them. `overtaken`: something newer was published since.
    """

    kind: str
    name: str
    revision: int
    text: str = field(repr=False)
    removes: bool = False
    by: str = ""
    proposer: str | None = None
    approver: str | None = None
    overtaken: bool = False

    @property
    def key(self) -> Key:
        return self.kind, self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One document that would change. `problem`: its words cannot be read."""

    draft: Drafted
    before: Mapping[str, Any] | None = field(repr=False)
    after: Mapping[str, Any] | None = field(repr=False)
    problem: Issue | None = None
    two: bool = False

    @property
    def title(self) -> str:
        return title_of(self.draft.kind, self.draft.name, self.after or self.before)

    @property
    def changes(self) -> list[Change]:
        """What changes, in words; nothing of what cannot be read."""
        if self.problem is not None:
            return []
        return changes(self.draft.kind, self.draft.name, self.before, self.after)

    @property
    def waits(self) -> bool:
        """Whether a second person still has to look at it."""
        return self.two and self.draft.approver is None


class Proposal:
    """A release that may be made: documents that are public, and drafts in their place."""

    def __init__(self, published: Iterable[Document], drafts: Sequence[Drafted]) -> None:
        self.published: dict[Key, Document] = {(one.kind, one.name): one for one in published}
        read = [_read(draft) for draft in drafts]
        before = {key: one.body for key, one in self.published.items()}
        after = {draft.key: body for draft, body, _ in read if body is not None}
        safety = safety_flows(before) | safety_flows({**before, **after})
        self.items = [
            Item(
                draft=draft,
                before=(old := before.get(draft.key)),
                after=body,
                problem=problem,
                two=needs_second_look(draft.kind, draft.name, old, body, safety),
            )
            for draft, body, problem in read
        ]

    @property
    def documents(self) -> list[Document]:
        """What the release would hold. What cannot be read stays as it was; `issues` says so."""
        found = dict(self.published)
        for item in self.items:
            draft = item.draft
            if draft.removes:
                found.pop(draft.key, None)
            elif item.after is not None:
                body = stamped(draft.kind, item.after, draft.proposer, draft.approver)
                found[draft.key] = Document(kind=draft.kind, name=draft.name, body=body)
        return [found[key] for key in sorted(found)]

    @property
    def seen(self) -> frozenset[tuple[object, ...]]:
        """What the issues depend on, beside what is public and the day."""
        return frozenset(
            (*item.draft.key, item.draft.revision, item.draft.removes)
            + ((item.draft.proposer, item.draft.approver) if item.draft.kind == "hotline" else ())
            for item in self.items
        )

    def issues(self, checked: Iterable[Issue]) -> list[Issue]:
        """Everything that is wrong with it, what blocks first: what cannot be read, and what a check of `documents`
        found."""
        unread = [item.problem for item in self.items if item.problem is not None]
        return sorted([*unread, *checked], key=lambda issue: not issue.blocks)


def _read(draft: Drafted) -> tuple[Drafted, Mapping[str, Any] | None, Issue | None]:
    if draft.removes:
        return draft, None, None
    try:
        return draft, body_of(draft.kind, draft.name, draft.text), None
    except ContentError as error:
        return draft, None, Issue(path=error.path, message=error.what)


def concerns(issue: Issue, kind: str, name: str) -> bool:
    """Whether an issue is about this document."""
    for path in (f"{kind}/{name}", kind if kind == name else f"{kind}/{name}"):
        rest = issue.path.removeprefix(path)
        if rest != issue.path and (not rest or rest[0] in "/.[:"):
            return True
    return False


def public(documents: Iterable[Document]) -> list[Document]:
    """Documents with their bodies as the database has them."""
    return [Document(kind=one.kind, name=one.name, body=plain(one.body)) for one in documents]

"""What the content studio shows and raises: documents, drafts, the next release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime

from bot.content.issues import Issue
from bot.content.proposal import Item, Proposal
from bot.errors import Conflict, EngawaError
from bot.frozen import dataclass
from bot.store.document_drafts import DraftRow, Planned

PUBLISHED, DRAFTED, PROPOSED, APPROVED = "published", "drafted", "proposed", "approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """A document in a list. `by` drafts it, by name; `state`: published, drafted, proposed, approved.

    `is_new` was never public, `removes` is to go, `issues` counts what is wrong with it.
    """

    kind: str
    name: str
    title: str
    state: str
    by: str = ""
    at: datetime | None = None
    is_new: bool = False
    removes: bool = False
    issues: int = 0
    blocking: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A document as it is being written: its words as YAML and the number of this state, to save on top of.

    `state` as in a list; `by` is a name. `base_release` is the release it would change. `aside`: what this member
    wrote on top of an older state, and could not save. `public`: the words people meet now; empty when there are none.
    """

    kind: str
    name: str
    body: str = field(repr=False)
    revision: int
    base_release: int
    by: str = ""
    at: datetime | None = None
    state: str = PUBLISHED
    removes: bool = False
    public: str = field(default="", repr=False)
    aside: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The number of the new state, and what is wrong with it (or because of it)."""

    revision: int
    issues: Sequence[Issue]

    @property
    def blocks(self) -> bool:
        return any(issue.blocks for issue in self.issues)


class DraftConflict(Conflict):
    """Somebody else saved first. All three states are here; nothing is lost."""

    def __init__(self, mine: str, theirs: Draft, base: str) -> None:
        super().__init__("Somebody else saved this first.")
        self.mine, self.theirs, self.base = mine, theirs, base


class DocumentTaken(Conflict):
    """There is a document of this name already."""


class NotReady(EngawaError):
    """It cannot be published yet."""

    def __init__(self, issues: Sequence[Issue], waiting: Sequence[Item], overtaken: Sequence[Item]) -> None:
        reasons = [f"{issue.path}: {issue.message}" for issue in issues[:10]]
        super().__init__("\n  ".join(["It cannot be published yet.", *reasons]))
        self.issues, self.waiting, self.overtaken = tuple(issues), tuple(waiting), tuple(overtaken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """How the next release stands: what changes, what is wrong, what still waits. `number` is the one it would get."""

    number: int
    proposal: Proposal = field(repr=False)
    issues: Sequence[Issue]
    planned: Planned | None
    names: Mapping[str, str] = field(repr=False)

    @property
    def items(self) -> Sequence[Item]:
        return self.proposal.items

    @property
    def unchanged(self) -> int:
        """How many documents stay as they are."""
        return len(self.proposal.published) - sum(item.before is not None for item in self.items)

    @property
    def blocking(self) -> list[Issue]:
        return [issue for issue in self.issues if issue.blocks]

    @property
    def waiting(self) -> list[Item]:
        return [item for item in self.items if item.waits]

    @property
    def overtaken(self) -> list[Item]:
        return [item for item in self.items if item.draft.overtaken]

    @property
    def may(self) -> bool:
        """Whether it can be published as it is."""
        return bool(self.items) and not (self.blocking or self.waiting or self.overtaken)


def state_of(draft: DraftRow | None) -> str:
    """How far a draft is."""
    if draft is None:
        return PUBLISHED
    return APPROVED if draft.approved_by else PROPOSED if draft.proposed_by else DRAFTED

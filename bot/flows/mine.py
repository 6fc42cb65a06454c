"""What a person keeps here beyond one session, and what a step may know of who it speaks to. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date, datetime

from bot.frozen import dataclass, replace

MAX_SAVED = 30
MAX_WRITTEN = 60
MAX_NOTICES = 10
HEAD = 12
"""Characters of a text that are told again, so that it is known which one is meant."""


def head_of(text: str) -> str:
    """How a text begins, in one line."""
    words = " ".join(text.split())
    return words if len(words) <= HEAD else words[:HEAD] + "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Something written to nobody: its place in the thread and how it begins. `kept`: the person put it away."""

    seq: int
    head: str = field(default="", repr=False)
    kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message on the next date of `entry`, wished for at `since`. Without `day` the date is not known yet."""

    entry: str
    days: int
    since: datetime
    day: date | None = None
    due: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine:
    """All of it stands in わたしの記録 and can be taken away there (R-031, R-073). `letters`: "", month or season.

    `eased_at` is when how they are was last asked: once a visit is enough (R-123).
    """

    saved: tuple[str, ...] = ()
    wishes: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    written: tuple[Written, ...] = ()
    notices: tuple[Notice, ...] = ()
    letters: str = ""
    eased_at: datetime | None = None

    def saving(self, entry: str) -> Mine:
        """With one more place or text in the list; the oldest goes when it is full."""
        others = tuple(one for one in self.saved if one != entry)
        return replace(self, saved=(*others, entry)[-MAX_SAVED:]) if entry else self

    def writing(self, seq: int, text: str) -> Mine:
        """With one more text written to nobody."""
        return replace(self, written=(*self.written, Written(seq=seq, head=head_of(text)))[-MAX_WRITTEN:])

    def noticing(self, notice: Notice) -> Mine:
        """With one notice for its entry, in the place of an earlier one."""
        others = tuple(one for one in self.notices if one.entry != notice.entry)
        return replace(self, notices=(*others, notice)[-MAX_NOTICES:])

    @property
    def loose(self) -> tuple[int, ...]:
        """What was written and neither kept nor put away: it goes with the session (R-074)."""
        return tuple(one.seq for one in self.written if not one.kept)

    @property
    def is_loose(self) -> bool:
        """Whether there is any of it."""
        return any(not one.kept for one in self.written)

    def without(self, what: str, entry: str = "") -> Mine:
        """Without one sort of things: wishes, written, notices, letters, saved, or `entry` alone."""
        match what:
            case "entry":
                return replace(self, saved=tuple(one for one in self.saved if one != entry))
            case "letters":
                return replace(self, letters="")
            case "loose":
                return replace(self, written=tuple(one for one in self.written if one.kept))
            case "subscriptions":
                return replace(self, notices=(), letters="")
            case "saved":
                return replace(self, saved=())
            case "wishes":
                return replace(self, wishes=())
            case "written":
                return replace(self, written=())
        return replace(self, notices=())


DROPPABLE = ("entry", "saved", "wishes", "written", "notices", "letters", "subscriptions")
"""`subscriptions` are notices and letters: all that is ever sent unasked at its moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who a step speaks to: what is theirs, how they stand, and words only this turn knows.

    `facts`: waiting, withdrawable, hushed, silent, met (a person wrote with them before). `known`: the id of who
    did, when they did.
    """

    mine: Mine = Mine()
    facts: frozenset[str] = frozenset()
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    known: str = ""


ANYBODY = Person()

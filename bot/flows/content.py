"""What flows need to know of the content, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Protocol

from bot.flows.model import Flow, Query
from bot.flows.session import Session
from bot.frozen import dataclass
from bot.handoff.forecast import Queued
from bot.handoff.risk import Level
from bot.handoff.ticket import Reason
from bot.handoff.waiting import Outlook
from bot.messages import Card


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A found entry: an id to come back to, its kind, and why it stands here when it is not what was looked for."""

    id: str
    kind: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Entries, best first. `said` tells of conditions and of what is offered instead; `gap`: where nothing really
    fitted, the area and kind it is counted under, `27/ibasho` (R-118)."""

    hits: tuple[Hit, ...] = ()
    said: tuple[str, ...] = ()
    gap: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a few free words ask for: where that is shown, and the answers and entry it is shown by."""

    target: str
    answers: tuple[tuple[str, str], ...]


class Readable(Protocol):
    """Something to read: pages of one bubble each."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def pages(self) -> tuple[str, ...]: ...


class Content(Protocol):
    """The latest release, and the step graphs of older ones."""

    @property
    def number(self) -> int: ...

    @property
    def offers_web(self) -> bool:
        """Whether threads can move to the web chat: only with a public address."""
        ...

    def flows(self, release: int) -> Mapping[str, Flow]:
        """The step graph of that release; the latest one when that is not at hand."""
        ...

    def is_safety(self, flow: str) -> bool:
        """Whether the safety cards stand in this flow."""
        ...

    def entry(self, folded: str) -> str | None:
        """The target an entry word leads to."""
        ...

    def command(self, folded: str) -> str | None:
        """The command a word stands for anywhere: `stop`, `later`, `person`, `back`, `hide`, `forget`, `resume`,
        `web`."""
        ...

    def text(self, key: str) -> tuple[str, ...]:
        """The bubbles of a named text, always from the latest release."""
        ...

    def values(self, now: datetime, session: Session | None = None, known: str = "") -> Mapping[str, str]:
        """What can be said at `now` about hours, people and lines, to who stands in `session`; a value that is not
        known is absent."""
        ...

    def desk_for(self, session: Session | None, reason: Reason, level: Level, now: datetime) -> str:
        """The desk of who asks for a person here, or cries for help; empty where there is none."""
        ...

    def is_closed_to(self, session: Session) -> bool:
        """Whether the operator lets who stands here ask for no person (R-084). Cries for help are not asked."""
        ...

    def told(self, outlook: Outlook | None, now: datetime) -> str:
        """When an answer is to be expected, in words; empty when it is not known."""
        ...

    def outlook(self, desk_id: str, now: datetime, me: Queued | None = None) -> Outlook | None:
        """How it stands with a desk now, and when an answer is to be expected there, for who asks or for `me`."""
        ...

    def find(self, query: Query, answers: Mapping[str, str], now: datetime) -> Found:
        """Entries for a query and the answers it uses, best first; at most sixty."""
        ...

    def missing(self, answers: Mapping[str, str]) -> str:
        """The area and kind these answers looked for, as a gap is counted."""
        ...

    def takes(self, answer: str, text: str) -> bool:
        """Whether a step that asks for this answer takes these words as one; else they are heard as what they are."""
        ...

    def asked(self, text: str) -> Wanted | None:
        """What a few words ask for by name or by area and kind; None when they ask for nothing we know."""
        ...

    def entry_id(self, key: str) -> str | None:
        """The id of an entry by the key of its button, whatever release the button is of."""
        ...

    def card(self, hit: Hit, now: datetime) -> Card | None:
        """An entry in short, as it stands in a list."""
        ...

    def show(self, entry_id: str, now: datetime) -> Card | None:
        """One entry in full, if it may be told of; ended and half-known ones say so first."""
        ...

    def next_day(self, entry_id: str, now: datetime) -> date | None:
        """The next day of an entry that is certain and still to come."""
        ...

    def articles(self, topic: str) -> tuple[Readable, ...]:
        """What there is to read on a topic, the shortest first; everything without one."""
        ...

    def article(self, article_id: str) -> Readable | None: ...

    def letter(self, now: datetime) -> str:
        """The letter of this month; empty when there is none."""
        ...

    def question(self, text: str) -> str | None:
        """Where a question leads that many ask in words of their own (R-051, R-069)."""
        ...

    def facts(self, now: datetime) -> frozenset[str]:
        """What is so in this house, as conditions of choices: `peers`, `languages` and `speaks_en` (R-070)."""
        ...

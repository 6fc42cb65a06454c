"""Documents as staff write them. None means that nobody has told us yet, and is shown as 未確認 (R-096)."""

from __future__ import annotations

from datetime import date

import msgspec

from bot.content.holidays import YEAR_END, check_year_end
from bot.content.schedule import Schedule
from bot.flows.model import Flow, Question
from bot.handoff.hours import Desk
from bot.handoff.risk import RiskClass, RiskRule, RiskSpelling, RiskVeto


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the facts were seen, and when. Seen is not checked: nobody has confirmed them since."""

    title: str
    seen_in_source: str
    checked_on: date | None = None
    recheck_by: date | None = None


class Resource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service, place or group. Conditions belong to the service, not to its organisation (R-094)."""

    id: str
    name: str
    kind: str
    prefecture: str
    municipality: str = ""
    audience: tuple[str, ...] = ()
    summary: str
    atmosphere: str | None = None
    not_needed: str | None = None
    smaller_steps: str | None = None
    age: str | None = None
    residence: str | None = None
    anonymity: str | None = None
    cost: str | None = None
    reservation: str | None = None
    online: bool | None = None
    schedule: Schedule | None = None
    url: str | None = None
    source: Source
    agreement: str = "unknown"
    listed: bool = True


class Hotline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line to call or write to. Without `approved_by` it is shown only if `always` (110 and 119, R-079)."""

    id: str
    name: str
    number: str
    about: str
    always: bool = False
    approved_by: str | None = None
    checked_until: date | None = None


class Article(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something to read, page by page; a page is one bubble. `topics` are what reading lists ask for."""

    id: str
    title: str
    topics: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    pages: tuple[str, ...]
    url: str | None = None
    source: Source | None = None


class Letter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A few words of the season for who asked for letters, in its `months`. It asks nothing (R-085)."""

    id: str
    months: tuple[int, ...]
    text: str


class Service(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How this installation introduces itself, and what it shows when the screen is to be hidden.

    `year_end` is when everything is closed around New Year unless it says otherwise: MM-DD/MM-DD, or `none`.
    People who come by one of `entry_codes` (of posters and links) are counted by it, in total only (R-124); other
    codes as `other`.
    """

    name: str
    place: str
    entry_codes: tuple[str, ...] = ()
    year_end: str = YEAR_END

    def __post_init__(self) -> None:
        check_year_end(self.year_end)


class Texts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Named texts: one or more bubbles each."""

    texts: dict[str, tuple[str, ...]]


class Commands(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that mean the same at every step, by command."""

    commands: dict[str, tuple[str, ...]]


class Stickers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stickers say: a word of ours, by the keywords platforms describe them with."""

    words: dict[str, tuple[str, ...]]


DOCUMENT_TYPES: dict[str, type[msgspec.Struct]] = {
    "service": Service,
    "texts": Texts,
    "commands": Commands,
    "stickers": Stickers,
    "flow": Flow,
    "resource": Resource,
    "desk": Desk,
    "hotline": Hotline,
    "article": Article,
    "letter": Letter,
    "question": Question,
    "risk_spelling": RiskSpelling,
    "risk_class": RiskClass,
    "risk_veto": RiskVeto,
    "risk_rule": RiskRule,
}
"""Every kind of document there is. The name of a document is its `id`, or the kind where there is one only."""

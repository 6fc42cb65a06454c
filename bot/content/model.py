"""Documents as staff write them. None means that nobody has told us yet, and is shown as 未確認 (R-096)."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from bot.content.holidays import YEAR_END, check_year_end
from bot.content.schedule import Schedule
from bot.flows.model import Flow, Query, Question
from bot.handoff.hours import Desk, Shift
from bot.handoff.risk import RiskClass, RiskRule, RiskSpelling, RiskVeto
from bot.handoff.routing import RoutingRule


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the facts were seen, and when. Seen is not checked: nobody has confirmed them since (R-100)."""

    title: str
    seen_in_source: str
    checked_on: date | None = None
    recheck_by: date | None = None


class Age(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Years of age a service is for, both ends included. Without `firm` it is mostly for them (おもに)."""

    least: int | None = None
    most: int | None = None
    firm: bool = True
    words: str = ""


class Residence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may come, by where they live (R-094): residents, prefecture, anyone, outsiders, unknown.

    `outsiders`: made for the town, and open to others.
    """

    rule: str = "unknown"
    words: str = ""


class Senses(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What being there is like (R-039). None: nobody has told us."""

    people: str | None = None
    noise: str | None = None
    light: str | None = None
    silence_is_fine: bool | None = None
    introduction: bool | None = None
    leave_midway: bool | None = None
    watch_only: bool | None = None


class Needs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What being there online takes (R-039). None: nobody has told us; False: it is not needed."""

    face: bool | None = None
    voice: bool | None = None
    name: bool | None = None


class Money(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How money_planning is done (R-057): `form` is one_to_one or class."""

    form: str | None = None
    financial_planner: bool | None = None
    social_worker: bool | None = None


class Resource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service, place or group. Conditions belong to the service, not to its organisation (R-094).

    `readiness`: usable, partial, name_only (known by its name only), not_current. `status`: active, past, ended.
    `audience`: self, family, supporter, community; empty means that nobody has told us (R-063).
    `readings` are of its name and nicknames (`aliases`), to be found by; they are shown to nobody.
    `ways`: phone, text, visit, online, outreach. `interests`: words of `search.INTERESTS` (R-036).
    `roles`: mother, father, sibling, partner; `times`: daytime, evening, weekend (R-054).
    `condition` is the operator's own, shown as such, and never leaves an entry out (R-002).
    `intake` is how many they take now (R-115).
    `agreement` of the operator to be listed: unknown, agreed, declined (R-114).
    """

    id: str
    name: str
    readings: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    kind: str
    also: tuple[str, ...] = ()
    operator: str | None = None
    prefecture: str
    municipality: str = ""
    is_centre: bool = False
    audience: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    interests: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()
    summary: str
    atmosphere: str | None = None
    not_needed: str | None = None
    smaller_steps: str | None = None
    senses: Senses = Senses()
    needs: Needs = Needs()
    age: Age | None = None
    residence: Residence = Residence()
    condition: str | None = None
    anonymity: str | None = None
    cost: str | None = None
    reservation: str | None = None
    hours: str | None = None
    venue: str | None = None
    station: str | None = None
    bring: str | None = None
    money: Money | None = None
    schedule: Schedule | None = None
    url: str | None = None
    mail: str | None = None
    phone: str | None = None
    intake: str | None = None
    uncertain: tuple[str, ...] = ()
    source: Source
    owner: str = ""
    readiness: str = "usable"
    status: str = "active"
    agreement: str = "unknown"
    said_by_operator: str | None = None
    paused: bool = False

    @property
    def is_told(self) -> bool:
        """Whether a person who asks by name is told of it: always, unless its operator wants no listing."""
        return not self.paused and self.agreement != "declined"

    @property
    def is_listed(self) -> bool:
        """Whether it may be shown as something to go to."""
        return self.is_told and self.status == "active" and self.readiness in ("usable", "partial")

    @property
    def kinds(self) -> tuple[str, ...]:
        return (self.kind, *self.also)


class Hotline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line to call or write to (R-079). `always` (110 and 119) needs no approval; others need two people's.

    `hours` are told as they are written, and `shifts` say when it is open now; `ways`: phone, text, app.
    """

    id: str
    name: str
    number: str
    about: str
    hours: str | None = None
    charge: str | None = None
    shifts: tuple[Shift, ...] = ()
    ways: tuple[str, ...] = ("phone",)
    limits: str | None = None
    url: str | None = None
    always: bool = False
    source: str = ""
    proposed_by: str | None = None
    approved_by: str | None = None
    checked_until: date | None = None

    def is_approved(self, today: date) -> bool:
        """Approved by a second person, and looked at recently enough."""
        two = None not in (self.proposed_by, self.approved_by) and self.proposed_by != self.approved_by
        return two and self.checked_until is not None and self.checked_until >= today


class Borders(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which towns border one; only with a source. `id` and `towns` are written 「岡山県 総社市」 (R-103)."""

    id: str
    towns: tuple[str, ...]
    source: Source


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


class Wishes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What labels and words of a search mean (家族会, 顔も声も名前もなし), and the words people ask with (いつ)."""

    wishes: dict[str, Query] = {}
    asking: tuple[str, ...] = ()


class WordRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that hurt, of one category (N1–N14 and the requirements beside them): why, and what to say instead.

    `patterns` are regular expressions over the text as people see it; `blocks` keeps a text from being published.
    `unless` are official names and quotations in which the words may stand (R-014, R-043).
    """

    id: str
    category: str
    reason: str
    instead: tuple[str, ...] = ()
    patterns: tuple[str, ...]
    unless: tuple[str, ...] = ()
    blocks: bool = True


class Minors(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The operator's policy for who says that they are under 18 (R-084). Age is not asked for it.

    `handoff`: whether people may be asked for; a cry for help always reaches people. `desk`: to which desk they come,
    with its hours; empty as everybody. Guardians are told nothing by us.
    """

    handoff: Literal["open", "closed"] = "open"
    desk: str = ""


class Service(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How this installation introduces itself, and what it shows when the screen is to be hidden.

    `year_end` is when everything is closed around New Year unless it says otherwise: MM-DD/MM-DD, or `none`.
    People who come by one of `entry_codes` (of posters and links) are counted by it, in total only (R-124); other
    codes as `other`. Staff write `unanswered` times without an answer, and again after `again_after_days` (R-028).
    """

    name: str
    place: str
    entry_codes: tuple[str, ...] = ()
    year_end: str = YEAR_END
    unanswered: int = 1
    again_after_days: int = 14
    minors: Minors = Minors()

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
    "routing_rule": RoutingRule,
    "hotline": Hotline,
    "borders": Borders,
    "word_rule": WordRule,
    "wishes": Wishes,
    "article": Article,
    "letter": Letter,
    "question": Question,
    "risk_spelling": RiskSpelling,
    "risk_class": RiskClass,
    "risk_veto": RiskVeto,
    "risk_rule": RiskRule,
}
"""Every kind of document there is. The name of a document is its `id`, or the kind where there is one only."""

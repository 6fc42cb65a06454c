"""A release, ready to be played: all documents typed, indexed and compiled. Pure and immutable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from bot.content.agenda import Agenda, agenda_of
from bot.content.cards import hotline_line, place_card
from bot.content.event_cards import event_card, fits, hours_words, is_past
from bot.content.events import Event, EventSeries
from bot.content.model import Article, Hotline, Letter, Resource, Service, Stickers
from bot.content.reading import articles_on, letter_of
from bot.flows.matching import asks, fold
from bot.flows.model import Flow, Query, Question
from bot.handoff.hours import TOKYO, Desk, is_open, next_opening
from bot.handoff.risk import Rules
from bot.messages import EXIT_LATER, EXIT_PERSON, EXIT_STOP, Card


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A found place or date."""

    id: str
    card: Card


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """Everything one release pins. Build it with `codec.build`."""

    number: int
    service: Service
    texts: Mapping[str, tuple[str, ...]]
    commands: Mapping[str, str]
    stickers: Mapping[str, str]
    flows: Mapping[str, Flow]
    entries: Mapping[str, str]
    desks: tuple[Desk, ...]
    resources: Mapping[str, Resource]
    hotlines: tuple[Hotline, ...]
    rules: Rules
    series: Mapping[str, EventSeries] = field(default_factory=dict)
    events: Mapping[str, Event] = field(default_factory=dict)
    articles: Mapping[str, Article] = field(default_factory=dict)
    letters: tuple[Letter, ...] = ()
    questions: tuple[Question, ...] = ()
    published_at: datetime
    agenda: Agenda = field(init=False)

    def __post_init__(self) -> None:
        agenda = agenda_of(self.resources.values(), self.series.values(), self.events.values())
        object.__setattr__(self, "agenda", agenda)  # frozen, and never other than its documents


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """The latest pack, with the step graphs of older ones: what flows see as their content.

    `base` is the address people reach us by, for what is told as a link.
    """

    latest: Pack
    older: Mapping[int, Pack] = field(default_factory=dict)
    base: str = ""

    @property
    def number(self) -> int:
        return self.latest.number

    @property
    def offers_web(self) -> bool:
        return bool(self.base)

    @property
    def rules(self) -> Rules:
        return self.latest.rules

    def flows(self, release: int) -> Mapping[str, Flow]:
        """The step graph of a release; what is said about safety is always the latest."""
        pinned = self.older.get(release)
        return {**pinned.flows, **safety_flows(self.latest)} if pinned is not None else self.latest.flows

    def entry(self, folded: str) -> str | None:
        return self.latest.entries.get(folded) if folded else None

    def command(self, folded: str) -> str | None:
        return self.latest.commands.get(folded) if folded else None

    def text(self, key: str) -> tuple[str, ...]:
        return self.latest.texts.get(key, ())

    def values(self, now: datetime) -> Mapping[str, str]:
        desk = self.latest.desks[0] if self.latest.desks else None
        values = {"neutral_text": self.text("neutral")[0], "open_lines": _lines(self.latest, now)}
        if self.base:
            values["share_link"] = (
                f"{self.base}/"  # the same for everybody: it says nothing of who passed it on
            )
        if desk is None or not desk.shifts:
            values["human_now_or_not"] = self.text("human_unknown")[0]
            return values
        values["hours"] = hours_words(desk, self.latest.texts)
        opening = next_opening(desk, now)
        if is_open(desk, now):
            values["human_now_or_not"] = self.text("human_open")[0]
        elif opening is not None:
            local = opening.astimezone(TOKYO)
            when = self.text("opening")[0]
            for name, value in (("month", local.month), ("day", local.day), ("hour", local.hour)):
                when = when.replace("{" + name + "}", str(value))
            values["human_now_or_not"] = self.text("human_closed")[0].replace("{opening}", when)
        return values

    def find(self, query: Query, now: datetime) -> tuple[Entry, ...]:
        words = dict(self.latest.texts)
        found = [
            Entry(id=resource.id, card=self._place_card(resource, now))
            for resource in self.latest.resources.values()
            if resource.listed and _fits(resource, query)
        ]
        if not query.dated:
            return tuple(found)
        agenda = self.latest.agenda
        events: list[EventSeries | Event] = [*agenda.series.values(), *agenda.single.values()]
        found += [
            Entry(id=each.id, card=event_card(each, agenda, words, now, base=self.base))
            for each in events
            if each.id not in self.latest.resources and fits(each, query) and not is_past(each, now)
        ]
        coming = {entry.id: agenda.coming(entry.id, now, 1) for entry in found}
        return tuple(
            sorted(found, key=lambda entry: coming[entry.id][0].day if coming[entry.id] else date.max)
        )

    def show(self, entry_id: str, now: datetime) -> Card | None:
        resource = self.latest.resources.get(entry_id)
        if resource is not None:
            return self._place_card(resource, now, full=True) if resource.listed else None
        agenda = self.latest.agenda
        about = agenda.series.get(entry_id) or agenda.single.get(entry_id)
        if about is None:
            return None
        return event_card(about, agenda, dict(self.latest.texts), now, full=True, base=self.base)

    def _place_card(self, resource: Resource, now: datetime, *, full: bool = False) -> Card:
        dates = self.latest.agenda.coming(resource.id, now, 1)
        return place_card(resource, dict(self.latest.texts), dates[0].day if dates else None, full=full)

    def sticker(self, keywords: Sequence[str]) -> str:
        """The word a sticker says, by what describes it: that with the most keywords; empty when none is known."""
        known = self.latest.stickers
        said = Counter(word for keyword in keywords if (word := known.get(fold(keyword))))
        return max(known.values(), key=lambda word: said[word]) if said else ""

    def next_day(self, entry_id: str, now: datetime) -> date | None:
        found = self.latest.agenda.coming(entry_id, now, 1)
        return found[0].day if found else None

    def articles(self, topic: str) -> tuple[Article, ...]:
        return articles_on(self.latest.articles.values(), topic)

    def article(self, article_id: str) -> Article | None:
        return self.latest.articles.get(article_id)

    def letter(self, now: datetime) -> str:
        return letter_of(self.latest.letters, now)

    def question(self, text: str) -> str | None:
        found = (one for one in self.latest.questions if asks(text, one.all, one.unless))
        return next((one.leads_to for one in found), None)

    def facts(self, _now: datetime) -> frozenset[str]:
        return frozenset({"peers"}) if any(desk.peers for desk in self.latest.desks) else frozenset()

    def label(self, choice_id: str) -> str:
        """The words on a button, for the thread; empty when it is not known any more."""
        later, stop, person = self.text("exits")
        fixed = {EXIT_LATER: later, EXIT_STOP: stop, EXIT_PERSON: person}
        if choice_id in fixed:
            return fixed[choice_id]
        flow, _, rest = choice_id.partition("/")
        if flow == "nav":
            return next(iter(self.text(f"nav_{rest}")), "")
        step, _, key = rest.partition("/")
        place = key.partition(".")[0]
        if place[:1] == "r" and place[1:].isdecimal():
            return self.text("see_entry")[0].replace("{n}", place[1:3])
        for pack in (self.latest, *self.older.values()):
            found = pack.flows.get(flow)
            option = found.steps[step].option(key) if found and step in found.steps else None
            if option is not None:
                return option[0]
        return ""


def safety_flows(pack: Pack) -> dict[str, Flow]:
    """The flows the safety cards stand in."""
    targets = [target for key, found in pack.texts.items() if is_safety(key) for target in found]
    names = {target.partition("/")[0] for target in targets}
    return {name: flow for name, flow in pack.flows.items() if name in names}


def is_safety(key: str) -> bool:
    """Whether a named text is the target of a safety card: `safety`, or `safety_` and a category of risk."""
    return key == "safety" or key.startswith("safety_")


def entry_words(flows: Mapping[str, Flow]) -> dict[str, str]:
    """Folded entry word → first step of its flow."""
    return {fold(word): flow.first for flow in flows.values() for word in flow.entry if fold(word)}


def sticker_words(stickers: Stickers) -> dict[str, str]:
    """Folded keyword → the word it speaks for, in the order of the table."""
    return {fold(keyword): word for word, keywords in stickers.words.items() for keyword in keywords}


def _fits(resource: Resource, query: Query) -> bool:
    if query.kinds and resource.kind not in query.kinds:
        return False
    if query.audience and resource.audience and query.audience not in resource.audience:
        return False
    if query.dated and resource.schedule is None:
        return False
    return not query.online or resource.online is True


def _lines(pack: Pack, now: datetime) -> str:
    """The lines that may be told: approved and not expired; 110 and 119 always."""
    today = now.astimezone(TOKYO).date()
    told = (
        line
        for line in pack.hotlines
        if line.always or (line.approved_by and line.checked_until and line.checked_until >= today)
    )
    return "、".join(hotline_line(line) for line in told)

"""A release, ready to be played: all documents typed, indexed and compiled. Pure and immutable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from bot.content.agenda import Agenda, agenda_of
from bot.content.cards import place_card
from bot.content.desks import asked_of, desk_for, facts_of, is_minor, spelled_told, values_of
from bot.content.event_cards import event_card, fits, is_past
from bot.content.events import Event, EventSeries
from bot.content.finding import AREA, INTEREST, KIND, Search
from bot.content.hotlines import open_lines
from bot.content.model import Article, Borders, Hotline, Letter, Resource, Service, Wishes
from bot.content.practice import Practice
from bot.content.reading import articles_on, letter_of
from bot.content.words import WordRules
from bot.flows.content import Found, Hit, Wanted
from bot.flows.matching import Questions, fold
from bot.flows.model import Flow, Query, Question, choice_key
from bot.flows.session import Session
from bot.handoff import waiting
from bot.handoff.forecast import Queued
from bot.handoff.hours import Desk
from bot.handoff.risk import Level, Rules
from bot.handoff.routing import Asked, RoutingRule
from bot.handoff.ticket import Reason
from bot.handoff.waiting import Board, Outlook
from bot.messages import EXIT_LATER, EXIT_PERSON, EXIT_STOP, Card


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
    practices: Mapping[str, Practice] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    routing: tuple[RoutingRule, ...] = ()
    borders: tuple[Borders, ...] = ()
    words: WordRules = field(default_factory=WordRules)
    wishes: Wishes = Wishes()  # noqa: RUF009 - immutable
    published_at: datetime
    agenda: Agenda = field(init=False)
    safety: Mapping[str, Flow] = field(init=False)
    asking: Questions = field(init=False, repr=False, compare=False)
    _made: dict[str, Search] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        agenda = agenda_of(self.resources.values(), self.series.values(), self.events.values())
        object.__setattr__(self, "agenda", agenda)  # frozen, and never other than its documents
        object.__setattr__(self, "safety", safety_flows(self))
        asked = ((one.leads_to, one.all, one.unless) for one in self.questions)
        object.__setattr__(self, "asking", Questions(asked))

    @property
    def search(self) -> Search:
        """The index of the places, made when it is asked for first. Two threads may make it twice, to no harm."""
        if "search" not in self._made:
            made = Search(self.resources, self.borders, self.wishes, self.texts, self.labels())
            self._made["search"] = made
        return self._made["search"]

    def with_flows(self, flows: Mapping[str, Flow]) -> Pack:
        """The same with other flows, for drafts: the index stays, as what is looked for is in the places."""
        return replace(self, flows=flows, entries=entry_words(flows)).with_index(self)

    def with_index(self, other: Pack) -> Pack:
        """This very pack, which takes the index of another with the same places and words."""
        object.__setattr__(self, "_made", other._made)
        return self

    def labels(self) -> frozenset[str]:
        """The words of all buttons: whoever writes one of them names no place."""
        return frozenset(
            w for flow in self.flows.values() for step in flow.steps.values() for w in step.choices
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """The latest pack, with the step graphs of older ones: what flows see as their content.

    `base` is the address people reach us by, for what is told as a link. `samples` shows lines nobody has approved,
    marked as samples: for a demonstration only (R-079). `board` is how it stands with every desk, a moment ago.
    """

    latest: Pack
    older: Mapping[int, Pack] = field(default_factory=dict)
    base: str = ""
    samples: bool = False
    board: Board | None = None

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
        return {**pinned.flows, **self.latest.safety} if pinned is not None else self.latest.flows

    def is_safety(self, flow: str) -> bool:
        return flow in self.latest.safety

    def entry(self, folded: str) -> str | None:
        return self.latest.entries.get(folded) if folded else None

    def command(self, folded: str) -> str | None:
        return self.latest.commands.get(folded) if folded else None

    def text(self, key: str) -> tuple[str, ...]:
        return self.latest.texts.get(key, ())

    def desk_for(self, session: Session | None, reason: Reason, level: Level, now: datetime) -> str:
        desk = self._desk_for(session, reason, level, now)
        return desk.id if desk is not None else ""

    def _desk_for(self, session: Session | None, reason: Reason, level: Level, now: datetime) -> Desk | None:
        asked = self._asked(session, reason, level)
        if is_minor(asked):
            asked = replace(asked, desk=self.latest.service.minors.desk)
        return desk_for(self.latest.desks, self.latest.routing, asked, now)

    def _asked(self, session: Session | None, reason: Reason, level: Level) -> Asked:
        return asked_of(session, self.latest.wishes, self.latest.texts, reason, level)

    def is_closed_to(self, session: Session) -> bool:
        minor = is_minor(self._asked(session, Reason.REQUEST, Level.NONE))
        return minor and self.latest.service.minors.handoff == "closed"

    def outlook(self, desk_id: str, now: datetime, me: Queued | None = None) -> Outlook | None:
        found = next((desk for desk in self.latest.desks if desk.id == desk_id), None)
        return waiting.outlook(found, self.board, now, me) if found is not None else None

    def told(self, outlook: Outlook | None, now: datetime) -> str:
        found = outlook.told if outlook is not None else None
        return spelled_told(self.latest.texts, now, found) if found is not None else ""

    def values(self, now: datetime, session: Session | None = None, known: str = "") -> Mapping[str, str]:
        desk = self._desk_for(session, Reason.REQUEST, Level.NONE, now)
        values = {"neutral_text": self.text("neutral")[0], "open_lines": self._lines(now)}
        if self.base:
            # the same for everybody: it says nothing of who passed it on
            values["share_link"] = f"{self.base}/"
        if desk is None:
            values["human_now_or_not"] = self.text("human_unknown")[0]
            return values
        several = len(self.latest.desks) > 1
        values |= values_of(desk, self.board, self.latest.texts, now, several=several, known=known)
        if is_minor(self._asked(session, Reason.REQUEST, Level.NONE)):
            values["minor_note"] = self.text("minor_note")[0]
        if session is not None and self.is_closed_to(session):
            values = {
                name: value for name, value in values.items() if name not in ("hours", "wait", "expected")
            }
            values["human_now_or_not"] = self.text("minor_closed")[0]
        return values

    def _lines(self, now: datetime) -> str:
        return open_lines(self.latest.hotlines, self.latest.texts, now, samples=self.samples)

    def find(self, query: Query, answers: Mapping[str, str], now: datetime) -> Found:
        found = self.latest.search.find(query, answers, now)
        if not query.dated:
            return found
        agenda, used = self.latest.agenda, {name: answers.get(name, "") for name in query.use}
        events: list[EventSeries | Event] = [*agenda.series.values(), *agenda.single.values()]
        dated = tuple(
            Hit(id=each.id, kind="event")
            for each in events
            if each.id not in self.latest.resources
            and fits(each, query)
            and not is_past(each, now)
            and self.latest.search.lies_in(each, used)
        )
        hits = (*found.hits, *dated)
        coming = {
            hit.id: next((each.day for each in agenda.coming(hit.id, now, 1)), date.max) for hit in hits
        }
        return replace(found, hits=tuple(sorted(hits, key=lambda hit: coming[hit.id])))

    def missing(self, answers: Mapping[str, str]) -> str:
        return self.latest.search.missing(Query(use=(AREA, KIND)), answers)

    def takes(self, answer: str, text: str) -> bool:
        if answer not in (AREA, INTEREST):
            return True
        leads = self.entry(fold(text)) or self.question(text)
        return leads is None and self.latest.search.takes(answer, text)

    def asked(self, text: str) -> Wanted | None:
        return self.latest.search.asked(text)

    def entry_id(self, key: str) -> str | None:
        agenda = self.latest.agenda
        dated = (one for one in (*agenda.series, *agenda.single) if choice_key(one) == key)
        return self.latest.search.entry_id(key) or next(dated, None)

    def card(self, hit: Hit, now: datetime) -> Card | None:
        return self._card(hit.id, now, why=hit.why)

    def show(self, entry_id: str, now: datetime) -> Card | None:
        return self._card(entry_id, now, full=True)

    def _card(self, entry_id: str, now: datetime, *, full: bool = False, why: str = "") -> Card | None:
        agenda, words = self.latest.agenda, self.latest.texts
        resource = self.latest.resources.get(entry_id)
        if resource is not None:
            day = next((each.day for each in agenda.coming(entry_id, now, 1)), None)
            return place_card(resource, words, now, day, full=full, why=why) if resource.is_told else None
        about = agenda.series.get(entry_id) or agenda.single.get(entry_id)
        return event_card(about, agenda, words, now, full=full, base=self.base) if about else None

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
        return self.latest.asking.leads_to(text)

    def facts(self, _now: datetime) -> frozenset[str]:
        return facts_of(self.latest.desks)

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

"""What the public pages show, from a release: entries as they are told in a talk, and no others. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from itertools import islice

from bot.content import areas
from bot.content.agenda import Occurrence
from bot.content.events import Particulars
from bot.content.finding import AREA, INTEREST, KIND, where_of
from bot.content.hotlines import hotline_line, told
from bot.content.pack import Released
from bot.flows.model import Query
from bot.flows.nodes import pages_of
from bot.frozen import dataclass
from bot.handoff.hours import TOKYO
from bot.messages import Card

PAGE = 3  # places, as in a talk
MAX_DATES, MAX_ROUGH, NEXT = 40, 40, 5
ASKED = (AREA, KIND, "who", "word")
MAX_ASKED = 60
WHO = ("self", "family", "supporter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a visitor wants to see; every part may be empty. `kind` is a word of `wishes`."""

    area: str = ""
    kind: str = ""
    who: str = ""
    word: str = ""
    page: int = 1

    @property
    def conditions(self) -> dict[str, str]:
        """What was asked for, as it stands in an address."""
        return {name: value for name in ASKED if (value := getattr(self, name))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A place, group or event; `facts` by the names of their labels, `label_<name>` in the texts, empty if unknown."""

    id: str
    card: Card
    facts: Mapping[str, str]
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One page of what was found. `named` are places known by the name that was asked for, and not to be gone to."""

    entries: tuple[Entry, ...]
    said: tuple[str, ...]
    pages: int
    named: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Diary:
    """Certain days in their order, and what has no certain day. `feed` is the path of the calendar to subscribe to."""

    days: tuple[Occurrence, ...]
    rough: tuple[Entry, ...]
    area: str
    unknown: bool
    feed: str


def asked_of(query: Mapping[str, str], released: Released) -> Asked:
    """What an address asks for; what it cannot mean is left out."""
    wanted = {name: query.get(name, "").strip()[:MAX_ASKED] for name in ASKED}
    if wanted[KIND] not in released.latest.wishes.wishes:
        wanted[KIND] = ""
    if wanted["who"] not in WHO:
        wanted["who"] = ""
    number = query.get("page", "")
    return Asked(
        **wanted, page=int(number) if number.isascii() and number.isdigit() and len(number) < 4 else 1
    )


def shelf(released: Released, asked: Asked, now: datetime) -> Shelf:
    """The places that were asked for, three at a time, of at least two kinds where there are (R-021, R-092)."""
    in_words = dict(wanted.answers) if asked.word and (wanted := released.asked(asked.word)) else {}
    answers = {AREA: asked.area or in_words.get(AREA, ""), KIND: asked.kind or in_words.get(KIND, "")}
    if not in_words.get(AREA):
        answers[INTEREST] = asked.word
    found = released.find(Query(audience=asked.who, use=(AREA, KIND, INTEREST)), answers, now)
    pages = list(pages_of(found.hits, PAGE))
    page = pages[min(asked.page, len(pages)) - 1] if pages and asked.page else []
    entries = [entry(released, hit.id, now, why=hit.why) for hit in page]
    ids = " ".join(value for name, value in in_words.items() if name in ("entry", "found")).split()
    half = [entry(released, one, now) for one in ids[:PAGE] if not released.latest.resources[one].is_listed]
    return Shelf(
        entries=tuple(filter(None, entries)),
        said=found.said,
        pages=len(pages),
        named=tuple(filter(None, half)),
    )


def entry(released: Released, entry_id: str, now: datetime, *, why: str = "") -> Entry | None:
    """One entry in full, if it may be told of; what it is now stands first (R-098, R-100)."""
    card = released.show(entry_id, now)
    if card is None:
        return None
    names: dict[str, str] = {}
    for key, words in released.latest.texts.items():
        if key.startswith("label_"):
            names.setdefault(words[0], key.removeprefix("label_"))
    facts = defaultdict(str, {names.get(label, label): value for label, value in card.facts})
    return Entry(id=entry_id, card=card, facts=facts, why=why)


def coming(released: Released, entry_id: str, now: datetime) -> tuple[Occurrence, ...]:
    """The next certain days of an entry."""
    return released.latest.agenda.coming(entry_id, now, NEXT)


def diary(released: Released, area: str, now: datetime) -> Diary:
    """What takes place in an area; everywhere without one. Rough dates are told in words, never as dates (R-098)."""
    pack, today, answers = released.latest, now.astimezone(TOKYO).date(), {AREA: area}

    def lies_in(about: Particulars) -> bool:
        return pack.search.lies_in(about, answers)

    days = tuple(each for each in pack.agenda.nearest(today, MAX_DATES, lies_in) if not each.is_over(now))
    dated = {each.series for each in days}
    series = (name for name, about in pack.agenda.series.items() if name not in dated and lies_in(about))
    rough = (entry(released, name, now) for name in islice(series, MAX_ROUGH))
    where = where_of(area)
    return Diary(
        days=days,
        rough=tuple(filter(None, rough)),
        area=areas.full_name(where[0]) if where else "",
        unknown=bool(area) and not where,
        feed=_feed(released, where[0] if len(where) == 1 else None),
    )


def _feed(released: Released, area: areas.Area | None) -> str:
    """The calendar of a prefecture or town we tell of; else that of everything."""
    if area is None:
        return "/calendar/area/全国.ics"
    prefecture = areas.prefecture_of(area)
    known = {(one.prefecture, one.municipality) for one in released.latest.resources.values()}
    if not area.is_prefecture and (prefecture.name, area.name) in known:
        return f"/calendar/area/{prefecture.name}/{area.name}.ics"
    told = any(name == prefecture.name for name, _ in known)
    return f"/calendar/area/{prefecture.name if told else '全国'}.ics"


def lines(released: Released, now: datetime) -> list[tuple[str, str]]:
    """The lines that are open now and may be told, each with what it is for (R-079)."""
    words, today = released.latest.texts, now.astimezone(TOKYO).date()
    found = told(released.latest.hotlines, now, samples=released.samples)
    return [
        (hotline_line(one, words, sample=not (one.always or one.is_approved(today))), one.about)
        for one in found
    ]

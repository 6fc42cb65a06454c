"""Desks as content: which one somebody comes to, and what is told of it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from bot.content.areas import full_name
from bot.content.event_cards import hours_words
from bot.content.finding import AREA, where_of
from bot.content.issues import Issue, told
from bot.content.model import Wishes
from bot.flows.scene import LANGUAGES
from bot.flows.session import Session
from bot.handoff import routing, waiting
from bot.handoff.forecast import Queued
from bot.handoff.hours import TOKYO, Desk
from bot.handoff.risk import LEVELS, Level
from bot.handoff.routing import Asked, RoutingRule
from bot.handoff.ticket import Reason
from bot.handoff.waiting import Board, Open, Told

Words = Mapping[str, tuple[str, ...]]
AGE = "age"
PEER = "peer_wishes"
LANGUAGE = "返事の言葉"
TEXTS = frozenset({
    "human_closed", "human_full", "human_nobody", "human_open", "human_unknown", "opening", "wait_hours",
    "wait_minutes", "wait_longer", "wait_again", "read_later", "keeper_away", "keeper_new",
    "desk_new", "follow_up_set", "follow_up_off", "follow_up_called_off", "nav_unfollow",
    "human_later", "told_until", "told_between", "same_day", "wait_until", "wait_between", "wait_hours_minutes",
    "wait_changed", "minor_note", "minor_closed", "state_human_away", "state_promised", "time_of_day",
    "words_hidden", PEER,
    *(f"language_{code}" for code in LANGUAGES),
})  # fmt: skip


def asked_of(
    session: Session | None, wishes: Wishes, words: Words, reason: Reason, level: Level = Level.NONE
) -> Asked:
    """What a person said on their way that a desk can be chosen by: town, age band, whose side, whom they wish for."""
    if session is None:
        return Asked(reason=reason, level=level)
    been = {session.flow, *(place.partition("/")[0] for place in session.trail)}
    where = where_of(session.answers.get(AREA, ""))
    band = wishes.wishes.get(session.answers.get(AGE, ""))
    return Asked(
        area=full_name(where[0]) if len(where) == 1 else "",
        ages=band.age if band is not None else None,
        audience=audience_of(been, words),
        peer=wants_peer(session.answers.values(), words),
        language=language_of(session.answers.get(LANGUAGE, ""), words),
        reason=reason,
        level=level,
    )


ADULT = 18


def is_minor(asked: Asked) -> bool:
    """Whether they said that they are under 18; who did not say is treated as everybody."""
    return asked.ages is not None and asked.ages[1] < ADULT


def audience_of(flows: Collection[str], words: Words) -> str:
    """Whose side somebody comes from, by the flows they came through; empty when they did not say."""
    sides = ("family", "supporter")
    return next((side for side in sides if set(flows) & set(words.get(f"speaker_{side}", ()))), "")


def wants_peer(said: Collection[str], words: Words) -> bool:
    """Whether somebody with such a life of their own was wished for (R-102)."""
    return bool(set(said) & set(words.get(PEER, ())))


def language_of(said: str, words: Words) -> str:
    """The code of a language that was chosen by its name; empty for Japanese, and for none."""
    return next((code for code in LANGUAGES if said in words.get(f"language_{code}", ())), "")


def facts_of(desks: Sequence[Desk]) -> frozenset[str]:
    """What there is at any desk: somebody with experience, somebody for another language."""
    spoken = {f"speaks_{code}" for desk in desks for code in desk.languages if code != "ja"}
    peers = {"peers"} if any(desk.peers for desk in desks) else set[str]()
    return frozenset({*peers, *spoken, *(("languages",) if spoken else ())})


def values_of(
    desk: Desk, board: Board | None, words: Words, now: datetime, *, several: bool, known: str = ""
) -> dict[str, str]:
    """What can be said of a desk now; what is not known is absent (R-070, R-083, R-108). `known`: whom they know."""
    found = {"desk": desk.name} if several else {}
    if desk.shifts:
        found["hours"] = hours_words(desk, words)
    outlook = waiting.outlook(desk, board, now, Queued(opened_at=now, known=known))
    opening = spelled_time(words["opening"][0], outlook.opening) if outlook.opening is not None else ""
    key = f"human_{outlook.state}" if outlook.state is not Open.READING else "human_open"
    if outlook.told is not None:
        found["expected"] = spelled_told(words, now, outlook.told)
        if outlook.told.wait is not None:
            found["wait"] = spelled_wait(words, *outlook.told.wait)
    if outlook.state in (Open.CLOSED, Open.NOBODY) and not opening:
        key = "human_unknown"
    said = words[key][0].replace("{opening}", opening)
    found["human_now_or_not"] = said
    return found


def spelled_told(words: Words, now: datetime, told: Told) -> str:
    """The span that is told: until its end, or between two times."""
    late = spelled(words, now, told.latest)
    if told.earliest <= now:
        return words["told_until"][0].replace("{late}", late)
    early = spelled(words, now, told.earliest)
    if told.earliest.astimezone(TOKYO).date() == told.latest.astimezone(TOKYO).date():
        late = spelled_time(words["same_day"][0], told.latest)
    return words["told_between"][0].replace("{early}", early).replace("{late}", late)


def spelled(words: Words, now: datetime, at: datetime) -> str:
    """A time as it is told: of today the time of day, else with its date."""
    today = at.astimezone(TOKYO).date() == now.astimezone(TOKYO).date()
    return spelled_time(words["time_of_day" if today else "opening"][0], at)


def spelled_time(form: str, at: datetime) -> str:
    local = at.astimezone(TOKYO)
    minute = f"{local.minute}分" if local.minute else ""
    values = (("month", local.month), ("day", local.day), ("hour", local.hour), ("minute", minute))
    for name, value in values:
        form = form.replace("{" + name + "}", str(value))
    return form


def spelled_wait(words: Words, early: timedelta, late: timedelta) -> str:
    """A wait as it is told: up to so long, or from so long to so long."""
    if not early:
        return words["wait_until"][0].replace("{late}", _long(words, late))
    told = words["wait_between"][0].replace("{early}", _long(words, early))
    return told.replace("{late}", _long(words, late))


def _long(words: Words, time: timedelta) -> str:
    hours, minutes = divmod(int(time.total_seconds()) // 60, 60)
    form = "wait_minutes" if not hours else "wait_hours" if not minutes else "wait_hours_minutes"
    return words[form][0].replace("{h}", str(hours)).replace("{n}", str(minutes))


def desk_for(desks: Sequence[Desk], rules: Sequence[RoutingRule], asked: Asked, now: datetime) -> Desk | None:
    """The desk somebody comes to; None only where there is no desk at all."""
    chosen, _ = routing.choose_desk(desks, rules, asked, now)
    return next((desk for desk in desks if desk.id == chosen), None)


def issues(desks: Sequence[Desk], rules: Sequence[RoutingRule], areas: Collection[str]) -> Iterator[Issue]:
    """What would send people nowhere: unknown desks, towns and levels, limits the wrong way round."""
    known = {desk.id for desk in desks}
    for rule in rules:
        path = f"routing_rule/{rule.id}"
        if rule.desk not in known:
            yield Issue(path=f"{path}/desk", message=told("routing_desk", name=rule.desk))
        if rule.least and rule.least not in LEVELS:
            yield Issue(path=f"{path}/least", message=told("routing_level", known="、".join(LEVELS)))
        yield from _about(path, rule.areas, rule.ages, areas)
    for desk in desks:
        yield from _about(f"desk/{desk.id}", desk.areas, desk.ages, areas)
    if desks and all(desk.areas or desk.ages or desk.audience or desk.languages for desk in desks):
        yield Issue(path="desk", message=told("desk_for_all"))


def _about(
    path: str, towns: Sequence[str], ages: tuple[int, int] | None, known: Collection[str]
) -> Iterator[Issue]:
    for town in towns:
        if town not in known:
            yield Issue(path=f"{path}/areas", message=told("border_town", name=town))
    if ages is not None and ages[0] > ages[1]:
        yield Issue(path=f"{path}/ages", message=told("age_order"))

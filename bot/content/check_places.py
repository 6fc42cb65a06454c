"""Issues of places, lines, borders and readings: what is untrue, overdue, or written in words nobody knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from bot.content import areas
from bot.content.check_dates import schedule_issues
from bot.content.issues import Issue, told
from bot.content.model import Hotline, Resource
from bot.content.pack import Pack
from bot.content.search import INTERESTS
from bot.flows.model import Query

VOCABULARY: dict[str, tuple[str, ...]] = {
    "kind": (
        *(
            "ibasho",
            "online_ibasho",
            "consultation_desk",
            "hotline",
            "outreach",
            "family_group",
            "family_class",
        ),
        *("peer_group", "platform", "supporter_training", "work_experience", "money_planning", "magazine"),
        *("portal", "event", "other"),
    ),
    "who": ("self", "family", "supporter", "community"),
    "way": ("phone", "text", "visit", "online", "outreach"),
    "residence": ("residents", "prefecture", "anyone", "outsiders"),
    "sense": ("silence_is_fine", "introduction", "leave_midway", "watch_only"),
    "need": ("face", "voice", "name"),
    "money": ("one_to_one", "class", "financial_planner", "social_worker"),
}
"""Words of content that people are shown in other words: each needs a text `<group>_<word>`."""
WORDS: dict[str, tuple[str, ...]] = {
    "roles": ("mother", "father", "sibling", "partner"),
    "times": ("daytime", "evening", "weekend"),
    "interests": INTERESTS,
    "status": ("active", "past", "ended"),
    "readiness": ("usable", "partial", "name_only", "not_current"),
    "agreement": ("unknown", "agreed", "declined"),
}
MAX_SUMMARY = 120


def place_issues(pack: Pack, today: date | None) -> Iterator[Issue]:
    """Every issue of places and of what belongs to them."""
    for resource in pack.resources.values():
        yield from _resource(f"resource/{resource.id}", resource, today)
    for line in pack.hotlines:
        yield from _hotline(f"hotline/{line.id}", line, today)
    for border in pack.borders:
        for name in (border.id, *border.towns):
            if areas.place(name) is None:
                yield Issue(path=f"borders/{border.id}", message=told("border_town", name=name))
    for word, query in pack.wishes.wishes.items():
        yield from query_issues(f"wishes/{word}", query)


def query_issues(path: str, query: Query) -> Iterator[Issue]:
    """Conditions of a search that no entry could ever meet."""
    audience = (query.audience,) if query.audience else ()
    for field, words, known in (
        ("kinds", query.kinds, VOCABULARY["kind"]),
        ("audience", audience, VOCABULARY["who"]),
        ("ways", query.ways, VOCABULARY["way"]),
        ("without", query.without, VOCABULARY["need"]),
        ("interests", query.interests, WORDS["interests"]),
        ("roles", query.roles, WORDS["roles"]),
        ("times", query.times, WORDS["times"]),
    ):
        for word in words:
            if word not in known:
                message = told("query_word", word=word, field=field, known="、".join(known))
                yield Issue(path=f"{path}/{field}", message=message)


def _resource(path: str, one: Resource, today: date | None) -> Iterator[Issue]:
    if one.id.split() != [one.id]:
        yield Issue(path=path, message=told("id_spaces"))
    if not one.summary.strip():
        yield Issue(path=f"{path}/summary", message=told("summary_empty"))
    if len(one.summary) > MAX_SUMMARY:
        message = told("bubble_length", n=len(one.summary), most=MAX_SUMMARY)
        yield Issue(path=f"{path}/summary", message=message)
    yield from _url(path, one.url)
    yield from _where(path, one)
    yield from _words(path, one)
    if one.age and one.age.least is not None and one.age.most is not None and one.age.least > one.age.most:
        yield Issue(path=f"{path}/age", message=told("age_order"))
    if one.schedule is not None:
        found = schedule_issues(f"{path}/schedule", one.schedule)
        yield from (Issue(path=where, message=message) for where, message in found)
    yield from _freshness(path, one, today)


def _url(path: str, url: str | None) -> Iterator[Issue]:
    if url and url.startswith("http://"):
        yield Issue(path=f"{path}/url", message=told("url_plain"), blocks=False)
    elif url and not url.startswith("https://"):
        yield Issue(path=f"{path}/url", message=told("url"))


def _where(path: str, one: Resource) -> Iterator[Issue]:
    if one.prefecture != areas.NATIONWIDE and areas.area_of(one.prefecture) is None:
        yield Issue(path=f"{path}/prefecture", message=told("prefecture", name=one.prefecture))
    elif one.municipality and areas.area_of(one.prefecture, one.municipality) is None:
        message = told("municipality", prefecture=one.prefecture, name=one.municipality)
        yield Issue(path=f"{path}/municipality", message=message)


def _words(path: str, one: Resource) -> Iterator[Issue]:
    money = (one.money.form,) if one.money and one.money.form else ()
    for field, words, known in (
        ("kind", one.kinds, VOCABULARY["kind"]),
        ("audience", one.audience, VOCABULARY["who"]),
        ("ways", one.ways, VOCABULARY["way"]),
        ("residence", (one.residence.rule,), (*VOCABULARY["residence"], "unknown")),
        ("money", money, ("one_to_one", "class")),
        ("roles", one.roles, WORDS["roles"]),
        ("times", one.times, WORDS["times"]),
        ("interests", one.interests, WORDS["interests"]),
        ("status", (one.status,), WORDS["status"]),
        ("readiness", (one.readiness,), WORDS["readiness"]),
        ("agreement", (one.agreement,), WORDS["agreement"]),
    ):
        yield from _unknown(f"{path}/{field}", words, known)


def _freshness(path: str, one: Resource, today: date | None) -> Iterator[Issue]:
    checked, recheck = one.source.checked_on, one.source.recheck_by
    if checked and recheck and recheck < checked:
        yield Issue(path=f"{path}/source", message=told("dates_order"))
    if checked and not recheck:
        yield Issue(path=f"{path}/source/recheck_by", message=told("recheck_missing"), blocks=False)
    if today and checked and checked > today:
        yield Issue(path=f"{path}/source/checked_on", message=told("checked_in_future"))
    if today and recheck and recheck < today and one.is_listed:
        message = told("stale", day=recheck)
        yield Issue(path=f"{path}/source/recheck_by", message=message, blocks=False)


def _hotline(path: str, line: Hotline, today: date | None) -> Iterator[Issue]:
    if not line.hours:
        yield Issue(path=f"{path}/hours", message=told("hotline_hours"))
    if not line.number.strip():
        yield Issue(path=f"{path}/number", message=told("hotline_number"))
    yield from _unknown(f"{path}/ways", line.ways, ("phone", "text", "app"))
    yield from _url(path, line.url)
    if line.approved_by is None:
        return
    if line.proposed_by in (None, line.approved_by):
        yield Issue(path=f"{path}/approved_by", message=told("hotline_second"))
    if line.checked_until is None:
        yield Issue(path=f"{path}/checked_until", message=told("hotline_until"))
    elif today and line.checked_until < today:
        yield Issue(path=f"{path}/checked_until", message=told("hotline_expired", day=line.checked_until))


def _unknown(path: str, words: Iterable[str], known: tuple[str, ...]) -> Iterator[Issue]:
    for word in words:
        if word not in known:
            yield Issue(path=path, message=told("vocabulary", word=word, known="、".join(known)))

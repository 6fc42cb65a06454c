"""The measures of the report (R-121): how long people waited, what was wished and answered, what is there to find.

There are no others: nothing of work, school, illness or "solved", nothing per person, nothing per counselor (R-122).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction

from bot.content.model import Resource
from bot.flows.effects import Record
from bot.frozen import dataclass
from bot.handoff.risk import Level
from bot.report.periods import Period
from bot.report.suppress import LEAST, Figure, figure, total

Counts = Mapping[date, Mapping[str, int]]
"""How often each name was counted, by the first day of the month."""

CLAIMED, FIRST_REPLY = "claimed", "first_reply"
WISHED, ANSWERED, GAPS, OPENED, ENTERED = (
    "handoffs_wished",
    "handoffs_answered",
    "searches_without_entry",
    "opened",
    "entered",
)
READ = (CLAIMED, FIRST_REPLY, WISHED, ANSWERED, GAPS, OPENED, ENTERED)
"""All counters a report is made of, alone or with what they are `of` behind a slash."""
LEVELS = {Level.EMERGENCY: "emergency", Level.HIGH: "high", Level.CONCERN: "concern", Level.NONE: "none"}
WEIGHTS = {Level.EMERGENCY: 4, Level.HIGH: 3, Level.CONCERN: 2, Level.NONE: 1}
"""How much a conversation weighs on who has it."""
BOUNDS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1440, 2880)
"""Waits are counted in minutes up to these; what is longer is counted as more."""
MORE = "more"
FOR_A_BAND = 10
"""Eight of ten are told of at least so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Waits until the first human reply at a level, in minutes; None where too few waited. A wait is a bound."""

    level: Level
    answered: Figure
    median: int | None = None
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What was listed at the end of a period, by kind; `fresh`: checked, and not yet due to be checked again."""

    by_kind: Mapping[str, int]
    by_area: Mapping[str, int]
    listed: int
    fresh: int
    agreed: int
    dated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A period that is over. `*_before`: the same period of the year before, or None where nothing is known."""

    period: Period
    places: Places
    places_before: Places | None
    uses: Figure
    uses_before: Figure
    opened: Figure
    wished: Figure
    wished_before: Figure
    answered: Figure
    waits: Sequence[Wait]
    load: Figure
    gaps: Mapping[str, Figure]


# --- counting -----------------------------------------------------------------------------------------------------


def claimed(level: Level) -> Record:
    """Somebody took a conversation of this level."""
    return Record(count=CLAIMED, of=LEVELS[level])


def first_reply(level: Level, wait: timedelta) -> Record:
    """The first human reply to a call of this level came after so long."""
    return Record(count=FIRST_REPLY, of=f"{LEVELS[level]}/{_bound(wait)}")


def _bound(wait: timedelta) -> str:
    minutes = wait / timedelta(minutes=1)
    return next((str(bound) for bound in BOUNDS if minutes <= bound), MORE)


# --- telling ------------------------------------------------------------------------------------------------------


def report(period: Period, counts: Counts, places: Places, places_before: Places | None) -> Report:
    """The report of a period that is over, from the counts of it and of the same period a year before."""
    before = period.year_before
    waits = [wait(period, counts, level) for level in LEVELS]
    claims = {level: _one(period, counts, f"{CLAIMED}/{name}") for level, name in LEVELS.items()}
    return Report(
        period=period,
        places=places,
        places_before=places_before,
        uses=_all_of(period, counts, ENTERED),
        uses_before=_all_of(before, counts, ENTERED),
        opened=_all_of(period, counts, OPENED),
        wished=_one(period, counts, WISHED),
        wished_before=_one(before, counts, WISHED),
        answered=_one(period, counts, ANSWERED),
        waits=waits,
        load=total([_weighed(claim, WEIGHTS[level]) for level, claim in claims.items()]),
        gaps=_each_of(period, counts, GAPS),
    )


def wait(period: Period, counts: Counts, level: Level) -> Wait:
    """From the months that make up the number told, so that a wait tells of no month that is not."""
    kind = f"{FIRST_REPLY}/{LEVELS[level]}"
    answered = _all_of(period, counts, kind)
    spread: Counter[int] = Counter()
    for month in answered.months:
        for name, number in counts.get(month, {}).items():
            if name.startswith(f"{kind}/"):
                spread[_minutes(name.rpartition("/")[2])] += number
    several = spread.total()
    if answered.number is None or several < LEAST:
        return Wait(level=level, answered=answered)
    band = several >= FOR_A_BAND
    return Wait(
        level=level,
        answered=answered,
        median=quantile(spread, Fraction(1, 2)),
        low=quantile(spread, Fraction(1, 10)) if band else None,
        high=quantile(spread, Fraction(9, 10)) if band else None,
    )


def quantile(spread: Mapping[int, int], share: Fraction) -> int:
    """The least bound that so large a share waited at most."""
    needed, reached = sum(spread.values()) * share, 0
    for bound in sorted(spread):
        reached += spread[bound]
        if reached >= needed:
            return bound
    return max(spread)


def _minutes(bound: str) -> int:
    return BOUNDS[-1] * 2 if bound == MORE else int(bound)


def _weighed(one: Figure, weight: int) -> Figure:
    if one.number is None:
        return one
    return Figure(one.number * weight, at_least=one.at_least, months=one.months)


def _by_month(counts: Counts, names: Iterable[str]) -> dict[date, int]:
    wanted = frozenset(names)
    return {
        month: sum(number for name, number in counted.items() if name in wanted)
        for month, counted in counts.items()
    }


def _one(period: Period, counts: Counts, name: str) -> Figure:
    return figure(period, _by_month(counts, [name]))


def _all_of(period: Period, counts: Counts, name: str) -> Figure:
    """A counter whatever it is of; its parts are told nowhere, so the sum may be of all of them."""
    names = {
        found
        for counted in counts.values()
        for found in counted
        if found == name or found.startswith(f"{name}/")
    }
    return figure(period, _by_month(counts, names))


def _each_of(period: Period, counts: Counts, name: str) -> dict[str, Figure]:
    """A counter by what it is of. The sum, if any is shown, is one of what is told."""
    names = sorted(
        {
            found
            for counted in counts.values()
            for found in counted
            if found == name or found.startswith(f"{name}/")
        }
    )
    found = {one.removeprefix(name).removeprefix("/"): _one(period, counts, one) for one in names}
    return found or {"": _one(period, counts, name)}


def places(resources: Iterable[Resource], day: date) -> Places:
    """What of the content is listed, by kind and prefecture. Of places, not of people: nothing is held back."""
    listed = [one for one in resources if one.is_listed]
    due = [one.source.recheck_by for one in listed]
    return Places(
        by_kind=dict(Counter(one.kind for one in listed).most_common()),
        by_area=dict(Counter(one.prefecture for one in listed).most_common()),
        listed=len(listed),
        fresh=sum(1 for one in due if one is not None and one >= day),
        agreed=sum(1 for one in listed if one.agreement == "agreed"),
        dated=sum(1 for one in listed if one.schedule is not None),
    )

"""`python -m benchmarks.shifts`: weeks of shifts at one desk, three ways of giving out who is next, in one run.

Arrivals are Poisson by the hour with the published night peak (22–02 h), a conversation lasts 38 minutes on average as
published for 2019; who is next, weights, pauses, boards and told waits are the program's own functions. The same
people with the same words come to each way, drawn from one seed. Assumptions stand in docs/desk.md.
"""

from __future__ import annotations

import argparse
import bisect
import heapq
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean, median

from benchmarks.shifts_svg import drawing
from bot.handoff import routing, waiting
from bot.handoff import ticket as tickets
from bot.handoff.board import board_of, queued
from bot.handoff.forecast import LOOK_BACK, Queued
from bot.handoff.hours import TOKYO, Desk, Shift
from bot.handoff.risk import Level, RiskHit
from bot.handoff.routing import Carrier
from bot.handoff.ticket import Reason, Ticket
from bot.handoff.waiting import Told
from bot.store.staff import Member
from bot.store.tickets import Open

BEGIN = datetime(2026, 10, 5, 9, tzinfo=TOKYO).astimezone(UTC)
SHIFT = timedelta(hours=8)
PEOPLE = (3, 4, 4)  # by day 9–17, in the evening 17–25, by night 1–9
MOST = 5
HOURLY = (9, 7, 4, 2, 1, 1, 1, 1, 2, 2, 3, 3, 3, 3, 3, 3, 4, 4, 5, 6, 7, 8, 11, 12)
"""Arrivals by the hour of the day, as shares: the published peak is 22–02 h."""
A_DAY = (220, 280)
"""What the people here can carry, and more than that."""
LEVELS = ((Level.NONE, 0.80), (Level.CONCERN, 0.12), (Level.HIGH, 0.07), (Level.EMERGENCY, 0.01))
LASTS, SPREAD = 38.0, 0.5  # minutes on average, sigma of the logarithm
DESK = Desk(
    id="main", name="窓口", room=MOST, people=3, minutes_each=38, shift_table=True,
    shifts=(Shift(days="月火水木金土日祝", opens="00:00", closes="24:00"),), year_end="none",
)  # fmt: skip
Policy = Callable[["Desk_", Carrier, list[Carrier]], Ticket | None]


@dataclass(frozen=True, slots=True)
class Arrival:
    """One person who wants a person; every draw that concerns them is made beforehand."""

    at: datetime
    level: Level
    lasts: timedelta
    reply: timedelta
    knows: str | None
    concerns: int


@dataclass(slots=True)
class Counselor:
    staff_id: str
    ends: datetime
    kept: dict[str, Ticket] = field(default_factory=dict)
    paused_until: datetime | None = None


@dataclass(slots=True)
class Seen:
    """What is counted."""

    waits: dict[Level, list[float]] = field(default_factory=lambda: {level: [] for level in Level})
    urgent: int = 0
    late: int = 0
    told: int = 0
    true: int = 0
    near: int = 0
    near_in_minutes: int = 0
    untold: int = 0
    changed: int = 0
    changed_true: int = 0
    claimed: Counter[Level] = field(default_factory=Counter)
    loads: list[int] = field(default_factory=list)
    heaviest: dict[str, int] = field(default_factory=dict)
    carried: dict[str, float] = field(default_factory=dict)


def arrivals(rng: random.Random, shifts: int, a_day: int) -> list[Arrival]:
    """Everybody who comes in this many shifts. Every twentieth day is a day of publicity, with half as many more."""
    found, total = [], sum(HOURLY)
    for hour in range(shifts * 8):
        begins = BEGIN + timedelta(hours=hour)
        local = begins.astimezone(TOKYO)
        rate = a_day * HOURLY[local.hour] / total * (1.5 if local.toordinal() % 20 == 0 else 1.0)
        at = rng.expovariate(rate)
        while at < 1:
            found.append(_arrival(rng, begins + timedelta(hours=at)))
            at += rng.expovariate(rate)
    return found


def _arrival(rng: random.Random, at: datetime) -> Arrival:
    level = rng.choices([level for level, _ in LEVELS], [share for _, share in LEVELS])[0]
    return Arrival(
        at=at,
        level=level,
        lasts=timedelta(minutes=rng.lognormvariate(math.log(LASTS) - SPREAD**2 / 2, SPREAD)),
        reply=timedelta(minutes=rng.uniform(1.5, 6)),
        knows=f"s{rng.randrange(12)}" if rng.random() < 0.3 else None,
        concerns=rng.randrange(1, 4) if level is Level.CONCERN else 0,
    )


class Desk_:  # noqa: N801 - a desk under simulation, beside the content's Desk
    """One desk through all shifts, with one way of giving out who is next."""

    def __init__(self, policy: Policy, people: list[Arrival], shifts: int, seed: int) -> None:
        self.policy, self.people, self.shifts = policy, people, shifts
        self.rng, self.chance = random.Random(seed), random.Random(seed + 1)
        self.now = BEGIN
        self.here: dict[str, Counselor] = {}
        self.waiting: dict[str, Ticket] = {}
        self.told: dict[str, list[Told]] = {}
        self.expected: dict[str, timedelta] = {}
        self.came = [one.at for one in people]
        self.seen = Seen()
        self._heap: list[tuple[datetime, int, Callable[[], None]]] = []
        self._number = 0

    def run(self) -> Seen:
        for number in range(self.shifts):
            self._at(BEGIN + SHIFT * number, lambda n=number: self._shift(n))  # type: ignore[misc]
        for place, one in enumerate(self.people):
            self._at(one.at, lambda p=place: self._comes(p))  # type: ignore[misc]
        end = BEGIN + SHIFT * self.shifts
        while self._heap and self._heap[0][0] <= end:
            self.now, _, happens = heapq.heappop(self._heap)
            happens()
        return self.seen

    def _at(self, when: datetime, happens: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._heap, (when, self._number, happens))

    # --- what happens ---

    def _shift(self, number: int) -> None:
        """The next ones come, in turn; what is not over is passed on to whoever carries least."""
        leaving = list(self.here.values())
        self.here = {staff_id: Counselor(staff_id, ends) for staff_id, _, ends in roster(number)}
        for gone in leaving:
            for ticket in gone.kept.values():
                to = min(self.here.values(), key=lambda one: routing.load_of(one.kept.values()))
                to.kept[ticket.id] = replace(ticket, assignee=to.staff_id)
        for staff_id in self.here:
            self._look_soon(staff_id, number)

    def _look_soon(self, staff_id: str, number: int) -> None:
        pause = timedelta(seconds=self.rng.uniform(20, 90))
        self._at(self.now + pause, lambda: self._looks(staff_id, number))

    def _looks(self, staff_id: str, number: int) -> None:
        me = self.here.get(staff_id)
        if me is None or number != self._number_of_shift():
            return
        if self.waiting:
            carriers = [self._carrier(one) for one in self.here.values()]
            mine = next(one for one in carriers if one.staff_id == staff_id)
            ticket = self.policy(self, mine, carriers)
            if ticket is not None:
                self._takes(me, ticket)
        self._look_soon(staff_id, number)

    def _number_of_shift(self) -> int:
        return (self.now - BEGIN) // SHIFT

    def _comes(self, place: int) -> None:
        one = self.people[place]
        contact = f"{place + 1:032x}"
        hits = tuple(
            RiskHit(rule=f"C{n}", category="x", level=one.level, start=0, end=1) for n in range(one.concerns)
        )
        ticket = tickets.opened(
            None, contact, 1, Reason.REQUEST, one.level, 1, self.now, hits, desk_id=DESK.id
        )
        ticket = replace(ticket, assignee=one.knows)
        if one.level < routing.URGENT:  # in danger nobody is told a time, but where help is at once
            me = Queued(opened_at=self.now, level=one.level, known=one.knows or "")
            outlook = waiting.outlook(DESK, self._board(), self.now, me)
            told = outlook.told
            if told is None or outlook.expected is None:
                self.seen.untold += 1
            else:
                ticket = replace(ticket, promised_at=told.latest)
                self.told[ticket.id] = [told]
                self.expected[ticket.id] = outlook.expected - self.now
                look = max(told.earliest, self.now + (told.latest - self.now) / 2)
                self._at(look, lambda: self._looks_again(ticket.id))
        self.waiting[ticket.id] = ticket

    def _looks_again(self, ticket_id: str) -> None:
        """As `wakes.longer` does: whoever would have to wait longer than they were told is told so, once."""
        ticket = self.waiting.get(ticket_id)
        if ticket is None or ticket.promised_at is None:
            return
        told = waiting.outlook(DESK, self._board(), self.now, queued(_open(ticket))).told
        if told is not None and told.earliest >= ticket.promised_at:
            self.waiting[ticket_id] = replace(ticket, promised_at=told.latest)
            self.told[ticket_id].append(told)

    def _takes(self, me: Counselor, ticket: Ticket) -> None:
        one = self.people[int(ticket.contact_id, 16) - 1]
        del self.waiting[ticket.id]
        claimed = tickets.claim(ticket, me.staff_id, self.now)
        me.kept[ticket.id] = claimed
        waited = self.now - ticket.opened_at
        if ticket.priority >= routing.URGENT:
            self.seen.urgent += 1
            self.seen.late += waited > routing.LIMITS[ticket.priority]
        actual = waited + one.reply
        self.seen.waits[ticket.priority].append(actual.total_seconds() / 60)
        self.seen.claimed[ticket.priority] += 1
        for first in (told := self.told.pop(ticket.id, []))[:1]:
            begin = first.begin if first.wait is None else ticket.opened_at
            early, late = first.wait or (first.earliest - begin, first.latest - begin)
            expected = self.expected.pop(ticket.id)
            self.seen.near += abs(actual - expected) <= expected / 2
            self.seen.near_in_minutes += abs(_minutes(actual) - _minutes(expected)) <= _minutes(expected) / 2
            self.seen.told += 1
            self.seen.true += begin + early <= ticket.opened_at + actual <= begin + late
        for again in told[1:]:
            self.seen.changed += 1
            self.seen.changed_true += again.earliest <= ticket.opened_at + actual <= again.latest
        load = routing.load_of(me.kept.values())
        self.seen.loads.append(load)
        self.seen.heaviest[me.staff_id] = max(load, self.seen.heaviest.get(me.staff_id, 0))
        minutes = one.lasts.total_seconds() / 60 * routing.weight(ticket)
        self.seen.carried[me.staff_id] = self.seen.carried.get(me.staff_id, 0) + minutes
        self._at(self.now + one.lasts, lambda: self._over(ticket.id))

    def _over(self, ticket_id: str) -> None:
        for one in self.here.values():
            ticket = one.kept.pop(ticket_id, None)
            if ticket is not None and ticket.priority >= routing.URGENT:
                one.paused_until = self.now + routing.RED_PAUSE

    # --- as the program sees it ---

    def _carrier(self, one: Counselor) -> Carrier:
        paused = one.paused_until is not None and one.paused_until > self.now
        load = routing.load_of(one.kept.values())
        return Carrier(staff_id=one.staff_id, load=load, most=MOST, paused=paused)

    def _board(self) -> waiting.Board:
        kept = [ticket for one in self.here.values() for ticket in one.kept.values()]
        known = [_open(ticket) for ticket in (*self.waiting.values(), *kept)]
        number = self._number_of_shift()
        shifts = [
            (self._member(staff_id), begins, ends)
            for ahead in (number, number + 1, number + 2)
            for staff_id, begins, ends in roster(ahead)
        ]
        lasts = {DESK.id: timedelta(minutes=DESK.minutes_each)}
        asked = bisect.bisect(self.came, self.now) - bisect.bisect(self.came, self.now - LOOK_BACK)
        return board_of(known, shifts, lasts, self.now, {DESK.id: asked}, self.seen.claimed)

    def _member(self, staff_id: str) -> Member:
        here = self.here.get(staff_id)
        return Member(
            staff_id=staff_id, operator_id="o", login=staff_id, display_name=staff_id, role="counselor",
            most=MOST, paused_until=here.paused_until if here else None,
        )  # fmt: skip


def roster(number: int) -> Iterator[tuple[str, datetime, datetime]]:
    """Who is on duty in a shift: twelve people in turn."""
    begins = BEGIN + SHIFT * number
    first = sum(PEOPLE[n % 3] for n in range(number % 36))
    for place in range(PEOPLE[number % 3]):
        yield f"s{(first + place) % 12}", begins, begins + SHIFT


def _open(ticket: Ticket) -> Open:
    return Open(
        ticket_id=ticket.id, contact_id=ticket.contact_id, desk_id=ticket.desk_id, status=ticket.status,
        priority=ticket.priority, assignee=ticket.assignee, opened_at=ticket.opened_at,
        claimed_at=ticket.claimed_at, promised_at=ticket.promised_at,
    )  # fmt: skip


def by_turn(desk: Desk_, me: Carrier, others: list[Carrier]) -> Ticket | None:
    """The program's own."""
    found = routing.next_for(me, others, desk.waiting.values(), desk.now)
    return found[0] if found else None


def oldest_first(desk: Desk_, me: Carrier, others: list[Carrier]) -> Ticket | None:
    """Who came first; each counselor takes so many chats, whatever they weigh."""
    free = len(desk.here[me.staff_id].kept) < MOST
    return min(desk.waiting.values(), key=lambda one: one.opened_at) if free else None


def at_random(desk: Desk_, me: Carrier, others: list[Carrier]) -> Ticket | None:
    """Anybody of those who wait; so many chats for each."""
    free = len(desk.here[me.staff_id].kept) < MOST
    return desk.chance.choice(sorted(desk.waiting.values(), key=lambda one: one.id)) if free else None


POLICIES: dict[str, Policy] = {"by turn": by_turn, "oldest first": oldest_first, "random": at_random}


def simulate(shifts: int = 200, seed: int = 7, a_day: int = A_DAY[0]) -> dict[str, Seen]:
    """Each way with the same people. The same arguments give the same numbers."""
    people = arrivals(random.Random(seed), shifts, a_day)
    return {name: Desk_(policy, people, shifts, seed).run() for name, policy in POLICIES.items()}


def report(found: dict[str, Seen], shifts: int, a_day: int) -> Iterator[str]:
    """The numbers as a Markdown table, to be read in a terminal and copied into docs."""
    yield f"{shifts} shifts, {a_day} people a day, the same for each way."
    yield "Minutes to the first words of a person: median / 90 % / worst (how many).\n"
    names = list(found)
    yield "| | " + " | ".join(names) + " |"
    yield "|---" * (len(names) + 1) + "|"
    for level in reversed(Level):
        yield _row(level.name.lower(), [_spread(found[name].waits[level]) for name in names])
    yield _row(
        "urgent, and unclaimed past their limit", [f"{found[n].late} of {found[n].urgent}" for n in names]
    )
    yield _row(
        "weight taken on: mean / most", [f"{mean(s.loads):.1f} / {max(s.loads)}" for s in found.values()]
    )
    yield _row("weight × minutes per counselor: most / least", [_ratio(s) for s in found.values()])
    yield _row("told the truth about waiting", [_truth(found[name]) for name in names])
    yield _row("within half of the expected time", [f"{s.near / s.told:.1%}" for s in found.values()])
    whole = [f"{s.near_in_minutes / s.told:.1%}" for s in found.values()]
    yield _row("the same, both in whole minutes", whole)
    yield _row("told of a change before it passed, and right", [_changed(found[name]) for name in names])


def _minutes(time: timedelta) -> int:
    """In whole minutes, as waits are told and felt."""
    return round(time.total_seconds() / 60)


def _row(label: str, cells: list[str]) -> str:
    return f"| {label} | " + " | ".join(cells) + " |"


def _spread(minutes: list[float]) -> str:
    if not minutes:
        return "—"
    ordered = sorted(minutes)
    return (
        f"{median(ordered):.0f} / {ordered[int(len(ordered) * 0.9)]:.0f} / {ordered[-1]:.0f} ({len(ordered)})"
    )


def _ratio(seen: Seen) -> str:
    return f"{max(seen.carried.values()) / min(seen.carried.values()):.2f}"


def _truth(seen: Seen) -> str:
    return f"{seen.true / seen.told:.1%} of {seen.told}, {seen.untold} told none" if seen.told else "—"


def _changed(seen: Seen) -> str:
    return f"{seen.changed_true} of {seen.changed}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shifts", description=__doc__)
    parser.add_argument("--shifts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--a-day", type=int, nargs="+", default=A_DAY, help="people a day; each is a run")
    parser.add_argument("--to", type=Path, help="write the drawings into this folder, as SVG")
    asked = parser.parse_args()
    for a_day in asked.a_day:
        found = simulate(asked.shifts, asked.seed, a_day)
        print(*report(found, asked.shifts, a_day), "", sep="\n")
        if asked.to is not None:
            drawn = drawing({name: seen.waits for name, seen in found.items()})
            (asked.to / f"shifts-{a_day}.svg").write_text(drawn, "utf-8")


if __name__ == "__main__":
    main()

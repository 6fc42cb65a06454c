"""Who can be reached of the staff, by the shift table: whoever is on duty first, at an address of their own.

An address lies sealed and is opened only to tell somebody; everywhere else a target is `staff/` with an id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from bot.errors import SealError
from bot.frozen import dataclass
from bot.store.schema import duties, staff, staff_targets
from bot.store.sealed import Cell, Sealer
from bot.store.staff import ANSWERING, EVERY_DESK, Member

OWN = "staff/"
"""What the target of a member begins with; their id stands behind it."""
SOON = timedelta(hours=12)
"""So far ahead the next person is looked for."""
LEAD = "lead"
Targets = Mapping[str, Sequence[str]]
"""The names of those to be told, by step. A name is a step with a number, never an address."""


@dataclass(frozen=True, slots=True)
class _Reached:
    staff_id: str
    role: str
    desks: str
    shifts: tuple[tuple[datetime, datetime], ...]

    @property
    def target(self) -> str:
        return f"{OWN}{self.staff_id}"

    def serves(self, desk_id: str | None) -> bool:
        return desk_id is None or self.desks == EVERY_DESK or desk_id in self.desks.split()

    def is_on(self, now: datetime) -> bool:
        return any(begins <= now < ends for begins, ends in self.shifts)


@dataclass(frozen=True, slots=True)
class Reach:
    """Everybody of an operator who can be reached, as the shift table stands."""

    people: Sequence[_Reached] = ()

    def steps(self, desk_id: str | None) -> frozenset[str]:
        """Steps that somebody here may stand for, now or at another time."""
        here = [one for one in self.people if one.serves(desk_id)]
        leads = {LEAD} if any(one.role == LEAD for one in here) else set[str]()
        return frozenset({"desk", "next", *leads} if here else ())

    def at(self, step: str, desk_id: str | None, now: datetime) -> list[str]:
        """Who is told at a step: at the desk whoever is on duty; whose shift begins next; leads on duty, else all."""
        here = [one for one in self.people if one.serves(desk_id)]
        leads = [one for one in here if one.role == LEAD]
        match step:
            case "desk":
                found = [one for one in here if one.is_on(now)]
            case "next":
                found = _next(here, now)
            case "lead":
                found = [one for one in leads if one.is_on(now)] or leads
            case _:
                found = []
        return [one.target for one in found]

    def is_there(self, targets: Targets, steps: Sequence[str], desk_id: str | None, now: datetime) -> bool:
        """Whether anybody is there now for any of these steps, by the shift table or by the settings."""
        return any(targets.get(step) or self.at(step, desk_id, now) for step in steps)

    def names(self, targets: Targets, steps: Sequence[str], desk_id: str | None, now: datetime) -> list[str]:
        """Who is told at these steps. Before nobody is, everybody there is."""
        named = {name for step in steps for name in (*self.at(step, desk_id, now), *targets.get(step, ()))}
        return sorted(named or (self.anybody(desk_id) if steps else ()))

    def anybody(self, desk_id: str | None) -> list[str]:
        """Everybody there is for a desk, on duty or not: before nobody at all is told."""
        return [one.target for one in self.people if one.serves(desk_id)]


def _next(here: Sequence[_Reached], now: datetime) -> list[_Reached]:
    coming = [
        (begins, one.staff_id, one)
        for one in here
        if not one.is_on(now)
        for begins, _ in one.shifts
        if begins > now
    ]
    return [min(coming)[2]] if coming else []


def of(connection: Connection, now: datetime) -> dict[str, Reach]:
    """By operator. Who may not sign in any more is reached no more."""
    people = connection.execute(
        select(staff.c.operator_id, staff.c.staff_id, staff.c.role, staff.c.desks)
        .join(staff_targets, staff_targets.c.staff_id == staff.c.staff_id)
        .where(staff.c.disabled_at.is_(None), staff.c.role.in_(ANSWERING))
        .order_by(staff.c.staff_id)
    ).all()
    if not people:
        return {}
    shifts: Mapping[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    listed = select(duties).where(duties.c.ends_at > now, duties.c.begins_at < now + SOON)
    for row in connection.execute(listed):
        shifts[row.staff_id].append((row.begins_at, row.ends_at))
    found: dict[str, list[_Reached]] = defaultdict(list)
    for one in people:
        found[one.operator_id].append(
            _Reached(one.staff_id, one.role, one.desks, tuple(shifts[one.staff_id]))
        )
    return {operator_id: Reach(each) for operator_id, each in found.items()}


def address(connection: Connection, sealer: Sealer, target: str) -> str:
    """Where a member is told; empty when they have no address any more, or it does not open."""
    row = connection.execute(
        select(staff_targets).where(staff_targets.c.staff_id == target.removeprefix(OWN))
    ).first()
    try:
        return sealer.open(_cell(row.operator_id, row.staff_id), row.sealed_target).decode() if row else ""
    except SealError:
        return ""


def keep(connection: Connection, sealer: Sealer, member: Member, where: str) -> None:
    """A member's own address from now on; empty: none."""
    connection.execute(delete(staff_targets).where(staff_targets.c.staff_id == member.staff_id))
    if where:
        sealed = sealer.seal(_cell(member.operator_id, member.staff_id), where.encode())
        values = {"staff_id": member.staff_id, "operator_id": member.operator_id, "sealed_target": sealed}
        connection.execute(insert(staff_targets).values(**values))


def named(connection: Connection, targets: Sequence[str]) -> dict[str, str]:
    """The targets that are members, each with the name they are seen under."""
    ids = [one.removeprefix(OWN) for one in targets if one.startswith(OWN)]
    rows: Any = connection.execute(
        select(staff.c.staff_id, staff.c.display_name).where(staff.c.staff_id.in_(ids))
    )
    return {f"{OWN}{row.staff_id}": f"{OWN}{row.display_name}" for row in rows}


def is_anybody(connection: Connection, operator_id: str) -> bool:
    """Whether there is any address of a member."""
    query = select(staff_targets.c.staff_id).where(staff_targets.c.operator_id == operator_id)
    return connection.execute(query.limit(1)).first() is not None


def _cell(operator_id: str, staff_id: str) -> Cell:
    return Cell(operator_id, "staff_targets", "sealed_target", staff_id)

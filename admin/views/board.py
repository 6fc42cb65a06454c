"""The lead's board: how it stands at every desk now, who is on duty, and what nobody has seen yet (R-109: no ranks)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aiohttp import web
from sqlalchemy import Connection

from admin.guard import session_of
from admin.views import alerts, break_glass, labels, times
from admin.views.pages import Pages
from admin.words import Words, words_of
from bot.handoff.escalation import Kind
from bot.handoff.risk import Level
from bot.handoff.ticket import Status
from bot.store import duties, staff, tickets
from bot.store.queue import PAGE
from bot.store.staff import ANSWERING, Member
from bot.store.tickets import Open, Waiting

if TYPE_CHECKING:
    from admin.app import Console

AHEAD = timedelta(hours=12)
WIDE = 720  # units of the chart for these hours
MOST_BOXES = 24
Shift = tuple[Member, datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the board is drawn from. `loads`: what each member carries, by id, in the weights of routing."""

    open_ones: Sequence[Open]
    here: Sequence[Member]
    everybody: Sequence[Member]
    shifts: Sequence[Shift]
    loads: dict[str, int]


def standing(connection: Connection, operator_id: str, now: datetime) -> Standing:
    """One look at everything, so that the numbers belong together."""
    return Standing(
        open_ones=tickets.open_ones(connection, operator_id),
        here=duties.here(connection, operator_id, now),
        everybody=[one for one in staff.members(connection, operator_id) if one.role in ANSWERING],
        shifts=duties.coming(connection, operator_id, now, now + AHEAD),
        loads=tickets.loads(connection, operator_id),
    )


class BoardPage:
    """The page of the board."""

    def __init__(self, console: Console, pages: Pages) -> None:
        self._console, self._pages = console, pages

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/board", self.show),
            web.post("/debriefs/{debrief:[0-9a-f]{32}}", self.debriefed),
        ]

    async def show(self, request: web.Request) -> web.Response:
        session, t, now = session_of(request), words_of(request), self._console.clock.now()
        member, console = session.member, self._console
        found = await console.database.read(standing, member.operator_id, now)
        unseen = [one for one in await console.alerts.open(member) if one.alert.acknowledged_at is None]
        red = [
            one
            for one in unseen
            if one.alert.kind is Kind.UNCLAIMED and one.alert.level is Level.EMERGENCY and one.ticket_id
        ]
        waiting = {one.ticket.id: one for one in await console.desk.page(member, Status.WAITING)}
        active = (await console.desk.page(member, Status.ACTIVE))[:PAGE]
        accounts = await console.accounts()
        return self._pages.render(
            request,
            "board.html",
            session,
            sentence=sentence(t, found, now),
            red=[
                {**alerts.row(t, now, one), "name": waiting[one.ticket_id].nickname}
                for one in red
                if one.ticket_id in waiting
            ],
            desks=[
                desk_row(t, now, desk_id, name, found)
                for desk_id, name in console.desks()
                if member.serves(desk_id)
            ],
            glasses=[
                break_glass.row(t, now, member, one)
                for one in await console.desk.glasses(member)
                if one.waits(now) or one.is_open(now)
            ],
            debriefs=[
                (one.debrief_id, one.display_name, times.moment(t, now, one.asked_at))
                for one in await console.desk.debriefs(member)
            ],
            active=[active_row(t, now, one, console.desk_name(one.ticket.desk_id)) for one in active],
            alarms=[alerts.row(t, now, one) for one in unseen if one not in red],
            told=alerts.told(t, now, await console.alerts.standing()),
            people=[person(t, now, one, found) for one in found.everybody],
            chart=chart(found.shifts, now),
            gap=gap(t, now, found.shifts),
            entrances=[
                (labels.entrance(t, one.account_id), labels.ailing(t, one) or t("Things arrive."))
                for one in accounts
            ],
        )

    async def debriefed(self, request: web.Request) -> web.Response:
        """The lead has asked a colleague how they are; what was said is theirs (R-110)."""
        await self._console.desk.debriefed(session_of(request).member, request.match_info["debrief"])
        raise web.HTTPSeeOther("/admin/board")


def sentence(t: Words, found: Standing, now: datetime) -> str:
    """How many wait and how many are on duty, in words."""
    waiting = [one for one in found.open_ones if one.status is Status.WAITING]
    red = sum(one.priority is Level.EMERGENCY for one in waiting)
    on_duty = len({member.staff_id for member, begins, _ in found.shifts if begins <= now})
    said = t.count("{n} person is waiting.", "{n} people are waiting.", len(waiting))
    if not waiting:
        said = t("Nobody is waiting.")
    parts = [said, t.count("{n} is on duty.", "{n} are on duty.", on_duty)]
    if red:
        parts.append(t.count("{n} of them is an emergency.", "{n} of them are emergencies.", red))
    return ("" if t.language == "ja" else " ").join(parts)


def desk_row(t: Words, now: datetime, desk_id: str, name: str, found: Standing) -> dict[str, object]:
    """A desk: how many wait, the longest wait of each level, who is on duty, and how much is carried."""
    waiting = [one for one in found.open_ones if one.desk_id == desk_id and one.status is Status.WAITING]
    longest = []
    for level in sorted({one.priority for one in waiting}, reverse=True):
        oldest = min(one.opened_at for one in waiting if one.priority is level)
        longest.append((level, times.waited(t, now, oldest)))
    on_duty = [one for one, begins, _ in found.shifts if begins <= now and one.serves(desk_id)]
    serving = [one for one in found.here if one.serves(desk_id)]
    carried, most = sum(found.loads.get(one.staff_id, 0) for one in serving), sum(one.most for one in serving)
    return {
        "id": desk_id,
        "name": name,
        "waiting": len(waiting),
        "longest": longest,
        "on_duty": len(on_duty),
        "here": len(serving),
        "boxes": boxes(carried, most),
        "load": load(t, carried, most) if serving else t("Nobody is here"),
        "exact": t("{n} of {most}", n=carried, most=most),
    }


def boxes(carried: int, most: int) -> list[bool]:
    """Filled and open boxes; of large teams one box stands for several."""
    shown = min(most, MOST_BOXES)
    filled = round(carried * shown / most) if most else 0
    return [number < filled for number in range(shown)]


def load(t: Words, carried: int, most: int) -> str:
    """How much room there is, in words."""
    left = most - carried
    if left <= 0:
        return t("Full")
    return t("There is room") if left * 2 > most else t("Room for {n} more", n=left)


def active_row(t: Words, now: datetime, one: Waiting, desk: str) -> dict[str, object]:
    """A conversation somebody has."""
    ticket = one.ticket
    return {
        "id": ticket.id,
        "name": one.nickname,
        "level": ticket.priority,
        "keeper": one.keeper or "",
        "desk": desk,
        "since": times.since(t, now, ticket.claimed_at or ticket.opened_at),
    }


def person(t: Words, now: datetime, member: Member, found: Standing) -> tuple[str, str]:
    """Somebody who answers: whether they are here, rest, and how full their hands are. Relief, not a record."""
    if member.paused_until is not None and member.paused_until > now:
        return member.display_name, t("Rests until {time}", time=times.moment(t, now, member.paused_until))
    if all(one.staff_id != member.staff_id for one in found.here):
        return member.display_name, t("Not here")
    return member.display_name, load(t, found.loads.get(member.staff_id, 0), member.most)


def chart(shifts: Sequence[Shift], now: datetime) -> list[dict[str, object]]:
    """A bar for each shift of the next hours: where it begins and how long it is, in units of the chart."""
    per = WIDE / AHEAD.total_seconds()
    found = []
    for number, (member, begins, ends) in enumerate(shifts):
        left = max(0.0, (begins - now).total_seconds() * per)
        right = min(float(WIDE), (ends - now).total_seconds() * per)
        found.append(
            {
                "y": 4 + 30 * number,
                "x": round(left, 1),
                "width": round(right - left, 1),
                "name": member.display_name,
            }
        )
    return found


def gap(t: Words, now: datetime, shifts: Sequence[Shift]) -> str:
    """When nobody is on duty next, in one sentence; empty when somebody always is."""
    covered = now
    for _, begins, ends in sorted(shifts, key=lambda one: one[1]):
        if begins > covered:
            break
        covered = max(covered, ends)
    if covered >= now + AHEAD:
        return ""
    after = min((begins for _, begins, _ in shifts if begins > covered), default=None)
    if after is None:
        return t("From {time} on nobody is on duty.", time=times.moment(t, now, covered))
    return t(
        "From {time} to {until} nobody is on duty.",
        time=times.moment(t, now, covered),
        until=times.moment(t, now, after),
    )

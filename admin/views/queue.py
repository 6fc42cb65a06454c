"""The queue: who waits, who is mine, who rests; and the button to the next person."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from aiohttp import web

from admin.guard import session_of
from admin.views import alerts, labels, times
from admin.views.pages import Pages, Taken
from admin.words import Words, marked, words_of
from bot.errors import NotAllowed, NotFound
from bot.handoff.desk import ANSWERS, SEES_ALL
from bot.handoff.ticket import Status
from bot.store.staff import Member
from bot.store.tickets import Waiting

if TYPE_CHECKING:
    from admin.app import Console

WAITING, MINE, RESTING = "waiting", "mine", "resting"
GROUPS = {WAITING: marked("Waiting"), MINE: marked("Mine"), RESTING: marked("Resting")}


class Queue:
    """The console's front door."""

    def __init__(self, console: Console, pages: Pages) -> None:
        self._console, self._pages = console, pages

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("", self.show),
            web.get("/", self.show),
            web.get("/queue", self.show),
            web.post("/next", self.next),
        ]

    async def show(self, request: web.Request) -> web.Response:
        session = session_of(request)
        member = session.member
        _check_answers(member)
        group = request.query.get("group", WAITING)
        if group not in GROUPS:
            raise NotFound
        found = {name: await self._group(member, name) for name in GROUPS}
        counted = await self._console.desk.counts(member)
        numbers = {name: len(rows) for name, rows in found.items()} | {
            WAITING: counted.get(Status.WAITING, 0)
        }
        t, now = words_of(request), self._console.clock.now()
        ailing = [labels.ailing(t, account) for account in await self._console.accounts() if account.ailment]
        ailing += alerts.told(t, now, await self._console.alerts.standing())
        return self._pages.render(
            request,
            "queue.html",
            session,
            group=group,
            groups=GROUPS,
            numbers=numbers,
            sentence=sentence(t, now, numbers[WAITING], found[WAITING]),
            rows=[row(t, now, group, waiting, self._console) for waiting in found[group]],
            clock=times.moment(t, now, now),
            ailing=ailing,
        )

    async def _group(self, member: Member, group: str) -> list[Waiting]:
        desk = self._console.desk
        match group:
            case "mine":
                return await desk.queue(member, Status.ACTIVE, mine=True)
            case "resting":  # only leads may open what others looked after
                return await desk.queue(member, Status.RESTING, mine=member.role not in SEES_ALL)
            case _:
                return await desk.queue(member, Status.WAITING)

    async def next(self, request: web.Request) -> web.Response:
        """Takes the person whose turn it is; who was taken meanwhile is passed over."""
        member = session_of(request).member
        _check_answers(member)
        found = await self._console.desk.next_for(member)
        raise web.HTTPSeeOther(f"/admin/tickets/{found[0]}#text" if found else "/admin")


async def claimed_by(console: Console, member: Member, ticket_id: str) -> Taken | None:
    """Who has a conversation somebody was first to take; None when it is nobody, or this member."""
    active = await console.desk.queue(member, Status.ACTIVE)
    found = next((waiting for waiting in active if waiting.ticket.id == ticket_id), None)
    if found is None or found.keeper is None or found.ticket.assignee == member.staff_id:
        return None
    return Taken(found.keeper)


def _check_answers(member: Member) -> None:
    if member.role not in ANSWERS:
        raise NotAllowed("Conversations are for counselors.")


def sentence(t: Words, now: datetime, waiting: int, rows: list[Waiting]) -> str:
    """How many wait, and the longest wait, before any number."""
    if not waiting or not rows:
        return t("Nobody is waiting.")
    longest = min(row.ticket.opened_at for row in rows)
    return t.count(
        "{n} person is waiting. Longest wait: {wait}.",
        "{n} people are waiting. Longest wait: {wait}.",
        waiting,
        wait=times.waited(t, now, longest),
    )


def row(t: Words, now: datetime, group: str, waiting: Waiting, console: Console) -> dict[str, object]:
    """A line of the ledger, in words."""
    ticket = waiting.ticket
    at = ticket.claimed_at or ticket.opened_at if group == MINE else ticket.opened_at
    return {
        "id": ticket.id,
        "level": ticket.priority,
        "nickname": waiting.nickname,
        "why": labels.why(t, ticket),
        "wait": times.waited(t, now, at) if group != RESTING else times.moment(t, now, at),
        "since": times.since(t, now, at) if group != RESTING else "",
        "at": times.exact(at),
        "remarks": remarks(t, group, waiting),
        "desk": console.desk_name(ticket.desk_id),
        "entrance": labels.entrance(t, waiting.account_id),
    }


def remarks(t: Words, group: str, waiting: Waiting) -> list[str]:
    """What to know before opening it."""
    said = []
    if not waiting.reachable:
        said.append(t("Receiving is paused on their side"))
    if waiting.keeper and group == WAITING:
        said.append(t("{name} took care of it before", name=waiting.keeper))
    if waiting.keeper and group == RESTING:
        said.append(t("{name} took care of it", name=waiting.keeper))
    if waiting.ticket.wishes and group != RESTING:
        said.append(t("There are wishes for how to go on"))
    return said

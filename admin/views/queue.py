"""The queue: who waits, who is mine, who rests; and the button to the next person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from aiohttp import web

from admin.access import HOME
from admin.guard import session_of
from admin.views import alerts, labels, times
from admin.views.ledger import MINE, RESTING, TEAM, WAITING, Ledger
from admin.views.pages import Pages, Taken
from admin.views.telling import news
from admin.words import Words, marked, words_of
from bot.errors import NotFound
from bot.handoff.desk import SEES_ALL
from bot.handoff.ticket import Status
from bot.store import scheduled
from bot.store.queue import PAGE, Numbers, Place
from bot.store.staff import Member
from bot.store.tickets import Waiting

if TYPE_CHECKING:
    from admin.app import Console

GROUPS = {
    WAITING: marked("Waiting"),
    MINE: marked("Mine"),
    TEAM: marked("Team"),
    RESTING: marked("Resting"),
}
FILTERS = ("desk", "entrance")


class Queue:
    """The console's front door."""

    def __init__(self, console: Console, pages: Pages) -> None:
        self._console, self._pages = console, pages
        self._ledger = Ledger(pages.piece("_ledger.html", "line"), console.desk_name)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("", self.front),
            web.get("/", self.front),
            web.get("/queue", self.show),
            web.post("/next", self.next),
        ]

    async def front(self, request: web.Request) -> web.Response:
        """The first page of a member: the queue, unless they do not answer people."""
        member = session_of(request).member
        if member.role in HOME:
            raise web.HTTPSeeOther(HOME[member.role])
        return await self.show(request)

    async def show(self, request: web.Request) -> web.Response:
        session = session_of(request)
        member = session.member
        group = request.query.get("group", WAITING)
        if group not in GROUPS:
            raise NotFound
        chosen = {name: request.query.get(name, "")[:64] for name in FILTERS}
        found = await self._group(member, group, chosen, place_of(request.query.get("after", "")))
        rows, goes_on = found[:PAGE], len(found) > PAGE
        only = {"desk_id": chosen["desk"], "account_id": chosen["entrance"]}
        numbers = await self._console.desk.numbers(member, **only)
        t, now = words_of(request), self._console.clock.now()
        opens = group != TEAM or member.role in SEES_ALL
        stopped = await self._console.database.read(scheduled.stopped, member.staff_id)
        accounts = await self._console.accounts()
        ailing = [labels.ailing(t, account) for account in accounts if account.ailment]
        ailing += labels.spooled(t, await self._console.spool())
        ailing += labels.kept_too_long(t, late=await self._console.late())
        ailing += alerts.told(t, now, await self._console.alerts.standing())
        return self._pages.render(
            request,
            "queue.html",
            session,
            group=group,
            groups=GROUPS,
            numbers={name: getattr(numbers, name) for name in GROUPS},
            sentence=sentence(t, now, numbers),
            news=await news(self._console, member, newest(numbers)),
            rows=self._ledger.lines(t, now, group, rows, stopped, opens=opens),
            opens=opens,
            ailing=ailing,
            asked=asked(t, len(await self._console.desk.consults(member))),
            filters=self._filters(t, chosen, [account.account_id for account in accounts]),
            address=partial(address, group, chosen),
            further=after(rows[-1]) if goes_on else "",
            begun="after" in request.query,
        )

    def _filters(
        self, t: Words, chosen: Mapping[str, str], accounts: Sequence[str]
    ) -> list[tuple[str, str, list[tuple[str, str, bool]]]]:
        """Name, word and choices of each filter that has something to choose."""
        desks = [(desk_id, name) for desk_id, name in self._console.desks()]
        ways = [(account, labels.entrance(t, account)) for account in sorted(accounts)]
        offered = (("desk", t("Every desk"), desks), ("entrance", t("Every entrance"), ways))
        return [
            (name, word, [(key, said, key == chosen[name]) for key, said in choices])
            for name, word, choices in offered
            if len(choices) > 1 or chosen[name]
        ]

    async def _group(
        self, member: Member, group: str, chosen: Mapping[str, str], place: Place | None
    ) -> list[Waiting]:
        page = partial(
            self._console.desk.page,
            member,
            desk_id=chosen["desk"],
            account_id=chosen["entrance"],
            after=place,
        )
        match group:
            case "mine":
                return await page(Status.ACTIVE, mine=True)
            case "team":
                return await page(Status.ACTIVE, team=True)
            case "resting":  # only leads may open what others looked after
                return await page(Status.RESTING, mine=member.role not in SEES_ALL)
            case _:
                return await page(Status.WAITING)

    async def next(self, request: web.Request) -> web.Response:
        """Takes the person whose turn it is; who was taken meanwhile is passed over."""
        member = session_of(request).member
        found = await self._console.desk.next_for(member)
        raise web.HTTPSeeOther(f"/admin/tickets/{found[0]}#text" if found else "/admin")


def asked(t: Words, number: int) -> str:
    """That colleagues ask this member something; empty when nobody does."""
    if not number:
        return ""
    return t.count("A colleague asks you something ({n})", "Colleagues ask you something ({n})", number)


async def claimed_by(console: Console, member: Member, ticket_id: str) -> Taken | None:
    """Who has a conversation somebody was first to take; None when it is nobody, or this member."""
    active = await console.desk.queue(member, Status.ACTIVE)
    found = next((waiting for waiting in active if waiting.ticket.id == ticket_id), None)
    if found is None or found.keeper is None or found.ticket.assignee == member.staff_id:
        return None
    return Taken(found.keeper)


def address(group: str, chosen: Mapping[str, str], /, **changed: str) -> str:
    """The queue with these things changed: all that is chosen stands in the address."""
    wanted = {"group": "" if group == WAITING else group, **chosen, **changed}
    if wanted["group"] == WAITING:
        wanted["group"] = ""
    query = urlencode({name: value for name, value in wanted.items() if value})
    return f"/admin?{query}" if query else "/admin"


def after(last: Waiting) -> str:
    """Where the next page begins, for the address."""
    ticket = last.ticket
    return f"{int(ticket.priority)}-{int(ticket.opened_at.timestamp() * 1000)}-{ticket.id}"


def place_of(said: str) -> Place | None:
    """What `after` wrote; None for the first page. Raises NotFound for anything else."""
    if not said:
        return None
    found = re.fullmatch(r"([0-3])-(\d{1,14})-([0-9a-f]{32})", said)
    if found is None:
        raise NotFound
    opened_at = datetime.fromtimestamp(int(found[2]) / 1000, UTC)
    return Place(priority=int(found[1]), opened_at=opened_at, ticket_id=found[3])


def newest(numbers: Numbers) -> int:
    """When the last of those who wait came, in ms; 0 when nobody waits."""
    return int(numbers.newest.timestamp() * 1000) if numbers.newest is not None else 0


def sentence(t: Words, now: datetime, numbers: Numbers) -> str:
    """How many wait, and the longest wait, before any number."""
    if not numbers.waiting or numbers.oldest is None:
        return t("Nobody is waiting.")
    return t.count(
        "{n} person is waiting. Longest wait: {wait}.",
        "{n} people are waiting. Longest wait: {wait}.",
        numbers.waiting,
        wait=times.waited(t, now, numbers.oldest),
    )

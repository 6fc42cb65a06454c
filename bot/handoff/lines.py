"""The queue as a member of staff sees it: of their desks, without who was refused by the person."""

from __future__ import annotations

from functools import partial

from bot.handoff import routing
from bot.handoff.access import SEES_ALL, Access
from bot.handoff.ticket import Status
from bot.store import queue
from bot.store import tickets as ticket_store
from bot.store.queue import Numbers, Place, Wanted
from bot.store.staff import Member
from bot.store.tickets import Waiting


class Lines(Access):
    """Tickets in their order, by status and group."""

    async def queue(self, member: Member, status: Status, *, mine: bool = False) -> list[Waiting]:
        """Tickets of a status this member may see: of their desks, the most urgent first."""
        assignee = member.staff_id if mine else None
        found = await self._database.read(
            ticket_store.queue, self._sealer, member.operator_id, status, assignee, member.desk_ids
        )
        seen = {one.ticket.id: one for one in found if member.staff_id not in one.ticket.refused}
        if status is not Status.WAITING:
            return list(seen.values())
        order = routing.in_order((one.ticket for one in seen.values()), self._clock.now(), member.staff_id)
        return [seen[ticket.id] for ticket in order]

    async def counts(self, member: Member) -> dict[str, int]:
        return await self._database.read(ticket_store.counts, member.operator_id, member.desk_ids)

    async def page(
        self,
        member: Member,
        status: Status,
        *,
        mine: bool = False,
        team: bool = False,
        desk_id: str = "",
        account_id: str = "",
        after: Place | None = None,
    ) -> list[Waiting]:
        """A page of the queue by keyset; one line more than a page tells that it goes on. `team`: all but mine."""
        wanted = Wanted(
            operator_id=member.operator_id,
            status=status,
            keeper=member.staff_id if mine else "",
            beside=member.staff_id if team else "",
            desks=member.desk_ids,
            desk_id=desk_id,
            account_id=account_id,
        )
        lines: list[Waiting] = []
        while True:
            found = await self._database.read(queue.page, self._sealer, wanted, after, queue.PAGE + 1)
            lines += [one for one in found if member.staff_id not in one.ticket.refused]
            if len(found) <= queue.PAGE or len(lines) > queue.PAGE:
                return lines[: queue.PAGE + 1]
            last = found[-1].ticket
            after = Place(priority=int(last.priority), opened_at=last.opened_at, ticket_id=last.id)

    async def numbers(self, member: Member, *, desk_id: str = "", account_id: str = "") -> Numbers:
        """How many there are in each group."""
        read = partial(
            queue.numbers,
            sees_all=member.role in SEES_ALL,
            desks=member.desk_ids,
            desk_id=desk_id,
            account_id=account_id,
        )
        return await self._database.read(read, member.operator_id, member.staff_id)

"""How it stands with every desk, read a few times a minute so that no message has to wait for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from bot.clock import Clock
from bot.content.library import Library
from bot.errors import StoreUnavailable
from bot.handoff import routing
from bot.handoff.forecast import LOOK_BACK, DeskBoard, Queued, Server, coming_of
from bot.handoff.hours import TOKYO
from bot.handoff.risk import Level
from bot.handoff.ticket import Status
from bot.handoff.waiting import Board
from bot.report.measures import CLAIMED, LEVELS
from bot.store import counts, duties, tickets
from bot.store.database import Database
from bot.store.staff import ANSWERING, Member
from bot.store.tickets import Open

LOOK_EVERY = 10.0  # seconds; a board is told from for two minutes
AHEAD = timedelta(days=8)
COUNTED = timedelta(days=28)
"""So far back the levels of conversations are counted, to know how many go ahead of others."""

log = structlog.get_logger("board")


class Boards:
    """Keeps `library.board` fresh. When the database is away the board grows old, and nothing is told from it."""

    def __init__(self, database: Database, library: Library, clock: Clock, operator_id: str) -> None:
        self._database, self._library, self._clock = database, library, clock
        self._operator_id = operator_id

    async def look(self) -> None:
        try:
            self._library.board = await self._database.read(self._read)
        except StoreUnavailable:
            log.warning("store_unavailable", worker="board")

    def _read(self, connection: Connection) -> Board:
        now = self._clock.now()
        released = self._library.released(connection)
        lasts = {desk.id: timedelta(minutes=desk.minutes_each) for desk in released.latest.desks}
        open_tickets = tickets.open_ones(connection, self._operator_id)
        shifts = duties.coming(connection, self._operator_id, now, now + AHEAD)
        asked = tickets.asked_since(connection, self._operator_id, now - LOOK_BACK)
        return board_of(open_tickets, shifts, lasts, now, asked, self._claimed(connection, now))

    def _claimed(self, connection: Connection, now: datetime) -> dict[Level, int]:
        """How many of each level were taken."""
        last = now.astimezone(TOKYO).date()
        found = counts.between(connection, self._operator_id, last - COUNTED, last, CLAIMED)
        return {level: found.get(name, 0) for level, name in LEVELS.items()}


def board_of(
    open_tickets: Sequence[Open],
    shifts: Sequence[tuple[Member, datetime, datetime]],
    lasts: Mapping[str, timedelta],
    now: datetime,
    asked: Mapping[str, int],
    claimed: Mapping[Level, int],
) -> Board:
    """The board of these open tickets and shifts. `lasts` is how long a conversation goes on at each desk, `asked` how
    many wanted somebody there within `LOOK_BACK`, `claimed` how many of each level were taken in the last weeks."""
    ahead: dict[str, list[Queued]] = defaultdict(list)
    busy: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for one in open_tickets:
        if one.status is Status.WAITING:
            ahead[one.desk_id].append(queued(one))
        elif one.assignee is not None:
            usual = lasts.get(one.desk_id, timedelta())
            until = over((one.claimed_at or now) + usual, usual, now)
            busy[one.assignee].append((until, routing.WEIGHTS[one.priority]))
    found = {}
    for desk_id in lasts:
        servers = tuple(
            Server(
                staff_id=member.staff_id,
                begins=max(begins, member.paused_until or begins),
                ends=ends,
                room=member.most,
                busy=tuple(busy[member.staff_id]) if begins <= now else (),
            )
            for member, begins, ends in shifts
            if member.serves(desk_id) and member.role in ANSWERING
        )
        coming = coming_of(asked.get(desk_id, 0), claimed)
        found[desk_id] = DeskBoard(servers=servers, queue=tuple(ahead[desk_id]), coming=coming)
    return Board(at=now, desks=found)


def queued(one: Open) -> Queued:
    """Somebody of the queue, as far as their turn depends on it."""
    return Queued(
        opened_at=one.opened_at,
        level=one.priority,
        promised_at=one.promised_at,
        known=one.assignee or one.stand_in or "",
        ticket_id=one.ticket_id,
    )


def over(until: datetime, lasts: timedelta, now: datetime) -> datetime:
    """When a conversation may be over: one that goes on longer than usual goes on for half as long again."""
    return until if until > now else now + lasts / 2

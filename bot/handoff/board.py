"""How it stands with every desk, read a few times a minute so that no message has to wait for it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from bot.clock import Clock
from bot.content.library import Library
from bot.errors import StoreUnavailable
from bot.handoff import routing
from bot.handoff.risk import Level
from bot.handoff.ticket import Status
from bot.handoff.waiting import Board, DeskBoard, Server
from bot.store import duties, tickets
from bot.store.database import Database
from bot.store.staff import ANSWERING, Member
from bot.store.tickets import Open

LOOK_EVERY = 10.0  # seconds; a board is told from for two minutes
AHEAD = timedelta(days=8)

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
        return board_of(open_tickets, shifts, lasts, now)


def board_of(
    open_tickets: list[Open],
    shifts: list[tuple[Member, datetime, datetime]],
    lasts: dict[str, timedelta],
    now: datetime,
) -> Board:
    """The board of these open tickets and shifts; `lasts` is how long a conversation goes on at each desk."""
    ahead: dict[str, list[Open]] = defaultdict(list)
    busy: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for one in open_tickets:
        if one.status is Status.WAITING:
            ahead[one.desk_id].append(one)
        elif one.assignee is not None:
            until = (one.claimed_at or now) + lasts.get(one.desk_id, timedelta())
            busy[one.assignee].append(
                (over(until, lasts.get(one.desk_id), now), routing.WEIGHTS[one.priority])
            )
    found = {}
    for desk_id in lasts:
        queue = sorted(ahead[desk_id], key=_order)
        servers = tuple(
            Server(
                begins=max(begins, member.paused_until or begins),
                ends=ends,
                room=member.most,
                busy=tuple(busy[member.staff_id]) if begins <= now else (),
            )
            for member, begins, ends in shifts
            if member.serves(desk_id) and member.role in ANSWERING
        )
        found[desk_id] = DeskBoard(
            servers=servers, ahead=tuple(routing.WEIGHTS[one.priority] for one in queue)
        )
    return Board(at=now, desks=found)


def _order(one: Open) -> tuple[int, datetime]:
    return (-int(one.priority) if one.priority >= Level.HIGH else 0, one.opened_at)


def over(until: datetime, lasts: timedelta | None, now: datetime) -> datetime:
    """When a conversation may be over: one that goes on longer than usual goes on for half as long again."""
    return until if until > now else now + (lasts or timedelta()) / 2

"""The console on an aiohttp application: everything under /admin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web
from argon2 import PasswordHasher

from admin.auth import Cookies, Door
from admin.guard import Guard
from admin.live import Streams
from admin.second import SecondFactor
from admin.views.alerts import Alarms
from admin.views.board import BoardPage
from admin.views.break_glass import BreakGlassPages
from admin.views.components import Components
from admin.views.consults import Consults
from admin.views.flows import Flows
from admin.views.handing import Handing
from admin.views.members import Members
from admin.views.noting import Noting
from admin.views.pages import Pages
from admin.views.practice import Practising
from admin.views.queue import Queue
from admin.views.records import Records
from admin.views.report import ReportPage
from admin.views.second import Second
from admin.views.settings import Settings
from admin.views.shifts import Shifts
from admin.views.sign_in import SignIn
from admin.views.status import StatusPage
from admin.views.studio import StudioPages
from admin.views.studio_board import BoardPages
from admin.views.studio_history import HistoryPages
from admin.views.studio_publish import Publishing
from admin.views.thread import Threads
from bot.channels.patience import Delays
from bot.clock import Clock
from bot.content.pack import Released
from bot.flow_editor import FlowEditor
from bot.handoff.alerts import Alerts
from bot.handoff.desk import Desk
from bot.recall import Recalls
from bot.reporting import Reports
from bot.runtime.live import Hub
from bot.runtime.spooling import Kept
from bot.slips import Slips
from bot.store.accounts import Account
from bot.store.audit import Trail
from bot.store.database import Database
from bot.store.sealed import Sealer
from bot.studio import Studio


def _unnamed(_desk_id: str) -> str:
    return ""


def _as_it_is(name: str) -> str:
    return name


def _no_desks() -> Sequence[tuple[str, str]]:
    return ()


def _nothing() -> Released | None:
    return None


async def _no_spool() -> Kept:
    return Kept()


async def _never() -> bool:
    return False


async def _none() -> Sequence[Account]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """What the console stands on. `origin` is the address browsers see it at: passkeys belong to it.

    `service_name` is the operator's name; `desk_name` names a desk by id,
    `kind_name` a kind of place.

    `desks` are ids and names of all desks. `content` is the release at hand: rules, phrases, places.
    `accounts` tells how our accounts are, `spool` how many bytes of events wait there and how many were set aside,
    `late` whether deleting by age has stood still for a day.
    """

    database: Database
    desk: Desk
    alerts: Alerts
    trail: Trail
    reports: Reports
    hub: Hub
    clock: Clock
    operator_id: str
    secure_cookies: bool
    sealer: Sealer
    origin: str = ""
    studio: Studio
    slips: Slips
    recalls: Recalls
    service_name: Callable[[], str]
    flow_editor: FlowEditor
    desk_name: Callable[[str], str] = _unnamed
    kind_name: Callable[[str], str] = _as_it_is
    desks: Callable[[], Sequence[tuple[str, str]]] = _no_desks
    content: Callable[[], Released | None] = _nothing
    accounts: Callable[[], Awaitable[Sequence[Account]]] = _none
    spool: Callable[[], Awaitable[Kept]] = _no_spool
    late: Callable[[], Awaitable[bool]] = _never


def attach(
    app: web.Application,
    console: Console,
    *,
    delays: Delays | None = None,
    second_delays: Delays | None = None,
    hasher: PasswordHasher | None = None,
) -> None:
    """Adds all routes under /admin. Headers of responses (CSP and the like) are set by the application."""
    cookies = Cookies(secure=console.secure_cookies)
    door = Door(
        console.database, console.clock, console.operator_id, delays or Delays(), hasher or PasswordHasher()
    )
    pages = Pages(console.clock, console.service_name)
    streams = Streams(console, door)

    admin = web.Application(middlewares=Guard(door, cookies, pages, console.trail, console.clock).middlewares)
    admin.add_routes(SignIn(pages, door, cookies, streams).routes())
    factors = SecondFactor(console.database, console.sealer, console.clock, console.origin, second_delays)
    second = Second(pages, door, factors, cookies, streams, console.service_name)
    admin.add_routes(second.routes())
    admin.add_routes(Queue(console, pages).routes())
    admin.add_routes(Alarms(console, pages).routes())
    admin.add_routes(Records(console, pages).routes())
    admin.add_routes(BoardPage(console, pages).routes())
    admin.add_routes(StatusPage(console, pages).routes())
    admin.add_routes(Shifts(console, pages).routes())
    admin.add_routes(Members(console, pages, streams).routes())
    admin.add_routes(BreakGlassPages(console, pages).routes())
    admin.add_routes(ReportPage(console, pages).routes())
    admin.add_routes(HistoryPages(console, pages).routes())
    admin.add_routes(StudioPages(console, pages).routes())
    admin.add_routes(BoardPages(console, pages).routes())
    admin.add_routes(Publishing(console, pages).routes())
    admin.add_routes(Threads(console, pages, streams).routes())
    admin.add_routes(Noting(console, pages).routes())
    admin.add_routes(Practising(console, pages).routes())
    admin.add_routes(Handing(console, pages).routes())
    admin.add_routes(Consults(console, pages).routes())
    admin.add_routes(Components(pages, console.clock).routes())
    admin.add_routes(Settings(console, pages, cookies, door, factors, streams).routes())
    admin.add_routes(Flows(console, console.flow_editor, pages).routes())
    admin.add_routes([web.get("/stream", streams.stream, allow_head=False)])
    admin.add_routes([web.get("/static/{name}", pages.static, name="static")])

    async def close(_app: web.Application) -> None:
        await door.close()

    admin.on_shutdown.append(streams.close)
    admin.on_cleanup.append(close)
    app.add_subapp("/admin", admin)

"""The console on an aiohttp application: everything under /admin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web
from argon2 import PasswordHasher

from admin.auth import Cookies, Door
from admin.guard import Guard
from admin.live import Streams
from admin.views.components import Components
from admin.views.pages import Pages
from admin.views.queue import Queue
from admin.views.settings import Settings
from admin.views.sign_in import SignIn
from admin.views.thread import Threads
from bot.channels.patience import Delays
from bot.clock import Clock
from bot.content.pack import Released
from bot.handoff.desk import Desk
from bot.runtime.live import Hub
from bot.store.accounts import Account
from bot.store.database import Database


def _unnamed(_desk_id: str) -> str:
    return ""


def _no_desks() -> Sequence[tuple[str, str]]:
    return ()


def _nothing() -> Released | None:
    return None


async def _none() -> Sequence[Account]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """What the console stands on. `service_name` is the operator's name; `desk_name` names a desk by id.

    `desks` are ids and names of all desks. `content` is the release at hand: rules, phrases, places.
    `accounts` tells how our accounts are.
    """

    database: Database
    desk: Desk
    hub: Hub
    clock: Clock
    operator_id: str
    secure_cookies: bool
    service_name: Callable[[], str]
    desk_name: Callable[[str], str] = _unnamed
    desks: Callable[[], Sequence[tuple[str, str]]] = _no_desks
    content: Callable[[], Released | None] = _nothing
    accounts: Callable[[], Awaitable[Sequence[Account]]] = _none


def attach(
    app: web.Application,
    console: Console,
    *,
    delays: Delays | None = None,
    hasher: PasswordHasher | None = None,
) -> None:
    """Adds all routes under /admin. Headers of responses (CSP and the like) are set by the application."""
    cookies = Cookies(secure=console.secure_cookies)
    door = Door(
        console.database, console.clock, console.operator_id, delays or Delays(), hasher or PasswordHasher()
    )
    pages = Pages(console.clock, console.service_name)
    streams = Streams(console, door)

    admin = web.Application(middlewares=Guard(door, cookies, pages).middlewares)
    admin.add_routes(SignIn(pages, door, cookies, streams).routes())
    admin.add_routes(Queue(console, pages).routes())
    admin.add_routes(Threads(console, pages, streams).routes())
    admin.add_routes(Components(pages, console.clock).routes())
    admin.add_routes(Settings(console, pages, cookies).routes())
    admin.add_routes([web.get("/stream", streams.stream, allow_head=False)])
    admin.add_routes([web.get("/static/{name}", pages.static, name="static")])

    async def close(_app: web.Application) -> None:
        await door.close()

    admin.on_shutdown.append(streams.close)
    admin.on_cleanup.append(close)
    app.add_subapp("/admin", admin)

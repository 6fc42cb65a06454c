"""The composition root: settings in, one web application and its workers out."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import structlog
from aiohttp import hdrs, web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bot.channels.base import Channel
from bot.channels.webchat import sessions
from bot.channels.webchat.backend import Thread
from bot.channels.webchat.page import WebChat
from bot.channels.webhook import Webhooks
from bot.clock import Clock, SystemClock
from bot.config import Settings
from bot.content.library import Library
from bot.content.pack import Released
from bot.errors import ConfigError, StoreUnavailable
from bot.flows import engine
from bot.handoff.desk import Desk
from bot.handoff.hours import TOKYO
from bot.messages import Address, Inbound, Purpose
from bot.runtime.clockwork import Clockwork
from bot.runtime.commit import House
from bot.runtime.delivery import Delivery
from bot.runtime.ingress import Ingress
from bot.runtime.live import Bell, Hub, News
from bot.runtime.metrics import REGISTRY
from bot.runtime.receipts import Receipts
from bot.runtime.turns import Turns
from bot.store import conversations, migrate, outbox, tickets, timeline
from bot.store.body import Body
from bot.store.database import Database
from bot.store.inbox import Accepted
from bot.store.migrate import DEFAULT_OPERATOR
from bot.store.sealed import Sealer
from bot.store.timeline import Line
from bot.talk import Mode

READ_ACCOUNTS = frozenset({sessions.ACCOUNT})
MAX_REQUEST = 1 << 20
TOLD_KINDS = frozenset({Purpose.SAFETY, Purpose.HIDE, Purpose.STOP, Purpose.RECEIPT})
SHUTDOWN = 10.0

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Server": "engawa",
}

log = structlog.get_logger("engawa")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """What this process does; one process does both unless split (`--role`)."""

    web: bool = True
    worker: bool = True


class Engawa:
    """One process of Engawa: everything wired, nothing started."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None, roles: Roles | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.roles = roles or Roles()
        self.operator_id = DEFAULT_OPERATOR
        self.database = Database.open(settings.database_url)
        if self.database.is_sqlite and not (self.roles.web and self.roles.worker):
            raise ConfigError(
                [
                    "--role splits work between processes, which SQLite cannot. Set ENGAWA_DATABASE_URL=postgresql://…"
                ]
            )
        self.sealer = Sealer(settings.keyring)
        self.hub = Hub()
        self.library = Library(self.operator_id)
        self.channels = channels_of(settings)
        self.ingress = Ingress(
            self.database, self.hub, self.library, self.clock, self.sealer, self.operator_id
        )
        self.turns = Turns(self.database, self.hub, self.library, self.clock, self.sealer, self._house)
        self.delivery = Delivery(self.database, self.hub, self.channels, self.clock, self.sealer)
        self.receipts = Receipts(self.database, self.hub, self.channels, self.clock, self.sealer)
        self.clockwork = Clockwork(self.database, self.hub, self.clock)
        self.desk = Desk(self.database, self.hub, self.library, self.clock, self.sealer, self._house)
        self.webhooks = Webhooks(self.channels, self.ingress.accept_all, self.clock)
        self.webchat = WebChat(WebBackend(self), self.clock, secure_cookies=settings.https)
        self._listening: asyncio.Task[None] | None = None
        self._lock: int | None = None

    def _house(self, released: Released) -> House:
        desks = released.latest.desks
        return House(
            sealer=self.sealer,
            route=self.delivery.route_now if self.roles.worker else None,
            read_accounts=READ_ACCOUNTS,
            desk_id=desks[0].id if desks else "",
        )

    # --- start and stop ---

    @property
    def service_name(self) -> str:
        released = self.library.at_hand
        return released.latest.service.place if released is not None else ""

    async def prepare(self, *, alone: bool = True) -> None:
        """Migrations and release 1, safely when several processes start at once; then the port may open.

        `alone` claims a SQLite file for this process: one process serves it.
        """
        if alone and self.database.is_sqlite:
            self._lock = only_one(Path(self.database.url.database or "engawa.db"))
        await asyncio.to_thread(migrate.migrate, self.database.url)
        for _ in range(5):
            with contextlib.suppress(IntegrityError):  # another process published it at the same moment
                await self.database.write(self.library.import_seed, self.clock.now())
                break
        await self.database.read(self.library.released)
        if self._lock is not None:
            await self.database.write(outbox.recover, self.clock.now())

    async def start(self) -> None:
        for channel in self.channels.values():
            await channel.open()
        if not self.database.is_sqlite:
            from bot.store.listen import listen  # psycopg is loaded for PostgreSQL only

            self._listening = asyncio.create_task(listen(self.database.url, self._heard), name="listen")
        if self.roles.worker:
            self.turns.start()
            self.delivery.start()
            self.receipts.start()
            self.clockwork.start()
        log.info("started", web=self.roles.web, worker=self.roles.worker, channels=sorted(self.channels))

    async def stop(self) -> None:
        """Takes nothing new, finishes what is at hand, closes. What is left is pending in the database."""
        self.webchat.streams.close()
        await self.webhooks.close()
        if self.roles.worker:
            await self.clockwork.stop()
            await self.turns.stop()
            await self.delivery.stop()
            await self.receipts.stop()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        for channel in self.channels.values():
            await channel.close()
        await self.database.close()
        if self._lock is not None:
            os.close(self._lock)
        log.info("stopped")

    def _heard(self, topics: set[str]) -> None:
        self.hub.spread(News(topics))

    # --- web ---

    def application(self) -> web.Application:
        """The web application; the console is attached by who composes it further."""
        app = web.Application(client_max_size=MAX_REQUEST, middlewares=[_calm])
        app.on_response_prepare.append(_headers)
        app.router.add_get("/", _to_chat)
        app.router.add_get("/healthz", _healthy)
        app.router.add_get("/readyz", self._ready)
        app.router.add_get("/metrics", _metrics)
        app.add_routes(self.webhooks.routes())
        app.add_routes(self.webchat.routes())
        app.cleanup_ctx.append(self._lifetime)
        return app

    async def _lifetime(self, _app: web.Application) -> AsyncIterator[None]:
        await self.start()
        yield
        await self.stop()

    async def _ready(self, _request: web.Request) -> web.Response:
        """Database, migrations and keys: 200 when all are in order, else 503 with what is not."""
        checks = {"database": "ok", "migrations": "ok", "keys": "ok"}
        try:
            revision = await self.database.read(migrate.current)
            if revision != migrate.HEAD:
                checks["migrations"] = "run `engawa migrate`"
        except StoreUnavailable:
            checks["database"] = "cannot be reached"
        status = 200 if set(checks.values()) == {"ok"} else 503
        return web.json_response(checks, status=status)


class WebBackend:
    """The house, as the web chat sees it."""

    def __init__(self, engawa: Engawa) -> None:
        self._engawa = engawa

    async def accept(self, events: Sequence[Inbound]) -> Sequence[Accepted]:
        return await self._engawa.ingress.accept(events)

    async def thread(self, address: Address, after: int, *, newest: bool = False) -> Thread:
        return await self._engawa.database.read(self._thread, address, after, newest)

    def _thread(self, connection: Connection, address: Address, after: int, newest: bool) -> Thread:
        sealer = self._engawa.sealer
        contact_id = conversations.find(connection, sealer, self._engawa.operator_id, address)
        if contact_id is None:
            return Thread(messages=[], state={"mode": Mode.BOT, "line": self.text("state_bot")}, topic=None)
        loaded = conversations.load(connection, sealer, [contact_id], lock=False)[contact_id]
        lines = timeline.for_person(connection, loaded, after=after, newest=newest)
        mode, ticket = loaded.talk.mode, loaded.talk.ticket
        line = self.text(f"state_{mode}")
        if mode is Mode.HUMAN and ticket is not None:
            line = line.replace("{name}", tickets.keeper(connection, ticket.assignee) or "")
        return Thread(
            messages=[message(one) for one in lines], state={"mode": mode, "line": line}, topic=contact_id
        )

    def listen(self, topic: str) -> AbstractContextManager[Bell]:
        return self._engawa.hub.listen(topic)

    def text(self, key: str) -> str:
        released = self._engawa.library.at_hand
        return "\n\n".join(released.text(key)) if released is not None else ""

    def greeting(self) -> list[dict[str, Any]]:
        released = self._engawa.library.at_hand
        if released is None:
            return []
        now = self._engawa.clock.now()
        reply = engine.begin(released, released.text("start")[0], now).reply
        body = Body(kind="bot", at=now, texts=reply.texts, choices=reply.choices)
        return [message(Line(seq=0, author=timeline.BOT, body=body))]

    def service(self) -> tuple[str, str]:
        released = self._engawa.library.at_hand
        return (released.latest.service.name, released.latest.service.place) if released else ("", "")


def message(line: Line) -> dict[str, Any]:
    """A line of the thread as the web chat's API gives it (docs/contracts.md)."""
    body = line.body
    return {
        "seq": line.seq,
        "from": line.author,
        "kind": body.kind if body.kind in TOLD_KINDS else "",
        "text": "\n\n".join(body.texts),
        "cards": [msgspec.to_builtins(card) for card in body.cards],
        "choices": [{"id": choice.id, "label": choice.label} for choice in body.choices],
        "at": body.at.astimezone(TOKYO).isoformat(timespec="seconds"),
        "name": body.name or None,
    }


def channels_of(settings: Settings) -> dict[str, Channel]:
    """The channels that are configured; a platform's library is loaded only for its own accounts."""
    found: dict[str, Channel] = {}
    if settings.line:
        from bot.channels.line import Line as LineChannel

        for line in settings.line:
            found[line.account] = LineChannel(
                account=line.account,
                channel_secret=line.channel_secret,
                access_token=line.access_token,
                api_base=line.api_base,
            )
    if settings.telegram:
        from bot.channels.telegram import Telegram

        for telegram in settings.telegram:
            found[telegram.account] = Telegram(
                account=telegram.account,
                bot_token=telegram.bot_token,
                secret_token=telegram.secret_token,
                api_base=telegram.api_base,
            )
    return found


def only_one(path: Path) -> int:
    """Holds the database file for this process. Raises ConfigError when another one serves it."""
    handle = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise ConfigError(
            [
                "This SQLite database is served by another process. Stop that one, or use PostgreSQL for several."
            ]
        ) from error
    return handle


@web.middleware
async def _calm(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """No stack trace and no repr ever leaves: an unforeseen error is a plain 500, logged by type and place."""
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except (ConnectionError, asyncio.CancelledError):
        raise
    except StoreUnavailable:
        return web.Response(status=503, headers={"Retry-After": "1"})
    except Exception:
        log.exception("request_failed", route=_route(request))
        return web.Response(status=500)


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else ""


async def _headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")


async def _to_chat(_request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/chat"})


async def _healthy(_request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def _metrics(_request: web.Request) -> web.Response:
    response = web.Response(body=generate_latest(REGISTRY))
    response.headers[hdrs.CONTENT_TYPE] = CONTENT_TYPE_LATEST
    return response

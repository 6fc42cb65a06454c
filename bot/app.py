"""The composition root: settings in, one web application and its workers out."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from pathlib import Path

import structlog
from aiohttp import web
from sqlalchemy.exc import IntegrityError

from bot import alerting, edge
from bot.audit_heads import LOOK_EVERY as HEAD_EVERY
from bot.audit_heads import Heads
from bot.calendar_feed import CalendarFeed
from bot.channels.base import Channel
from bot.channels.webchat import sessions
from bot.channels.webchat.page import WebChat
from bot.channels.webhook import Webhooks
from bot.clock import Clock, SystemClock
from bot.config import Settings
from bot.content.library import Library
from bot.content.pack import Released
from bot.errors import ConfigError, SealError
from bot.fetching import Fetching
from bot.flow_editor import FlowEditor
from bot.frozen import dataclass
from bot.handoff import board, dictionary, relief, replies
from bot.handoff.alerts import Alerts
from bot.handoff.desk import Desk
from bot.public.pages import PublicPages
from bot.publishing import LOOK_EVERY as PLAN_EVERY
from bot.recall import Recalls
from bot.reporting import Reports
from bot.runtime import watch
from bot.runtime.clockwork import Clockwork
from bot.runtime.commit import House
from bot.runtime.delivery import Delivery
from bot.runtime.health import LOOK_EVERY, Vitals
from bot.runtime.ingress import Ingress
from bot.runtime.live import Hub, News
from bot.runtime.metrics import STREAMS
from bot.runtime.moves import Moves
from bot.runtime.receipts import Receipts
from bot.runtime.retention import LOOK_EVERY as RETENTION_LOOK
from bot.runtime.retention import Retention
from bot.runtime.spooling import Spooling
from bot.runtime.turns import Turns
from bot.runtime.watch import Watch
from bot.runtime.wipe import Wipe
from bot.slips import Slips
from bot.store import alert_sends, conversations, migrate, outbox
from bot.store.audit import Trail
from bot.store.claim import only_one
from bot.store.database import Database
from bot.store.migrate import DEFAULT_OPERATOR
from bot.store.sealed import Sealer
from bot.store.spool import Spool
from bot.store.watch import OPERATOR as WATCHED
from bot.studio import Studio
from bot.thread_view import ThreadView

READ_ACCOUNTS = frozenset({sessions.ACCOUNT, watch.ACCOUNT})
MAX_REQUEST = 1 << 20
SHUTDOWN = 10.0

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
        self.sealer = Sealer(settings.keyring, settings.reread)
        self.hub = Hub()
        self.library = Library(self.operator_id, settings.base_url)
        self.channels = channels_of(settings, self._words, self.clock)
        self.ingress = Ingress(
            self.database, self.hub, self.library, self.clock, self.sealer, self.operator_id
        )
        self.spooling = self._spooling()
        self.ingress.spool = self.spooling
        self.turns = Turns(self.database, self.hub, self.library, self.clock, self.sealer, self._house)
        self.vitals = Vitals(self.database, self.hub, self.channels, self.clock, self.operator_id)
        self.ingress.received = self.vitals.received
        self.moves = Moves(
            self.database, self.hub, self.clock, self.sealer, self.operator_id, settings.base_url
        )
        self.delivery = Delivery(
            self.database,
            self.hub,
            self.channels,
            self.clock,
            self.sealer,
            self.vitals,
            complete=self.moves.with_link,
        )
        self.receipts = Receipts(self.database, self.hub, self.channels, self.clock, self.sealer)
        self.wipe = Wipe(
            self.database, self.hub, settings.erasures, self.spooling.erase if self.spooling else None
        )
        self.retention = Retention(self.database, self.hub, self.clock, self.sealer, settings.keeping)
        self.clockwork = Clockwork(self.database, self.hub, self.clock)
        self.trail = Trail(self.database, settings.keyring)
        self.heads = Heads(self.database, self.clock, settings.alerting)
        self.boards = board.Boards(self.database, self.library, self.clock, self.operator_id)
        access = (self.hub, self.library, self.clock, self.sealer, self._house, self.trail)
        self.desk, self.relief = Desk(self.database, *access), relief.Relief(self.database, *access)
        self.desk.open_for = settings.break_glass
        self.alerts = Alerts(
            self.database,
            self.hub,
            self.clock,
            self.operator_id,
            settings.alerting.plan,
            alerting.bearers(settings.alerting, self.channels, self.clock),
            lambda: self.library.at_hand,
            settings.console_url,
            self.sealer,
            alerting.personal(settings.alerting, self.channels, self.clock),
        )
        self.watch = Watch(
            self.database,
            self.hub,
            Ingress(self.database, self.hub, self.library, self.clock, self.sealer, WATCHED),
            self.clock,
            self.sealer,
            self.operator_id,
            settings.alerting.round_every,
            alerting.monitor(settings.alerting),
        )
        self.studio = Studio(self.database, self.library, self.clock, self.operator_id, self.sealer)
        self.recalls = Recalls(self.studio, self.library, self.sealer)
        self.flow_editor = FlowEditor(self.studio, self.database, self.library, self.clock, self.operator_id)
        self.reports = Reports(self.database, self.library, self.clock, self.operator_id)
        self.webhooks = Webhooks(self.channels, self.ingress.accept_all, self.clock)
        self.calendars = CalendarFeed(self.database, self.library, self.clock)
        self.slips = Slips(self.studio, settings.keyring.id_key, settings.base_url)
        self.public = PublicPages(self.database, self.library, self.clock, settings, self.slips)
        self.webchat = WebChat(
            ThreadView(
                self.database, self.hub, self.library, self.ingress, self.clock, self.sealer, self.operator_id
            ),
            self.moves,
            self.clock,
            secure_cookies=settings.https,
            base_url=settings.base_url,
        )
        self.fetching = Fetching(settings, self.channels, self.ingress, self.database, self.clock)
        self._listening: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[bool] | None = None
        self._lock: int | None = None

    def _spooling(self) -> Spooling | None:
        if self.settings.spool is None:
            return None
        spool = Spool(self.settings.spool, self.sealer, self.operator_id)
        to = (self.database, self.hub, self.clock, self.sealer, self.operator_id)
        return Spooling(spool, self.ingress.replay, *to)

    def _house(self, released: Released) -> House:
        desks = released.latest.desks
        return House(
            sealer=self.sealer,
            route=self.delivery.route_now if self.roles.worker else None,
            lease=self.delivery.leases.now,
            read_accounts=READ_ACCOUNTS,
            desk_id=desks[0].id if desks else "",
        )

    # --- start and stop ---

    def desk_name(self, desk_id: str) -> str:
        """The name of a desk, for people."""
        return dict(self.desks()).get(desk_id, "")

    def kind_name(self, kind: str) -> str:
        """The name of a kind of place, for people."""
        return self._words(f"kind_{kind}") or kind

    def desks(self) -> list[tuple[str, str]]:
        """All desks of the content at hand, by id and name."""
        released = self.library.at_hand
        return [(desk.id, desk.name) for desk in (released.latest.desks if released is not None else ())]

    def _words(self, key: str) -> str:
        """A text of the content that is one line, for the channels; empty while there is none."""
        released = self.library.at_hand
        return next(iter(released.text(key)), "") if released is not None else ""

    @property
    def service_name(self) -> str:
        released = self.library.at_hand
        return released.latest.service.place if released is not None else ""

    async def prepare(self, *, alone: bool = True) -> None:
        """Migrations and release 1, safely when several processes start at once; then the port may open. `alone`
        claims a SQLite file for this process: one process serves it."""
        if alone and self.database.is_sqlite and self._lock is None:
            self._lock = only_one(Path(self.database.url.database or "engawa.db"))
        await asyncio.to_thread(migrate.migrate, self.database.url)
        for _ in range(5):
            with contextlib.suppress(IntegrityError):  # another process published it at the same moment
                await self.database.write(self.library.import_seed, self.clock.now())
                break
        await self.database.read(self.library.released)
        try:
            await self.database.read(conversations.open_any, self.sealer)
        except SealError as error:
            problem = (
                "ENGAWA_KEYS or ENGAWA_ID_KEY do not fit this database: known people would be strangers. "
                "Example: the key it was sealed with stays last, ENGAWA_KEYS=new:…,old:…"
            )
            raise ConfigError([problem]) from error
        await self.database.read(self.delivery.leases.learn)
        STREAMS.set_function(lambda: self.webchat.streams.count)
        if self._lock is not None:
            await self.database.write(outbox.recover, self.delivery.leases.now())
            await self.database.write(alert_sends.recover, self.clock.now())

    async def start(self) -> None:
        for channel in self.channels.values():
            await channel.open()
        self.studio.beside.open()
        loop = asyncio.get_running_loop()
        self.library.beside = lambda number: asyncio.run_coroutine_threadsafe(
            self.database.read(self.library.make, number), loop
        )
        if not self.database.is_sqlite:
            from bot.store.listen import listen  # psycopg is loaded for PostgreSQL only

            self._listening = asyncio.create_task(listen(self.database.url, self._heard), name="listen")
        if self.roles.worker:
            self._reading = asyncio.create_task(asyncio.to_thread(dictionary.load, warn=True))
            self.ingress.answer = self.turns.answer
            self.turns.start()
            self.delivery.start()
            self.receipts.start()
            self.wipe.start()
            self.alerts.start()
            self.fetching.start()
        if self.spooling is not None:
            self.spooling.start()
        self.clockwork.every(LOOK_EVERY, self.vitals.look if self.roles.worker else self.vitals.flush)
        self.clockwork.every(LOOK_EVERY, self.alerts.look)
        if self.roles.worker:
            self.clockwork.every(RETENTION_LOOK, self.retention.look)
            self.clockwork.every(HEAD_EVERY, self.heads.look)
            self.clockwork.every(PLAN_EVERY, self.studio.look)
            self.clockwork.every(PLAN_EVERY, self.recalls.look)
            self.clockwork.every(watch.LOOK_EVERY, self.watch.look)
            self.clockwork.every(relief.LOOK_EVERY, self.relief.look)
            self.clockwork.every(replies.LOOK_EVERY, self.desk.send_due)
        self.clockwork.every(board.LOOK_EVERY, self.boards.look)
        self.clockwork.start(works=self.roles.worker)
        log.info("started", web=self.roles.web, worker=self.roles.worker, channels=sorted(self.channels))

    async def stop(self) -> None:
        """Takes nothing new, finishes what is at hand, closes. What is left is pending in the database."""
        self.webchat.streams.close()
        await self.fetching.stop()
        await self.webhooks.close()
        await self.watch.stop()
        await self.clockwork.stop()
        if self.spooling is not None:
            await self.spooling.stop()
        if self.roles.worker:
            await self.turns.stop()
            await self.delivery.stop()
            await self.receipts.stop()
            await self.wipe.stop()
            await self.alerts.stop()
        await self.vitals.keep()
        if self._reading is not None:
            await self._reading
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        await self.alerts.close()
        await self.studio.beside.close()
        for channel in self.channels.values():
            await channel.close()
        await self.moves.close()
        await self.trail.close()
        await self.database.close()
        if self._lock is not None:
            os.close(self._lock)
        log.info("stopped")

    def _heard(self, topics: set[str]) -> None:
        self.hub.spread(News(topics))

    # --- web ---

    def application(self) -> web.Application:
        """The web application; the console is attached by who composes it further."""
        app = web.Application(
            client_max_size=MAX_REQUEST,
            middlewares=edge.around(self.settings.trusted_proxies, self.settings.admin_host),
        )
        app.on_response_prepare.append(edge.headers)
        app.router.add_get("/", edge.to_chat)
        app.router.add_get("/healthz", edge.healthy(self.retention, self.alerts, self.spooling))
        app.router.add_get("/readyz", edge.ready(self.database, self.sealer))
        app.router.add_get("/metrics", edge.metrics)
        for part in (self.webhooks, self.webchat, self.calendars, self.public):
            app.add_routes(part.routes())
        app.cleanup_ctx.append(self._lifetime)
        return app

    async def _lifetime(self, _app: web.Application) -> AsyncIterator[None]:
        await self.start()
        yield
        await self.stop()


def channels_of(
    settings: Settings, words: Callable[[str], str] = lambda _: "", clock: Clock | None = None
) -> dict[str, Channel]:
    """The channels that are configured; a platform's library is loaded only for its own accounts.

    `words` gives them a text of the content by its key.
    """
    found: dict[str, Channel] = {}
    if settings.line:
        from bot.channels.line import Line as LineChannel

        for line in settings.line:
            url = settings.webhook_url(line.account)
            found[line.account] = LineChannel(**asdict(line), words=words, webhook_url=url)
    if settings.telegram:
        from bot.channels.telegram import Telegram

        for telegram in settings.telegram:
            url = settings.webhook_url(telegram.account)
            found[telegram.account] = Telegram(**asdict(telegram), webhook_url=url, clock=clock, words=words)
    return found

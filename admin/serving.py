"""`engawa serve`: the port opens when everything behind it is ready, and closes before the work is put down."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine

import structlog
from aiohttp import web

from bot import logs
from bot.app import Engawa, Roles
from bot.config import Settings
from bot.connections import Runner, places
from bot.errors import ConfigError, StoreUnavailable
from bot.runtime.loop import OUTAGE_WAIT

BACKLOG = 1024
KEEPALIVE = 75.0  # seconds
SHUTDOWN = 5.0  # seconds for open requests
ROLES = {
    "all": Roles(),
    "web": Roles(web=True, worker=False),
    "worker": Roles(web=False, worker=True),
}

GARBAGE = (20_000, 20, 50)
"""Python's own (700, 10, 10) looks through all that lives once in 70,000 new objects: under load, all the time."""

log = structlog.get_logger("engawa")

Ready = Callable[[Engawa], Awaitable[None]]


def run(settings: Settings, *, role: str = "all", allow_http_console: bool = False) -> None:
    """Serves until SIGTERM or SIGINT. Raises ConfigError for what cannot work."""
    if role not in ROLES:
        raise ConfigError([f"--role is {role!r}. Example: --role worker"])
    console = settings.https or settings.on_loopback or allow_http_console
    logs.set_up(settings.log_format)
    forever(serve(settings, ROLES[role], console=console))


def forever(serving: Coroutine[None, None, None]) -> None:
    """Runs a server to its end, on uvloop where there is one: it leaves more of the processor to the turns.

    What is made until the port opens stays for good: nothing of it is looked through for garbage, then or later.
    """
    gc.disable()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serving)


def keep_what_is_made() -> None:
    """What was made until now is not looked through for garbage, and what comes is not all the time."""
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    gc.enable()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        uvloop = importlib.import_module("uvloop")
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def serve(
    settings: Settings, roles: Roles, *, console: bool = True, ready: Ready | None = None
) -> None:
    """One process. `ready` is called once the port is open."""
    listening = bound(settings.host, settings.port) if roles.web else None  # a taken port is told at once
    engawa = Engawa(settings, roles=roles)
    stop = _asked_to_stop()
    while not await _prepared(engawa):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), OUTAGE_WAIT)
            await engawa.database.close()
            return
    most = places()
    engawa.webchat.streams.most = min(
        engawa.webchat.streams.most, most // 2
    )  # the other half is for requests
    runner = Runner(
        application(engawa, console=console),
        most=most,
        access_log=None,  # it would write addresses and query strings
        keepalive_timeout=KEEPALIVE,
        shutdown_timeout=SHUTDOWN,
        handle_signals=False,
    )
    await runner.setup()
    keep_what_is_made()
    try:
        if listening is not None:
            await web.SockSite(runner, listening, backlog=BACKLOG).start()
        if ready is not None:
            await ready(engawa)
        await stop.wait()
    finally:
        engawa.webchat.streams.close()
        await runner.cleanup()


async def _prepared(engawa: Engawa) -> bool:
    """False while the database is away: a machine that starts before its database waits for it."""
    try:
        await engawa.prepare()
    except StoreUnavailable:
        log.warning("store_unavailable", worker="start")
        return False
    return True


def _asked_to_stop() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    return stop


def application(engawa: Engawa, *, console: bool = True) -> web.Application:
    """Channels, web chat and console as one application."""
    app = engawa.application()
    if console:
        from admin.app import Console, attach

        attach(
            app,
            Console(
                database=engawa.database,
                desk=engawa.desk,
                alerts=engawa.alerts,
                trail=engawa.trail,
                reports=engawa.reports,
                hub=engawa.hub,
                clock=engawa.clock,
                operator_id=engawa.operator_id,
                secure_cookies=engawa.settings.https,
                sealer=engawa.sealer,
                origin=engawa.settings.console_url,
                studio=engawa.studio,
                slips=engawa.slips,
                recalls=engawa.recalls,
                flow_editor=engawa.flow_editor,
                service_name=lambda: engawa.service_name,
                desk_name=engawa.desk_name,
                kind_name=engawa.kind_name,
                desks=engawa.desks,
                content=lambda: engawa.library.at_hand,
                accounts=engawa.vitals.known,
                late=engawa.retention.stands_still,
                **({"spool": engawa.spooling.kept} if engawa.spooling is not None else {}),
            ),
        )
    else:
        app.router.add_route("*", "/admin{rest:.*}", _needs_https)
    return app


async def _needs_https(_request: web.Request) -> web.Response:
    return web.Response(
        status=403,
        text="The console is closed over plain http beyond this machine. Set ENGAWA_BASE_URL=https://… "
        "behind a proxy with TLS, or start with --allow-http-console on a closed network.\n",
    )


def bound(host: str, port: int) -> socket.socket:
    """A socket on the address, not yet listening. Raises ConfigError when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ConfigError(
            [f"ENGAWA_PORT {port} on {host} cannot be opened ({error.strerror}). Example: ENGAWA_PORT=8081"]
        ) from error
    listening.setblocking(False)
    return listening

"""What surrounds every request: the caller's true address, calm errors, headers; health and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot.config import Network
from bot.errors import SealError, StoreUnavailable
from bot.handoff.alerts import Alerts, in_words
from bot.runtime.metrics import REGISTRY
from bot.runtime.retention import Retention
from bot.runtime.spooling import Kept, Spooling
from bot.store import conversations, migrate
from bot.store.database import Database
from bot.store.sealed import Sealer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

NOT_KNOWN = {"alerts": "not known", "rounds": "not known"}
SHARED_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types console writing flow"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "X-Permitted-Cross-Domain-Policies": "none",
    "X-DNS-Prefetch-Control": "off",
    "Permissions-Policy": (
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=(), midi=(), "
        "display-capture=(), accelerometer=(), gyroscope=(), magnetometer=(), browsing-topics=()"
    ),
    "Server": "engawa",
}

log = structlog.get_logger("engawa")


def around(proxies: tuple[Network, ...], admin_host: str) -> list[Middleware]:
    """What every request passes, outermost first; where nobody stands before us there is nobody to look behind."""
    before = [behind(proxies)] if proxies else []
    return [*before, *([apart(admin_host)] if admin_host else []), calm]


def behind(proxies: tuple[Network, ...]) -> Middleware:
    """Takes the caller's address from X-Forwarded-For, as far as it was written by trusted proxies (B38).

    The nearest that is not one of ours is the caller; what it, or anybody before it, wrote there is not looked at.
    """

    @web.middleware
    async def forwarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        caller = _address(request.remote or "")
        if caller is None or not _within(caller, proxies):
            return await handler(request)
        for hop in reversed(_hops(request)):
            address = _address(hop)
            if address is None:
                break  # not what a proxy writes: the one that passed it on stands for it
            caller = address
            if not _within(caller, proxies):
                break
        return await handler(request.clone(remote=str(caller)))

    return forwarded


def _hops(request: web.Request) -> list[str]:
    return [
        hop.strip() for value in request.headers.getall("X-Forwarded-For", ()) for hop in value.split(",")
    ]


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _within(address: IPv4Address | IPv6Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def apart(admin_host: str) -> Middleware:
    """The console on a host of its own: it is nowhere else, and there is nothing else there.

    So no fault of a page that strangers write to can reach what staff see (ASVS 3.5.4).
    """

    @web.middleware
    async def on_its_host(request: web.Request, handler: Handler) -> web.StreamResponse:
        path = request.path
        if path in SHARED_PATHS or path.startswith("/chat/static/"):
            return await handler(request)
        at_console = request.host.lower() == admin_host
        if at_console and path == "/":
            return web.Response(status=302, headers={"Location": "/admin"})
        if at_console != (path == "/admin" or path.startswith("/admin/")):
            return web.Response(status=404)
        return await handler(request)

    return on_its_host


@web.middleware
async def calm(
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


async def headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")


async def to_chat(_request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/chat"})


def healthy(retention: Retention, alerts: Alerts, spooling: Spooling | None = None) -> Handler:
    """200 while the process lives. With `?detail`: whether staff can be told, what was forgotten by age, and whether
    events wait in the spool; 503 when nothing was forgotten for a day (B11), or while events wait."""

    async def answer(request: web.Request) -> web.Response:
        if "detail" not in request.query:
            return web.Response(text="ok\n")
        kept = await spooling.kept() if spooling is not None else None
        spool = {"spool": kept.in_words() if kept is not None else "off"}
        try:
            last, telling = await retention.last_run(), in_words(await alerts.standing())
        except StoreUnavailable:
            unknown = {"retention": {"last_run": None, "late": True}, **NOT_KNOWN, **spool}
            return web.json_response(unknown, status=503)
        late = retention.is_late(last)
        told = {"last_run": last.isoformat() if last else None, "late": late}
        well = not late and (kept is None or kept == Kept())
        return web.json_response({"retention": told, **telling, **spool}, status=200 if well else 503)

    return answer


def ready(database: Database, sealer: Sealer) -> Handler:
    """Database, migrations and keys: 200 when all are in order, else 503 with what is not."""

    async def answer(_request: web.Request) -> web.Response:
        checks = {"database": "ok", "migrations": "ok", "keys": "ok"}
        try:
            if await database.read(migrate.current) != migrate.HEAD:
                checks["migrations"] = "run `engawa migrate`"
            else:
                await database.read(conversations.open_any, sealer)
        except StoreUnavailable:
            checks = {"database": "cannot be reached", "migrations": "not known", "keys": "not known"}
        except SealError:
            checks["keys"] = "the stored cells do not open; see `engawa doctor`"
        return web.json_response(checks, status=200 if set(checks.values()) == {"ok"} else 503)

    return answer


async def metrics(_request: web.Request) -> web.Response:
    response = web.Response(body=generate_latest(REGISTRY))
    response.headers[hdrs.CONTENT_TYPE] = CONTENT_TYPE_LATEST
    return response

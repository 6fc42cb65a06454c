"""Who is at the door: passwords, one-time logins, the patience with wrong ones, and sessions by cookie.

The answer to a wrong name and to a wrong password is the same, in words and in time.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import os
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from aiohttp import web
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bot.clock import Clock
from bot.errors import EngawaError
from bot.store import staff
from bot.store.database import Database
from bot.store.staff import Member

HASHERS = 2  # a hash takes 64 MiB and a tenth of a second
MOST_AT_THE_DOOR = 48
MOST_OF_ONE_NETWORK = 6
MAX_LOGIN = 64
MAX_TOKEN = 128
MAX_SECRET = 1_024
TOUCH_AFTER = timedelta(minutes=1)

FIRST_DELAY = 0.5
LONGEST_DELAY = 16.0
FREE_TRIES = 2
FORGOTTEN_AFTER = 15 * 60.0
MOST_REMEMBERED = 10_000

log = structlog.get_logger("staff")


class Busy(EngawaError):
    """Too many are at the door at once; it can be tried again."""


def hash_password(password: str) -> str:
    """How a password lies in the database (argon2id). Takes a tenth of a second: not for the event loop."""
    return PasswordHasher().hash(password)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in member. The token is the cookie's; the database holds its hash only."""

    member: Member
    token: str = field(repr=False)

    @property
    def csrf(self) -> str:
        """What every form of this session carries; nobody else can make it."""
        return hmac.new(self.token.encode(), b"csrf", hashlib.sha256).hexdigest()

    def is_ours(self, csrf: str) -> bool:
        return hmac.compare_digest(self.csrf.encode(), csrf.encode())


@dataclass(slots=True)
class _Tries:
    failures: int = 0
    next_at: float = 0.0


class Delays:
    """A growing wait after wrong sign-ins, per typed name and network, in memory, keyed by a random hash.

    Nobody is ever locked out: the wait has an upper end, and is forgotten after a quarter of an hour.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._now, self._sleep = now, sleep
        self._key = os.urandom(32)
        self._tries: dict[bytes, _Tries] = {}

    async def before(self, login: str, network: str) -> None:
        """Waits this try's turn. Raises Busy when the turn is further away than the longest wait.

        A try counts as wrong until it went well, and tries that come at once queue up: so many in parallel
        learn no more than one after the other.
        """
        now, tries = self._now(), self._recall(login, network) or self._remember(login, network)
        wait = max(0.0, tries.next_at - now)
        if wait > LONGEST_DELAY:
            raise Busy
        tries.failures += 1
        tries.next_at = now + wait + self.delay(tries.failures)
        if wait > 0:
            await self._sleep(wait)

    def succeeded(self, login: str, network: str) -> None:
        """Forgets the wrong tries before this one."""
        self._tries.pop(self._digest(login, network), None)

    @staticmethod
    def delay(failures: int) -> float:
        """Seconds between tries after so many failures."""
        if failures <= FREE_TRIES:
            return 0.0
        return float(min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(failures - FREE_TRIES - 1, 10)))

    def _recall(self, login: str, network: str) -> _Tries | None:
        digest = self._digest(login, network)
        tries = self._tries.get(digest)
        if tries is not None and self._now() - tries.next_at > FORGOTTEN_AFTER:
            del self._tries[digest]
            return None
        return tries

    def _remember(self, login: str, network: str) -> _Tries:
        while len(self._tries) >= MOST_REMEMBERED:
            del self._tries[next(iter(self._tries))]
        return self._tries.setdefault(self._digest(login, network), _Tries(next_at=self._now()))

    def _digest(self, login: str, network: str) -> bytes:
        text = f"{login}\x1f{network}".encode("utf-8", "replace")
        return hashlib.blake2b(text, key=self._key, digest_size=16).digest()


class Door:
    """Lets members in and out."""

    def __init__(
        self, database: Database, clock: Clock, operator_id: str, delays: Delays, hasher: PasswordHasher
    ) -> None:
        self._database, self._clock, self._operator_id = database, clock, operator_id
        self._delays, self._hasher = delays, hasher
        self._threads = ThreadPoolExecutor(HASHERS, thread_name_prefix="password")
        self._room = asyncio.Semaphore(HASHERS)
        self._trying: Counter[str] = Counter()
        self._nobody: str | None = None

    async def enter(self, login: str, secret: str, network: str, old_token: str | None) -> str | None:
        """A new session's token, or None. An old session of this browser ends.

        Raises Busy when too many try at once.
        """
        login = login.strip()
        await self._delays.before(login, network)
        if self._trying.total() >= MOST_AT_THE_DOOR or self._trying[network] >= MOST_OF_ONE_NETWORK:
            raise Busy
        self._trying[network] += 1
        try:
            member = await self._known(login, secret)
        finally:
            self._trying[network] -= 1
            self._trying += Counter()  # drops what is zero
        if member is None:
            log.warning("sign_in_refused")
            return None
        self._delays.succeeded(login, network)
        token = secrets.token_urlsafe(32)
        if old_token:
            await self._database.write(staff.end_session, old_token)
        await self._database.write(staff.begin_session, member.staff_id, token, self._clock.now())
        log.info("signed_in", staff_id=member.staff_id)
        return token

    async def _known(self, login: str, secret: str) -> Member | None:
        """The member both fields belong to. Known and unknown names take the same steps."""
        plausible = 0 < len(login) <= MAX_LOGIN and login.isprintable()
        member = None
        if plausible:
            member = await self._database.read(staff.by_login, self._operator_id, login)
        stored = member.password_hash if member is not None else None
        matches = await self._matches(stored, secret if len(secret) <= MAX_SECRET else "")
        once = await self._database.write(
            staff.use_one_time_login,
            member.staff_id if member is not None else "",
            "" if matches else secret.strip(),
            self._clock.now(),
        )
        return member if member is not None and (matches or once) else None

    async def _matches(self, stored: str | None, secret: str) -> bool:
        loop = asyncio.get_running_loop()
        async with self._room:
            if self._nobody is None:  # of a secret nobody knows: checking it takes as long as any other
                self._nobody = await loop.run_in_executor(
                    self._threads, self._hasher.hash, secrets.token_hex(16)
                )
            found = await loop.run_in_executor(self._threads, self._verify, stored or self._nobody, secret)
        return found and stored is not None

    def _verify(self, stored: str, secret: str) -> bool:
        try:
            return self._hasher.verify(stored, secret)
        except (VerificationError, InvalidHashError):
            return False

    async def session(self, token: str, *, touch: bool) -> Session | None:
        """The session of a cookie; None when it is over. `touch` tells that a person acted just now."""
        if not token or len(token) > MAX_TOKEN or not token.isascii():
            return None
        now = self._clock.now()
        found = await self._database.read(staff.session_member, token, now)
        if found is None or found[0].operator_id != self._operator_id:
            return None
        member, seen_at = found
        if touch and now - seen_at >= TOUCH_AFTER:
            await self._database.write(staff.touch_session, token, now)
        return Session(member=member, token=token)

    async def leave(self, token: str) -> None:
        await self._database.write(staff.end_session, token)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)


def network_of(request: web.Request) -> str:
    """Who shares one patience: an IPv4 address, or the /64 an IPv6 address is in."""
    try:
        address = ipaddress.ip_address(request.remote or "")
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookies:
    """The two cookies of the console. With an https base address they are `__Host-` cookies."""

    secure: bool

    @property
    def session(self) -> str:
        return "__Host-engawa_staff" if self.secure else "engawa_staff"

    @property
    def login(self) -> str:
        """Its value stands in the sign-in form too: who posts the form has seen our page."""
        return "__Host-engawa_login" if self.secure else "engawa_login"

    def give(self, response: web.Response, name: str, value: str) -> None:
        response.set_cookie(name, value, path="/", secure=self.secure, httponly=True, samesite="Strict")

    def drop(self, response: web.Response, name: str) -> None:
        response.del_cookie(name, path="/", secure=self.secure, httponly=True, samesite="Strict")

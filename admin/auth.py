"""Who is at the door: passwords, one-time logins, the patience with wrong ones, and sessions by cookie.

The answer to a wrong name and to a wrong password is the same, in words and in time.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from aiohttp import web
from argon2 import PasswordHasher

from bot.channels.patience import Delays
from bot.clock import Clock
from bot.errors import Busy
from bot.runtime.hashing import Hashing
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

log = structlog.get_logger("staff")


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


class Door:
    """Lets members in and out."""

    def __init__(
        self, database: Database, clock: Clock, operator_id: str, delays: Delays, hasher: PasswordHasher
    ) -> None:
        self._database, self._clock, self._operator_id = database, clock, operator_id
        self._delays = delays
        self._hashing = Hashing(hasher, HASHERS)
        self._trying: Counter[str] = Counter()

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
        matches = await self._hashing.matches(stored, secret if len(secret) <= MAX_SECRET else "")
        once = await self._database.write(
            staff.use_one_time_login,
            member.staff_id if member is not None else "",
            "" if matches else secret.strip(),
            self._clock.now(),
        )
        return member if member is not None and (matches or once) else None

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
        await self._hashing.close()


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

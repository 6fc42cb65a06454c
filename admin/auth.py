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
from bot.store import factors, sittings, staff
from bot.store.database import Database
from bot.store.sittings import Sitting
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
    """A signed-in member, or one who is half-way (`stage`). The token is the cookie's; the database holds its hash.

    `is_proven`: they showed who they are within the last minutes (`staff.PROVEN`).
    """

    member: Member
    token: str = field(repr=False)
    session_id: str = ""
    stage: str = staff.FULL
    is_proven: bool = True

    @property
    def csrf(self) -> str:
        """What every form of this session carries; nobody else can make it."""
        return hmac.new(self.token.encode(), b"csrf", hashlib.sha256).hexdigest()

    def is_ours(self, csrf: str) -> bool:
        return hmac.compare_digest(self.csrf.encode(), csrf.encode())


def new_token() -> str:
    """256 random bits for a cookie."""
    return secrets.token_urlsafe(32)


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
        """A new session's token, or None: a session at whose stage the second factor is next. An old one ends.

        Raises Busy when too many try at once.
        """
        login = login.strip()
        await self._delays.before(login, network)
        if self._trying.total() >= MOST_AT_THE_DOOR or self._trying[network] >= MOST_OF_ONE_NETWORK:
            raise Busy
        self._trying[network] += 1
        try:
            member, stage = await self._known(login, secret)
        finally:
            self._trying[network] -= 1
            self._trying += Counter()  # drops what is zero
        if member is None:
            log.warning("sign_in_refused")
            return None
        self._delays.succeeded(login, network)
        token = new_token()
        if old_token:
            await self._database.write(staff.end_session, old_token)
        await self._database.write(
            staff.begin_session, member.staff_id, token, self._clock.now(), stage, staff.ONE_TIME
        )
        log.info("signed_in", staff_id=member.staff_id, stage=stage)
        return token

    async def _known(self, login: str, secret: str) -> tuple[Member | None, str]:
        """The member both fields belong to, and what comes next. Known and unknown names take the same steps."""
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
        if member is None or not (matches or once):
            return None, ""
        if once == staff.FULL:
            return member, staff.FULL
        has_one = await self._database.read(factors.has_any, member.staff_id)
        return member, staff.SECOND if has_one else staff.ENROL

    async def matches(self, member: Member, secret: str) -> bool:
        """Whether this is the member's passphrase, for who wants to change it."""
        return await self._hashing.matches(member.password_hash, secret if len(secret) <= MAX_SECRET else "")

    async def set_password(self, member: Member, secret: str, stage: str) -> str:
        """A passphrase that was checked, for good; all sessions end. The token of a new one at this stage."""
        await self._database.write(staff.set_password, member.staff_id, await self._hashing.hash(secret))
        token = new_token()
        await self._database.write(
            staff.begin_session, member.staff_id, token, self._clock.now(), stage, "passphrase"
        )
        return token

    async def session(self, token: str, *, touch: bool) -> Session | None:
        """The session of a cookie; None when it is over. `touch` tells that a person acted just now."""
        if not token or len(token) > MAX_TOKEN or not token.isascii():
            return None
        now = self._clock.now()
        found = await self._database.read(sittings.sitting, token, now)
        if found is None or found.member.operator_id != self._operator_id:
            return None
        if touch and now - found.seen_at >= TOUCH_AFTER:
            await self._database.write(staff.touch_session, token, now)
        return Session(
            member=found.member,
            token=token,
            session_id=found.session_id,
            stage=found.stage,
            is_proven=found.has_just_proven(now),
        )

    async def sessions(self, member: Member) -> list[Sitting]:
        """Where this member is signed in."""
        return await self._database.read(sittings.sittings, member.staff_id, self._clock.now())

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

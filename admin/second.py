"""The second factor: six figures of an app (RFC 6238), passkeys (WebAuthn), recovery codes; and setting them up.

A code is taken once, and none before it ever again. A challenge belongs to one session, and is spent by the first
answer. What an app or a passkey is known by lies sealed; recovery codes lie as hashes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pyotp
import segno
import structlog

from admin.auth import Session, new_token
from admin.codes import new_code, plain, step_of
from bot.channels.patience import Delays
from bot.clock import Clock
from bot.errors import BadInput
from bot.store import factors, sittings
from bot.store.database import Database
from bot.store.factors import PASSKEY, RECOVERY, TOTP, Factor
from bot.store.sealed import Sealer
from bot.store.staff import Member

CODES = 8
FIGURES = re.compile(r"\d{6}")
MAX_ANSWER = 16_384
SLOWER = 120.0
"""Seconds between wrong codes at last: fewer than twenty in ten minutes, from however many networks."""
ISSUER = "Engawa"

log = structlog.get_logger("staff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What a member can show. `options`: what the browser is asked for a passkey, as JSON; empty without one."""

    has_app: bool
    options: str
    codes_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a member can set up: an app by its secret and picture, or a passkey."""

    secret: str = field(repr=False)
    picture: str = field(repr=False)
    options: str


class SecondFactor:
    """Asks for second factors, and sets them up. `origin`: where browsers see the console; passkeys belong to it."""

    def __init__(
        self, database: Database, sealer: Sealer, clock: Clock, origin: str, delays: Delays | None = None
    ) -> None:
        self._database, self._sealer, self._clock = database, sealer, clock
        self._delays = delays or Delays(longest=SLOWER)
        parts = urlsplit(origin)
        safe = parts.scheme == "https" or parts.hostname == "localhost"
        self._origin = f"{parts.scheme}://{parts.netloc}" if safe else ""
        self._rp_id = (parts.hostname or "") if safe else ""

    # --- showing one ---

    async def ask(self, session: Session) -> Asking:
        """What this member can show; a fresh challenge for their passkeys."""
        member = session.member
        own = await self._database.read(factors.of, self._sealer, member)
        ids = [json.loads(one.secret)["id"] for one in own if one.kind == PASSKEY]
        options = ""
        if ids and self._rp_id:
            from admin import passkeys

            asked = passkeys.to_show(self._rp_id, ids)
            await self._keep(session, {"challenge": asked.challenge})
            options = asked.options
        left = await self._database.read(factors.codes_left, member.staff_id)
        return Asking(has_app=any(one.kind == TOTP for one in own), options=options, codes_left=left)

    async def show_code(self, session: Session, typed: str) -> str | None:
        """The token of the session from here on, once a code of the app or a recovery code was right."""
        member, code = session.member, re.sub(r"\s", "", typed)[:64]
        await self._delays.before(member.staff_id, "")
        way = TOTP if FIGURES.fullmatch(code) and code.isascii() else RECOVERY
        if way == TOTP:
            right = await self._is_code_of_app(member, code)
        else:
            right = await self._database.write(factors.use_code, member.staff_id, plain(code))
        return await self._through(session, way) if right else self._refused(member, way)

    async def show_passkey(self, session: Session, answer: str) -> str | None:
        """The same for what a passkey signed."""
        member = session.member
        await self._delays.before(member.staff_id, "")
        right = await self._is_signed(session, answer)
        return await self._through(session, PASSKEY) if right else self._refused(member, PASSKEY)

    async def _through(self, session: Session, way: str) -> str | None:
        token, now = new_token(), self._clock.now()
        self._delays.succeeded(session.member.staff_id, "")
        if not await self._database.write(sittings.promote, session.token, token, now, way):
            return None  # it ended meanwhile
        log.info("second_factor_shown", staff_id=session.member.staff_id, way=way)
        return token

    @staticmethod
    def _refused(member: Member, way: str) -> None:
        log.warning("second_factor_refused", staff_id=member.staff_id, way=way)

    async def _is_code_of_app(self, member: Member, code: str) -> bool:
        now, right = self._clock.now(), False
        for one in await self._database.read(factors.of, self._sealer, member):
            step = step_of(one.secret.decode(), code, int(now.timestamp())) if one.kind == TOTP else None
            if step is not None and await self._database.write(factors.advance, one, step, now):
                right = True
        return right

    async def _is_signed(self, session: Session, answer: str) -> bool:
        member = session.member
        challenge = (await self._spend(session)).get("challenge")
        given = _credential(answer)
        if not challenge or given is None or not self._rp_id:
            return False
        own = await self._database.read(factors.of, self._sealer, member)
        known: list[tuple[Factor, dict[str, str]]] = [
            (one, json.loads(one.secret)) for one in own if one.kind == PASSKEY
        ]
        found = next(((one, kept) for one, kept in known if kept["id"] == given.get("id")), None)
        if found is None:
            return False
        one, kept = found
        from admin import passkeys

        counter = passkeys.shown(
            given,
            challenge=challenge,
            rp_id=self._rp_id,
            origin=self._origin,
            key=kept["key"],
            counter=one.counter,
        )
        if counter is None:
            return False
        return await self._database.write(factors.advance, one, counter, self._clock.now())

    # --- setting one up ---

    async def offer(self, session: Session) -> Offer:
        """A secret for an app, the same as long as this session has not used it, and a challenge for a passkey."""
        member, kept = session.member, await self._pending(session)
        secret = kept.get("secret") or pyotp.random_base32()
        told, options = {"secret": secret}, ""
        if self._rp_id:
            own = await self._database.read(factors.of, self._sealer, member)
            from admin import passkeys

            asked = passkeys.to_set_up(
                self._rp_id,
                ISSUER,
                user=member.staff_id,
                login=member.login,
                name=member.display_name,
                ids=(json.loads(one.secret)["id"] for one in own if one.kind == PASSKEY),
            )
            told["challenge"], options = asked.challenge, asked.options
        await self._keep(session, told)
        uri = pyotp.TOTP(secret).provisioning_uri(name=member.login, issuer_name=ISSUER)
        picture = segno.make(uri, error="m").svg_inline(scale=4, border=3, dark="#000", light="#fff")
        return Offer(secret=secret, picture=picture, options=options)

    async def set_up_app(self, session: Session, code: str) -> tuple[str, list[str]]:
        """Sets up the app that was offered, once it shows the right figures: session token, new recovery codes.

        There are none as long as some are left. Raises BadInput when the figures are not right.
        """
        await self._delays.before(session.member.staff_id, "enrol")
        now, kept = self._clock.now(), await self._pending(session)
        secret, code = kept.get("secret", ""), re.sub(r"\s", "", code)[:64]
        step = step_of(secret, code, int(now.timestamp())) if secret else None
        if step is None or not await self._spend(session):
            raise BadInput("These figures are not the ones of now. Look at the app once more.")
        await self._database.write(
            factors.add, self._sealer, session.member, TOTP, secret.encode(), now, counter=step
        )
        return await self._set_up(session, TOTP)

    async def set_up_passkey(self, session: Session, answer: str) -> tuple[str, list[str]]:
        """Sets up a passkey. Session token and recovery codes. Raises BadInput for one that is not as asked for."""
        await self._delays.before(session.member.staff_id, "enrol")
        challenge, given = (await self._spend(session)).get("challenge"), _credential(answer)
        made = None
        if challenge and given is not None and self._rp_id:
            from admin import passkeys

            made = passkeys.set_up(given, challenge=challenge, rp_id=self._rp_id, origin=self._origin)
        if made is None:
            raise BadInput("The passkey could not be set up. It can be tried again.")
        kept = {"id": made.id, "key": made.key}
        await self._database.write(
            factors.add,
            self._sealer,
            session.member,
            PASSKEY,
            json.dumps(kept).encode(),
            self._clock.now(),
            counter=made.counter,
            credential_id=made.id,
        )
        return await self._set_up(session, PASSKEY)

    async def _set_up(self, session: Session, way: str) -> tuple[str, list[str]]:
        self._delays.succeeded(session.member.staff_id, "enrol")
        left = await self._database.read(factors.codes_left, session.member.staff_id)
        codes = [] if left else await self.new_codes(session.member)
        token = await self._through(session, way)
        if token is None:
            raise BadInput("The time for this has passed. Sign in once more.")
        return token, codes

    async def new_codes(self, member: Member) -> list[str]:
        """Recovery codes in place of those before, to be shown this once."""
        codes = [new_code() for _ in range(CODES)]
        await self._database.write(factors.offer_codes, member.staff_id, [plain(code) for code in codes])
        return codes

    # --- what a session is in the middle of ---

    async def _pending(self, session: Session) -> dict[str, str]:
        found = await self._database.read(factors.pending, self._sealer, session.member, session.session_id)
        return dict(json.loads(found)) if found else {}

    async def _keep(self, session: Session, what: dict[str, str]) -> None:
        told = json.dumps(what).encode()
        await self._database.write(
            factors.keep_pending, self._sealer, session.member, session.session_id, told
        )

    async def _spend(self, session: Session) -> dict[str, str]:
        found = await self._database.write(
            factors.spend_pending, self._sealer, session.member, session.session_id
        )
        return dict(json.loads(found)) if found else {}


def _credential(answer: str) -> dict[str, Any] | None:
    """What a browser said of a passkey; None for what is no such thing."""
    if len(answer) > MAX_ANSWER:
        return None
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("id"), str) else None

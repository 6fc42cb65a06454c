"""Fakes that ship with the product: a clock that stands, a platform that remembers, content, a whole house."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

import msgspec

from bot.app import Engawa, Roles
from bot.channels.base import Channel, Health, Parsed, WebhookState
from bot.clock import Clock
from bot.config import load
from bot.content import codec
from bot.content.pack import Pack, Released
from bot.errors import BadInput, BadSignature, SendError
from bot.messages import Address, Hold, Inbound, Kind, Outgoing, ReplyHint

A_DAY = datetime(2026, 11, 21, 0, 0, tzinfo=UTC)
A_KEY = "k1:" + base64.b64encode(bytes(range(32))).decode()
SIGNED = {"x-fake-signature": "signed"}


class FakeClock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime = A_DAY) -> None:
        self._now, self._set_by = now, timedelta()

    def now(self) -> datetime:
        return self._now

    def steady(self) -> float:
        return self._now.timestamp() - self._set_by.total_seconds()

    def set(self, by: timedelta) -> datetime:
        """Somebody sets the clock: no time passes; returns the new instant."""
        self._set_by += by
        return self.move(by)

    def move(self, by: timedelta) -> datetime:
        """Lets this much time pass; returns the new instant."""
        self._now += by
        return self._now


class FakeChannel:
    """A platform that takes everything, remembers it, and fails as it was told. Implements `Channel`."""

    def __init__(self, account: str = "fake") -> None:
        self._account = account
        self._faults: deque[tuple[SendError, bool]] = deque()
        self._stirred = asyncio.Event()
        self._heard = 0
        self.tries: list[Outgoing] = []
        self.arrived: list[Outgoing] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.way: str | Hold | None = "fake"
        self.health = Health(webhook=WebhookState.OK)

    @property
    def account(self) -> str:
        return self._account

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    # --- in ---

    def heard(
        self,
        person: str,
        text: str = "",
        *,
        choice_id: str = "",
        kind: Kind | None = None,
        event: str = "",
        at: datetime = A_DAY,
        token: str = "",
        message: str = "",
        entry: str = "",
    ) -> Inbound:
        """An event of a person; `event` is its dedupe key, a fresh one if left out, `message` its message's name."""
        self._heard += 1
        return Inbound(
            address=Address(account=self._account, key=person),
            dedupe_key=event or f"event-{self._heard}",
            sent_at=at,
            kind=kind or (Kind.CHOICE if choice_id else Kind.TEXT),
            text=text,
            choice_id=choice_id,
            message_key=message,
            entry=entry,
            reply_hint=ReplyHint(token=token, received_at=at) if token else None,
        )

    def parse(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> Parsed:
        """A signed JSON list of `{"person", "event", "text"}`."""
        if headers.get("x-fake-signature") != SIGNED["x-fake-signature"]:
            raise BadSignature
        try:
            events = msgspec.json.decode(raw, type=list[dict[str, str]])
            return Parsed(
                events=[
                    self.heard(event["person"], event["text"], event=event["event"], at=now)
                    for event in events
                ]
            )
        except (msgspec.DecodeError, KeyError) as error:
            raise BadInput from error

    # --- out ---

    def route(self, outgoing: Outgoing, now: datetime) -> str | Hold | None:  # noqa: ARG002
        return self.way

    async def check(self) -> Health:
        return self.health

    async def send(self, outgoing: Outgoing) -> None:
        self.tries.append(outgoing)
        self._stirred.set()
        await self.gate.wait()
        error, arrives = self._faults.popleft() if self._faults else (None, True)
        if arrives:
            self.arrived.append(outgoing)
        self._stirred.set()
        if error is not None:
            raise error

    def fail(self, *errors: SendError, arrives: bool = False) -> None:
        """The next sends fail with these, one each; with `arrives` the message gets there all the same."""
        self._faults.extend((error, arrives) for error in errors)

    def texts(self, person: str) -> list[str]:
        """What arrived at a person, bubble by bubble."""
        return [text for one in self.arrived if one.address.key == person for text in one.reply.texts]

    async def until(self, condition: Callable[[], bool], seconds: float = 10.0) -> None:
        """Returns when the condition holds; looked at after every send. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._stirred.clear()
                await self._stirred.wait()


@cache
def a_pack(number: int = 1) -> Pack:
    """The shipped content, as this release."""
    return codec.build(number, codec.seed())


def a_release(number: int = 1) -> Released:
    """The shipped content, as flows see it."""
    return Released(latest=a_pack(number))


@contextlib.asynccontextmanager
async def an_engawa(
    url: str,
    *,
    clock: Clock | None = None,
    channels: Sequence[Channel] = (),
    environ: Mapping[str, str] | None = None,
    roles: Roles | None = None,
    started: bool = False,
) -> AsyncIterator[Engawa]:
    """A whole house on this database: migrated, with its first content. `started` sets its workers going."""
    settings = load(
        {"ENGAWA_KEYS": A_KEY, "ENGAWA_SPOOL": "off", **(environ or {}), "ENGAWA_DATABASE_URL": url}
    )
    engawa = Engawa(settings, clock=clock or FakeClock(), roles=roles)
    engawa.channels.update({channel.account: channel for channel in channels})
    try:
        await engawa.prepare()
        if started:
            await engawa.start()
        yield engawa
    finally:
        await engawa.stop()

"""Threads that go to another browser: found again by a passphrase, or brought over by a link (decision 009).

A thread is at one address at a time. Where it was before ends with the move.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import structlog
from argon2 import PasswordHasher
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bot.clock import Clock
from bot.errors import Busy
from bot.messages import Address, Outgoing, Purpose
from bot.runtime.hashing import Hashing
from bot.runtime.live import QUEUE, Hub, News
from bot.store import conversations, moving
from bot.store.database import Database
from bot.store.dialect import notify
from bot.store.sealed import Sealer

HASHERS = 1  # guesses must never take the whole machine: a second core is left to the talks
MOST_AT_ONCE = 16
MARKER = "moved"

log = structlog.get_logger("moves")


class Moves:
    """Passphrases and links of contacts, and the moves they allow."""

    def __init__(
        self,
        database: Database,
        hub: Hub,
        clock: Clock,
        sealer: Sealer,
        operator_id: str,
        base_url: str,
        *,
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._database, self._hub, self._clock, self._sealer = database, hub, clock, sealer
        self._operator_id, self._base_url = operator_id, base_url
        self._hashing = Hashing(hasher or PasswordHasher(parallelism=1), HASHERS)
        self._waiting = 0

    # --- passphrases ---

    async def has_passphrase(self, address: Address) -> bool | None:
        """Whether this person has one; None when nobody is known at this address."""

        def look(connection: Connection) -> bool | None:
            contact_id = self._contact(connection, address)
            return None if contact_id is None else moving.has_passphrase(connection, contact_id)

        return await self._database.read(look)

    async def set_passphrase(self, address: Address, phrase: str) -> bool:
        """Keeps this one instead of any before. False when nobody is known here. Raises Busy, StoreUnavailable."""
        with self._room():
            verifier = await self._hashing.hash(phrase)
        lookup = self._sealer.keyring.passphrase_lookup(self._operator_id, phrase)

        def keep(connection: Connection) -> bool:
            contact_id = self._contact(connection, address)
            if contact_id is not None:
                moving.keep_passphrase(connection, contact_id, lookup, verifier)
            return contact_id is not None

        try:
            return await self._database.write(keep)
        except IntegrityError as error:  # somebody has the very same six words: draw again
            raise Busy from error

    async def drop_passphrase(self, address: Address) -> None:
        """From now on none leads here."""

        def drop(connection: Connection) -> None:
            contact_id = self._contact(connection, address)
            if contact_id is not None:
                moving.drop_passphrase(connection, contact_id)

        await self._database.write(drop)

    async def come_back(self, phrase: str, address: Address) -> bool:
        """Brings the thread of a passphrase to this address. An unknown one takes the same steps and time.

        Raises Busy when too many try at once, and StoreUnavailable.
        """
        lookup, found = b"", None
        for lookup in self._sealer.keyring.passphrase_lookups(self._operator_id, phrase):
            found = await self._database.read(moving.passphrase, lookup)
            if found is not None:
                break
        contact_id, verifier = found if found is not None else ("", None)
        with self._room():
            if not await self._hashing.matches(verifier, phrase):
                log.info("passphrase_unknown")
                return False
        return await self._move(contact_id, address, lookup=lookup)

    # --- links ---

    def with_link(self, outgoing: Outgoing) -> Outgoing:
        """An invitation with its link, as it leaves the house."""
        if outgoing.purpose is not Purpose.MOVE:
            return outgoing
        token = self._sealer.keyring.move_token(outgoing.contact_id, outgoing.seq)
        # LINE opens links in its own browser otherwise, whose cookies do not last.
        link = f"{self._base_url}/chat/move/{token}?openExternalBrowser=1"
        return replace(outgoing, reply=outgoing.reply.followed_by(link))

    async def is_open(self, token: str) -> bool:
        """Whether the link still works; looking does not use it up."""
        return await self._database.read(moving.link, token, self._clock.now()) is not None

    async def follow(self, token: str, address: Address) -> bool:
        """Brings the thread of a link to this address, once."""
        return await self._move("", address, token=token)

    # --- both ---

    async def _move(self, contact_id: str, address: Address, *, token: str = "", lookup: bytes = b"") -> bool:
        news = await self._database.write(self._moved, contact_id, address, token, lookup)
        if news is None:
            return False
        self._hub.spread(news)
        log.info("thread_moved", by="link" if token else "passphrase")
        return True

    def _moved(
        self, connection: Connection, contact_id: str, address: Address, token: str, lookup: bytes
    ) -> News | None:
        now, chosen = self._clock.now(), contact_id
        if token:
            chosen = moving.use_link(connection, token, now) or ""
        elif (moving.passphrase(connection, lookup) or ("",))[0] != contact_id:
            return None  # renewed, dropped or erased while it was checked
        if not chosen:
            return None
        loaded = moving.move(connection, self._sealer, chosen, address, now, marker=MARKER if token else "")
        if loaded is None:
            return None
        news = News({chosen, QUEUE})
        notify(connection, news.topics)
        return news

    def _contact(self, connection: Connection, address: Address) -> str | None:
        return conversations.find(connection, self._sealer, self._operator_id, address)

    @contextlib.contextmanager
    def _room(self) -> Iterator[None]:
        if self._waiting >= MOST_AT_ONCE:
            raise Busy
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        await self._hashing.close()

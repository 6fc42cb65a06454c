"""Argon2id off the event loop, so many at once and no more: each takes 64 MiB and a tenth of a second."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


class Hashing:
    """Checks secrets. Who is not known takes as long as who is."""

    def __init__(self, hasher: PasswordHasher, at_once: int) -> None:
        self._hasher = hasher
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="hashing")
        self._room = asyncio.Semaphore(at_once)
        self._nobody: str | None = None

    async def hash(self, secret: str) -> str:
        """How a secret is kept."""
        async with self._room:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, secret)

    async def matches(self, stored: str | None, secret: str) -> bool:
        """Whether the secret is the stored one. Never with None, which is checked all the same."""
        if self._nobody is None:  # of a secret nobody knows: checking it takes as long as any other
            self._nobody = await self.hash(secrets.token_hex(16))
        async with self._room:
            found = await asyncio.get_running_loop().run_in_executor(
                self._threads, self._verify, stored or self._nobody, secret
            )
        return found and stored is not None

    def _verify(self, stored: str, secret: str) -> bool:
        try:
            return self._hasher.verify(stored, secret)
        except (VerificationError, InvalidHashError):
            return False

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)
